"""What the provider does with a report: takes it in hand, corrects what is wrong, or says why it is not. None commits.

A correction is another exchange of the same resource whose `ref` names the wrong envelope; the lanes carry it to everybody
like any other. Nothing counts as corrected before that exchange has gone to every consumer that received what is wrong and
is still granted the resource; and whoever else received it is told, by the ids of both exchanges.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from hub.access.texts import open_text
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.corrections import repository
from hub.corrections.codes import Act, moved
from hub.corrections.errors import NotACorrection, NotEveryoneReached, OwnCorrection
from hub.corrections.recording import fingerprint_of, record_correction
from hub.corrections.repository import CorrectionRecord
from hub.corrections.service import DUTY, held, opened, subject_of, tell
from hub.duties import service as duties
from hub.exchange.projecting import lens
from hub.ledger.models import Exchange
from hub.ledger.recipients import Recipient, exchange_of, recipients
from hub.notices import service as notices
from hub.registry import barrier

EVENTS = {Act.TAKE: "correction.taken", Act.CORRECT: "correction.made", Act.REJECT: "correction.rejected"}
"""What the log calls an act of the provider."""


async def take(
    session: AsyncSession, identifier: UUID, *, actor: Actor, recorder: Recorder, now: datetime
) -> CorrectionRecord:
    """Verify it 核实: the reporter sees that somebody looks into it. Raises UnknownCorrection, WrongState, OwnCorrection."""
    record, before = await _begin(session, identifier, Act.TAKE, actor)
    _move(session, record, Act.TAKE, before, actor=actor, recorder=recorder, now=now)
    return record


async def correct(
    session: AsyncSession,
    identifier: UUID,
    correcting: UUID,
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> CorrectionRecord:
    """Name the exchange that corrects it 更正, and tell everybody else who received what is wrong.

    Raises UnknownCorrection, WrongState, OwnCorrection, NotACorrection, NotEveryoneReached.
    """
    await barrier.share(session)
    record, before = await _begin(session, identifier, Act.CORRECT, actor)
    row = record.correction
    wrong = await exchange_of(session, row.exchange_id)
    assert wrong is not None
    better = _checked(wrong, await exchange_of(session, correcting))
    received = await recipients(session, wrong.id)
    await _check_reached(session, better, received, now)
    row.correcting_id, row.answered_by, row.answered_at = correcting, UUID(actor.id), now
    _move(session, record, Act.CORRECT, before, actor=actor, recorder=recorder, now=now, correcting=str(correcting))
    await _answered(session, record, "correction-made", actor, recorder, now)
    await notices.tell_all(
        session,
        {one.organisation_id for one in received} - {row.organisation_id},
        "record-corrected",
        record.resource,
        {"resource": record.resource, "exchange": str(wrong.id), "correcting": str(correcting)},
        now,
    )
    return record


async def reject(
    session: AsyncSession, identifier: UUID, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> CorrectionRecord:
    """Say why nothing is wrong. Raises UnknownCorrection, WrongState, OwnCorrection, InvalidField, Refused `classified-content`."""
    told = open_text("/reason", reason)
    record, before = await _begin(session, identifier, Act.REJECT, actor)
    row = record.correction
    row.reason, row.answered_by, row.answered_at = told, UUID(actor.id), now
    _move(session, record, Act.REJECT, before, actor=actor, recorder=recorder, now=now)
    await _answered(session, record, "correction-rejected", actor, recorder, now)
    return record


async def _begin(session: AsyncSession, identifier: UUID, act: Act, actor: Actor) -> tuple[CorrectionRecord, str]:
    """The correction, held, from whose state the act starts, and its fingerprint. Raises UnknownCorrection, WrongState, OwnCorrection."""
    record = await held(session, identifier)
    moved(f"correction {identifier}", act, record.correction.state)
    if record.correction.staff_id == UUID(actor.id):
        raise OwnCorrection(identifier)
    return record, fingerprint_of(record.correction)


def _move(
    session: AsyncSession,
    record: CorrectionRecord,
    act: Act,
    before: str,
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    **also: str,
) -> None:
    row = record.correction
    row.state, row.updated_at = moved(f"correction {row.id}", act, row.state), now
    record_correction(session, EVENTS[act], record, before=before, actor=actor, recorder=recorder, now=now, **also)


async def _answered(
    session: AsyncSession, record: CorrectionRecord, kind: str, actor: Actor, recorder: Recorder, now: datetime
) -> None:
    """The provider's duty is done, and the reporter is told."""
    row = record.correction
    await duties.fulfil(session, subject_of(row.id), DUTY, actor=actor, recorder=recorder, now=now)
    await tell(session, row.organisation_id, kind, record, now)


def _checked(wrong: Exchange, correcting: Exchange | None) -> Exchange:
    """The correcting one: it is of the same resource, came later, and refers to the wrong envelope. Raises NotACorrection."""
    if correcting is None or correcting.resource_id != wrong.resource_id:
        raise NotACorrection("该资源没有这次交换", "the resource has no such exchange")
    if correcting.accepted_at <= wrong.accepted_at:
        raise NotACorrection("它不晚于出错的交换", "it is not later than the one that is wrong")
    if opened(correcting.envelope).header.ref != wrong.jti:
        raise NotACorrection("它的 ref 不是出错信封的 jti", "its `ref` is not the jti of the wrong envelope")
    return correcting


async def _check_reached(
    session: AsyncSession, correcting: Exchange, received: Sequence[Recipient], now: datetime
) -> None:
    """Whoever received what is wrong, and may have any of the correction now, got it. Raises NotEveryoneReached."""
    missing = {one.system_id: one.code for one in received}
    for one in await recipients(session, correcting.id):
        missing.pop(one.system_id, None)
    if not missing:
        return
    payload = orjson.loads(opened(correcting.envelope).payload_bytes)
    granted = {
        system
        for system, items, rows in await repository.granted_now(session, correcting.resource_id, missing, now)
        if lens(items, rows).narrow(payload) is not None
    }
    if left := [code for system, code in missing.items() if system in granted]:
        raise NotEveryoneReached(sorted(left))
