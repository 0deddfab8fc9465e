"""DCAT-AP out and in: what is written reads back, what comes in is bounded and never fetched."""

import socket
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, SKOS

from catalog.codes import ShareType, UpdateCycle
from catalog.dcat import reading, writing
from catalog.dcat.pages import Entry, Place, Syntax
from catalog.dcat.reading import UnreadableCatalogue, read_page
from catalog.dcat.vocabulary import ACCESS_RIGHTS, FREQUENCIES, HYDRA
from catalog.dcat.writing import write_page
from catalog.metadata import Metadata

BASE = "https://hub.example"
PUBLISHED = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
FIRST = f"{BASE}/v1/resources/catalogue.ttl"
PLACE = Place(BASE, "lintao-hub", "临洮县政务信息资源目录", FIRST, None, FIRST)
ADDRESS = f"{BASE}/v1/resources/306001000001/000001"


def entry(number: int = 1, **changed: Any) -> Entry:
    """An entry in order, with these changes of its metadata."""
    said: dict[str, Any] = {
        "name": f"办事指南 {number}",
        "summary": "救助类事项的办事指南",
        "share_type": 1,
        "update_cycle": 4,
    }
    return Entry(
        code=f"306001000001/{number:06d}",
        metadata=Metadata.model_validate(said | changed),
        provider_name="临洮县示例局",
        provider_code="11320982014392332G",
        version=2,
        published_at=PUBLISHED,
        updated_at=PUBLISHED,
        item_names=("事项编码", "事项名称"),
    )


def turtle(*statements: str) -> bytes:
    """A document with the usual prefixes."""
    prefixes = (
        "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> ."
        " @prefix foaf: <http://xmlns.com/foaf/0.1/> ."
    )
    return "\n".join([prefixes, *statements]).encode()


@pytest.mark.parametrize("syntax", Syntax)
def test_a_page_is_a_dcat_catalogue_that_names_the_next(syntax: Syntax) -> None:
    place = Place(BASE, "lintao-hub", "目录", FIRST, f"{FIRST}?cursor=x", FIRST)
    written = write_page([entry(1), entry(2)], place, syntax)
    graph = Graph().parse(data=written, format="turtle" if syntax is Syntax.TURTLE else "json-ld")
    catalogue = URIRef(f"{BASE}/v1/resources")
    assert (catalogue, RDF.type, DCAT.Catalog) in graph
    assert len(set(graph.objects(catalogue, DCAT.dataset))) == 2
    assert set(graph.objects(None, HYDRA.next)) == {URIRef(str(place.following))}
    dataset = URIRef(ADDRESS)
    assert str(graph.value(dataset, DCTERMS.identifier)) == "306001000001/000001"
    assert graph.value(dataset, DCTERMS.accrualPeriodicity) == FREQUENCIES[UpdateCycle.MONTHLY]
    assert graph.value(dataset, DCTERMS.accessRights) == ACCESS_RIGHTS[ShareType.UNCONDITIONAL]
    distribution = graph.value(dataset, DCAT.distribution)
    assert distribution is not None
    assert graph.value(distribution, DCAT.accessURL) == URIRef(f"{BASE}/v1/inbox")


MANDATORY = {
    DCAT.Catalog: (DCTERMS.title, DCTERMS.description, DCTERMS.publisher),
    DCAT.Dataset: (DCTERMS.title, DCTERMS.description),
    DCAT.Distribution: (DCAT.accessURL,),
    FOAF.Agent: (FOAF.name,),
    SKOS.Concept: (SKOS.prefLabel,),
}
"""What DCAT-AP 3 makes mandatory for each class."""


@pytest.mark.parametrize("syntax", Syntax)
@pytest.mark.parametrize("page", ["of two", "of none"])
def test_everything_has_the_mandatory_properties_of_dcat_ap(syntax: Syntax, page: str) -> None:
    coded = entry(1, share_type=2, share_condition="业务协同", region_scope=["621124"])
    entries = [coded, replace(entry(2), provider_code=None, class_name="办事指南")] if page == "of two" else []
    written = write_page(entries, PLACE, syntax)
    graph = Graph().parse(data=written, format="turtle" if syntax is Syntax.TURTLE else "json-ld")
    for kind, properties in MANDATORY.items():
        found = set(graph.subjects(RDF.type, kind))
        assert found or not entries, kind
        for node in found:
            for term in properties:
                assert any(str(value) for value in graph.objects(node, term)), (node, term)
    for term, kind in (
        (DCTERMS.publisher, FOAF.Agent),
        (DCTERMS.spatial, DCTERMS.Location),
        (DCTERMS.conformsTo, DCTERMS.Standard),
        (DCAT.theme, SKOS.Concept),
    ):
        assert all((value, RDF.type, kind) in graph for value in graph.objects(None, term)), term


