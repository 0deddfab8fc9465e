"""`shuniu audit export`: a part of the sharing log in a file that proves itself.

What comes is written beside the file's name and takes it when it is whole; a download that is cut off goes on from the first
leaf that is lacking, here or with `--resume`. Whether the file is to be believed is for `shuniu verify`, with anchors that
do not come from the hub.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click
import httpx

from certs.errors import CertsError
from certs.export_form import LONGEST_LINE, read_head, read_line
from certs.export_reading import Read, read_export
from hub.cli import api
from hub.cli import session as sessions
from hub.cli.failures import Missing, Refused
from hub.cli.output import show_json
from hub.cli.verbs import as_json as json_option
from hub.client.wire import problem_of, trusted

EXPORTS = "/v1/audit/exports"

ATTEMPTS = 4
"""Connections that one command makes for a download; then it is for `--resume`."""

PAUSE_S = 1.0
"""Before a connection is made again."""

ANSWER_S = 60.0
"""Between two pieces of an answer: a tile is read from the database in milliseconds."""

REMADE_PER_S = 5_000
"""Leaves that a hub makes again for the digest, and does not send, when a download goes on; ten times slower than measured."""

LINE_EVERY = 16_384
"""Leaves between two lines of progress where there is no terminal."""


@click.command("export", help="导出日志为可离线核验的文件 / export the log as a file that is verified offline")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="写到 / file to write")
@click.option(
    "--from", "first", type=click.IntRange(min=0), help="从第几条起，缺省 0 / index of the first leaf; default: 0"
)
@click.option(
    "--until",
    type=click.IntRange(min=0),
    help="到第几条之前，缺省到检查点 / up to, not including; default: as far as the checkpoint goes",
)
@click.option("--event", help="只要这种事件，其余只留哈希 / this type of event; of others the hash alone")
@click.option("--actor", help="只要这个行为者 / entries of this actor")
@click.option("--since", help="此时起（RFC 3339，带时区）/ from this time on, with offset")
@click.option("--before", help="此时之前 / before this time")
@click.option("--resume", is_flag=True, help="续传中断的导出 / go on with an export that was cut off")
@json_option
def export(out: Path, *, resume: bool, as_json: bool, **asked: Any) -> None:
    """Ask, fetch, compare with the manifest, and only then give the file its name."""
    part = out.with_name(f"{out.name}.part")
    if resume and any(value is not None for value in asked.values()):
        raise click.UsageError("--resume 沿用原来的范围和筛选 / --resume keeps the part and filter that were asked for")
    if out.exists():
        raise click.UsageError(f"{out} 已存在，不会覆盖 / {out} is there already and is not overwritten")
    if part.exists() != resume:
        raise _resume_or_not(part, resume=resume)
    check_folder(out)
    ordered = _resumed(part) if resume else _asked(asked)
    try:
        download(ordered, part)
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()  # nothing came that one could go on with
    read = _compare(part, ordered.until - ordered.first)
    part.replace(out)
    _tell(out, read, as_json=as_json)


def check_folder(file: Path) -> None:
    """Nothing, when `file` can be written where it is to lie: known before long work, not after. Raises UsageError."""
    folder = file.absolute().parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise click.UsageError(f"{folder} 不是可写的目录 / {folder} is no folder that can be written to")


@dataclass(frozen=True, slots=True)
class Ordered:
    """An export that was asked for: its id, its first leaf, and the one after its last."""

    id: str
    first: int
    until: int


def download(ordered: Ordered, part: Path) -> None:
    """Fetch what `part` lacks of the export, over several connections if need be. Raises `Refused`, `Missing`."""
    held = sessions.load()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            part.touch()
            with part.open("r+b") as file, httpx.Client(base_url=held.url, verify=trusted(held.url)) as http:
                cursor = keep_whole_lines(file)
                held_already = 0 if cursor is None else cursor - ordered.first
                with http.stream(
                    "GET",
                    f"{EXPORTS}/{ordered.id}",
                    params={} if cursor is None else {"cursor": cursor},
                    headers={"Authorization": f"Bearer {held.token}"},
                    timeout=httpx.Timeout(ANSWER_S, read=ANSWER_S + held_already / REMADE_PER_S),
                ) as answer:
                    _write(answer, file, ordered.until - ordered.first - held_already)
                os.fsync(file.fileno())
            return
        except httpx.HTTPError as fault:
            if attempt == ATTEMPTS:
                raise Missing(
                    f"连接中断（{type(fault).__name__}）；若已取得一部分，它在 {part}，请用 --resume 续传；"
                    "总在同一处中断时，请用 shuniu audit verify 核对日志 / "
                    f"the connection broke ({type(fault).__name__}); what came, if anything, lies in {part}: go on with --resume; "
                    "where it always breaks in one place, check the log with shuniu audit verify"
                ) from None
            time.sleep(PAUSE_S)


def keep_whole_lines(file: BinaryIO) -> int | None:
    """Cut off what follows the last whole leaf; the index of the leaf that is lacking, None when there is no head yet."""
    place = 0
    lacking: int | None = None
    file.seek(0)
    while True:
        line = file.readline(LONGEST_LINE + 1)
        found = _lacking_after(line, is_first=place == 0)
        if found is None:
            break
        lacking, place = found, place + len(line)
    file.seek(place)
    file.truncate()
    return lacking


def _lacking_after(line: bytes, *, is_first: bool) -> int | None:
    """The index that comes after this line; None when the line is to be fetched again."""
    if not is_first:
        one = read_line(line)
        return None if one is None else one.index + 1
    try:
        return read_head(line).first if line.endswith(b"\n") else None
    except CertsError:
        return None


def _write(answer: httpx.Response, file: BinaryIO, lacking: int) -> None:
    if not answer.is_success:
        answer.read()
        with api.failures():
            raise problem_of(answer)
    with _progress(lacking, "导出 / exporting") as tell:
        for piece in answer.iter_bytes():
            file.write(piece)
            tell(piece.count(b"\n"))


@contextmanager
def _progress(entries: int, label: str) -> Iterator[Callable[[int], None]]:
    """Takes how many more have come: a bar on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        with click.progressbar(length=entries, label=label, show_pos=True, show_eta=True, file=sys.stderr) as bar:
            yield bar.update
        return
    came = told = 0

    def tell(more: int) -> None:
        nonlocal came, told
        came += more
        if came - told >= LINE_EVERY:
            told = came
            click.echo(f"{label}: {came} / {entries} 条 / entries", err=True)

    yield tell


