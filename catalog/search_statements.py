"""The statements of search, each built once for every shape of question; when to ask which is `catalog.search_repository`'s.

Names are searched in `resource_search`, all texts in `resource_search_body`. A condition on a row's texts stands beside one on
its tokens: the index finds, the text decides, and a walk along the codes looks at the text alone.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from catalog.facets import Facet
from catalog.models import ResourceSearch, ResourceSearchBody
from catalog.statements import Statement, compiled


class Tier(IntEnum):
    """Why a resource is found; lower tiers stand before higher ones. `ANY` is names and bodies together."""

    CODE = 0
    NAME = 1
    BODY = 2
    ANY = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a question its statements depend on: who asks, the lengths of its words, and what else it has."""

    for_systems: bool
    words: tuple[int, ...]
    code: bool
    filters: bool


@cache
def hits(tier: Tier, shape: Shape) -> Statement:
    """Many or not, how many, and tier, code and id of `wanted` behind a place; by the sample first, then by the index."""
    table = _table(tier)
    conditions = [_audience(table, shape), _matches(table, "query"), *_of_tier(tier, shape, indexed=True)]
    many = _many(table, conditions)
    found = (
        select(_number(tier, shape).label("tier"), table.c.code, table.c.resource_id)
        .where(not_(many), *conditions)
        .limit(_integer("most"))
        .cte("found")
    )
    place = tuple_(_integer("after_tier"), _text("after"))
    page = (
        select(found)
        .where(tuple_(found.c.tier, found.c.code) > place)
        .order_by(found.c.tier, found.c.code)
        .limit(_integer("wanted"))
        .subquery()
    )
    once = select(literal(1)).subquery()
    total = select(func.count()).select_from(found).scalar_subquery()
    return compiled(
        select(many, total, page.c.tier, page.c.code, page.c.resource_id)
        .select_from(once.outerjoin(page, true()))
        .order_by(page.c.tier, page.c.code)
    )


@cache
def walk(tier: Tier, shape: Shape) -> Statement:
    """Tier, code and id of `wanted` behind a code, along the index of codes."""
    table = _table(tier)
    return compiled(_along(tier, shape, literal(int(tier)), table.c.code, table.c.resource_id))


@cache
def count_along(tier: Tier, shape: Shape) -> Statement:
    """How many there are, up to `wanted`, along the index of codes."""
    return compiled(select(func.count()).select_from(_along(tier, shape, literal(1)).subquery()))


@cache
def counts(tier: Tier, shape: Shape) -> Statement:
    """Facet, value and count over `wanted` of the tier: from the index, or along the codes where the sample says many."""
    table = _table(tier)
    along = _along(tier, shape, table.c.resource_id)
    if tier is Tier.CODE or not (shape.words or shape.filters):
        return compiled(_counted(along.subquery(), shape))
    conditions = [_audience(table, shape), _matches(table, "query"), *_of_tier(tier, shape, indexed=True)]
    many = _many(table, conditions)
    some = select(table.c.resource_id).where(not_(many), *conditions).limit(_integer("wanted")).cte("some")
    walked = along.where(many).cte("walked")
    return compiled(_counted(union_all(select(some), select(walked)).subquery(), shape))


_NAMES: Final = ResourceSearch.metadata.tables["resource_search"]
_BODIES: Final = ResourceSearchBody.metadata.tables["resource_search_body"]


def _table(tier: Tier) -> Table:
    return _BODIES if tier in (Tier.BODY, Tier.ANY) else _NAMES


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text)


def _integer(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=Integer)


def _audience(table: Table, shape: Shape) -> ColumnElement[bool]:
    return table.c.for_systems if shape.for_systems else table.c.for_staff


def _matches(table: Table, query: str) -> ColumnElement[bool]:
    return table.c.tokens.bool_op("@@")(cast(_text(query), TSQUERY))


def _many(table: Table, conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether the sample holds `enough`; as a scalar, so that what depends on it is not begun in vain."""
    sampled = select(literal(1)).where(table.c.is_sample, *conditions).limit(_integer("enough")).subquery()
    sample = select((func.count() >= _integer("enough")).label("many")).select_from(sampled).cte("sample")
    return select(sample.c.many).scalar_subquery()


def _along(tier: Tier, shape: Shape, *columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    table = _table(tier)
    conditions = [_audience(table, shape), *_of_tier(tier, shape, indexed=False)]
    if shape.filters:
        conditions.append(_matches(table, "filters").is_(true()))  # said so that no index of tokens is taken
    return (
        select(*columns)
        .where(table.c.code > _text("after"), *conditions)
        .order_by(table.c.code)
        .limit(_integer("wanted"))
    )


def _begins(table: Table) -> ColumnElement[bool]:
    return and_(table.c.code >= _text("code"), table.c.code < _text("beyond"))


def _of_tier(tier: Tier, shape: Shape, *, indexed: bool) -> list[ColumnElement[bool]]:
    """What a row of the tier is, apart from filters: it holds the words, and belongs to no tier before.

    What the index has found holds words of one or two characters for certain; longer ones are looked for in the text.
    """
    table = _table(tier)
    if tier is Tier.CODE:
        return [_begins(table)]
    conditions = [not_(_begins(table))] if shape.code else []
    for place, length in enumerate(shape.words):
        if not indexed or length > 2:
            in_text = _holds(table.c.text, place)
            conditions.append(in_text if tier is Tier.NAME else or_(_holds(table.c.name, place), in_text))
    return [*conditions, not_(_named(shape))] if tier is Tier.BODY else conditions


def _holds(text: ColumnElement[str], place: int) -> ColumnElement[bool]:
    return func.strpos(text, _text(f"word_{place}")) > 0


def _named(shape: Shape) -> ColumnElement[bool]:
    """Whether a row of bodies has all words in its name."""
    return and_(true(), *(_holds(_BODIES.c.name, place) for place in range(len(shape.words))))


def _number(tier: Tier, shape: Shape) -> ColumnElement[int]:
    if tier is not Tier.ANY:
        return literal(int(tier))
    return case((_named(shape), int(Tier.NAME)), else_=int(Tier.BODY))


_COLUMNS: Final[dict[Facet, ColumnElement[Any]]] = {
    Facet.STATUS: _NAMES.c.status,
    Facet.SHARE_TYPE: _NAMES.c.share_type,
    Facet.CLASS: func.left(_NAMES.c.code, 1),
    Facet.PROVIDER: _NAMES.c.provider_id,
    Facet.UPDATE_CYCLE: _NAMES.c.update_cycle,
    Facet.FORMAT_CLASS: _NAMES.c.format_class,
}


def _counted(found: FromClause, shape: Shape) -> Select[*tuple[Any, ...]]:
    rows = (
        select(*(cast(column, Text).label(facet) for facet, column in _COLUMNS.items()))
        .join(found, found.c.resource_id == _NAMES.c.resource_id)
        .where(_audience(_NAMES, shape))
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
