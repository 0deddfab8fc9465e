"""`shuniu resource import`, `export`, `template`: the catalogue by spreadsheet.

An import is tried first. The same workbook comes back beside the file, its bad cells marked; nothing is overwritten, for people
correct the one that came back. With `--commit` it is then written, all of it or, with `--good-rows`, what is good.
"""

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from hub.cli import api
from hub.cli.failures import Refused
from hub.cli.files import name_of
from hub.cli.output import show_json
from hub.cli.verbs import as_json as json_option

IMPORTS = "/v1/resources/imports"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

LOOK_EVERY_S = 0.5
SHOWN = 20
"""Faults that are printed; the marked workbook has them all."""

_RESULT = "-结果"
_WORKING = frozenset({"queued", "committing"})
_COUNTS = {
    "new": "新增 new",
    "changed": "修改 changed",
    "unchanged": "不变 unchanged",
    "bad": "有误 bad",
    "skipped": "略过 left out",
}


@click.command("import", help="导入目录工作簿：默认只试，--commit 写入 / try a workbook, and write it with --commit")
@click.argument("file", type=click.File("rb"))
@click.option("--commit", is_flag=True, help="写入目录，全有或全无 / write it, all or nothing")
@click.option(
    "--good-rows", is_flag=True, help="与 --commit 同用：只写入无误的资源 / with --commit: write the good ones"
)
@click.option("--own-only", is_flag=True, help="略过其他机构的行 / leave rows of other organisations out")
@click.option("--system", metavar="CODE", help="表中未写发布系统时用它 / publishing system where none is named")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="退回的工作簿写到，缺省为 FILE-结果.xlsx / where the marked workbook goes",
)
@json_option
def import_workbook(
    file: BinaryIO,
    *,
    commit: bool,
    good_rows: bool,
    own_only: bool,
    system: str | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Try, fetch the marked workbook, write if that was asked for and may be; 1 if something was bad."""
    if good_rows and not commit:
        raise click.UsageError("--good-rows 与 --commit 同用 / --good-rows goes with --commit")
    if out is not None and out.exists():
        raise click.UsageError(f"{out} 已存在，不会覆盖 / {out} is there already and is not overwritten")
    query = {"own_only": own_only or None, "system": system}
    found = api.upload(IMPORTS, file.read(), XLSX, query=query)
    try:
        found = _wait(found, "试导入 / trying")
        if commit and _may_write(found, good_rows=good_rows):
            found = api.call("POST", f"{IMPORTS}/{found['id']}/commit", body={"good_rows": good_rows})
            found = _wait(found, "写入 / writing")
    except KeyboardInterrupt:
        api.call("POST", f"{IMPORTS}/{found['id']}/cancel")
        raise
    if found["state"] not in ("judged", "committed"):
        raise _ended(found)
    where = out or _free_name(file)
    where.write_bytes(api.download(f"{IMPORTS}/{found['id']}/workbook"))
    _tell(found, where, as_json=as_json)
    is_unwritten = commit and found["state"] != "committed"
    return 1 if found["counts"]["faults"] or is_unwritten else 0


@click.command(help="导出目录为工作簿，可改后再导入 / the catalogue as a workbook, to be changed and imported again")
@click.option("--provider", metavar="CODE|ID", help="只要该机构的 / of this organisation")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="写到 / file to write"
)
def export(*, provider: str | None, out: Path) -> None:
    """Write the workbook."""
    _save(out, lambda: api.download("/v1/resources/export.xlsx", query={"provider": provider}))


@click.command(help="下载目录模板 / the template to be filled in")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="写到 / file to write"
)
def template(*, out: Path) -> None:
    """Write the template."""
    _save(out, lambda: api.download("/v1/resources/template.xlsx"))


def _save(out: Path, fetch: Callable[[], bytes]) -> None:
    if out.exists():
        raise click.UsageError(f"{out} 已存在，不会覆盖 / {out} is there already and is not overwritten")
    out.write_bytes(fetch())
    click.echo(str(out))


def _may_write(found: Mapping[str, Any], *, good_rows: bool) -> bool:
    return found["state"] == "judged" and (good_rows or not found["counts"]["faults"])


def _wait(found: dict[str, Any], label: str) -> dict[str, Any]:
    """The import once it is not worked on any more."""
    with _progress(label) as tell:
        while found["state"] in _WORKING:
            time.sleep(LOOK_EVERY_S)
            found = api.call("GET", f"{IMPORTS}/{found['id']}")
            tell(found["done"], found["total"])
    return found


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Takes how many of how many resources are done: a bar on a terminal, lines elsewhere."""
    if sys.stderr.isatty():
        with click.progressbar(length=1, label=label, show_pos=True, show_eta=True, file=sys.stderr) as bar:

            def advance(done: int, total: int) -> None:
                bar.length = max(total, 1)
                bar.update(done - bar.pos)

            yield advance
        return
    told = (0, 0)

    def say(done: int, total: int) -> None:
        nonlocal told
        if total and (done, total) != told:
            told = (done, total)
            click.echo(f"{label}: {done} / {total}", err=True)

    yield say


def _free_name(file: BinaryIO) -> Path:
    """`FILE-结果.xlsx` beside the file, numbered where that is there already."""
    path = Path("import.xlsx" if file is sys.stdin.buffer else name_of(file))
    stem = path.stem.split(_RESULT)[0]
    names = (f"{stem}{_RESULT}{'' if number == 1 else f'-{number}'}.xlsx" for number in itertools.count(1))
    return next(found for name in names if not (found := path.with_name(name)).exists())


def _ended(found: Mapping[str, Any]) -> Refused:
    reason = found.get("reason")
    said = f"{reason['zh']} / {reason['en']}" if reason else "没有写入 / nothing was written"
    return Refused(f"导入 {found['id']} {found['state']}：{said}")


def _tell(found: Mapping[str, Any], where: Path, *, as_json: bool) -> None:
    if as_json:
        show_json({**found, "workbook": str(where)})
        return
    counts = found["counts"]
    click.echo(" · ".join(f"{label} {counts[name]}" for name, label in _COUNTS.items()))
    for fault in found["faults"][:SHOWN]:
        click.echo(f"✗ {fault['sheet']}!{fault['cell']} {fault.get('column', '')}：{fault['zh']}（{fault['rule']}）")
    if counts["faults"] > SHOWN:
        click.echo(f"… 共 {counts['faults']} 处 / {counts['faults']} in all")
    for note in found["notes"][:SHOWN]:
        click.echo(f"· {note['sheet']}!{note['cell']} {note.get('column', '')}：{note['zh']}（{note['rule']}）")
    written = (
        "已写入 / written"
        if found["state"] == "committed"
        else "只是试导入，没有写入 / tried only, nothing was written"
    )
    click.echo(f"{written}；退回的工作簿 / the workbook: {where}")
