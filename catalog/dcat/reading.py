"""A catalogue of others, read from one page of Turtle or JSON-LD: what each dataset says, what is wrong, the next page.

What comes in is not trusted: the document is bounded, nothing that it names is fetched (a JSON-LD context by address is
refused, for a parser would load it), and a dataset that says too little is a fault beside the others, not the end.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final

import orjson
import rdflib.exceptions
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, SKOS
from rdflib.term import Node

from catalog.codes import ShareType, UpdateCycle
from catalog.dcat.pages import CataloguePage, Harvested, Syntax
from catalog.dcat.vocabulary import ACCESS_RIGHTS, FREQUENCIES, HYDRA, SHUNIU, VERSION
from catalog.errors import CatalogError, Violation
from catalog.items import UNPRINTABLE
from catalog.rules import MAX_CLAUSE, MAX_NAME, MAX_SUMMARY
from catalog.schema import digest_of

MAX_BYTES: Final = 4 << 20  # about 40,000 statements, which take some seconds to read
MAX_DATASETS: Final = 5_000  # of one page; catalogues give pages of 100 to 1,000
MAX_DEPTH: Final = 64  # of nested JSON, as in payloads
MAX_ADDRESS: Final = 2_048  # of an IRI that names a dataset

_NAMELESS: Final = Violation(
    "",
    "dcat",
    "没有地址（IRI）的数据集不能导入，请上游补上",
    "a dataset without an address cannot be told apart from others; ask its catalogue for one",
)
_PARSER_FAULTS: Final = (
    *(
        SyntaxError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        AssertionError,
        RecursionError,
        NameError,
    ),
    rdflib.exceptions.Error,
)
"""What the parsers raise for documents that are none: they let the faults of their depths through."""

_PAGES: Final = (HYDRA.PartialCollectionView, HYDRA.PagedCollection)
_NEXT: Final = (HYDRA.next, HYDRA.nextPage)
_FIRST: Final = (HYDRA.first, HYDRA.firstPage)
_LAST: Final = (HYDRA.last, HYDRA.lastPage)
"""Of pages, the terms of Hydra and those of its older drafts, which CKAN and udata write; the latter give addresses as texts."""

_CYCLES: Final = {address: cycle for cycle, address in FREQUENCIES.items()}
_SHARING: Final = {address: kind for kind, address in ACCESS_RIGHTS.items()}


class UnreadableCatalogue(CatalogError):
    """The document as a whole cannot be read."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__("unreadable-catalogue", zh, en, "/")


def read_page(content: bytes, syntax: Syntax) -> CataloguePage:
    """Read one page. Raises UnreadableCatalogue; faults of single datasets are in the answer, with `field` their address."""
    if len(content) > MAX_BYTES:
        raise UnreadableCatalogue(
            f"文件超过 {MAX_BYTES >> 20} MiB；请分页后逐页导入",
            f"the document exceeds {MAX_BYTES >> 20} MiB; import it page by page",
        )
    graph = _parse(content, syntax)
    named = sorted({str(node) for node in graph.subjects(RDF.type, DCAT.Dataset) if isinstance(node, URIRef)})
    unnamed = sum(1 for node in graph.subjects(RDF.type, DCAT.Dataset) if not isinstance(node, URIRef))
    if len(named) > MAX_DATASETS:
        raise UnreadableCatalogue(
            f"一页超过 {MAX_DATASETS} 个数据集；请分页后逐页导入",
            f"the page has more than {MAX_DATASETS} datasets; import it in smaller pages",
        )
    if not named and not unnamed:
        raise UnreadableCatalogue(
            "文件里没有 dcat:Dataset；请确认它是 DCAT 目录",
            "the document has no dcat:Dataset; make sure that it is a DCAT catalogue",
        )
    faults = [_NAMELESS] * unnamed
    datasets = []
    for uri in named:
        said, found = _said(graph, URIRef(uri))
        faults.extend(found)
        if not found:
            datasets.append(Harvested(uri, said, digest_of({"uri": uri, "said": said})))
    catalogues = graph.subjects(RDF.type, DCAT.Catalog)
    titles = sorted(str(title) for catalogue in catalogues for title in graph.objects(catalogue, DCTERMS.title))
    return CataloguePage(
        tuple(datasets),
        tuple(faults),
        following=_named_page(graph, _NEXT),
        address=_own_address(graph),
        first=_named_page(graph, _FIRST),
        last=_named_page(graph, _LAST),
        titles=tuple(titles),
    )


