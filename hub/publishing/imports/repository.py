"""All SQL of imports. Decides nothing.

A worker holds an import by a lease and a fence: what it writes counts only while the row still has that fence, so that one
that was stopped and woke up again changes nothing any more.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, any_, func, literal, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col

from catalog.codes import ClassState
from catalog.models import Classification, Resource
from hub.db.locks import IMPORTED_NAMES
from hub.publishing.imports.models import CatalogueImport
from hub.registry.models import Organisation, System

OPEN: Final = ("queued", "committing")

_HOLD_NAMES = text("SELECT pg_advisory_xact_lock(:key, hashtext(:organisation))")
_CLAIM = text("""
    UPDATE catalogue_import SET fence = fence + 1, attempts = attempts + 1, leased_until = clock_timestamp() + :lease
    WHERE id = (
        SELECT id FROM catalogue_import
        WHERE state IN ('queued', 'committing') AND (leased_until IS NULL OR leased_until < clock_timestamp())
        ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")


async def claim(session: AsyncSession, lease: timedelta) -> CatalogueImport | None:
    """The import that has waited longest, held by a new lease; None if there is none."""
    identifier = (await session.execute(_CLAIM, {"lease": lease})).scalar_one_or_none()
    return None if identifier is None else await session.get(CatalogueImport, identifier, populate_existing=True)


async def keep(session: AsyncSession, identifier: UUID, fence: int, *, done: int, total: int, lease: timedelta) -> bool:
    """Whether the lease still counts; it is prolonged, and how far the work is is told."""
    return await _write(
        session, identifier, fence, {"done": done, "total": total, "leased_until": func.clock_timestamp() + lease}
    )


async def settle(session: AsyncSession, identifier: UUID, fence: int, values: Mapping[str, Any]) -> bool:
    """Whether the lease still counted; the values are written and the lease ends."""
    return await _write(session, identifier, fence, {**values, "leased_until": None})


async def hold(session: AsyncSession, identifier: UUID, fence: int) -> bool:
    """Whether the lease still counts; the row is held until the transaction ends."""
    query = select(col(CatalogueImport.id)).where(_held(identifier, fence)).with_for_update()
    return (await session.execute(query)).one_or_none() is not None


async def _write(session: AsyncSession, identifier: UUID, fence: int, values: Mapping[str, Any]) -> bool:
    statement = update(CatalogueImport).where(_held(identifier, fence)).values(**values)
    done = await session.execute(statement.execution_options(synchronize_session=False))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _held(identifier: UUID, fence: int) -> ColumnElement[bool]:
    return and_(
        col(CatalogueImport.id) == identifier,
        col(CatalogueImport.fence) == fence,
        col(CatalogueImport.state).in_(OPEN),
    )


async def find(
    session: AsyncSession, identifier: UUID, staff_id: UUID, *, lock: bool = False
) -> CatalogueImport | None:
    """The import of that id that this person uploaded, without its workbooks, held if `lock`."""
    query = (
        select(CatalogueImport)
        .where(col(CatalogueImport.id) == identifier, col(CatalogueImport.staff_id) == staff_id)
        .options(defer(CatalogueImport.file), defer(CatalogueImport.workbook))  # type: ignore[arg-type]
        .execution_options(populate_existing=True)
    )
    found: CatalogueImport | None = await session.scalar(query.with_for_update() if lock else query)
    return found


async def workbook(session: AsyncSession, identifier: UUID, staff_id: UUID) -> bytes | None:
    """The marked workbook of an import that this person uploaded, if there is one."""
    query = select(col(CatalogueImport.workbook)).where(
        col(CatalogueImport.id) == identifier, col(CatalogueImport.staff_id) == staff_id
    )
    found: bytes | None = await session.scalar(query)
    return found


async def organisations(session: AsyncSession, codes: Sequence[str], names: Sequence[str]) -> Sequence[Organisation]:
    """The organisations that have one of these codes or names."""
    wanted = or_(col(Organisation.code).in_(codes), col(Organisation.name).in_(names))
    return (await session.scalars(select(Organisation).where(wanted))).all()


async def organisations_by_id(session: AsyncSession, identifiers: Collection[UUID]) -> dict[UUID, Organisation]:
    """The organisations of these ids."""
    query = select(Organisation).where(col(Organisation.id).in_(identifiers))
    return {row.id: row for row in (await session.scalars(query)).all()}


async def active_systems(session: AsyncSession, organisation_id: UUID) -> Sequence[str]:
    """The codes of an organisation's systems that are active."""
    query = select(col(System.code)).where(
        col(System.organisation_id) == organisation_id, col(System.state) == "active"
    )
    return (await session.scalars(query.order_by(col(System.code)))).all()


async def systems_by_code(session: AsyncSession, codes: Sequence[str]) -> dict[str, UUID]:
    """The ids of the systems of these codes that are not retired."""
    query = select(col(System.code), col(System.id)).where(col(System.code).in_(codes), col(System.state) != "retired")
    return {row[0]: row[1] for row in await session.execute(query)}


async def system_codes(session: AsyncSession) -> dict[UUID, str]:
    """The codes of all systems by their ids."""
    return {row[0]: row[1] for row in await session.execute(select(col(System.id), col(System.code)))}


async def hold_names(session: AsyncSession, provider_id: UUID) -> None:
    """Wait for whoever writes an import of that provider, and keep others from it until this transaction ends."""
    await session.execute(_HOLD_NAMES, {"key": IMPORTED_NAMES, "organisation": str(provider_id)})


async def codes_of_names(session: AsyncSession, provider_id: UUID, names: Sequence[str]) -> dict[str, str]:
    """By name the code of a resource of that name that the provider has and that is not withdrawn."""
    query = select(col(Resource.name), col(Resource.code)).where(
        col(Resource.provider_id) == provider_id,
        col(Resource.name) == any_(literal(list(names), ARRAY(Text))),  # one parameter, however many there are
        col(Resource.status) != "withdrawn",
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def active_classes(session: AsyncSession, codes: Sequence[str]) -> set[str]:
    """Those of the codes that the classification has and under which resources may be registered."""
    query = select(col(Classification.code)).where(
        col(Classification.code).in_(codes), col(Classification.state) == ClassState.ACTIVE.value
    )
    return set(await session.scalars(query))
