"""Our catalogue as DCAT-AP: one page of published resources as a graph, in Turtle or JSON-LD.

A page is a `hydra:PartialCollectionView` of the one `dcat:Catalog` and names the first and the next page, so that a harvester
walks on until there is none, and sees if one is missing. The same entries give the same bytes. Everything has the properties
that DCAT-AP 3 makes mandatory for its class.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, SKOS, XSD

from catalog.codes import UpdateCycle
from catalog.dcat.pages import Entry, Place, Syntax
from catalog.dcat.vocabulary import ACCESS_RIGHTS, FREQUENCIES, HYDRA, PREFIXES, SHUNIU, VERSION

CHINESE: Final = "zh"
LANGUAGE: Final = URIRef("http://publications.europa.eu/resource/authority/language/ZHO")


def write_page(entries: Sequence[Entry], place: Place, syntax: Syntax) -> bytes:
    """Return the page of these entries, UTF-8."""
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    catalogue = URIRef(f"{place.base}/v1/resources")
    graph.add((catalogue, RDF.type, DCAT.Catalog))
    graph.add((catalogue, DCTERMS.title, Literal(place.title, lang=CHINESE)))
    graph.add((catalogue, DCTERMS.description, Literal(f"枢纽 {place.hub} 已发布的政务信息资源", lang=CHINESE)))
    graph.add((catalogue, DCTERMS.identifier, Literal(place.hub)))
    graph.add((catalogue, DCTERMS.language, LANGUAGE))
    hub = URIRef(place.base)
    graph.add((catalogue, DCTERMS.publisher, hub))
    graph.add((hub, RDF.type, FOAF.Agent))
    graph.add((hub, FOAF.name, Literal(place.hub)))
    _view(graph, catalogue, place)
    for entry in entries:
        dataset = URIRef(f"{place.base}/v1/resources/{entry.code}")
        graph.add((catalogue, DCAT.dataset, dataset))
        _dataset(graph, dataset, entry, place.base)
    if syntax is Syntax.JSON_LD:
        return graph.serialize(format="json-ld", encoding="utf-8", sort_keys=True)
    return graph.serialize(format="turtle", encoding="utf-8")


def _view(graph: Graph, catalogue: URIRef, place: Place) -> None:
    page = URIRef(place.page)
    graph.add((catalogue, HYDRA.view, page))
    graph.add((page, RDF.type, HYDRA.PartialCollectionView))
    graph.add((page, HYDRA.first, URIRef(place.first)))
    if place.following is not None:
        graph.add((page, HYDRA.next, URIRef(place.following)))


def _dataset(graph: Graph, dataset: URIRef, entry: Entry, base: str) -> None:
    metadata = entry.metadata
    classification = entry.code.partition("/")[0]
    graph.add((dataset, RDF.type, DCAT.Dataset))
    graph.add((dataset, DCTERMS.identifier, Literal(entry.code)))
    graph.add((dataset, DCTERMS.title, Literal(metadata.name, lang=CHINESE)))
    graph.add((dataset, DCTERMS.description, Literal(metadata.summary, lang=CHINESE)))
    graph.add((dataset, DCTERMS.issued, _moment(entry.published_at)))
    graph.add((dataset, DCTERMS.modified, _moment(entry.updated_at)))
    graph.add((dataset, DCTERMS.accrualPeriodicity, FREQUENCIES[UpdateCycle(metadata.update_cycle)]))
    graph.add((dataset, DCTERMS.accessRights, ACCESS_RIGHTS[metadata.share_type]))
    graph.add((dataset, VERSION, Literal(str(entry.version))))
    graph.add((dataset, SHUNIU.shareType, Literal(metadata.share_type.value)))
    graph.add((dataset, SHUNIU.updateCycle, Literal(metadata.update_cycle.value)))
    graph.add((dataset, SHUNIU.classification, Literal(classification)))
    if metadata.network_zone is not None:
        graph.add((dataset, SHUNIU.networkZone, Literal(metadata.network_zone.value)))
    if metadata.format_class is not None:
        graph.add((dataset, SHUNIU.formatClass, Literal(metadata.format_class.value)))
    if clause := metadata.share_condition or metadata.no_share_basis:
        _rights(graph, dataset, clause)
    for name in entry.item_names:
        graph.add((dataset, DCAT.keyword, Literal(name, lang=CHINESE)))
    for code in metadata.related_resource_codes:
        graph.add((dataset, DCTERMS.relation, URIRef(f"{base}/v1/resources/{code}")))
    for region in metadata.region_scope:
        graph.add((dataset, DCTERMS.spatial, URIRef(f"urn:gb2260:{region}")))
        graph.add((URIRef(f"urn:gb2260:{region}"), RDF.type, DCTERMS.Location))
    _theme(graph, dataset, classification, entry.class_name or classification)
    _publisher(graph, dataset, entry)
    _distribution(graph, dataset, entry, base)


def _rights(graph: Graph, dataset: URIRef, clause: str) -> None:
    statement = BNode("rights-" + str(dataset).rpartition("/v1/resources/")[2].replace("/", "-"))
    graph.add((dataset, DCTERMS.rights, statement))
    graph.add((statement, RDF.type, DCTERMS.RightsStatement))
    graph.add((statement, DCTERMS.description, Literal(clause, lang=CHINESE)))


def _theme(graph: Graph, dataset: URIRef, classification: str, name: str) -> None:
    theme = URIRef(f"urn:shuniu:classification:{classification}")
    graph.add((dataset, DCAT.theme, theme))
    graph.add((theme, RDF.type, SKOS.Concept))
    graph.add((theme, SKOS.prefLabel, Literal(name, lang=CHINESE)))
    graph.add((theme, SKOS.notation, Literal(classification)))


def _publisher(graph: Graph, dataset: URIRef, entry: Entry) -> None:
    # A body without a code of its own is known by its name alone.
    named = entry.provider_code or entry.code
    publisher = URIRef(f"urn:uscc:{named}") if entry.provider_code else BNode(f"provider-{named.replace('/', '-')}")
    graph.add((dataset, DCTERMS.publisher, publisher))
    graph.add((publisher, RDF.type, FOAF.Agent))
    graph.add((publisher, FOAF.name, Literal(entry.provider_name, lang=CHINESE)))
    if entry.provider_code:
        graph.add((publisher, DCTERMS.identifier, Literal(entry.provider_code)))


def _distribution(graph: Graph, dataset: URIRef, entry: Entry, base: str) -> None:
    distribution = URIRef(f"{dataset}#exchange")
    graph.add((dataset, DCAT.distribution, distribution))
    graph.add((distribution, RDF.type, DCAT.Distribution))
    graph.add((distribution, DCAT.accessURL, URIRef(f"{base}/v1/inbox")))
    schema = URIRef(f"{dataset}/schema?ver={entry.version}")
    graph.add((distribution, DCTERMS.conformsTo, schema))
    graph.add((schema, RDF.type, DCTERMS.Standard))
    graph.add((distribution, DCAT.mediaType, URIRef("https://www.iana.org/assignments/media-types/application/jose")))


def _moment(value: datetime) -> Literal:
    return Literal(value.isoformat(), datatype=XSD.dateTime)