def _own_address(graph: Graph) -> str | None:
    """The address of the page: of whatever is a page, or names others."""
    pages = {node for kind in _PAGES for node in graph.subjects(RDF.type, kind)}
    pages |= {node for term in (*_NEXT, *_FIRST, *_LAST) for node in graph.subjects(term)}
    return _printable(min((str(page) for page in pages if isinstance(page, URIRef)), default=None))


def _named_page(graph: Graph, terms: Sequence[URIRef]) -> str | None:
    """The address of the page that a page names by one of the terms, as a node or as a text."""
    named = (str(page) for term in terms for page in graph.objects(None, term) if isinstance(page, URIRef | Literal))
    return _printable(min(filter(None, named), default=None))


def _printable(address: str | None) -> str | None:
    """The address of a page. Raises UnreadableCatalogue for control characters."""
    if address is not None and UNPRINTABLE.search(address):
        raise UnreadableCatalogue(
            "分页地址含有控制字符；请上游更正后重新导出",
            "an address of a page holds control characters; have its catalogue corrected and export it again",
        )
    return address


def _parse(content: bytes, syntax: Syntax) -> Graph:
    graph = Graph()
    try:
        if syntax is Syntax.JSON_LD:
            document = orjson.loads(content)
            _check_closed(document)
            graph.parse(data=content, format="json-ld")
        else:
            graph.parse(data=content, format="turtle")
    except _PARSER_FAULTS as error:
        raise UnreadableCatalogue(
            f"读不出 {syntax.value}；请用校验工具检查后重新导出",
            f"this is no readable {syntax.value}; check it with a validator and export it again",
        ) from error
    return graph