def _compare(part: Path, entries: int) -> Read:
    """The file, read to its end and compared with its manifest. Raises `Refused`."""
    try:
        with part.open("rb") as file, _progress(entries, "核对 / comparing") as tell:
            read = read_export(file, watch=lambda one: tell(LINE_EVERY) if (one.index + 1) % LINE_EVERY == 0 else None)
    except CertsError as fault:
        raise Refused(f"{fault}\n{part}: 可用 --resume 续传 / go on with --resume") from None
    if read.manifest.says != {"digest": read.digest, "export": read.head.id, "lines": read.lines}:
        raise Refused(
            f"{part} 与清单不符，传输中被改动；请删除后重新导出 / "
            f"{part} is not what its manifest says: it was changed on the way; delete it and export again"
        )
    return read


def _tell(out: Path, read: Read, *, as_json: bool) -> None:
    head, counts = read.head, read.counts
    said: Mapping[str, Any] = {
        "id": head.id,
        "file": str(out),
        "first": head.first,
        "until": head.until,
        "entries": counts.entries,
        "left_out": counts.left_out,
        "missing": counts.missing,
    }
    if as_json:
        show_json(said)
    else:
        click.echo(
            f"已导出第 {head.first} 至 {head.until} 条（不含末条）：{counts.entries} 条，另有 {counts.left_out} 条只留哈希；"
            f"核验：shuniu verify {out} --trust 目录 / exported entries {head.first} up to {head.until}: {counts.entries}, and "
            f"{counts.left_out} as hashes alone; verify: shuniu verify {out} --trust DIR"
        )
    if read.fault is not None:
        raise Refused(f"已导出到 {out}，但日志已损坏 / exported to {out}, but the log is damaged\n{read.fault}")


def _asked(asked: Mapping[str, Any]) -> Ordered:
    body = {name: value for name, value in asked.items() if value is not None}
    made = api.call("POST", EXPORTS, body=body)
    return Ordered(made["id"], made["first"], made["until"])


def _resumed(part: Path) -> Ordered:
    with part.open("rb") as file:
        try:
            head = read_head(file.readline(LONGEST_LINE + 1))
        except CertsError as fault:
            raise Refused(f"{part}: {fault}") from None
    return Ordered(head.id, head.first, head.until)


def _resume_or_not(part: Path, *, resume: bool) -> click.UsageError:
    if resume:
        return click.UsageError(f"没有可续传的 {part} / there is no {part} to go on with")
    return click.UsageError(
        f"{part} 是一次中断的导出；请用 --resume 续传，或删除它 / {part} is an export that was cut off; --resume goes on with it, "
        "or delete it"
    )
