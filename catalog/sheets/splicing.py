"""Changes within a part of a workbook that leave every other byte of it as it was.

A spreadsheet program keeps in its parts what no library knows of. So nothing is read in and written out again: the parser
tells at which byte an element stands, and only there is something put in another's place.
"""

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

from catalog.sheets.cells import escaped
from catalog.sheets.markup import feed, guarded, malformed

_TAG: Final = re.compile(rb"<[^\s/>\"']+(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DECLARATION: Final = re.compile(r"<\?xml[^>]*\?>")

Start = Callable[[str, Mapping[str, str], int], None]


@dataclass(frozen=True, slots=True)
class Span:
    """Where an element stands: its start, the start of its end tag (None without content), and what is behind it."""

    start: int
    close: int | None
    behind: int


End = Callable[[str, Span], None]


@dataclass(slots=True)
class Splices:
    """Pieces to be put in the place of others; places are byte offsets of the part as it is."""

    data: bytes
    _made: list[tuple[int, int, bytes]] = field(default_factory=list)

    def replace(self, start: int, end: int, piece: bytes) -> None:
        """Put `piece` where the bytes from `start` up to `end` stand; they must not overlap another's."""
        self._made.append((start, end, piece))

    def insert(self, at: int, piece: bytes) -> None:
        """Put `piece` before the byte at `at`."""
        self._made.append((at, at, piece))

    def done(self) -> bytes:
        """Return the part with all that was put in; what was inserted at one place stands in the order of inserting."""
        pieces: list[bytes] = []
        at = 0
        for start, end, piece in sorted(self._made, key=lambda made: made[:2]):
            pieces += (self.data[at:start], piece)
            at = end
        return b"".join([*pieces, self.data[at:]])


def utf8(data: bytes) -> bytes:
    """Return a part in UTF-8, whatever Unicode it came in."""
    if not data.startswith(_UTF_16):
        return data
    try:
        return _DECLARATION.sub("", data.decode("utf-16"), count=1).encode()
    except UnicodeDecodeError:
        raise malformed() from None


def walk(data: bytes, start: Start, end: End) -> None:
    """Call `start` with name, attributes and offset of every element, and `end` with name and place. Names keep their prefix."""
    parser = guarded()
    opened: list[int] = []

    def begin(name: str, attributes: Mapping[str, str]) -> None:
        opened.append(parser.CurrentByteIndex)
        start(name, attributes, opened[-1])

    def finish(name: str) -> None:
        begun, at = opened.pop(), parser.CurrentByteIndex
        # Of an element without content the parser gives what is behind it, of others where their end tag stands.
        if data[at - 2 : at] == b"/>" and tag_end(data, begun) == at:
            end(name, Span(begun, None, at))
        else:
            end(name, Span(begun, at, data.index(b">", at) + 1))

    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    for _ in feed(parser, [data]):
        pass


def tag_end(data: bytes, start: int) -> int:
    """Return the offset behind the start tag that begins at `start`."""
    found = _TAG.match(data, start)
    if found is None:
        raise malformed()
    return found.end()


def with_attribute(tag: bytes, name: str, value: str | None) -> bytes:
    """Return a start tag with an attribute set, or removed for None."""
    found = re.search(rb"\s" + name.encode() + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')", tag)
    written = b"" if value is None else f' {name}="{value}"'.encode()
    if found is not None:
        return tag[: found.start()] + written + tag[found.end() :]
    close = b"/>" if tag.endswith(b"/>") else b">"
    return tag[: -len(close)].rstrip() + written + close


def prefix_of(name: str) -> str:
    """Return the prefix of a name with its colon, or nothing."""
    return name[: name.find(":") + 1]


def inline_text(prefix: str, reference: str, style: int, text: str) -> bytes:
    """Return a cell that holds a text and is never anything else, whatever character it begins with."""
    shown = escape(escaped(text))
    return (
        f'<{prefix}c r="{reference}" s="{style}" t="inlineStr"><{prefix}is>'
        f'<{prefix}t xml:space="preserve">{shown}</{prefix}t></{prefix}is></{prefix}c>'
    ).encode()