def test_a_page_names_itself_the_next_and_the_first() -> None:
    last = Place(BASE, "lintao-hub", "目录", f"{FIRST}?cursor=x", None, FIRST)
    middle = Place(BASE, "lintao-hub", "目录", FIRST, f"{FIRST}?cursor=x", FIRST)
    for place in (middle, last):
        for syntax in Syntax:
            page = read_page(write_page([entry()], place, syntax), syntax)
            assert (page.address, page.following, page.first) == (place.page, place.following, place.first)


@pytest.mark.parametrize("at", ["<http://up.example/c?page=2>", "[]"])
def test_pages_of_a_paged_collection_are_read_too(at: str) -> None:
    """As CKAN and udata write them, with addresses as texts."""
    page = read_page(
        turtle(
            '<http://up.example/1> a dcat:Dataset ; dct:title "一" .',
            f"@prefix hydra: <{HYDRA}> .",
            f"{at} " if at != "[]" else "_:p ",
            'a hydra:PagedCollection ; hydra:nextPage "http://up.example/c?page=3" ;',
            'hydra:firstPage "http://up.example/c?page=1" ; hydra:lastPage "http://up.example/c?page=9" .',
        ),
        Syntax.TURTLE,
    )
    named = (page.following, page.first, page.last)
    assert named == tuple(f"http://up.example/c?page={number}" for number in (3, 1, 9))
    assert page.address == (None if at == "[]" else "http://up.example/c?page=2")


def test_both_syntaxes_say_the_same_and_the_same_entries_give_the_same_bytes() -> None:
    entries = [entry(1, share_type=2, share_condition="业务协同", region_scope=["621124"]), entry(2)]
    first = {syntax: write_page(entries, PLACE, syntax) for syntax in Syntax}
    assert first == {syntax: write_page(entries, PLACE, syntax) for syntax in Syntax}
    graphs = [
        Graph().parse(data=first[Syntax.TURTLE], format="turtle"),
        Graph().parse(data=first[Syntax.JSON_LD], format="json-ld"),
    ]
    assert isomorphic(*graphs)


_TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40).filter(
    lambda text: text == text.strip()
)


@settings(max_examples=40)
@given(
    names=st.lists(_TEXT, min_size=1, max_size=4),
    share_type=st.sampled_from(ShareType),
    update_cycle=st.sampled_from(UpdateCycle),
    syntax=st.sampled_from(Syntax),
)
def test_what_is_written_reads_back(
    names: Sequence[str], share_type: ShareType, update_cycle: UpdateCycle, syntax: Syntax
) -> None:
    entries = [
        entry(number, name=name, share_type=share_type, update_cycle=update_cycle)
        for number, name in enumerate(names, 1)
    ]
    page = read_page(write_page(entries, PLACE, syntax), syntax)
    assert page.faults == ()
    assert [found.uri for found in page.datasets] == [f"{BASE}/v1/resources/{written.code}" for written in entries]
    for found, written in zip(page.datasets, entries, strict=True):
        assert found.said == {
            "name": written.metadata.name,
            "summary": written.metadata.summary,
            "upstream_code": written.code,
            "provider_name": written.provider_name,
            "provider_code": written.provider_code,
            "share_type": share_type.value,
            "update_cycle": update_cycle.value,
            "classification": "306001000001",
            "version": "2",
            "issued": PUBLISHED.isoformat(),
            "modified": PUBLISHED.isoformat(),
            "keywords": sorted(written.item_names),
        }


def test_a_page_without_our_own_terms_reads_by_the_european_tables() -> None:
    page = read_page(
        turtle(
            '<http://up.example/1> a dcat:Dataset ; dct:title "Guides"@en, "指南"@zh ; dct:description "办事" ;',
            " dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/ANNUAL> ;",
            " dct:accessRights <http://publications.europa.eu/resource/authority/access-right/RESTRICTED> ;",
            ' dct:publisher [ a foaf:Agent ; foaf:name "省某厅" ] ; dct:issued "2026-02-03"^^<http://www.w3.org/2001/XMLSchema#date> .',
        ),
        Syntax.TURTLE,
    )
    [found] = page.datasets
    assert found.said == {
        "name": "指南",
        "summary": "办事",
        "provider_name": "省某厅",
        "share_type": 2,
        "update_cycle": 6,
        "issued": "2026-02-03",
    }


def test_a_dataset_that_says_too_little_is_a_fault_beside_the_others() -> None:
    page = read_page(
        turtle(
            '<http://up.example/1> a dcat:Dataset ; dct:title "一" .',
            "<http://up.example/2> a dcat:Dataset .",
            f'<http://up.example/3> a dcat:Dataset ; dct:title "{"长" * 101}" .',
            '[] a dcat:Dataset ; dct:title "没有地址" .',
        ),
        Syntax.TURTLE,
    )
    assert [found.uri for found in page.datasets] == ["http://up.example/1"]
    assert sorted(fault.field for fault in page.faults) == ["", "http://up.example/2", "http://up.example/3"]
    assert all(fault.zh and fault.en for fault in page.faults)


