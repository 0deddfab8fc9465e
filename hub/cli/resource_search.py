"""`shuniu resource search` and `reindex`: finding resources, and writing what they are found by anew."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from hub.cli import api
from hub.cli.failures import Refused
from hub.cli.output import show_json, show_table
from hub.cli.verbs import Kind, as_json

SHOWN: Final = 20
PATIENCE: Final = 40
"""How often a part that somebody holds is asked for again; a step that is not taken ends within seconds."""

WAIT_S: Final = 0.25

FILTERS: Final = {
    "status": "状态 / status, such as published",
    "share_type": "共享类型 CL-4 / share type: 1, 2, 3",
    "class": "类 CL-1 / class: 1, 2, 3",
    "provider": "提供方代码或 id / code or id of the provider",
    "update_cycle": "更新周期 CL-7 / update cycle: 1 … 8",
    "format_class": "格式分类 CL-3 / format class: 1 … 7",
}


def add_search(group: click.Group, kind: Kind) -> None:
    """Add `search` and `reindex`."""

    @as_json
    @click.option("--facets", is_flag=True, help="按六个方面计数 / count by six facets")
    @click.option("--limit", type=click.IntRange(1, api.PAGE), default=SHOWN, show_default=True, help="项数 / items")
    @click.option("--cursor", help="上一页的 next / `next` of the page before")
    @click.argument("words", nargs=-1)
    def search(words: tuple[str, ...], *, as_json: bool, **asked: Any) -> None:
        found = api.call("GET", kind.path, query={"q": " ".join(words) or None, **asked})
        if as_json:
            show_json(found)
        else:
            _show(found, kind)

    for name, text in FILTERS.items():
        option = click.option(f"--{name.replace('_', '-')}", name, multiple=True, help=f"{text}；可重复 / repeatable")
        search = option(search)
    group.command(
        "search",
        help="检索名称、首字母、代码开头、信息项、提供方、摘要；不写词则只按条件列出 / search, or list by filters",
    )(search)

    @group.command("reindex", help="重建检索索引，期间照常检索 / write the search index anew")
    @as_json
    def reindex(*, as_json: bool) -> None:
        """Print how many resources were looked at and for how many the index changed."""
        parts = _parts(kind)
        total = next(parts)
        with _progress(total.pop("of"), total["checked"]) as tell:
            for part in parts:
                total = {name: total[name] + part[name] for name in ("checked", "changed")}
                tell(part["checked"])
        if as_json:
            show_json({name: total[name] for name in ("checked", "changed")})
        else:
            click.echo(f"检查 {total['checked']} 项，更正 {total['changed']} 项 / checked, changed")


def _show(found: dict[str, Any], kind: Kind) -> None:
    show_table(found["items"], kind.columns)
    if "total" in found:
        click.echo(found.get("note") or f"共 {found['total']} 项 / found", err=True)
    for facet, values in found.get("facets", {}).items():
        if values:
            click.echo(f"\n{facet}")
            show_table(values, ("value", "label", "count"))
    if found["next"]:
        click.echo(f"下一页 / next page: --cursor {found['next']}", err=True)


def _parts(kind: Kind) -> Iterator[dict[str, Any]]:
    """The parts of the rebuild as the hub did them. Raises Refused where one resource stays held."""
    cursor: str | None = None
    waited = 0
    while True:
        part = api.call("POST", f"{kind.path}/reindex", body={} if cursor is None else {"cursor": cursor})
        yield part
        waited = 0 if part["checked"] else waited + 1
        if part["next"] is None:
            return
        if waited > PATIENCE:
            raise Refused("有一个资源正被长时间占用；请稍后重试 / a resource stays held by somebody; try again later")
        if waited:
            time.sleep(WAIT_S)
        cursor = part["next"]


@contextmanager
def _progress(of: int, done: int) -> Iterator[Callable[[int], None]]:
    """Takes how many more were done: a bar on a terminal, a line for each part elsewhere."""
    label = "重建 / rebuilding"
    if sys.stderr.isatty():
        with click.progressbar(length=of, label=label, show_pos=True, show_eta=True, file=sys.stderr) as bar:
            bar.update(done)
            yield bar.update
        return

    def tell(more: int) -> None:
        nonlocal done
        done += more
        click.echo(f"{label}: {done} / {of} 项 / resources", err=True)

    tell(0)
    yield tell
