"""All SQL of search: resources in their order, tier by tier, and how many there are of each value of a facet.

Three ways lead to the resources that hold certain words, and each is bad where another is good.

* The index (GIN) knows all of them at once, in no order, and takes 0.1 ms for each thousand: good for a few thousand.
* A walk along the codes finds them in order and stops when it has enough: good where they are frequent.
* A tenth of the rows is indexed a second time. More than the cap among these proves at a tenth of the price that there
  are more than the cap altogether.

So `hits` asks the sample; unless that proves "many", it asks the whole index for a bounded number of rows. Where there
are more than that, the caller asks `walk` for its page.

No plan rests on statistics, which know nothing of words that come together: `prepare` has every statement planned once,
for whatever it is asked, from indexes alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any, Final
from uuid import UUID

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
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.facets import Facet
from catalog.models import ResourceSearch, ResourceSearchBody
from catalog.search_text import END_OF_NAME, match

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
    """Rows of one page; `found` counts all hits, None where there are too many to look at."""

    rows: Rows
    found: int | None


async def prepare(session: AsyncSession) -> None:
    """Have the statements of this transaction planned as they were written."""
    await session.execute(_SETTINGS)


async def hits(session: AsyncSession, asked: Asked, tier: Tier, *, after: str, wanted: int, most: int) -> Hits:
    """Return up to `wanted` of the tier's resources beyond the code `after`, unless there are more than `most` (≥ CAP)."""
    statement = _hits(tier, asked.for_systems, bool(asked.words), asked.code is not None)
    rows = (await session.execute(statement, _parameters(asked, after, wanted) | {"most": most + 1})).all()
    many, found = rows[0][0], rows[0][1]
    if many or found > most:
        return Hits([], None)
    return Hits([(code, resource) for _, _, code, resource in rows if code is not None], found)


async def walk(session: AsyncSession, asked: Asked, tier: Tier, *, after: str, wanted: int) -> Rows:
    """Return the same by going along the codes until there are enough."""
    statement = _walk(tier, asked.for_systems, bool(asked.words), asked.code is not None, bool(asked.alternatives))
    found = await session.execute(statement, _parameters(asked, after, wanted))
    return [(code, resource) for code, resource in found]


async def count_walk(session: AsyncSession, asked: Asked, tier: Tier) -> int:
    """Return how many there are, CAP + 1 for more than CAP, by going along the codes."""
    statement = _count(tier, asked.for_systems, bool(asked.words), asked.code is not None, bool(asked.alternatives))
    return int((await session.execute(statement, _parameters(asked, "", CAP + 1))).scalar_one())


async def facet_counts(
    session: AsyncSession, resources: Sequence[UUID], *, for_systems: bool
) -> Sequence[tuple[str, str, int]]:
    """Return facet, value and how many of the resources have it, for each value that one of them has."""
    found = await session.execute(_counts(for_systems), {"resources": list(resources)})
    return [(facet, value, count) for facet, value, count in found]


_SETTINGS = select(
    func.set_config("plan_cache_mode", "force_generic_plan", True),
    func.set_config("enable_seqscan", "off", True),
    func.set_config("enable_sort", "off", True),
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
def _hits(tier: Tier, for_systems: bool, words: bool, code: bool) -> Select[Any]:
    table = _table(tier)
    conditions = [
        _audience(table, for_systems),
        _matches(table, "query"),
        *_of_tier(tier, words=words, code=code),
    ]
    sampled = select(literal(1)).where(table.c.is_sample, *conditions).limit(CAP + 1).subquery()
    sample = select((func.count() > CAP).label("many")).select_from(sampled).cte("sample")
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
    return (
        select(many, total, page.c.code, page.c.resource_id)
        .select_from(once.outerjoin(page, true()))
        .order_by(page.c.code)
    )


@cache
def _walk(tier: Tier, for_systems: bool, words: bool, code: bool, filters: bool) -> Select[Any]:
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


@cache
def _count(tier: Tier, for_systems: bool, words: bool, code: bool, filters: bool) -> Select[Any]:
    return select(func.count()).select_from(_walk(tier, for_systems, words, code, filters).subquery())


_COLUMNS: Final[dict[Facet, ColumnElement[Any]]] = {
    Facet.STATUS: _NAMES.c.status,
    Facet.SHARE_TYPE: _NAMES.c.share_type,
    Facet.CLASS: func.left(_NAMES.c.code, 1),
    Facet.PROVIDER: _NAMES.c.provider_id,
    Facet.UPDATE_CYCLE: _NAMES.c.update_cycle,
    Facet.FORMAT_CLASS: _NAMES.c.format_class,
}


@cache
def _counts(for_systems: bool) -> Select[Any]:
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
    return select(counted.c.facet, counted.c.value, counted.c.count)