@pytest.mark.parametrize(
    "context",
    [
        '"http://127.0.0.1:9/context.jsonld"',
        '["http://127.0.0.1:9/context.jsonld", {}]',
        '{"@import": "http://127.0.0.1:9/context.jsonld"}',
        '{"part": {"@id": "urn:part", "@context": "http://127.0.0.1:9/context.jsonld"}}',
    ],
)
def test_a_context_by_address_is_refused_and_never_fetched(context: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *args, **_: asked.append(args))
    document = f'{{"@context": {context}, "@id": "urn:a", "@type": "http://www.w3.org/ns/dcat#Dataset"}}'
    with pytest.raises(UnreadableCatalogue, match="@context"):
        read_page(document.encode(), Syntax.JSON_LD)
    assert asked == []


@pytest.mark.parametrize(
    ("content", "syntax"),
    [
        (b"<a> <b>", Syntax.TURTLE),
        (b"\xff\xfe", Syntax.TURTLE),
        (b"", Syntax.TURTLE),
        (b"[" * 5_000, Syntax.TURTLE),
        (b"{", Syntax.JSON_LD),
        (b"[]", Syntax.JSON_LD),
        (b'{"@type": 3}', Syntax.JSON_LD),
        (b'{"@id": {"@id": []}, "@type": [[]]}', Syntax.JSON_LD),
        (b'{"@graph": ' + b"[" * 100 + b"]" * 100 + b"}", Syntax.JSON_LD),
        (turtle('<http://up.example/1> dct:title "no dataset" .'), Syntax.TURTLE),
    ],
)
def test_what_is_no_catalogue_is_refused_in_words(content: bytes, syntax: Syntax) -> None:
    with pytest.raises(UnreadableCatalogue) as refused:
        read_page(content, syntax)
    assert refused.value.zh
    assert refused.value.en


def test_documents_and_pages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_DATASETS", 2)
    with pytest.raises(UnreadableCatalogue, match="数据集"):
        read_page(write_page([entry(number) for number in (1, 2, 3)], PLACE, Syntax.TURTLE), Syntax.TURTLE)
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(UnreadableCatalogue, match="MiB"):
        read_page(b" " * 11, Syntax.TURTLE)


@given(
    content=st.binary(max_size=60) | st.text("<>[]{}@:.;,\"' abc\\n^", max_size=60).map(str.encode),
    syntax=st.sampled_from(Syntax),
)
def test_nothing_but_a_refusal_comes_of_noise(content: bytes, syntax: Syntax) -> None:
    with pytest.raises(UnreadableCatalogue):
        read_page(content, syntax)


def test_the_digest_follows_what_is_said_and_nothing_else() -> None:
    one, other = (
        read_page(
            turtle(f'<http://up.example/1> a dcat:Dataset ; dct:title "{title}" ; <urn:noise> {noise} .'), Syntax.TURTLE
        )
        for title, noise in (("一", 1), ("一", 2))
    )
    changed = read_page(turtle('<http://up.example/1> a dcat:Dataset ; dct:title "二" .'), Syntax.TURTLE)
    assert one.datasets[0].digest == other.datasets[0].digest != changed.datasets[0].digest


def test_every_code_has_its_term() -> None:
    assert set(FREQUENCIES) == set(UpdateCycle)
    assert set(ACCESS_RIGHTS) == set(ShareType)
    assert {syntax.suffix for syntax in Syntax} == {"ttl", "jsonld"}
    assert writing.CHINESE == "zh"


@pytest.mark.parametrize(
    "said", ['dcat:keyword "a\\u0000b"', 'dct:identifier "x\\uD800"', 'dct:publisher [ foaf:name "a\\u0001" ]']
)
def test_control_characters_in_a_dataset_are_its_one_fault(said: str) -> None:
    page = read_page(turtle(f'<urn:a> a dcat:Dataset ; dct:title "甲" ; {said} .'), Syntax.TURTLE)
    assert page.datasets == ()
    assert [fault.field for fault in page.faults] == ["urn:a"]


@pytest.mark.parametrize("term", ["next", "first", "last"])
def test_a_page_whose_address_holds_control_characters_is_unreadable(term: str) -> None:
    view = f'<urn:p> <{HYDRA[term]}> "https://up.example/p2\\u0000" .'
    with pytest.raises(UnreadableCatalogue, match="控制字符"):
        read_page(turtle('<urn:a> a dcat:Dataset ; dct:title "甲" .', view), Syntax.TURTLE)
