"""The stream of a sheet's XML as rows of cells, and that of the shared strings as texts.

Cells and rows may leave out where they stand, text may be shared, inline or of a formula, namespaces may have any prefix:
all of it is met in files of WPS and of export functions of departments' systems.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from catalog.sheets.cells import Cell, Kind, number_cell, text_cell, unescaped
from catalog.sheets.limits import MAX_COLUMNS
from catalog.sheets.markup import attribute, feed, guarded, local, malformed

_REFERENCE: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_TRUE: Final = frozenset({"1", "true"})


class Row(NamedTuple):
    """A row with content: its number, its cells with content by column number, and whether it is hidden."""

    number: int
    cells: dict[int, Cell]
    hidden: bool


class Range(NamedTuple):
    """A rectangle of cells, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


def parse_reference(reference: str) -> tuple[int, int]:
    """Return row and column of `K5`; raises WorkbookRefused for what is no reference."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise malformed()
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), column


def parse_range(reference: str) -> Range:
    """Return the rectangle of `B2:D9` or `B2`; raises WorkbookRefused for what is none."""
    first, _, last = reference.partition(":")
    top, left = parse_reference(first)
    bottom, right = parse_reference(last or first)
    return Range(top, left, bottom, right)


@dataclass(slots=True)
class SheetParser:
    """Reads one sheet; `merges` is whole when the last row has been given."""

    strings: list[str]
    date_styles: frozenset[int]
    from_1904: bool
    merges: list[Range] = field(default_factory=list)
    _done: list[Row] = field(default_factory=list)
    _row: int = 0
    _hidden: bool = False
    _column: int = 0
    _cells: dict[int, Cell] = field(default_factory=dict)
    _type: str = "n"
    _style: int = 0
    _has_formula: bool = False
    _phonetic: int = 0
    _text: list[str] | None = None
    _value: list[str] = field(default_factory=list)

    def rows(self, chunks: Iterable[bytes]) -> Iterator[Row]:
        """Yield the rows with content in the order of the sheet. Raises WorkbookRefused for what is no sheet."""
        opened: Mapping[str, Callable[[Mapping[str, str]], None]] = {
            "row": self._open_row,
            "c": self._open_cell,
            "v": self._open_value,
            "t": self._open_text,
            "f": self._open_formula,
            "rPh": self._open_phonetic,
            "mergeCell": self._merge,
        }
        closed: Mapping[str, Callable[[], None]] = {
            "row": self._close_row,
            "c": self._close_cell,
            "v": self._close_text,
            "t": self._close_text,
            "rPh": self._close_phonetic,
        }

        def start(name: str, attributes: Mapping[str, str]) -> None:
            act = opened.get(local(name) if ":" in name else name)
            if act is not None:
                act(attributes)

        def end(name: str) -> None:
            act = closed.get(local(name) if ":" in name else name)
            if act is not None:
                act()

        parser = guarded()
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = self._characters
        for _ in feed(parser, chunks):
            yield from self._done
            self._done.clear()

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _open_row(self, attributes: Mapping[str, str]) -> None:
        given = attributes.get("r")
        if given is not None and not given.isdigit():
            raise malformed()
        self._row = int(given) if given is not None else self._row + 1
        self._hidden = attributes.get("hidden", "0") in _TRUE
        self._column, self._cells = 0, {}

    def _close_row(self) -> None:
        if self._cells:
            self._done.append(Row(self._row, self._cells, self._hidden))

    def _open_cell(self, attributes: Mapping[str, str]) -> None:
        given = attributes.get("r")
        self._column = self._column + 1 if given is None else parse_reference(given)[1]
        self._type = attributes.get("t", "n")
        style = attributes.get("s", "0")
        self._style = int(style) if style.isdigit() else 0
        self._has_formula = False
        self._value.clear()

    def _open_formula(self, _: Mapping[str, str]) -> None:
        self._has_formula = True

    def _open_value(self, _: Mapping[str, str]) -> None:
        self._text = self._value

    def _open_text(self, _: Mapping[str, str]) -> None:
        if not self._phonetic:
            self._text = self._value

    def _close_text(self) -> None:
        self._text = None

    def _open_phonetic(self, _: Mapping[str, str]) -> None:
        self._phonetic += 1

    def _close_phonetic(self) -> None:
        self._phonetic -= 1

    def _close_cell(self) -> None:
        if self._column > MAX_COLUMNS:
            return
        if self._has_formula:
            self._cells[self._column] = Cell(Kind.FORMULA, "")
        elif self._value and (cell := self._cell("".join(self._value))) is not None:
            self._cells[self._column] = cell

    def _cell(self, raw: str) -> Cell | None:
        if self._type == "s":
            place = int(raw) if raw.strip().isdigit() else -1
            if not 0 <= place < len(self.strings):
                raise malformed()
            text = self.strings[place]
        elif self._type in ("inlineStr", "str"):
            text = unescaped(raw)
        elif self._type == "d":
            return Cell(Kind.DATE, raw.strip().removesuffix("Z").removesuffix("T00:00:00"))
        elif self._type == "b":
            return Cell(Kind.FLAG, "1" if raw.strip() in _TRUE else "0")
        elif self._type == "e":
            return Cell(Kind.ERROR, "")
        else:
            return number_cell(raw, is_date=self._style in self.date_styles, from_1904=self.from_1904)
        return text_cell(text) if text and not text.isspace() else None

    def _merge(self, attributes: Mapping[str, str]) -> None:
        self.merges.append(parse_range(attribute(attributes, "ref")))


def shared_strings(chunks: Iterable[bytes]) -> list[str]:
    """Return the shared strings in their order, runs of one text joined, readings of characters left out."""
    found: list[str] = []
    parts: list[str] = []
    reading: list[str] | None = None
    phonetic = 0

    def start(name: str, _: Mapping[str, str]) -> None:
        nonlocal reading, phonetic
        tag = local(name)
        if tag == "si":
            parts.clear()
        elif tag == "rPh":
            phonetic += 1
        elif tag == "t" and not phonetic:
            reading = parts

    def end(name: str) -> None:
        nonlocal reading, phonetic
        tag = local(name)
        if tag == "si":
            found.append(unescaped("".join(parts)))
        elif tag == "rPh":
            phonetic -= 1
        elif tag == "t":
            reading = None

    def characters(text: str) -> None:
        if reading is not None:
            reading.append(text)

    parser = guarded()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    for _ in feed(parser, chunks):
        pass
    return found
