"""Finds what dragging a cell's corner leaves behind: values that count up from row to row where one value was meant."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from catalog.sheets.cells import Kind
from catalog.sheets.columns import CODE, Form
from catalog.sheets.findings import Findings, Place
from catalog.sheets.table import Table

LEAST_RUN: Final = 3
"""Rows: two values that follow each other are nothing odd."""

_COUNTING: Final = re.compile(r"(?P<stem>.*?)(?P<number>[0-9]{1,18})(?P<rest>[^0-9]*)", re.DOTALL)
_NATURAL: Final = frozenset({CODE.key})
"""Columns whose values do count up."""

_LONGEST: Final = 200


def find_series(table: Table, findings: Findings) -> None:
    """Note each run of rows (`sheet-series`) in which a column counts up by one."""
    for key, (number, column) in table.columns.items():
        if key in _NATURAL or column.form in (Form.IGNORED, Form.DATE):
            continue
        for first, last in _runs(table, key):
            findings.note(
                Place(table.sheet.name, first, number),
                "sheet-series",
                f"第 {first} 至 {last} 行的值逐行加一，可能是拖动填充造成的；如应相同，请复制后再填",
                f"rows {first} to {last} count up by one, as dragging a cell does; if they should be equal, copy the first",
                label=column.zh,
            )


def _runs(table: Table, key: str) -> Iterator[tuple[int, int]]:
    """The first and last row of each run."""
    start: int | None = None
    length = 0
    before: tuple[str, int, str] | None = None
    last = 0
    for row in table.rows:
        cell = row.cells.get(key)
        value = None if cell is None or cell.kind is Kind.DATE else _counted(cell.text)
        if value is not None and before is not None and value == (before[0], before[1] + 1, before[2]):
            length += 1
        else:
            if start is not None and length >= LEAST_RUN:
                yield start, last
            start, length = row.number, 1
        before, last = value, row.number
    if start is not None and length >= LEAST_RUN:
        yield start, last


def _counted(text: str) -> tuple[str, int, str] | None:
    if len(text) > _LONGEST:
        return None
    found = _COUNTING.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return None if found is None else (found["stem"], int(found["number"]), found["rest"])