def _check_closed(document: Any) -> None:
    """Refuse what would make the parser fetch: contexts by address, imported contexts; and nesting beyond reason."""
    waiting: list[tuple[Any, int]] = [(document, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise UnreadableCatalogue(
                f"JSON 嵌套超过 {MAX_DEPTH} 层", f"the JSON nests deeper than {MAX_DEPTH} levels; flatten it"
            )
        if isinstance(node, list):
            waiting.extend((child, depth + 1) for child in node)
        elif isinstance(node, dict):
            for name, child in node.items():
                if name == "@import" or (name == "@context" and _refers_outwards(child)):
                    raise UnreadableCatalogue(
                        "JSON-LD 的 @context 引用了外部地址；请导出为内嵌 @context 的文件或 Turtle",
                        "the JSON-LD names its @context by address, which is never fetched: export it with the context"
                        " inside, or as Turtle",
                    )
                waiting.append((child, depth + 1))


def _refers_outwards(context: Any) -> bool:
    return isinstance(context, str) or (isinstance(context, list) and any(isinstance(part, str) for part in context))


def _said(graph: Graph, dataset: URIRef) -> tuple[dict[str, Any], list[Violation]]:
    uri = str(dataset)
    title = _text(graph, dataset, DCTERMS.title)
    summary = _text(graph, dataset, DCTERMS.description)
    faults = list(_text_faults(uri, title, summary))
    publisher = next(iter(sorted(graph.objects(dataset, DCTERMS.publisher), key=str)), None)
    said: dict[str, Any] = {
        "name": title,
        "summary": summary,
        "upstream_code": _plain(graph, dataset, DCTERMS.identifier),
        "provider_name": None if publisher is None else _text(graph, publisher, FOAF.name),
        "provider_code": None if publisher is None else _plain(graph, publisher, DCTERMS.identifier),
        "share_type": _share_type(graph, dataset),
        "update_cycle": _update_cycle(graph, dataset),
        "classification": _plain(graph, dataset, SHUNIU.classification) or _theme(graph, dataset),
        "version": _plain(graph, dataset, VERSION),
        "issued": _moment(graph, dataset, DCTERMS.issued),
        "modified": _moment(graph, dataset, DCTERMS.modified),
        "keywords": sorted({str(word) for word in graph.objects(dataset, DCAT.keyword)}) or None,
        "landing_page": _plain(graph, dataset, DCAT.landingPage),
    }
    texts = [uri, *(value for value in said.values() if isinstance(value, str)), *(said["keywords"] or ())]
    if not faults and any(map(UNPRINTABLE.search, texts)):
        faults.append(
            _fault(uri, "文字含有控制字符，请上游更正", "holds control characters; ask its catalogue to correct it")
        )
    return {name: value for name, value in said.items() if value is not None}, faults


def _text_faults(uri: str, title: str | None, summary: str | None) -> Iterator[Violation]:
    if len(uri) > MAX_ADDRESS:
        yield _fault(uri[:MAX_ADDRESS], "地址过长", f"its address exceeds {MAX_ADDRESS} characters")
    if not (title or "").strip():
        yield _fault(uri, "没有名称（dct:title），请上游补上", "has no dct:title; ask its catalogue for one")
    for name, text, limit in (("dct:title", title, MAX_NAME), ("dct:description", summary, MAX_SUMMARY + MAX_CLAUSE)):
        if text is not None and (len(text) > limit or UNPRINTABLE.search(text)):
            yield _fault(
                uri,
                f"{name} 超过 {limit} 个字或含有控制字符，请上游更正",
                f"its {name} exceeds {limit} characters or holds control characters; ask its catalogue to correct it",
            )


def _fault(uri: str, zh: str, en: str) -> Violation:
    return Violation(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", uri), "dcat", zh, en)


def _text(graph: Graph, node: Node, term: URIRef) -> str | None:
    """The text in Chinese, or without a language, or the first in any."""
    found = [value for value in graph.objects(node, term) if isinstance(value, Literal)]
    if not found:
        return None
    return str(min(found, key=lambda value: (_rank(value.language), str(value)))).strip()


def _rank(language: str | None) -> int:
    if language is not None and language.startswith("zh"):
        return 0
    return 1 if language is None else 2


def _plain(graph: Graph, node: Node, term: URIRef) -> str | None:
    found = sorted(str(value) for value in graph.objects(node, term))
    return found[0] if found else None


def _share_type(graph: Graph, dataset: URIRef) -> int | None:
    exact = _plain(graph, dataset, SHUNIU.shareType)
    if exact in {str(kind.value) for kind in ShareType}:
        return int(str(exact))
    rights = {kind for node in graph.objects(dataset, DCTERMS.accessRights) if (kind := _SHARING.get(node))}  # type: ignore[call-overload]
    return max(rights).value if rights else None


def _update_cycle(graph: Graph, dataset: URIRef) -> int | None:
    exact = _plain(graph, dataset, SHUNIU.updateCycle)
    if exact in {str(cycle.value) for cycle in UpdateCycle}:
        return int(str(exact))
    cycles = {cycle for node in graph.objects(dataset, DCTERMS.accrualPeriodicity) if (cycle := _CYCLES.get(node))}  # type: ignore[call-overload]
    return min(cycles).value if cycles else None


def _theme(graph: Graph, dataset: URIRef) -> str | None:
    notations = sorted(
        str(notation)
        for theme in graph.objects(dataset, DCAT.theme)
        for notation in graph.objects(theme, SKOS.notation)
    )
    return notations[0] if notations else None


def _moment(graph: Graph, dataset: URIRef, term: URIRef) -> str | None:
    for value in sorted(graph.objects(dataset, term), key=str):
        python = value.toPython() if isinstance(value, Literal) else None
        if isinstance(python, datetime | date):
            return python.isoformat()
    return None
