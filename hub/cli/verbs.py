"""The verbs that staff commands share: list, show, and moves from one state to another, each written once.

A feature's file adds them to its group and writes only what is its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from hub.cli import api
from hub.cli.output import show_fields, show_json, show_table

as_json = click.option("--json", "as_json", is_flag=True, help="输出 JSON，供脚本使用 / JSON, for scripts")

TAKES_HYPHEN = {"ignore_unknown_options": True}
"""For commands whose argument may begin with a hyphen, as a `kid` may."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object in the API: its collection, what a list shows of it, and how a user may name one.

    `identified_by` are fields of a list item that stand for its id; empty where the path takes what the user wrote. `find`
    gives the id where that does not do.
    """

    path: str
    columns: Sequence[str]
    argument: str
    identified_by: Sequence[str] = ()
    encode: Callable[[str], str] = field(default=api.segment)
    find: Callable[[str], str] | None = None

    def address(self, named: str) -> str:
        """The path of the object that the user named."""
        if self.find is not None:
            return f"{self.path}/{self.encode(self.find(named))}"
        found = api.identify(self.path, named, *self.identified_by) if self.identified_by else named
        return f"{self.path}/{self.encode(found)}"


def show(value: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one object."""
    if as_json:
        show_json(value)
    else:
        show_fields(value)


def add_list(
    group: click.Group,
    kind: Kind,
    *,
    name: str = "list",
    filters: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> None:
    """Add the command `name`; `filters` are query parameters with their help, `limit` how many are shown by default (None: all)."""

    @as_json
    @click.option("--limit", type=click.IntRange(min=1), default=limit, help="最多项数 / items at most")
    def listing(*, as_json: bool, limit: int | None, **query: str | None) -> None:
        found = api.items(kind.path, limit=limit, query=query)
        if as_json:
            show_json(list(found))
        else:
            show_table(found, kind.columns)

    for parameter, text in (filters or {}).items():
        listing = click.option(f"--{parameter}", help=text)(listing)
    group.command(name, help="列出 / list")(listing)


def add_show(group: click.Group, kind: Kind) -> None:
    """Add `show`."""

    @group.command("show", help="查看一项 / show one", context_settings=TAKES_HYPHEN)
    @click.argument("named", metavar=kind.argument)
    @as_json
    def showing(named: str, *, as_json: bool) -> None:
        show(api.call("GET", kind.address(named)), as_json=as_json)


def add_move(group: click.Group, kind: Kind, verb: str, text: str, *, reason: bool = False) -> None:
    """Add a command that POSTs to `…/<verb>`; `reason` makes `--reason` part of it."""

    @click.argument("named", metavar=kind.argument)
    @as_json
    def moving(named: str, *, as_json: bool, **given: str) -> None:
        body = given if reason else None
        show(api.call("POST", f"{kind.address(named)}/{verb}", body=body), as_json=as_json)

    if reason:
        moving = click.option("--reason", required=True, help="理由，写入登记 / why, kept with the record")(moving)
    group.command(verb, help=text)(moving)
