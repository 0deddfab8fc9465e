"""The styles of a workbook, to which those of marked cells are added: what a cell looked like, with our colour behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from catalog.sheets.container import Container
from catalog.sheets.markup import local
from catalog.sheets.splicing import Span, Splices, prefix_of, tag_end, utf8, walk, with_attribute

MARK: Final = "FFFFADAD"
"""The colour behind a bad cell; a cell that has it was marked by us and is unmarked first."""

_NEW_PART: Final = "xl/styles.xml"
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
_CONTENT: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_EMPTY: Final = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><styleSheet xmlns="{_MAIN}">'
    '<fonts count="1"><font><sz val="11"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
).encode()
_TEXT_FORMAT: Final = "49"


@dataclass(slots=True)
class _List:
    """A list of the styles part: where its tag and its end stand, its entries, and which of these have our colour."""

    tag: int = -1
    end: int = -1
    entries: list[tuple[bytes, bytes]] = field(default_factory=list)  # the start tag, and what follows it
    marked: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Styles:
    """Gives numbers of styles out, known and new; `parts` are what the workbook then needs."""

    container: Container
    workbook_part: str
    part: str | None
    _data: bytes = b""
    _prefix: str = ""
    _fills: _List = field(default_factory=_List)
    _cells: _List = field(default_factory=_List)
    _added: list[tuple[bytes, bytes]] = field(default_factory=list)
    _given: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the part, or begin one for a workbook without."""
        self._data = _EMPTY if self.part is None else utf8(self.container.read(self.part))
        self._read()

    def _read(self) -> None:
        path: list[str] = []

        def start(name: str, attributes: Mapping[str, str], at: int) -> None:
            path.append(local(name))
            if len(path) == 1:
                self._prefix = prefix_of(name)
            elif len(path) == 2 and path[1] in ("fills", "cellXfs"):
                (self._fills if path[1] == "fills" else self._cells).tag = at
            elif path[1:2] == ["fills"] and path[-1] == "fgColor" and attributes.get("rgb") == MARK:
                self._fills.marked.add(len(self._fills.entries))
            elif path[1:] == ["cellXfs", "xf"] and attributes.get("fillId", "0") in map(str, self._fills.marked):
                self._cells.marked.add(len(self._cells.entries))

        def end(_: str, span: Span) -> None:
            if path[1:] in (["fills", "fill"], ["cellXfs", "xf"]):
                found = self._fills if path[1] == "fills" else self._cells
                behind = tag_end(self._data, span.start)
                found.entries.append((self._data[span.start : behind], self._data[behind : span.behind]))
            elif len(path) == 2 and path[1] in ("fills", "cellXfs") and span.close is not None:
                (self._fills if path[1] == "fills" else self._cells).end = span.close
            path.pop()

        walk(self._data, start, end)
        if not self._cells.entries or not self._fills.entries:
            self.part, self._data = None, _EMPTY
            self._fills, self._cells = _List(), _List()
            self._read()

    def is_marked(self, style: int) -> bool:
        """Whether the style is one of those that mark a cell."""
        return style in self._cells.marked

    def marked(self, style: int) -> int:
        """Return the style that looks like this one, with our colour behind."""
        return self._like("marked", style, {"fillId": str(len(self._fills.entries)), "applyFill": "1"})

    def unmarked(self, style: int) -> int:
        """Return the style that looks like this one, with no colour behind."""
        return self._like("unmarked", style, {"fillId": "0"})

    def text(self) -> int:
        """Return the style of a cell that takes what is typed as text."""
        return self._like("text", 0, {"numFmtId": _TEXT_FORMAT, "applyNumberFormat": "1", "fillId": "0"})

    def _like(self, purpose: str, style: int, changed: Mapping[str, str]) -> int:
        known = self._given.get((purpose, style))
        if known is not None:
            return known
        entries = [*self._cells.entries, *self._added]
        tag, rest = entries[style if style < len(entries) else 0]
        for name, value in changed.items():
            tag = with_attribute(tag, name, value)
        self._added.append((tag, rest))
        number = len(entries)
        self._given[purpose, style] = number
        return number

    def parts(self) -> dict[str, bytes]:
        """Return the parts of the workbook that are changed by the styles given out."""
        if not self._added:
            return {}
        splices = Splices(self._data)
        fill = (
            f'<{self._prefix}fill><{self._prefix}patternFill patternType="solid"><{self._prefix}fgColor rgb="{MARK}"/>'
            f"</{self._prefix}patternFill></{self._prefix}fill>"
        ).encode()
        styles = [tag + rest for tag, rest in self._added]
        for found, added in ((self._fills, [fill]), (self._cells, styles)):
            behind = tag_end(self._data, found.tag)
            count = str(len(found.entries) + len(added))
            splices.replace(found.tag, behind, with_attribute(self._data[found.tag : behind], "count", count))
            splices.insert(found.end, b"".join(added))
        if self.part is not None:
            return {self.part: splices.done()}
        return {_NEW_PART: splices.done()} | _registered(self.container, self.workbook_part)


def _registered(container: Container, workbook_part: str) -> dict[str, bytes]:
    """The lists of types and relations with the new part in them."""
    folder, _, name = workbook_part.rpartition("/")
    relations = f"{folder}/_rels/{name}.rels".lstrip("/")
    target = f'Id="rIdShuniuStyles" Type="{_RELATION}" Target="/{_NEW_PART}"'
    kind = f'PartName="/{_NEW_PART}" ContentType="{_CONTENT}"'
    return {
        relations: _with_child(container.read(relations), "Relationship", target),
        "[Content_Types].xml": _with_child(container.read("[Content_Types].xml"), "Override", kind),
    }


def _with_child(part: bytes, name: str, attributes: str) -> bytes:
    """A part with one more element at the end of its root."""
    data = utf8(part)
    root: list[tuple[str, Span]] = []

    def end(tag: str, span: Span) -> None:
        root[:] = [(tag, span)]

    walk(data, lambda _tag, _attributes, _at: None, end)
    tag, span = root[0]
    splices = Splices(data)
    element = f"<{prefix_of(tag)}{name} {attributes}/>".encode()
    if span.close is not None:
        splices.insert(span.close, element)
    else:
        opened = data[span.start : span.behind].removesuffix(b"/>") + b">"
        splices.replace(span.start, span.behind, opened + element + f"</{tag}>".encode())
    return splices.done()
