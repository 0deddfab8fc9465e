"""The catalogue as a workbook: the template with a row for each resource and each item, to be changed and imported again.

Written row by row into the template's sheets, so that ten thousand resources need no more memory than their text. Every text
is a text, whatever it begins with.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from catalog.items import Item
from catalog.metadata import Metadata
from catalog.sheets.columns import ITEM_COLUMNS, ITEM_SHEET, METADATA_COLUMNS, RESOURCE_SHEET, Column, Form
from catalog.sheets.findings import column_letters
from catalog.sheets.layout import ITEMS, RESOURCES
from catalog.sheets.markup import elements
from catalog.sheets.splicing import Span, Splices, inline_text, walk
from catalog.sheets.template import template
from catalog.sheets.values import write
from catalog.sheets.workbook import Workbook

_DIGITS: Final = 15
"""What every program keeps of a number in a cell; a longer one is written as text."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A resource as it is to be shown: its code, whose it is, and what its version says, as JSON.

    One that is not registered yet has no code, and a classification instead.
    """

    code: str | None
    provider_name: str
    provider_code: str | None
    system: str
    said: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    classification: str | None = None


def export(resources: Iterable[Exported]) -> bytes:
    """Return the workbook of these resources, in their order."""
    book = Workbook.open(template())
    parts = {sheet.name: sheet.part for sheet in book.sheets}
    above = {name: book.container.read(parts[name]) for name in (RESOURCES, ITEMS)}
    styles = {name: _column_styles(data) for name, data in above.items()}
    rows: dict[str, list[bytes]] = {RESOURCES: [], ITEMS: []}
    next_row = {RESOURCES: 2, ITEMS: 2}
    for resource in resources:
        for name, columns, values in _rows_of(resource):
            rows[name].append(_row(next_row[name], columns, values, styles[name]))
            next_row[name] += 1
    changed = {parts[name]: _with_rows(above[name], rows[name]) for name in above}
    return book.container.rewritten(changed)


def _rows_of(resource: Exported) -> Iterator[tuple[str, Sequence[Column], Mapping[str, Any]]]:
    said = Metadata.model_validate(resource.said)
    own = {
        "code": resource.code,
        "classification": resource.classification or (resource.code or "").partition("/")[0],
        "provider_name": resource.provider_name,
        "provider_code": resource.provider_code,
        "system": resource.system,
    }
    yield (
        RESOURCES,
        RESOURCE_SHEET,
        {column.key: getattr(said, field) for field, column in METADATA_COLUMNS.items()} | own,
    )
    for raw in resource.items:
        item = Item.model_validate(raw)
        values = {column.key: getattr(item, field) for field, column in ITEM_COLUMNS.items()}
        yield ITEMS, ITEM_SHEET, values | {"code": resource.code, "name": said.name}


def _row(number: int, columns: Sequence[Column], values: Mapping[str, Any], styles: Mapping[int, int]) -> bytes:
    cells = []
    for place, column in enumerate(columns, start=1):
        value = values[column.key]
        reference, style = f"{column_letters(place)}{number}", styles.get(place, 0)
        if column.form in (Form.INTEGER, Form.NUMBER) and _is_short(value):
            cells.append(f'<c r="{reference}" s="{style}"><v>{value!r}</v></c>'.encode())
        elif text := write(column, value):
            cells.append(inline_text("", reference, style, text))
    return b'<row r="%d">%s</row>' % (number, b"".join(cells))


def _is_short(value: float | None) -> bool:
    """Whether a number loses nothing in a cell of numbers."""
    return value is not None and abs(value) < 10**_DIGITS and float(f"{value:.{_DIGITS}g}") == value


def _column_styles(sheet: bytes) -> dict[int, int]:
    """The style of each column by its number."""
    found: dict[int, int] = {}
    for tag, attributes in elements([sheet]):
        if tag == "col" and "style" in attributes:
            for number in range(int(attributes["min"]), int(attributes["max"]) + 1):
                found[number] = int(attributes["style"])
    return found


def _with_rows(sheet: bytes, rows: Sequence[bytes]) -> bytes:
    splices = Splices(sheet)

    def end(name: str, span: Span) -> None:
        if name == "sheetData" and span.close is not None:
            splices.insert(span.close, b"".join(rows))
        elif name == "dimension":
            splices.replace(span.start, span.behind, b"")

    walk(sheet, lambda _name, _attributes, _at: None, end)
    return splices.done()
