"""All SQL of duties. Reads, adds and locks rows; decides nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.db.locks import DUTY_DAYS, DUTY_RULES
from hub.duties.models import Duty, DutyRule, HolidayNotice
from hub.duties.terms import Standing
from hub.registry.models import Organisation

_AS_IT_IS_NOW = {"populate_existing": True}
_SHARE = text("SELECT pg_advisory_xact_lock_shared(:key)")
_HOLD = text("SELECT pg_advisory_xact_lock(:key)")


@dataclass(frozen=True, slots=True)
class OwedRecord:
    """A duty with its rule and the name of the organisation that owes it."""

    duty: Duty
    rule: DutyRule
    debtor: str | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose duties are asked for: those of this person, of these roles of this organisation, of these roles of the hub."""

    staff_id: UUID
    organisation_id: UUID | None
    roles: frozenset[str]


async def share_days(session: AsyncSession) -> None:
    """Keep the days off as they are until this transaction ends: the first statement of whatever changes what is owed."""
    await session.execute(_SHARE, {"key": DUTY_DAYS})


async def hold_days(session: AsyncSession) -> None:
    """Wait until nobody changes what is owed, and keep them waiting: what they begin is counted with the new days."""
    await session.execute(_HOLD, {"key": DUTY_DAYS})


async def hold_rules(session: AsyncSession) -> None:
    """Wait for whoever sets a rule, and keep others from it until this transaction ends: versions have no gap and no twin."""
    await session.execute(_HOLD, {"key": DUTY_RULES})


async def set_rule_in_force(session: AsyncSession, duty: str, on: date) -> DutyRule | None:
    """The rule that the authority set for the duty of an event that happens on that day: the youngest, then the last set."""
    query = (
        select(DutyRule)
        .where(col(DutyRule.duty) == duty, col(DutyRule.origin) == "set", col(DutyRule.valid_from) <= on)
        .order_by(col(DutyRule.valid_from).desc(), col(DutyRule.version).desc())
        .limit(1)
    )
    found: DutyRule | None = await session.scalar(query)
    return found


async def shipped_rule(session: AsyncSession, code: str, digest: str) -> DutyRule | None:
    """The copy of a profile's rule, if anything was ever owed under it."""
    query = select(DutyRule).where(
        col(DutyRule.origin) == "shipped", col(DutyRule.code) == code, col(DutyRule.digest) == digest
    )
    found: DutyRule | None = await session.scalar(query)
    return found


async def next_version(session: AsyncSession, duty: str) -> int:
    """The number that the duty's next rule takes."""
    last: int | None = await session.scalar(select(func.max(col(DutyRule.version))).where(col(DutyRule.duty) == duty))
    return (last or 0) + 1


async def set_rules(session: AsyncSession) -> Sequence[DutyRule]:
    """Every rule that the authority ever set, by duty and version."""
    query = select(DutyRule).where(col(DutyRule.origin) == "set").order_by(col(DutyRule.duty), col(DutyRule.version))
    return (await session.scalars(query)).all()


async def add_duty(session: AsyncSession, row: Duty) -> bool:
    """Insert what is owed; False, and nothing changed, where the same debtor owes the same for that subject already."""
    added = await session.execute(
        insert(Duty).values(row.model_dump()).on_conflict_do_nothing().returning(col(Duty.id))
    )
    return added.first() is not None


async def duty(session: AsyncSession, identifier: UUID, *, lock: bool = False) -> OwedRecord | None:
    """What is owed under that id, as it is now; locked until the transaction ends, if asked."""
    query = _records().where(col(Duty.id) == identifier)
    if lock:
        query = query.with_for_update(of=Duty)
    row = (await session.execute(query, execution_options=_AS_IT_IS_NOW)).one_or_none()
    return None if row is None else OwedRecord(*row)


async def is_owed_by(session: AsyncSession, identifier: UUID, reader: Reader) -> bool:
    """Whether the duty is one of the reader's."""
    return await session.scalar(select(col(Duty.id)).where(col(Duty.id) == identifier, _owed_by(reader))) is not None


