"""All SQL of search: resources in their order, tier by tier, and how many there are of each value of a facet.

Three ways lead to the resources that hold certain words, and each is bad where another is good.

* The index (GIN) knows all of them at once, in no order, and takes 0.1 to 0.2 ms for each thousand: good for a few
  thousand.
* A walk along the codes finds them in order and stops when it has enough: good where they are frequent.
* One row in 16, by random bits of its id, is indexed a second time. What is found there tells, at a sixteenth of the
  price, whether there are many.

So `hits` asks the sample; unless that says "many", it asks the whole index. Where there are many, the caller asks `walk`
for its page. The sample would have to lie by six standard deviations to take 1,000 for more (once in some ten million
such searches); then a page is found along the codes all the same, and its total alone says "1000+" too early.

No plan rests on statistics, which know nothing of words that come together: `prepare` has every statement planned once,
for whatever it is asked, from indexes alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    all_,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal,
    not_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from catalog.facets import Facet
from catalog.models import ResourceSearch, ResourceSearchBody
from catalog.search_text import END_OF_NAME, match
from catalog.statements import Statement, compiled

SAMPLE: Final = 16
"""One resource in so many is in the sample."""

ENDURED: Final = 3
"""With so many times as many as are few, the sample has spoken."""

CAP: Final = 1_000
"""How many candidates are ordered, counted and shown; beyond it a search says "1000+"."""


class Tier(IntEnum):
    """Why a resource is found; lower tiers stand before higher ones."""

    CODE = 0
    NAME = 1
    BODY = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: `words`, or a `code` that begins so, with one of each of the `alternatives` (tokens)."""

    for_systems: bool
    words: tuple[str, ...] = ()
    code: str | None = None
    alternatives: tuple[tuple[str, ...], ...] = ()


Rows = Sequence[tuple[str, UUID]]
"""Codes and ids in the order of codes."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Rows of one page, and how many hits there are in all."""

    rows: Rows
    found: int


async def prepare(connection: asyncpg.Connection) -> None:
    """Have the statements of this transaction planned as they were written."""
    await connection.execute(_SETTINGS)


async def hits(
    connection: asyncpg.Connection, asked: Asked, tier: Tier, *, after: str, wanted: int, few: int
) -> Hits | None:
    """Return up to `wanted` of the tier's resources beyond the code `after`; None where there are many.

    Up to `few` (≥ CAP) are never many; whatever the sample misses, more than `ENDURED` times as many are.
    """
    statement = _hits(tier, asked.for_systems, bool(asked.words), asked.code is not None)
    most = ENDURED * few
    limits = {"most": most + 1, "enough": enough_in_sample(few)}
    rows = await statement.fetch(connection, **_parameters(asked, after, wanted), **limits)
    many, found, *_ = rows[0]
    if many or found > most:
        return None
    return Hits([(code, resource) for _, _, code, resource in rows if code is not None], found)


def enough_in_sample(few: int) -> int:
    """Return how many in the sample say that there are more than `few`: six standard deviations above what these give."""
    share = few / SAMPLE
    return math.ceil(share + 6 * math.sqrt(share))


async def walk(connection: asyncpg.Connection, asked: Asked, tier: Tier, *, after: str, wanted: int) -> Rows:
    """Return the same by going along the codes until there are enough."""
    statement = _walk(tier, asked.for_systems, bool(asked.words), asked.code is not None, bool(asked.alternatives))
    found = await statement.fetch(connection, **_parameters(asked, after, wanted))
    return [(code, resource) for code, resource in found]


async def count_walk(connection: asyncpg.Connection, asked: Asked, tier: Tier) -> int:
    """Return how many there are, CAP + 1 for more than CAP, by going along the codes."""
    statement = _count(tier, asked.for_systems, bool(asked.words), asked.code is not None, bool(asked.alternatives))
    rows = await statement.fetch(connection, **_parameters(asked, "", CAP + 1))
    return int(rows[0][0])


async def facet_counts(
    connection: asyncpg.Connection, resources: Sequence[UUID], *, for_systems: bool
) -> Sequence[tuple[str, str, int]]:
    """Return facet, value and how many of the resources have it, for each value that one of them has."""
    found = await _counts(for_systems).fetch(connection, resources=list(resources))
    return [(facet, value, count) for facet, value, count in found]


_SETTINGS: Final = (
    "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off"
)

_NAMES: Final = ResourceSearch.metadata.tables["resource_search"]
_BODIES: Final = ResourceSearchBody.metadata.tables["resource_search_body"]


def _parameters(asked: Asked, after: str, wanted: int) -> dict[str, Any]:
    code = asked.code or ""
    return {
        "query": match(asked.words, asked.alternatives),
        "filters": match((), asked.alternatives),
        "likes": [f"%{word}%" for word in asked.words],
        "code": code,
        # The first text that does not begin with the code: codes are ASCII and none ends in its last character.
        "beyond": code and code[:-1] + chr(ord(code[-1]) + 1),
        "after": after,
        "wanted": wanted,
    }


