"""How an act on a correction is logged: which exchange, which consumer, how many places; none of what people wrote."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.corrections.models import Correction
from hub.corrections.repository import CorrectionRecord
from hub.registry.recording import fingerprint

WRITTEN = frozenset({"reason"})
"""What people write may speak of a person, so no digest in the log can be tried out for it."""


def fingerprint_of(row: Correction) -> str:
    """The row's fingerprint as the log has it."""
    return fingerprint(row, without=WRITTEN)


def record_correction(
    session: AsyncSession,
    event: str,
    record: CorrectionRecord,
    *,
    before: str = "",
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    **also: Any,
) -> None:
    """Log `event` with codes and counts."""
    row = record.correction
    details = {
        "consumer": record.consumer,
        "resource": record.resource,
        "exchange": str(row.exchange_id),
        "places": len(row.pointers),
        "state": str(row.state),
    }
    logged = Event(
        event,
        actor,
        "correction",
        str(row.id),
        before=before,
        after=fingerprint_of(row),
        details=details | also,
    )
    recorder.record(session, logged, now=now)
