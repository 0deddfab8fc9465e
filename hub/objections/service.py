"""Objections 异议: raised, taken in hand, answered, rated, withdrawn. None commits.

An objection names what it is about: a resource of the catalogue, a request or a grant of one's own, an exchange that one
received. The authority answers for the catalogue and for how a request was handled, the provider for its data. What people
write stays in the rows, and no digest in the log covers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.access import service as access
from hub.access.errors import NoSuchResource
from hub.access.texts import open_text
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.ledger.recipients import exchange_of, recipients
from hub.notices import service as notices
from hub.objections import repository
from hub.objections.codes import BY_AUTHORITY, DETAILS, SUBJECTS, Act, Detail, Kind, State, Subject, moved
from hub.objections.errors import OwnObjection, UnknownObjection, UnknownSubject
from hub.objections.models import Objection
from hub.objections.repository import Filter, ObjectionRecord
from hub.registry.errors import InvalidField
from hub.registry.recording import fingerprint

WRITTEN = frozenset({"text", "answer"})
"""Columns that people write: they may speak of a person, so no digest in the log can be tried out for them."""

BEST = 5
"""Ratings are 1 to 5 (评价)."""


@dataclass(frozen=True, slots=True)
class NewObjection:
    """What is objected to: its kind and sub-kind, what it is about (a resource by its code, all else by id), and why."""

    kind: Kind
    subject: Subject
    subject_id: str
    text: str
    detail: Detail | None = None


async def submit(
    session: AsyncSession,
    new: NewObjection,
    *,
    organisation_id: UUID,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> ObjectionRecord:
    """Raise an objection in the name of an organisation. Raises InvalidField, UnknownSubject, Refused `classified-content`."""
    text = open_text("/text", new.text)
    _check_kinds(new)
    subject_id, resource_id = await _resolve(session, new, organisation_id)
    row = Objection(
        id=new_id(now),
        kind=new.kind,
        detail=new.detail,
        subject_kind=new.subject,
        subject_id=subject_id,
        resource_id=resource_id,
        organisation_id=organisation_id,
        staff_id=UUID(actor.id),
        text=text,
        state=State.SUBMITTED,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    record = await find(session, row.id)
    _record(session, "objection.submitted", record, "", actor, recorder, now)
    if new.kind not in BY_AUTHORITY:
        await _tell(session, record.provider_id, "objection-received", record, now)
    return record


async def take(
    session: AsyncSession, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> ObjectionRecord:
    """Take it in hand 受理: the objector sees that somebody looks into it. Raises UnknownObjection, WrongState, OwnObjection."""
    record, before = await _begin(session, identifier, Act.TAKE, now)
    _check_not_own(record, actor)
    _record(session, "objection.taken", record, before, actor, recorder, now)
    return record


async def answer(
    session: AsyncSession, identifier: UUID, text: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> ObjectionRecord:
    """Answer it. Raises UnknownObjection, WrongState, OwnObjection, InvalidField, Refused `classified-content`."""
    told = open_text("/answer", text)
    record, before = await _begin(session, identifier, Act.ANSWER, now)
    _check_not_own(record, actor)
    row = record.objection
    row.answer, row.answered_by, row.answered_at = told, UUID(actor.id), now
    _record(session, "objection.answered", record, before, actor, recorder, now)
    await _tell(session, row.organisation_id, "objection-answered", record, now)
    return record


async def rate(
    session: AsyncSession, identifier: UUID, rating: int, *, actor: Actor, recorder: Recorder, now: datetime
) -> ObjectionRecord:
    """Say how good the answer was 评价, once. Raises UnknownObjection, WrongState, InvalidField."""
    if not 1 <= rating <= BEST:
        raise InvalidField("/rating", f"评分为 1 至 {BEST}", f"a rating is 1 to {BEST}")
    record, before = await _begin(session, identifier, Act.RATE, now)
    record.objection.rating = rating
    _record(session, "objection.rated", record, before, actor, recorder, now, rating=rating)
    return record


async def withdraw(
    session: AsyncSession, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> ObjectionRecord:
    """End it before it is answered. Raises UnknownObjection, WrongState."""
    record, before = await _begin(session, identifier, Act.WITHDRAW, now)
    _record(session, "objection.withdrawn", record, before, actor, recorder, now)
    return record


async def find(session: AsyncSession, identifier: UUID) -> ObjectionRecord:
    """The objection of that id. Raises UnknownObjection."""
    return _there(identifier, await repository.objection(session, identifier))


async def list_objections(
    session: AsyncSession, wanted: Filter, *, after: UUID | None, limit: int
) -> Sequence[ObjectionRecord]:
    """At most `limit` objections beyond the id `after`."""
    return await repository.objections(session, wanted, after=after, limit=limit)


def _there(identifier: UUID, record: ObjectionRecord | None) -> ObjectionRecord:
    if record is None:
        raise UnknownObjection(identifier)
    return record


def _check_kinds(new: NewObjection) -> None:
    """The sub-kind and what it is about fit the kind."""
    details, subjects = DETAILS[new.kind], SUBJECTS[new.kind]
    if new.detail not in (details or (None,)):
        known = "、".join(f"{one} {one.zh}" for one in details) or "不填"
        raise InvalidField(
            "/detail",
            f"{new.kind.zh}的细类须为：{known}",
            f"the sub-kind of {new.kind} is {', '.join(details) or 'left out'}",
        )
    if new.subject not in subjects:
        raise InvalidField(
            "/about",
            f"{new.kind.zh}所指须为：{'、'.join(subjects)}",
            f"an objection to {new.kind} is about: {', '.join(subjects)}",
        )


async def _resolve(session: AsyncSession, new: NewObjection, organisation_id: UUID) -> tuple[UUID, UUID]:
    """The ids of what it is about and of the resource that this belongs to. Raises UnknownSubject."""
    if new.subject is Subject.RESOURCE:
        try:
            resource = await access.find_resource(session, new.subject_id)
        except NoSuchResource:
            raise UnknownSubject(new.subject) from None
        return resource.id, resource.id
    try:
        identifier = UUID(new.subject_id)
    except ValueError:
        raise UnknownSubject(new.subject) from None
    match new.subject:
        case Subject.REQUEST:
            found = await repository.resource_of_request(session, identifier, organisation_id)
        case Subject.GRANT:
            found = await repository.resource_of_grant(session, identifier, organisation_id)
        case _:
            found = await _resource_of_exchange(session, identifier, organisation_id)
    if found is None:
        raise UnknownSubject(new.subject)
    return identifier, found


async def _resource_of_exchange(session: AsyncSession, identifier: UUID, organisation_id: UUID) -> UUID | None:
    """The resource of an exchange that a system of this organisation received (I5)."""
    received = await recipients(session, identifier)
    if not any(one.handed_out and one.organisation_id == organisation_id for one in received):
        return None
    exchange = await exchange_of(session, identifier)
    return None if exchange is None else exchange.resource_id


async def _begin(session: AsyncSession, identifier: UUID, act: Act, now: datetime) -> tuple[ObjectionRecord, str]:
    """The objection, held and in its new state, and its fingerprint before. Raises UnknownObjection, WrongState."""
    record = _there(identifier, await repository.objection(session, identifier, lock=True))
    row = record.objection
    target = moved(f"objection {identifier}", act, row.state)
    before = fingerprint(row, without=WRITTEN)
    row.state, row.updated_at = target, now
    return record, before


def _check_not_own(record: ObjectionRecord, actor: Actor) -> None:
    if record.objection.staff_id == UUID(actor.id):
        raise OwnObjection(record.objection.id)


async def _tell(
    session: AsyncSession, organisation_id: UUID, kind: str, record: ObjectionRecord, now: datetime
) -> None:
    row = record.objection
    codes = {"kind": row.kind, "resource": record.resource, "state": str(row.state)}
    await notices.tell(session, organisation_id, kind, str(row.id), codes, now)


def _record(
    session: AsyncSession,
    event: str,
    record: ObjectionRecord,
    before: str,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    **also: int,
) -> None:
    row = record.objection
    about = f"{row.subject_kind}/{row.subject_id}"
    details = {"kind": row.kind, "about": about, "resource": record.resource, "state": str(row.state), **also}
    after = fingerprint(row, without=WRITTEN)
    recorder.record(
        session,
        Event(event, actor, "objection", str(row.id), before=before, after=after, details=details),
        now=now,
    )
