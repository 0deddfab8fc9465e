"""What goes into a page of DCAT and what comes out of one, without the library that writes and reads RDF, which takes long to load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from catalog.errors import Violation
from catalog.metadata import Metadata


class Syntax(StrEnum):
    """A way of writing RDF; the value is its media type."""

    TURTLE = "text/turtle"
    JSON_LD = "application/ld+json"

    @property
    def suffix(self) -> str:
        """What the address of a page ends with."""
        return _SUFFIXES[self]


_SUFFIXES: Final = {Syntax.TURTLE: "ttl", Syntax.JSON_LD: "jsonld"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A published resource: its live version, and whose it is."""

    code: str
    metadata: Metadata
    provider_name: str
    provider_code: str | None
    version: int
    published_at: datetime
    updated_at: datetime
    item_names: Sequence[str] = ()
    class_name: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the catalogue is: public address without a closing stroke, hub id, name of the catalogue, this page, the next and the first."""

    base: str
    hub: str
    title: str
    page: str
    following: str | None
    first: str


@dataclass(frozen=True, slots=True)
class Harvested:
    """What a dataset says of itself: `uri` names it for good, `said` holds the fields that are there, `digest` is over both."""

    uri: str
    said: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """The datasets of one page in the order of their addresses, the faults by dataset, and the addresses that the page names.

    `address`, `following`, `first` and `last` are those of the page itself, of the next one, of the first and of the last; None
    where it names none.
    """

    datasets: tuple[Harvested, ...]
    faults: tuple[Violation, ...]
    following: str | None = None
    address: str | None = None
    first: str | None = None
    last: str | None = None
    titles: tuple[str, ...] = field(default=())
