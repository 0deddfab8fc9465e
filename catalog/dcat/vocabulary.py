"""The terms that both directions use, and how the national code lists read in the European authority tables.

DCAT-AP 3 asks for the tables "frequency" and "access-right" of the EU Publications Office; their addresses are names here
and are never fetched. What DCAT has no term for stands in a namespace of our own.
"""

from collections.abc import Mapping
from typing import Final

from rdflib import Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, SKOS, XSD

from catalog.codes import ShareType, UpdateCycle

HYDRA: Final = Namespace("http://www.w3.org/ns/hydra/core#")
SHUNIU: Final = Namespace("urn:shuniu:catalogue:")
"""Our own terms: `shareType`, `updateCycle`, `classification`, `networkZone`, `formatClass`, with the national codes as values."""

VERSION: Final = URIRef(f"{DCAT}version")
"""`dcat:version` of DCAT 3, newer than the library's list of terms."""

PREFIXES: Final[Mapping[str, Namespace]] = {
    "dcat": Namespace(str(DCAT)),
    "dct": Namespace(str(DCTERMS)),
    "foaf": Namespace(str(FOAF)),
    "hydra": HYDRA,
    "rdf": Namespace(str(RDF)),
    "shuniu": SHUNIU,
    "skos": Namespace(str(SKOS)),
    "xsd": Namespace(str(XSD)),
}

_FREQUENCY: Final = "http://publications.europa.eu/resource/authority/frequency/"
_ACCESS_RIGHT: Final = "http://publications.europa.eu/resource/authority/access-right/"

FREQUENCIES: Final[Mapping[UpdateCycle, URIRef]] = {
    UpdateCycle.REAL_TIME: URIRef(_FREQUENCY + "CONT"),
    UpdateCycle.DAILY: URIRef(_FREQUENCY + "DAILY"),
    UpdateCycle.WEEKLY: URIRef(_FREQUENCY + "WEEKLY"),
    UpdateCycle.MONTHLY: URIRef(_FREQUENCY + "MONTHLY"),
    UpdateCycle.QUARTERLY: URIRef(_FREQUENCY + "QUARTERLY"),
    UpdateCycle.HALF_YEARLY: URIRef(_FREQUENCY + "ANNUAL_2"),
    UpdateCycle.YEARLY: URIRef(_FREQUENCY + "ANNUAL"),
    UpdateCycle.IRREGULAR: URIRef(_FREQUENCY + "IRREG"),
}
"""`dct:accrualPeriodicity` of each update cycle (CL-7)."""

ACCESS_RIGHTS: Final[Mapping[ShareType, URIRef]] = {
    ShareType.UNCONDITIONAL: URIRef(_ACCESS_RIGHT + "PUBLIC"),
    ShareType.CONDITIONAL: URIRef(_ACCESS_RIGHT + "RESTRICTED"),
    ShareType.NOT_SHARED: URIRef(_ACCESS_RIGHT + "NON_PUBLIC"),
}
"""`dct:accessRights` nearest to each share type (CL-4); PUBLIC means among departments here, so `shuniu:shareType` is exact."""
