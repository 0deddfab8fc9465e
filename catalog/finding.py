"""Finding resources: by words, by the beginning of a code, by facets; in a stable order, capped, by pages.

Found are first the resources whose code begins with what was typed, then those with all words in the name (or its pinyin
initials), then those with all words anywhere; within each tier the code decides. Of what a search finds, the first 1,000
in this order are its candidates: they are shown and counted by facet, and more than that are "1000+". A list without
words is counted the same way, but goes on to its end.

A cursor says behind which place its page begins, not how many rows came before it, so pages neither repeat nor skip a
resource because others come and go. It belongs to one question and is refused for another.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from catalog import facets as facet_codes
from catalog import search_repository as repository
from catalog.errors import InvalidCursor
from catalog.facets import Filters
from catalog.queries import MAX_PAGE
from catalog.search_repository import CAP as CAP
from catalog.search_repository import Asked, Tier
from catalog.search_text import read_query

_SOONER_SORTED: Final = 300
"""Times the root of a page's length: so many hits are as soon sorted as the page is found along 200,000 codes (measured)."""


@dataclass(frozen=True, slots=True)
class Search:
    """A question: `query` as typed (None: everything), values of facets, who asks, which page, and whether to count facets."""

    query: str | None = None
    filters: Filters = field(default_factory=dict)
    for_systems: bool = False
    limit: int = 100
    cursor: str | None = None
    with_facets: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of the candidates have this value of this facet."""

    facet: facet_codes.Facet
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Findings:
    """Ids of a page in their order, the cursor of the next page (None on the last), and what was found altogether.

    `total` counts up to CAP; `is_capped` says that there are more. `has_words` is false for a query of signs alone, which
    finds nothing.
    """

    resources: Sequence[UUID]
    next: str | None
    total: int
    is_capped: bool
    counts: Sequence[Counted] = ()
    has_words: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: behind this code of this tier, with so many shown before."""

    tier: int
    code: str
    shown: int


_START: Final = _Place(-1, "", 0)


async def find(connection: asyncpg.Connection, search: Search) -> Findings:
    """Answer the question; raises InvalidQuery, InvalidCursor.

    Within a transaction of its own: it changes the planner's settings for what is left of it.
    """
    asked = _asked(search)
    if asked is None:
        return Findings([], None, 0, is_capped=False, has_words=False)
    digest = _digest(asked)
    place = _START if search.cursor is None else _decode(search.cursor, digest)
    room = CAP - place.shown if asked.words else MAX_PAGE + 1
    limit = max(1, min(search.limit, MAX_PAGE, room))
    await repository.prepare(connection)
    counts: Sequence[Counted] = ()
    if search.with_facets:
        rows, total = await _in_order(connection, asked, _START, CAP + 1)
        counts = await _count(connection, [resource for *_, resource in rows[:CAP]], for_systems=search.for_systems)
    if place is not _START or not search.with_facets:
        rows, total = await _in_order(connection, asked, place, limit + 1)
    following = None
    if len(rows) > limit and limit < room:
        tier, code, _ = rows[limit - 1]
        following = _encode(_Place(tier, code, place.shown + limit), digest)
    return Findings([row[2] for row in rows[:limit]], following, min(total, CAP), total > CAP, counts)


def _asked(search: Search) -> Asked | None:
    alternatives = tuple(facet_codes.alternatives(search.filters))
    if search.query is None:
        return Asked(search.for_systems, alternatives=alternatives)
    words = read_query(search.query)
    if not words.words:
        return None
    return Asked(search.for_systems, words.words, words.code, alternatives)


_Row = tuple[int, str, UUID]


async def _in_order(connection: asyncpg.Connection, asked: Asked, place: _Place, wanted: int) -> tuple[list[_Row], int]:
    """Up to `wanted` rows (tier, code, id) behind the place, and how many rows there are in all, at least up to CAP + 1."""
    rows: list[_Row] = []
    total = 0
    for tier in _tiers(asked):
        lacking = wanted - len(rows) if tier >= place.tier else 0
        if total > CAP and not lacking:
            break
        after = place.code if tier == place.tier else ""
        found, count = await _of_tier(connection, asked, tier, after, lacking)
        rows += [(int(tier), code, resource) for code, resource in found]
        total += count
    return rows, total


def _tiers(asked: Asked) -> Sequence[Tier]:
    if not asked.words:
        return (Tier.NAME,)  # whatever it is called
    if asked.code and "/" in asked.code:
        return (Tier.CODE,)  # nothing else is written so
    return (Tier.CODE, Tier.NAME, Tier.BODY) if asked.code else (Tier.NAME, Tier.BODY)


async def _of_tier(
    connection: asyncpg.Connection, asked: Asked, tier: Tier, after: str, wanted: int
) -> tuple[Sequence[Any], int]:
    """Up to `wanted` rows of the tier behind the code, and how many it has, CAP + 1 for more than CAP."""
    if tier is Tier.CODE or not (asked.words or asked.alternatives):
        count = await repository.count_walk(connection, asked, tier)
    else:
        few = max(CAP, int(_SOONER_SORTED * wanted**0.5))
        hits = await repository.hits(connection, asked, tier, after=after, wanted=wanted, few=few)
        if hits is not None:
            return hits.rows, min(hits.found, CAP + 1)
        count = CAP + 1
    if not wanted:
        return [], count
    return await repository.walk(connection, asked, tier, after=after, wanted=wanted), count


async def _count(connection: asyncpg.Connection, resources: Sequence[UUID], *, for_systems: bool) -> Sequence[Counted]:
    found = await repository.facet_counts(connection, resources, for_systems=for_systems)
    return [Counted(facet_codes.Facet(facet), value, count) for facet, value, count in found]


def _digest(asked: Asked) -> str:
    question = [asked.for_systems, asked.words, asked.code, asked.alternatives]
    return hashlib.sha256(json.dumps(question).encode()).hexdigest()[:16]


def _encode(place: _Place, digest: str) -> str:
    written = json.dumps([digest, place.tier, place.code, place.shown]).encode()
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


def _decode(cursor: str, digest: str) -> _Place:
    try:
        written = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        question, tier, code, shown = json.loads(written)
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidCursor from error
    sound = type(tier) is int and isinstance(code, str) and code.isascii() and type(shown) is int and shown > 0
    if question != digest or not sound:
        raise InvalidCursor
    return _Place(tier, code, shown)
