"""The Lintao example: organisations, systems, resources, records and grants taken from published official documents.

Texts stand as their documents have them; what the documents do not give (codes, some system names, the rows of three
lists) is synthetic and says so with `is_example`. This package only reads its own files: it must not know how the
example is registered, signed or delivered.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

Value = str | int | float | bool
Record = dict[str, Value]


@dataclass(frozen=True)
class Source:
    """Where a document says it: file name, lines ("39" or "39,47" or "80-223") and article."""

    document: str
    lines: str
    article: str


@dataclass(frozen=True)
class Organisation:
    """A body that the documents name; `code` (GB 32100) is None for a body that stands under its parent's code."""

    key: str
    code: str | None
    name: str
    short_name: str
    name_en: str
    region: str
    parent: str | None
    is_example: bool
    source: Source
    note: str


@dataclass(frozen=True)
class System:
    """A partner's software; `is_example` means that the documents give the duty but not this name."""

    code: str
    organisation: str
    name: str
    name_en: str
    is_example: bool
    source: Source


@dataclass(frozen=True)
class Item:
    """One 信息项; `length` counts code points and is present for C and M, `unit` is present for amounts."""

    field_name: str
    name: str
    data_type: str
    required: bool
    key: bool
    sensitive: bool
    length: int | None = None
    enumeration: tuple[str, ...] | None = None
    unit: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Resource:
    """A resource to register; `category` is its code before the stroke (类项目细目), `update_cycle` a number of CL-7.

    `metadata` are the core metadata that the documents do not give, as the API takes them.
    """

    key: str
    category: str
    name: str
    summary: str
    provider: str
    system: str
    share_type: int
    share_condition: str | None
    no_share_basis: str | None
    update_cycle: int
    metadata: Mapping[str, Value]
    source: Source
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Grant:
    """Who gets a resource, what for, and the article that justifies it."""

    consumer: str
    resource: str
    purpose: str
    basis: str
    mode: str


@dataclass(frozen=True)
class Class:
    """A class below those that every hub has: a code (类项目细目) and its name."""

    code: str
    name: str


@dataclass(frozen=True)
class ChainStep:
    """An approval that a list needs: whose (None: the provider's competent department), and the words that say so."""

    organisation: str | None
    basis: str
    source: Source


@dataclass(frozen=True)
class Chain:
    """The approvals that the resources of a list need, in order."""

    list_type: str
    steps: tuple[ChainStep, ...]


@dataclass(frozen=True)
class Correction:
    """A record that a document gets wrong: which (its key items), what contradicts what, and what stands there instead."""

    resource: str
    key: Mapping[str, Value]
    wrong: str
    changes: Mapping[str, Value]
    source: Source


@dataclass(frozen=True)
class Entry:
    """A resource of the county's workbook as staff would fill it in; all of them are synthetic and say so."""

    provider: str
    system: str
    classification: str
    metadata: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Catalogue:
    """What the county's departments enter by spreadsheet: the classes that it needs, and the resources."""

    classes: tuple[Class, ...]
    entries: tuple[Entry, ...]


def load_organisations() -> list[Organisation]:
    """Return the organisations, parents before those under them."""
    return [Organisation(**_with_source(entry)) for entry in _read("organisations.json")]


def load_systems() -> list[System]:
    """Return the partner systems."""
    return [System(**_with_source(entry)) for entry in _read("systems.json")]


def load_resources() -> list[Resource]:
    """Return the resources, each with its items in the order of its columns."""
    return [
        Resource(**_with_source(entry) | {"items": tuple(_item(item) for item in entry["items"])})
        for entry in _read("resources.json")
    ]


def load_classes() -> list[Class]:
    """Return the classes, those above before those below."""
    return [Class(**entry) for entry in _read("classifications.json")]


def load_chains() -> list[Chain]:
    """Return the chains of approval."""
    return [
        Chain(entry["list_type"], tuple(ChainStep(**_with_source(step)) for step in entry["steps"]))
        for entry in _read("approval_chains.json")
    ]


def load_catalogue() -> Catalogue:
    """Return the county's workbook; one of its resources, a list of poverty relief projects, lacks a prescribed item."""
    raw = json.loads(files(__name__).joinpath("catalogue.json").read_text(encoding="utf-8"))
    entries = (Entry(**{**entry, "items": tuple(entry["items"])}) for entry in raw["resources"])
    return Catalogue(tuple(Class(**entry) for entry in raw["classes"]), tuple(entries))


def load_records(key: str) -> list[Record]:
    """Return the records of the resource with that key; raises FileNotFoundError where there is no such resource."""
    records: list[Record] = _read(f"records/{key}.json")
    return records


def load_grants() -> list[Grant]:
    """Return the grants to propose."""
    return [Grant(**entry) for entry in _read("grants.json")]


def load_corrections() -> list[Correction]:
    """Return what the documents get wrong, with its correction, which is synthetic."""
    return [Correction(**_with_source(entry)) for entry in _read("corrections.json")]


def _item(entry: Mapping[str, Any]) -> Item:
    enumeration = entry.get("enumeration")
    return Item(**{**entry, "enumeration": None if enumeration is None else tuple(enumeration)})


def _with_source(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry, "source": Source(**entry["source"])}


def _read(name: str) -> list[Any]:
    entries: list[Any] = json.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))
    return entries