def _table(tier: Tier) -> Table:
    return _BODIES if tier is Tier.BODY else _NAMES


def _audience(table: Table, for_systems: bool) -> ColumnElement[bool]:
    return table.c.for_systems if for_systems else table.c.for_staff


def _matches(table: Table, query: str) -> ColumnElement[bool]:
    return table.c.tokens.bool_op("@@")(cast(bindparam(query, type_=Text), TSQUERY))


def _holds(text: ColumnElement[str]) -> ColumnElement[bool]:
    return text.like(all_(bindparam("likes", type_=ARRAY(Text))))


def _begins(table: Table) -> ColumnElement[bool]:
    code = table.c.code
    return and_(code >= bindparam("code", type_=Text), code < bindparam("beyond", type_=Text))


def _of_tier(tier: Tier, *, words: bool, code: bool) -> list[ColumnElement[bool]]:
    """What a row of the tier is, apart from filters: it holds the words, and belongs to no tier before."""
    table = _table(tier)
    if tier is Tier.CODE:
        return [_begins(table)]
    conditions = [not_(_begins(table))] if code else []
    if words:
        conditions.append(_holds(table.c.text))
    if tier is Tier.BODY:
        conditions.append(not_(_holds(func.split_part(table.c.text, END_OF_NAME, 1))))
    return conditions


@cache
def _hits(tier: Tier, for_systems: bool, words: bool, code: bool) -> Statement:
    table = _table(tier)
    conditions = [
        _audience(table, for_systems),
        _matches(table, "query"),
        *_of_tier(tier, words=words, code=code),
    ]
    enough = bindparam("enough", type_=Integer)
    sampled = select(literal(1)).where(table.c.is_sample, *conditions).limit(enough).subquery()
    sample = select((func.count() >= enough).label("many")).select_from(sampled).cte("sample")
    many = select(sample.c.many).scalar_subquery()
    found = (
        select(table.c.code, table.c.resource_id)
        .where(not_(many), *conditions)
        .limit(bindparam("most", type_=Integer))
        .cte("found")
    )
    page = (
        select(found.c.code, found.c.resource_id)
        .where(found.c.code > bindparam("after", type_=Text))
        .order_by(found.c.code)
        .limit(bindparam("wanted", type_=Integer))
        .subquery()
    )
    once = select(literal(1)).subquery()
    total = select(func.count()).select_from(found).scalar_subquery()
    return compiled(
        select(many, total, page.c.code, page.c.resource_id)
        .select_from(once.outerjoin(page, true()))
        .order_by(page.c.code)
    )


@cache
def _walk(tier: Tier, for_systems: bool, words: bool, code: bool, filters: bool) -> Statement:
    return compiled(_walking(tier, for_systems, words=words, code=code, filters=filters))


@cache
def _count(tier: Tier, for_systems: bool, words: bool, code: bool, filters: bool) -> Statement:
    walked = _walking(tier, for_systems, words=words, code=code, filters=filters).subquery()
    return compiled(select(func.count()).select_from(walked))


def _walking(tier: Tier, for_systems: bool, *, words: bool, code: bool, filters: bool) -> Select[Any]:
    table = _table(tier)
    conditions = [_audience(table, for_systems), *_of_tier(tier, words=words, code=code)]
    if filters:
        conditions.append(_matches(table, "filters").is_(true()))  # said so that no index of tokens is taken
    return (
        select(table.c.code, table.c.resource_id)
        .where(table.c.code > bindparam("after", type_=Text), *conditions)
        .order_by(table.c.code)
        .limit(bindparam("wanted", type_=Integer))
    )


_COLUMNS: Final[dict[Facet, ColumnElement[Any]]] = {
    Facet.STATUS: _NAMES.c.status,
    Facet.SHARE_TYPE: _NAMES.c.share_type,
    Facet.CLASS: func.left(_NAMES.c.code, 1),
    Facet.PROVIDER: _NAMES.c.provider_id,
    Facet.UPDATE_CYCLE: _NAMES.c.update_cycle,
    Facet.FORMAT_CLASS: _NAMES.c.format_class,
}


@cache
def _counts(for_systems: bool) -> Statement:
    rows = (
        select(*(cast(column, Text).label(facet) for facet, column in _COLUMNS.items()))
        .where(
            _audience(_NAMES, for_systems),
            _NAMES.c.resource_id == any_(bindparam("resources", type_=ARRAY(Uuid))),
        )
        .cte("rows")
    )
    each = [
        select(literal(facet.value).label("facet"), rows.c[facet].label("value"), func.count().label("count"))
        .where(rows.c[facet].is_not(None))
        .group_by(rows.c[facet])
        for facet in _COLUMNS
    ]
    counted = union_all(*each).subquery()
    return compiled(select(counted.c.facet, counted.c.value, counted.c.count))
