"""`shuniu verify`: whether a file of evidence holds, offline. Imports the verifier and nothing of the gateway."""

from pathlib import Path

import click

from certs.errors import CertsError
from certs.evidence import Anchors, Checked, verify_evidence

REFUSED = 1
MISSING = 3

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_MARKS = {"holds": "✓", "absent": "–", "failed": "✗"}


class NoAnchors(click.ClickException):
    """There is nothing to measure evidence against."""

    exit_code = MISSING


@click.command(help="核验证据文件，无需联网 / check a file of evidence, offline")
@click.argument("file", type=_FILE)
@click.option(
    "--trust",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="含 ca.pem 和 log.pub 的目录，不从证据或服务器取 / folder with ca.pem and log.pub, not from the evidence or its server",
)
@click.option("--checkpoint", "older", type=_FILE, help="以前存下的检查点 / a checkpoint kept from another time")
def verify(file: Path, trust: Path, older: Path | None) -> None:
    """Print every statement; exit 0 when all hold, 1 when one does not, 3 without anchors."""
    anchors = _anchors(trust)
    verdict = verify_evidence(file.read_bytes(), anchors, older=older.read_bytes() if older else None)
    for checked in verdict.checked:
        click.echo(_line(checked))
    if verdict.failed is not None:
        click.echo("证据不成立，其后各项未核验 / the evidence does not hold; nothing after this was checked")
        raise click.exceptions.Exit(REFUSED)
    click.echo("证据成立 / the evidence holds")


def _line(checked: Checked) -> str:
    line = f"{_MARKS[checked.outcome]} {checked.name}: {checked.zh} / {checked.en}"
    if checked.outcome == "absent":
        return f"{line}（文件中没有 / none in the file）"
    return (
        line if checked.fault is None else f"{line}\n  {checked.fault.reason}: {checked.fault.zh} / {checked.fault.en}"
    )


def _anchors(trust: Path) -> Anchors:
    try:
        return Anchors.read((trust / "ca.pem").read_bytes(), (trust / "log.pub").read_text(encoding="ascii"))
    except OSError as fault:
        raise NoAnchors(
            f"{trust} 中读不到 ca.pem 和 log.pub（{fault.strerror}）；请从枢纽的安全管理员处取得 / "
            f"cannot read ca.pem and log.pub in {trust} ({fault.strerror}); get them from the hub's officer"
        ) from None
    except (ValueError, CertsError) as fault:
        raise NoAnchors(
            f"{trust} 中的 ca.pem 或 log.pub 内容不对 / ca.pem or log.pub in {trust} is not as it should be: {fault}"
        ) from None
