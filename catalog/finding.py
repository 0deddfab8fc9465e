"""Finding resources: by words, by the beginning of a code, by facets; in a stable order, capped, by pages.

Found are first the resources whose code begins with what was typed, then those with all words in the name (or its pinyin
initials), then those with all words anywhere; within each tier the code decides. Of what a search finds, the first 1,000
in this order are shown, and more than that are "1000+". A list without words is counted the same way, but goes on to its
end. Facets count up to 1,000 of those found, tier by tier; which ones of the last tier is not said.

A cursor says behind which place its page begins, not how many rows came before it, so pages neither repeat nor skip a
resource because others come and go. It belongs to one question and is refused for another.
"""

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from catalog import search_repository as repository
from catalog.errors import InvalidCursor
from catalog.facets import Facet, Filters, alternatives
from catalog.queries import MAX_PAGE
from catalog.search_repository import BEFORE_ALL, Asked, Hits, Row
from catalog.search_repository import CAP as CAP
from catalog.search_statements import Tier
from catalog.search_text import read_query

_SOONER_SORTED: Final = 200
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

    facet: Facet
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
    """Where a page begins: behind this tier and code, with so many shown before."""

    behind: tuple[int, str]
    shown: int


_START: Final = _Place(BEFORE_ALL, 0)


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
    rows, total = await _in_order(connection, asked, place.behind, limit + 1)
    following = None
    if len(rows) > limit and limit < room:
        tier, code, _ = rows[limit - 1]
        following = _encode(_Place((tier, code), place.shown + limit), digest)
    counts = await _count(connection, asked, total) if search.with_facets else ()
    return Findings([row[2] for row in rows[:limit]], following, min(total, CAP), total > CAP, counts)


def _asked(search: Search) -> Asked | None:
    chosen = tuple(alternatives(search.filters))
    if search.query is None:
        return Asked(search.for_systems, alternatives=chosen)
    words = read_query(search.query)
    if not words.words:
        return None
    return Asked(search.for_systems, words.words, words.code, chosen)


async def _in_order(
    connection: asyncpg.Connection, asked: Asked, behind: tuple[int, str], wanted: int
) -> tuple[list[Row], int]:
    """Up to `wanted` rows behind the place, and how many rows there are in all, CAP + 1 for more than CAP."""
    rows: list[Row] = []
    total = 0
    if asked.code:
        lacking = wanted if behind[0] <= Tier.CODE else 0
        rows += await repository.walk(connection, asked, Tier.CODE, after=behind, wanted=lacking)
        total += await repository.count_along(connection, asked, Tier.CODE)
    if _is_code_alone(asked) or (total > CAP and len(rows) >= wanted):
        return rows, total
    more, count = await _of_words(connection, asked, max(behind, (Tier.NAME, "")), wanted - len(rows))
    return rows + more, total + count


async def _of_words(
    connection: asyncpg.Connection, asked: Asked, behind: tuple[int, str], wanted: int
) -> tuple[list[Row], int]:
    """The same for what is found by its words or filters: all at once where they are few, else tier by tier."""
    if not asked.words:
        return await _of_tier(connection, asked, Tier.NAME, behind, wanted)  # whatever it is called
    few = _few(wanted)
    every = await repository.hits(connection, asked, Tier.ANY, after=behind, wanted=wanted, few=few)
    if isinstance(every, Hits):
        return list(every.rows), every.found
    rows: list[Row] = []
    for tier, is_many in ((Tier.NAME, every.in_names), (Tier.BODY, every.besides)):
        place, lacking = max(behind, (tier, "")), wanted - len(rows)
        if behind[0] > tier or not lacking:
            continue
        if is_many:
            rows += await repository.walk(connection, asked, tier, after=place, wanted=lacking)
        else:
            rows += (await _of_tier(connection, asked, tier, place, lacking))[0]
    return rows, CAP + 1


async def _of_tier(
    connection: asyncpg.Connection, asked: Asked, tier: Tier, behind: tuple[int, str], wanted: int
) -> tuple[list[Row], int]:
    """The same for one tier."""
    if asked.words or asked.alternatives:
        hits = await repository.hits(connection, asked, tier, after=behind, wanted=wanted, few=_few(wanted))
        if isinstance(hits, Hits):
            return list(hits.rows), hits.found
        count = CAP + 1
    else:
        count = await repository.count_along(connection, asked, tier)
    return list(await repository.walk(connection, asked, tier, after=behind, wanted=wanted)), count


def _few(wanted: int) -> int:
    """How many hits are sooner sorted than a page of so many is found along the codes, and CAP at least."""
    return max(CAP, int(_SOONER_SORTED * wanted**0.5))


async def _count(connection: asyncpg.Connection, asked: Asked, total: int) -> Sequence[Counted]:
    """Each facet's values over up to CAP candidates, lower tiers first."""
    counts: Counter[tuple[str, str]] = Counter()
    candidates = 0
    for tier in _tiers(asked, total):
        if candidates < CAP:
            for facet, value, count in await repository.facet_counts(connection, asked, tier, CAP - candidates):
                counts[facet, value] += count
            candidates = sum(count for (facet, _), count in counts.items() if facet == Facet.STATUS)
    return [Counted(Facet(facet), value, count) for (facet, value), count in counts.items()]


def _tiers(asked: Asked, total: int) -> Sequence[Tier]:
    if _is_code_alone(asked):
        return (Tier.CODE,)
    if not asked.words:
        return (Tier.NAME,)
    by_words = (Tier.ANY,) if total <= CAP else (Tier.NAME, Tier.BODY)
    return (Tier.CODE, *by_words) if asked.code else by_words


def _is_code_alone(asked: Asked) -> bool:
    """Whether it can be nothing but the beginning of a code: nothing else is written with a stroke."""
    return asked.code is not None and "/" in asked.code


def _digest(asked: Asked) -> str:
    question = [asked.for_systems, asked.words, asked.code, asked.alternatives]
    return hashlib.sha256(json.dumps(question).encode()).hexdigest()[:16]


def _encode(place: _Place, digest: str) -> str:
    written = json.dumps([digest, *place.behind, place.shown]).encode()
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
    return _Place((tier, code), shown)
