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
    CompoundSelect,
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
    """How many the sample has in names and besides, how many there are, and tier, code and id of `wanted` behind a place.

    The sample tells up to twice `enough` less one; of as many, one of the two has `enough`. Where both together have, the
    index is not asked.
    """
    table = _table(tier)
    conditions = [_audience(table, shape), _matches(table, "query"), *_of_tier(tier, shape, indexed=True)]
    number = _number(tier, shape).label("tier")
    sampled = select(number).where(table.c.is_sample, *conditions).limit(2 * _integer("enough") - 1).subquery("sampled")
    in_names = func.count().filter(sampled.c.tier == int(Tier.NAME)).label("in_names")
    sample = select(in_names, (func.count() - in_names).label("besides")).select_from(sampled).cte("sample")
    many = select(sample.c.in_names + sample.c.besides >= _integer("enough")).scalar_subquery()
    found = (
        select(number, table.c.code, table.c.resource_id)
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
    total = select(func.count()).select_from(found).scalar_subquery()
    return compiled(
        select(sample.c.in_names, sample.c.besides, total, page.c.tier, page.c.code, page.c.resource_id)
        .select_from(sample.outerjoin(page, true()))
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
    """Facet, value and count over `wanted` of the tier: from the index, or along the codes where the sample has `enough`."""
    table = _table(tier)
    columns = _facets(table)
    along = _along(tier, shape, *columns)
    if tier is Tier.CODE or not (shape.words or shape.filters):
        return compiled(_counted(along))
    conditions = [_audience(table, shape), _matches(table, "query"), *_of_tier(tier, shape, indexed=True)]
    sampled = select(literal(1)).where(table.c.is_sample, *conditions).limit(_integer("enough")).subquery()
    sample = select((func.count() >= _integer("enough")).label("many")).select_from(sampled).cte("sample")
    many = select(sample.c.many).scalar_subquery()
    some = select(*columns).where(not_(many), *conditions).limit(_integer("wanted")).cte("some")
    walked = along.where(many).cte("walked")
    return compiled(_counted(union_all(select(some), select(walked))))


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


def _facets(table: Table) -> list[ColumnElement[str]]:
    """What a row counts for, as text."""
    columns: dict[Facet, ColumnElement[Any]] = {
        Facet.STATUS: table.c.status,
        Facet.SHARE_TYPE: table.c.share_type,
        Facet.CLASS: func.left(table.c.code, 1),
        Facet.PROVIDER: table.c.provider_id,
        Facet.UPDATE_CYCLE: table.c.update_cycle,
        Facet.FORMAT_CLASS: table.c.format_class,
    }
    return [cast(column, Text).label(facet.value) for facet, column in columns.items()]


def _counted(found: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    rows = found.cte("rows")
    each = [
        select(literal(facet.value).label("facet"), rows.c[facet.value].label("value"), func.count().label("count"))
        .where(rows.c[facet.value].is_not(None))
        .group_by(rows.c[facet.value])
        for facet in Facet
    ]
    counted = union_all(*each).subquery()
    return select(counted.c.facet, counted.c.value, counted.c.count)
