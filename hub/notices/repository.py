"""All SQL of notices. Reads and adds rows; decides nothing."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.notices.models import Notice


async def add(session: AsyncSession, rows: Iterable[Notice]) -> None:
    """Insert the notices."""
    session.add_all(rows)
    await session.flush()


async def notice(session: AsyncSession, identifier: UUID) -> Notice | None:
    """The notice of that id, held until this transaction ends."""
    query = select(Notice).where(col(Notice.id) == identifier).with_for_update()
    found: Notice | None = await session.scalar(query, execution_options={"populate_existing": True})
    return found


async def notices(
    session: AsyncSession, organisation_id: UUID, *, before: UUID | None, limit: int, unread: bool
) -> Sequence[Notice]:
    """At most `limit` notices of the organisation, newest first, below the id `before`."""
    query = select(Notice).where(col(Notice.organisation_id) == organisation_id)
    if before is not None:
        query = query.where(col(Notice.id) < before)
    if unread:
        query = query.where(col(Notice.read_at).is_(None))
    return (await session.scalars(query.order_by(col(Notice.id).desc()).limit(limit))).all()