async def open_duties(
    session: AsyncSession, subject_kind: str, subject_id: str, *, duty: str | None = None
) -> Sequence[OwedRecord]:
    """What is still owed for a subject, locked, in the order of the ids."""
    query = _records().where(
        col(Duty.state) == "open", col(Duty.subject_kind) == subject_kind, col(Duty.subject_id) == subject_id
    )
    if duty is not None:
        query = query.where(col(Duty.duty) == duty)
    query = query.order_by(col(Duty.id)).with_for_update(of=Duty)
    rows = await session.execute(query, execution_options=_AS_IT_IS_NOW)
    return [OwedRecord(*row) for row in rows]


async def list_duties(
    session: AsyncSession,
    *,
    reader: Reader | None,
    states: Collection[str],
    standings: Collection[Standing],
    now: datetime,
    today_ends: datetime,
    subject: tuple[str, str] | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[OwedRecord]:
    """At most `limit` duties by deadline and id beyond `after`; all of the hub's without a reader."""
    query = _records().where(col(Duty.state).in_(states)).order_by(col(Duty.due_at), col(Duty.id)).limit(limit)
    if reader is not None:
        query = query.where(_owed_by(reader))
    if standings:
        query = query.where(or_(*(_stands(one, now, today_ends) for one in standings)))
    if subject is not None:
        query = query.where(col(Duty.subject_kind) == subject[0], col(Duty.subject_id) == subject[1])
    if after is not None:
        query = query.where(tuple_(col(Duty.due_at), col(Duty.id)) > after)
    return [OwedRecord(*row) for row in await session.execute(query)]


async def duties_touching(session: AsyncSession, first: datetime, last: datetime) -> Sequence[OwedRecord]:
    """What is owed whose time, from anchor to deadline, has a moment between `first` and `last`; locked, by id."""
    anchor, due = col(Duty.anchored_at), col(Duty.due_at)
    query = _records().where(
        col(Duty.state) == "open", func.least(anchor, due) < last, func.greatest(anchor, due) >= first
    )
    query = query.order_by(col(Duty.id)).with_for_update(of=Duty)
    return [OwedRecord(*row) for row in await session.execute(query, execution_options=_AS_IT_IS_NOW)]


async def notices(session: AsyncSession) -> Sequence[HolidayNotice]:
    """Every notice that was added, by year and version."""
    query = select(HolidayNotice).order_by(col(HolidayNotice.year), col(HolidayNotice.version))
    return (await session.scalars(query)).all()


def _records() -> "Select[Duty, DutyRule, str]":
    return (
        select(Duty, DutyRule, col(Organisation.name))
        .join(DutyRule, col(Duty.rule_id) == col(DutyRule.id))
        .outerjoin(Organisation, col(Duty.debtor_organisation_id) == col(Organisation.id))
    )


def _stands(standing: Standing, now: datetime, today_ends: datetime) -> "ColumnElement[bool]":
    due, soon = col(Duty.due_at), col(Duty.soon_at)
    match standing:
        case Standing.OVERDUE:
            return due < now
        case Standing.DUE:
            return and_(due >= now, due <= today_ends)
        case Standing.DUE_SOON:
            return and_(due > today_ends, soon <= now)
        case Standing.UPCOMING:
            return and_(due > today_ends, soon > now)


def _owed_by(reader: Reader) -> "ColumnElement[bool]":
    """A person's own; else of an organisation, by its people who hold the role; else by whoever holds the role."""
    role_is_theirs = col(Duty.debtor_role).in_(sorted(reader.roles)) if reader.roles else false()
    organisation = col(Duty.debtor_organisation_id)
    return or_(
        col(Duty.debtor_staff_id) == reader.staff_id,
        and_(
            col(Duty.debtor_staff_id).is_(None),
            role_is_theirs,
            or_(organisation.is_(None), organisation == reader.organisation_id),
        ),
    )
