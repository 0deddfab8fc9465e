"""`shuniu verify`: whether evidence, an exported log or a receipt's promise holds, offline.

Imports the verifiers and nothing of the gateway. What FILE is shows in its first bytes; what it is measured against comes
from the folder that `--trust` names and never from FILE.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from cryptography import x509

from certs.anchors import Anchors
from certs.checkpoint import LONGEST_NOTE, open_checkpoint
from certs.errors import CertsError
from certs.evidence import verify_evidence
from certs.evidence_form import MAX_BYTES
from certs.export import Exported, ExportVerdict, verify_export
from certs.export_form import FIRST_BYTES
from certs.log_tiles import read_tiles
from certs.paths import read_certificates
from certs.receipt_promise import MAX_RECEIPT_BYTES, LogRead, ReadLog, Watch, verify_promise
from certs.statements import Checked, Verdict

REFUSED = 1
MISSING = 3

TELL_EVERY = 16_384
"""Entries between two steps of progress: a good tenth of a second."""

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_JWS = re.compile(rb"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}\s*")
_MARKS = {"holds": "✓", "absent": "–", "failed": "✗"}

_EVIDENCE = ("证据", "the evidence")
_EXPORT = ("导出的日志", "the exported log")
_RECEIPT = ("凭证的承诺", "the receipt's promise")


class Missing(click.ClickException):
    """There is nothing to measure the file against."""

    exit_code = MISSING


def _moment(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """A time with its offset."""
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        found = None
    if text is not None and (found is None or found.tzinfo is None):
        raise click.BadParameter("须为带时区的时间，如 2026-11-22T09:00:00+08:00 / a time with its offset")
    return found


@click.command(
    help="核验证据文件、导出的日志，或凭证的承诺，无需联网 / check evidence, an exported log, or a receipt's promise, offline"
)
@click.argument("file", type=_FILE)
@click.option(
    "--trust",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    multiple=True,
    help="含 ca.pem 和 log.pub（核验凭证另需 hub.pem）的目录，不从文件或服务器取 / "
    "folder with ca.pem and log.pub (for a receipt hub.pem too), not from the file or its server",
)
@click.option("--checkpoint", "older", type=_FILE, help="以前存下的检查点 / a checkpoint kept from another time")
@click.option("--log", "export", type=_FILE, help="对照凭证的导出日志 / for a receipt: an exported log")
@click.option(
    "--tlog", "tiles", type=_FOLDER, help="对照凭证的 /tlog/ 副本 / for a receipt: a folder with what /tlog/ serves"
)
@click.option(
    "--fetched-at",
    callback=_moment,
    metavar="TIME",
    help="副本是何时取得的（带时区），供没有条目内容的副本 / when you fetched the copy (with offset), where it has no times",
)
def verify(
    *,
    file: Path,
    trust: tuple[Path, ...],
    older: Path | None,
    export: Path | None,
    tiles: Path | None,
    fetched_at: datetime | None,
) -> None:
    """Print every statement; exit 0 when all hold, 1 when one does not, 3 when something to measure against is missing."""
    if len(trust) > 1:
        raise click.UsageError("--trust 只能给出一次 / give it once: one verification for each set of anchors")
    first = _read(file, MAX_RECEIPT_BYTES)
    is_receipt = first[:1] != b"{" and (export or tiles or _JWS.fullmatch(first))
    kind = _EXPORT if first.startswith(FIRST_BYTES) else _RECEIPT if is_receipt else _EVIDENCE
    if kind is _RECEIPT and (export is None) == (tiles is None):
        raise Missing(
            "核验凭证须给出日志的副本：--log 导出的日志，或 --tlog 目录，二者之一 / "
            "a receipt is checked against a copy of the log: give --log or --tlog, one of them"
        )
    if kind is not _RECEIPT and (export or tiles or fetched_at):
        raise click.UsageError("--log、--tlog、--fetched-at 只用于凭证 / these are for receipts")
    anchors = _anchors(trust[0])
    kept = None if older is None else _read(older, LONGEST_NOTE)
    if kind is _RECEIPT:
        source = _export_reader(export, anchors, kept) if export else _tiles_reader(tiles or file, anchors, kept)
        compact = _read(file, MAX_RECEIPT_BYTES)
        certificates = _hub_certificates(trust[0])
        _show(verify_promise(compact, certificates, anchors, source, fetched_at=fetched_at), kind)
    elif kind is _EXPORT:
        _show(_judge_export(file, anchors, kept, lambda *_: None), kind)
    else:
        _show(verify_evidence(_read(file, MAX_BYTES), anchors, older=kept), kind)


def _read(path: Path, most: int) -> bytes:
    """What is read of a file: `most` bytes, and one more where there are more, so that the verifier says so."""
    with path.open("rb") as opened:
        return opened.read(most + 1)


@contextmanager
def _progress(length: int) -> Iterator[Callable[[int, int], None]]:
    """Takes how many entries were read, and how far that is of `length`: a bar on a terminal, lines elsewhere."""
    if not sys.stderr.isatty():
        yield lambda entries, _: click.echo(f"{entries} 条 / entries", err=True)
        return
    with click.progressbar(length=length, label="核验 / verifying", show_eta=True, file=sys.stderr) as bar:
        yield lambda _, place: bar.update(place - bar.pos)


def _judge_export(path: Path, anchors: Anchors, older: bytes | None, watch: Watch) -> ExportVerdict:
    with path.open("rb") as opened, _progress(path.stat().st_size) as tell:

        def see(one: Exported) -> None:
            watch(one.index, one.hashed, one.leaf)
            if (one.index + 1) % TELL_EVERY == 0:
                tell(one.index + 1, opened.tell())

        return verify_export(opened, anchors, older=older, watch=see)


def _export_reader(path: Path, anchors: Anchors, older: bytes | None) -> ReadLog:
    def read(watch: Watch) -> LogRead:
        verdict = _judge_export(path, anchors, older, watch)
        if verdict.checkpoint is None or verdict.export is None:
            return LogRead(verdict.checked)
        return LogRead(verdict.checked, verdict.checkpoint.origin, verdict.export.first)

    return read


def _tiles_reader(folder: Path, anchors: Anchors, older: bytes | None) -> ReadLog:
    def fetch(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def read(watch: Watch) -> LogRead:
        with _progress(_size_of(fetch("checkpoint"), anchors)) as tell:

            def see(index: int, hashed: bytes, leaf: bytes | None) -> None:
                watch(index, hashed, leaf)
                if (index + 1) % TELL_EVERY == 0:
                    tell(index + 1, index + 1)

            return read_tiles(fetch, anchors, see, older=older)

    return read


def _size_of(note: bytes | None, anchors: Anchors) -> int:
    """How many entries there are to be read; what is wrong with the note is for the verifier to say."""
    try:
        return open_checkpoint(note or b"", anchors.log).size
    except CertsError:
        return 0


def _show(verdict: Verdict, kind: tuple[str, str]) -> None:
    for checked in verdict.checked:
        click.echo(_line(checked))
    if verdict.failed is not None:
        click.echo(f"{kind[0]}不成立，其后各项未核验 / {kind[1]} does not hold; nothing after this was checked")
        raise click.exceptions.Exit(REFUSED)
    click.echo(f"{kind[0]}成立 / {kind[1]} holds")


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
        raise Missing(
            f"{trust} 中读不到 ca.pem 和 log.pub（{fault.strerror}）；请从枢纽的安全管理员处取得 / "
            f"cannot read ca.pem and log.pub in {trust} ({fault.strerror}); get them from the hub's officer"
        ) from None
    except (ValueError, CertsError) as fault:
        raise Missing(
            f"{trust} 中的 ca.pem 或 log.pub 内容不对 / ca.pem or log.pub in {trust} is not as it should be: {fault}"
        ) from None


def _hub_certificates(trust: Path) -> list[x509.Certificate]:
    """The hub's certificates, to be believed as far as they lead to an anchor."""
    try:
        return read_certificates((trust / "hub.pem").read_bytes())
    except (OSError, ValueError) as fault:
        raise Missing(
            f"{trust} 中读不到 hub.pem（枢纽的凭证证书）；请从枢纽的安全管理员处取得 / "
            f"cannot read hub.pem, the hub's receipt certificate, in {trust}; get it from the hub's officer: {fault}"
        ) from None
