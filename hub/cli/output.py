"""What commands print: tables and fields for people, JSON for scripts. A command may be started with its streams closed."""

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

_STREAMS = ("stdin", "stdout", "stderr")

_were_closed: set[str] = set()


def open_closed_streams() -> None:
    """Have each standard stream that is closed lead nowhere: what a command opens itself must not get their numbers."""
    while (number := os.open(os.devnull, os.O_RDWR)) < len(_STREAMS):
        name = _STREAMS[number]
        _were_closed.add(name)
        if getattr(sys, name) is None:  # so Python says that it was closed
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    os.close(number)


def goes_nowhere() -> bool:
    """Whether nobody can see what is printed, for standard output was closed."""
    return "stdout" in _were_closed


def show_json(value: object) -> None:
    """Print `value` as one line of JSON; with escapes where the terminal's encoding is not that of JSON, UTF-8."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    click.echo(json.dumps(value, ensure_ascii=not is_utf8))


def show_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print the columns of the rows, aligned also where Chinese characters take two places.

    A column is a member's name, or the way to one inside another: `organisation.name`.
    """
    lines = [list(columns), *([_text(_member(row, column)) for column in columns] for row in rows)]
    widths = [max(map(_width, cells)) for cells in zip(*lines, strict=True)]
    for cells in lines:
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())


def show_fields(members: Mapping[str, Any]) -> None:
    """Print an object, a line for each member."""
    for name, value in members.items():
        click.echo(f"{name}: {_text(value)}")


def _member(row: Mapping[str, Any], column: str) -> object:
    value: object = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
