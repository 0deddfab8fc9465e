"""All SQL of search: resources in their order, tier by tier, and how many there are of each value of a facet.

Three ways lead to the resources that hold certain words, and each is bad where another is good.

* The index (GIN) knows all of them at once, in no order, and takes 0.1 to 0.2 ms for each thousand, their rows ten times
  that: good for a thousand.
* A walk along the codes finds them in order and stops when it has enough: good where they are frequent.
* One row in 16, by random bits of its id, is indexed a second time. What is found there tells, at a sixteenth of the
  price, whether there are many.

So `hits` asks the sample; unless that says "many", it asks the whole index. Where there are many, the caller asks `walk`
for its page. The sample would have to lie by six standard deviations to take 1,000 for more (once in some ten million
such searches); then a page is found along the codes all the same, and its total alone says "1000+" too early.

No plan rests on statistics, which know nothing of words that come together: `prepare` has every statement planned once,
for whatever it is asked, from indexes alone. The statements themselves are in `catalog.search_statements`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from catalog import search_statements as statements
from catalog.search_statements import Shape, Tier
from catalog.search_text import match

SAMPLE: Final = 16
"""One resource in so many is in the sample."""

ENDURED: Final = 3
"""With so many times as many as are few, the sample has spoken."""

CAP: Final = 1_000
"""How many candidates are ordered, counted and shown; beyond it a search says "1000+"."""

SOONER_COUNTED: Final = {Tier.NAME: 15_000, Tier.BODY: 40_000, Tier.ANY: 40_000}
"""Up to so many hits, a thousand of them are as soon taken from the index as found along 200,000 codes (measured)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: `words`, or a `code` that begins so, with one of each of the `alternatives` (tokens)."""

    for_systems: bool
    words: tuple[str, ...] = ()
    code: str | None = None
    alternatives: tuple[tuple[str, ...], ...] = ()

    @property
    def shape(self) -> Shape:
        """What the statements depend on."""
        return Shape(
            self.for_systems, tuple(len(word) for word in self.words), self.code is not None, bool(self.alternatives)
        )


Row = tuple[int, str, UUID]
"""Tier, code and id; rows are ordered by the first two."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Rows of one page, and how many hits there are in all."""

    rows: Sequence[Row]
    found: int


@dataclass(frozen=True, slots=True)
class Many:
    """Too many to look at all; whether names alone are many, and whether all besides are, as far as the sample knows."""

    in_names: bool
    besides: bool


async def prepare(connection: asyncpg.Connection) -> None:
    """Have the statements of this transaction planned as they were written."""
    await connection.execute(_SETTINGS)


async def hits(
    connection: asyncpg.Connection, asked: Asked, tier: Tier, *, after: tuple[int, str], wanted: int, few: int
) -> Hits | Many:
    """Return up to `wanted` of the tier's resources behind the place `after`, unless there are many.

    Up to `few` (≥ CAP) are never many; whatever the sample misses, more than `ENDURED` times as many are.
    """
    most, enough = ENDURED * few, enough_in_sample(few)
    limits = {"most": most + 1, "enough": enough, "wanted": wanted}
    rows = await statements.hits(tier, asked.shape).fetch(connection, **_parameters(asked, after), **limits)
    in_names, besides, found, *_ = rows[0]
    if in_names + besides >= enough or found > most:
        return Many(in_names >= enough, besides >= enough)
    return Hits([(number, code, resource) for *_, number, code, resource in rows if code is not None], found)


def enough_in_sample(few: int) -> int:
    """Return how many in the sample say that there are more than `few`: six standard deviations above what these give."""
    share = few / SAMPLE
    return math.ceil(share + 6 * math.sqrt(share))


async def walk(
    connection: asyncpg.Connection, asked: Asked, tier: Tier, *, after: tuple[int, str], wanted: int
) -> Sequence[Row]:
    """Return the same by going along the codes until there are enough."""
    if not wanted:
        return []
    found = await statements.walk(tier, asked.shape).fetch(connection, **_parameters(asked, after), wanted=wanted)
    return [(number, code, resource) for number, code, resource in found]


async def count_along(connection: asyncpg.Connection, asked: Asked, tier: Tier) -> int:
    """Return how many there are, CAP + 1 for more than CAP, by going along the codes."""
    parameters = _parameters(asked, BEFORE_ALL)
    rows = await statements.count_along(tier, asked.shape).fetch(connection, **parameters, wanted=CAP + 1)
    return int(rows[0][0])


async def facet_counts(
    connection: asyncpg.Connection, asked: Asked, tier: Tier, wanted: int
) -> Sequence[tuple[str, str, int]]:
    """Return facet, value and how many have it, over all resources of the tier or `wanted` of them, whichever is less."""
    limits = {"enough": enough_in_sample(SOONER_COUNTED.get(tier, 0)), "wanted": wanted}
    found = await statements.counts(tier, asked.shape).fetch(connection, **_parameters(asked, BEFORE_ALL), **limits)
    return [(facet, value, count) for facet, value, count in found]


BEFORE_ALL: Final = (-1, "")
"""The place before the first row."""

_SETTINGS: Final = (
    "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off"
)


def _parameters(asked: Asked, after: tuple[int, str]) -> dict[str, Any]:
    code = asked.code or ""
    return {
        "query": match(asked.words, asked.alternatives),
        "filters": match((), asked.alternatives),
        **{f"word_{place}": word for place, word in enumerate(asked.words)},
        "code": code,
        # The first text that does not begin with the code: codes are ASCII and none ends in its last character.
        "beyond": code and code[:-1] + chr(ord(code[-1]) + 1),
        "after_tier": after[0],
        "after": after[1],
    }
