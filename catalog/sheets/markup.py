"""The XML within a workbook, read as a stream by a parser that takes no document type: no entity is declared or expanded.

Names come without their prefix: strict and transitional workbooks, and writers with habits of their own, look the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NoReturn
from xml.parsers import expat

from catalog.sheets.errors import WorkbookRefused

Parser = expat.XMLParserType
ParserError: Final = expat.ExpatError


def guarded() -> Parser:
    """Return a parser that refuses document types, and with them every entity of their own and from elsewhere."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.ExternalEntityRefHandler = _refuse_doctype
    return parser


def feed(parser: Parser, chunks: Iterable[bytes]) -> Iterator[None]:
    """Give the parser its document, coming back after each chunk. Raises WorkbookRefused for what is no XML."""
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            yield
        parser.Parse(b"", True)
        yield
    except expat.ExpatError as error:
        raise malformed() from error


def elements(chunks: Iterable[bytes]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the local name and the attributes of every element, in document order."""
    found: list[tuple[str, Mapping[str, str]]] = []
    parser = guarded()
    parser.StartElementHandler = lambda name, attributes: found.append((local(name), attributes))
    for _ in feed(parser, chunks):
        yield from found
        found.clear()


def local(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]


def attribute(attributes: Mapping[str, str], name: str) -> str:
    """Return an attribute, whatever its prefix; raises WorkbookRefused if it is not there."""
    for given, value in attributes.items():
        if local(given) == name:
            return value
    raise malformed()


def malformed() -> WorkbookRefused:
    """Return the refusal of a part that is not the XML of a workbook."""
    return WorkbookRefused(
        "sheet-form",
        "工作簿内部格式错误；请用表格软件重新保存",
        "the workbook's inner form is wrong; save it again with a spreadsheet program",
    )


def _refuse_doctype(*_: object) -> NoReturn:
    raise WorkbookRefused(
        "sheet-entities",
        "工作簿内含有文档类型或实体声明，不予读取；请用表格软件重新保存",
        "the workbook declares a document type or entities and is not read; save it again with a spreadsheet program",
    )
