"""The facets of a search: what a list of resources can be narrowed by and counted by. Pure; knows no table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from catalog.codes import (
    FormatClass,
    LabelledNumber,
    LabelledText,
    ResourceClass,
    ResourceStatus,
    ShareType,
    UpdateCycle,
)


class Facet(StrEnum):
    """What resources are narrowed and counted by; the value is its name on the wire."""

    STATUS = "status"
    SHARE_TYPE = "share_type"
    CLASS = "class"
    PROVIDER = "provider"
    UPDATE_CYCLE = "update_cycle"
    FORMAT_CLASS = "format_class"


CODES: Final[Mapping[Facet, type[LabelledText] | type[LabelledNumber]]] = {
    Facet.STATUS: ResourceStatus,
    Facet.SHARE_TYPE: ShareType,
    Facet.CLASS: ResourceClass,
    Facet.UPDATE_CYCLE: UpdateCycle,
    Facet.FORMAT_CLASS: FormatClass,
}
"""The code list of each facet that has one; providers are organisations, by id."""

_MARKS: Final = {
    Facet.STATUS: "t",
    Facet.SHARE_TYPE: "s",
    Facet.CLASS: "c",
    Facet.PROVIDER: "p",
    Facet.UPDATE_CYCLE: "u",
    Facet.FORMAT_CLASS: "f",
}

Filters = Mapping[Facet, tuple[str, ...]]
"""The values of each facet of which a resource must have one; a facet that is left out narrows nothing."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet with its labels and how many of the resources found have it."""

    value: str
    zh: str
    en: str
    count: int


def token(facet: Facet, value: object) -> str:
    """Return the token by which the index knows a value: short, and no word of a text, for none holds a `#`."""
    return f"#{_MARKS[facet]}{value}"


def alternatives(filters: Filters) -> Iterable[tuple[str, ...]]:
    """Return, for each facet that narrows, the tokens of which a resource must have one."""
    return [tuple(token(facet, value) for value in values) for facet, values in sorted(filters.items()) if values]


def label(facet: Facet, value: str) -> tuple[str, str]:
    """Return the Chinese and the English label of a value of a code list; a value outside it is its own label."""
    for code in CODES[facet]:
        if str(code.value) == value:
            return code.zh, code.en
    return value, value
