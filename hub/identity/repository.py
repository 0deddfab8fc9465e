"""All SQL of identity. Reads and writes rows; decides nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.identity.models import ClientAssertion, Staff, StaffRole, StaffSession
from hub.identity.roles import Role
from hub.registry.models import Organisation


async def staff(session: AsyncSession, identifier: UUID, *, lock: bool = False) -> Staff | None:
    """The account of that id as it is now, kept from others until the transaction ends if `lock`."""
    query = select(Staff).where(col(Staff.id) == identifier).execution_options(populate_existing=True)
    found: Staff | None = await session.scalar(query.with_for_update() if lock else query)
    return found


async def staff_by_login(session: AsyncSession, login: str) -> Staff | None:
    """The account with that login."""
    found: Staff | None = await session.scalar(select(Staff).where(col(Staff.login) == login))
    return found


async def staff_page(session: AsyncSession, *, after: str | None, limit: int) -> Sequence[Staff]:
    """At most `limit` accounts beyond the login `after`, by login."""
    query = select(Staff).order_by(col(Staff.login)).limit(limit)
    if after is not None:
        query = query.where(col(Staff.login) > after)
    return (await session.scalars(query)).all()


async def add_staff(session: AsyncSession, row: Staff, roles: Iterable[Role]) -> bool:
    """Whether the account was added; not, when its login belongs to another."""
    statement = insert(Staff).values(row.model_dump()).on_conflict_do_nothing(index_elements=["login"])
    if (await session.execute(statement.returning(col(Staff.id)))).one_or_none() is None:
        return False
    session.add_all(StaffRole(staff_id=row.id, role=role) for role in roles)
    await session.flush()
    return True


async def roles_of(session: AsyncSession, staff_ids: Iterable[UUID]) -> dict[UUID, frozenset[Role]]:
    """The roles of each of these accounts."""
    wanted = list(staff_ids)
    rows = (await session.scalars(select(StaffRole).where(col(StaffRole.staff_id).in_(wanted)))).all()
    return {one: frozenset(Role(row.role) for row in rows if row.staff_id == one) for one in wanted}


async def organisation_code(session: AsyncSession, identifier: UUID | None) -> str:
    """The 统一社会信用代码 of an organisation; "" when there is none."""
    if identifier is None:
        return ""
    code: str | None = await session.scalar(select(col(Organisation.code)).where(col(Organisation.id) == identifier))
    return code or ""


async def live_session(
    session: AsyncSession, token_digest: bytes, *, now: datetime, used_after: datetime
) -> tuple[StaffSession, Staff] | None:
    """The session of that token with its holder, if it neither ended nor ran out, was used since, and the account is active."""
    query = (
        select(StaffSession, Staff)
        .join(Staff, col(StaffSession.staff_id) == col(Staff.id))
        .where(
            col(StaffSession.token_digest) == token_digest,
            col(StaffSession.ended_at).is_(None),
            col(StaffSession.expires_at) > now,
            col(StaffSession.last_used_at) > used_after,
            col(Staff.state) == "active",
        )
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def is_open(session: AsyncSession, session_id: UUID, *, hold: bool = False) -> bool:
    """Whether that session has not ended, and its account is active, as this statement sees it; with `hold` both stay so."""
    query = (
        select(col(StaffSession.id))
        .join(Staff, col(StaffSession.staff_id) == col(Staff.id))
        .where(col(StaffSession.id) == session_id, col(StaffSession.ended_at).is_(None), col(Staff.state) == "active")
    )
    if hold:
        query = query.with_for_update(read=True)
    return (await session.execute(query)).one_or_none() is not None


async def end_sessions(session: AsyncSession, staff_id: UUID, *, now: datetime) -> int:
    """End every session of an account; returns how many were open."""
    statement = (
        update(StaffSession)
        .where(col(StaffSession.staff_id) == staff_id, col(StaffSession.ended_at).is_(None))
        .values(ended_at=now)
        .returning(col(StaffSession.id))
    )
    return len((await session.execute(statement)).all())


async def end_session(session: AsyncSession, session_id: UUID, *, now: datetime) -> bool:
    """Whether this call ended the session; not, when it had ended before."""
    statement = (
        update(StaffSession)
        .where(col(StaffSession.id) == session_id, col(StaffSession.ended_at).is_(None))
        .values(ended_at=now)
        .returning(col(StaffSession.id))
    )
    return (await session.execute(statement)).one_or_none() is not None


async def remember_assertion(session: AsyncSession, system_code: str, jti: str, *, expires_at: datetime) -> bool:
    """Whether this assertion is seen for the first time; of concurrent callers one only gets True."""
    statement = (
        insert(ClientAssertion)
        .values(system_code=system_code, jti=jti, expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(col(ClientAssertion.jti))
    )
    return (await session.execute(statement)).one_or_none() is not None


async def forget_assertions(session: AsyncSession, system_code: str, *, before: datetime) -> None:
    """Drop the system's assertions that ran out before; rows that another transaction is dropping are left to it."""
    over = (
        select(col(ClientAssertion.jti))
        .where(col(ClientAssertion.system_code) == system_code, col(ClientAssertion.expires_at) < before)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        delete(ClientAssertion).where(
            col(ClientAssertion.system_code) == system_code, col(ClientAssertion.jti).in_(over.scalar_subquery())
        )
    )
