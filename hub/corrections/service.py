"""Corrections 校核: what a consumer received is wrong; reported by its staff or its system, and withdrawn. None commits.

Who reports names an exchange that it received, and the places in it that are wrong; of any other exchange it learns nothing
(I5). The provider owes its answer (`answering`) within the days of `correct-data` (D4). What the reporter believes right may
speak of a person: it lies in a row of its own, and the log knows nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from certs import envelope
from certs.envelope import Opened
from certs.header import EXCHANGE
from hub.access.texts import open_text
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.corrections import repository
from hub.corrections.codes import Act, State, moved
from hub.corrections.errors import CorrectionExists, NotReceived, UnknownCorrection
from hub.corrections.models import Correction, CorrectionClaim
from hub.corrections.places import check_places, moved_to
from hub.corrections.recording import fingerprint_of, record_correction
from hub.corrections.repository import CorrectionRecord, Filter
from hub.db.ids import new_id
from hub.duties import rules
from hub.duties import service as duties
from hub.duties.calendar import beijing_date
from hub.duties.service import Debtor, Subject
from hub.exchange.projecting import lens
from hub.ledger.recipients import Recipient, exchange_of, received_of, recipients
from hub.notices import service as notices
from hub.registry.errors import InvalidField

SUBJECT_KIND: Final = "correction"
DUTY: Final = "correct-data"


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: an organisation, by a member of its staff or by one of its systems (then only what that one received)."""

    organisation_id: UUID
    staff_id: UUID | None = None
    system_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong: the exchange, JSON pointers into its payload, and what is believed right.

    `system`: the code of the organisation's system that received it, needed where several did.
    """

    exchange: UUID
    pointers: Sequence[str]
    believed: str
    system: str | None = None


async def submit(
    session: AsyncSession, report: Report, reporter: Reporter, *, actor: Actor, recorder: Recorder, now: datetime
) -> CorrectionRecord:
    """Report an error. Raises NotReceived, PointersRefused, CorrectionExists, InvalidField, Refused `classified-content`."""
    believed = open_text("/believed", report.believed)
    recipient = _chosen(report, reporter, await recipients(session, report.exchange))
    exchange = await exchange_of(session, report.exchange)
    assert exchange is not None
    names = await repository.field_names(session, exchange.resource_id, exchange.version)
    sent = records_of(exchange.envelope)
    received = await received_of(session, exchange.id, recipient.system_id)
    has = sent if received is None else records_of(received.envelope)
    check_places(report.pointers, records=len(has), field_names=names)
    places = None if received is None else lens(received.items, received.rows).places(sent)
    if (holder := await repository.open_correction(session, exchange.id, recipient.system_id)) is not None:
        raise CorrectionExists(holder)
    row = Correction(
        id=new_id(now),
        exchange_id=exchange.id,
        resource_id=exchange.resource_id,
        consumer_id=recipient.system_id,
        organisation_id=recipient.organisation_id,
        staff_id=reporter.staff_id,
        pointers=list(report.pointers),
        original_pointers=None if places is None else [moved_to(pointer, places) for pointer in report.pointers],
        state=State.SUBMITTED,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    session.add(CorrectionClaim(correction_id=row.id, believed=believed))
    await session.flush()
    record = await find(session, row.id)
    record_correction(session, "correction.requested", record, actor=actor, recorder=recorder, now=now)
    await _owe(session, record, actor, recorder, now)
    await tell(session, record.provider_id, "correction-requested", record, now)
    return record


async def withdraw(
    session: AsyncSession, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> CorrectionRecord:
    """End a report that is not answered yet. Raises UnknownCorrection, WrongState."""
    record = await held(session, identifier)
    row = record.correction
    target, before = moved(f"correction {identifier}", Act.WITHDRAW, row.state), fingerprint_of(row)
    row.state, row.updated_at = target, now
    record_correction(session, "correction.withdrawn", record, before=before, actor=actor, recorder=recorder, now=now)
    await duties.cancel(session, subject_of(row.id), DUTY, actor=actor, recorder=recorder, now=now)
    await tell(session, record.provider_id, "correction-withdrawn", record, now)
    return record


async def find(session: AsyncSession, identifier: UUID) -> CorrectionRecord:
    """The correction of that id. Raises UnknownCorrection."""
    return _there(identifier, await repository.correction(session, identifier))


async def held(session: AsyncSession, identifier: UUID) -> CorrectionRecord:
    """The same, kept from others until the transaction ends. Raises UnknownCorrection."""
    return _there(identifier, await repository.correction(session, identifier, lock=True))


async def list_corrections(
    session: AsyncSession, wanted: Filter, *, after: UUID | None, limit: int
) -> Sequence[CorrectionRecord]:
    """At most `limit` corrections beyond the id `after`."""
    return await repository.corrections(session, wanted, after=after, limit=limit)


def subject_of(identifier: UUID) -> Subject:
    """What duties call a correction."""
    return Subject(SUBJECT_KIND, str(identifier))


def opened(compact: bytes) -> Opened:
    """An envelope that was checked when it was accepted, or that is ours."""
    return envelope.read(compact, max_bytes=len(compact), allowed_types=frozenset({EXCHANGE}))


def records_of(compact: bytes) -> Sequence[Mapping[str, Any]]:
    """What an envelope's payload has."""
    found: Sequence[Mapping[str, Any]] = orjson.loads(opened(compact).payload_bytes)["records"]
    return found


async def tell(
    session: AsyncSession, organisation_id: UUID, kind: str, record: CorrectionRecord, now: datetime
) -> None:
    """Tell a party what became of the correction."""
    row = record.correction
    codes = {"resource": record.resource, "exchange": str(row.exchange_id), "state": str(row.state)}
    if row.correcting_id is not None:
        codes["correcting"] = str(row.correcting_id)
    await notices.tell(session, organisation_id, kind, str(row.id), codes, now)


def _there(identifier: UUID, record: CorrectionRecord | None) -> CorrectionRecord:
    if record is None:
        raise UnknownCorrection(identifier)
    return record


def _chosen(report: Report, reporter: Reporter, received: Sequence[Recipient]) -> Recipient:
    """The one of the reporter's systems that received the exchange. Raises NotReceived, InvalidField."""
    own = [
        one
        for one in received
        if one.handed_out
        and (
            one.organisation_id == reporter.organisation_id
            if reporter.system_id is None
            else one.system_id == reporter.system_id
        )
        and report.system in (None, one.code)
    ]
    if not own:
        raise NotReceived
    if len(own) > 1:
        codes = [one.code for one in own]
        raise InvalidField(
            "/system",
            f"贵单位有几个系统收到了这次交换：{'、'.join(codes)}；请用 system 指明一个",
            f"several of your systems received this exchange: {', '.join(codes)}; name one in system",
        )
    return own[0]


async def _owe(
    session: AsyncSession, record: CorrectionRecord, actor: Actor, recorder: Recorder, now: datetime
) -> None:
    """The provider's days begin, if a rule in force asks for them."""
    if await rules.in_force(session, DUTY, beijing_date(now)) is None:
        return
    await duties.owe(
        session,
        DUTY,
        subject_of(record.correction.id),
        debtor=Debtor(record.provider_id),
        anchored_at=now,
        actor=actor,
        recorder=recorder,
        now=now,
    )
