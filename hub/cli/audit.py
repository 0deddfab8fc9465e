"""`shuniu audit`: the sharing log, for auditors and inspectors."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from certs.errors import LogBrokenError
from certs.tile_files import TILE_WIDTH
from hub.cli import api
from hub.cli.audit_export import check_folder, export
from hub.cli.failures import Missing, Refused
from hub.cli.log_verification import verify_log
from hub.cli.verbs import Kind, add_list
from hub.client.folder import write_durably

EVENTS = Kind(
    "/v1/audit/events",
    ("occurred_at", "event", "outcome", "leaf.actor.id", "leaf.object.id", "leaf_hash"),
    "ID",
)

LINE_EVERY = 64
"""Bundles between two lines of progress where there is no terminal: 16,384 entries."""

MOST_FAULTS = 100
"""Rows that a verification names before it ends: whoever has changed so many has changed the log, not a row."""

SHOWN = 100
"""A log is long; who wants more says so."""


@click.group(help="共享日志：查询、导出、核验 / the sharing log: search, export, verify")
def audit() -> None:
    """The sharing log."""


add_list(
    audit,
    EVENTS,
    name="events",
    filters={"event": "事件类型，如 grant.revoked / type of event", "actor": "行为者标识 / id of who acted"},
    limit=SHOWN,
)


audit.add_command(export)


@audit.command("verify", help="逐条核验整个日志 / check the whole log, entry by entry")
@click.option(
    "--trust",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="含 log.pub 的目录 / folder with log.pub",
)
@click.option(
    "--checkpoint",
    "older",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="以前存下的检查点：证明此后没有改写 / a checkpoint kept from before: nothing may have changed since",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, dir_okay=False),
    help="核验通过后把检查点存到此处 / where to keep the checkpoint once it holds",
)
def verify(trust: Path, older: Path | None, keep: Path | None) -> None:
    """Fetch everything, believe nothing but the key in `trust`; exit 1 with what is wrong, every row by its name."""
    key = _log_key(trust)
    if keep is not None:
        check_folder(keep)
    faults = _Faults()
    with api.reading() as fetch:
        kept = older.read_bytes() if older else None
        found = verify_log(fetch, key, older=kept, over=_with_progress, tell=faults.tell)
    faults.end()
    if keep is not None:
        write_durably(keep.absolute().parent, keep.name, found.note)
    size = found.checkpoint.size
    click.echo(
        f"日志完好：{size} 条，与检查点一致{'，也与以前的检查点一致' if older else ''} / "
        f"the log is whole: {size} entries, as the checkpoint says{' and the older one before it' if older else ''}"
    )


@dataclass(slots=True)
class _Faults:
    """The rows that are not as they should be, told as they are found."""

    count: int = 0

    def tell(self, fault: LogBrokenError) -> None:
        """Print it. Raises Refused at the last that is told."""
        click.echo(str(fault), err=True)
        self.count += 1
        if self.count == MOST_FAULTS:
            raise Refused(
                f"已发现 {MOST_FAULTS} 处，不再往下核验；请保全数据库后查明 / "
                f"{MOST_FAULTS} faults were found, and nothing beyond them was looked at: secure the database and find out"
            )

    def end(self) -> None:
        """Nothing, when there was none. Raises Refused."""
        if self.count:
            raise Refused(
                f"共 {self.count} 处不符，已逐一列出；其余各条与检查点一致 / "
                f"{self.count} faults, each named above; all else is as the checkpoint says"
            )


def _log_key(trust: Path) -> str:
    try:
        return (trust / "log.pub").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "ASCII"
        raise Missing(
            f"{trust} 中读不到 log.pub（{why}）；请从枢纽的安全管理员处取得，不要从被核验的服务器取 / "
            f"cannot read log.pub in {trust} ({why}); get it from the hub's officer, not from the server that is checked"
        ) from None


def _with_progress(bundles: range) -> Iterator[int]:
    """The bundles, with a bar on a terminal and a line now and then elsewhere."""
    if sys.stderr.isatty():
        with click.progressbar(bundles, label="核验 / verifying", show_pos=True, show_eta=True, file=sys.stderr) as bar:
            yield from bar
        return
    for number in bundles:
        yield number
        if (number + 1) % LINE_EVERY == 0:
            click.echo(f"{(number + 1) * TILE_WIDTH} 条 / entries", err=True)
