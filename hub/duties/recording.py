"""How an act on a duty is logged: what is owed for which subject, under which version of which rule, by when."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor, instant
from hub.audit.service import Recorder
from hub.duties.models import Duty, DutyRule
from hub.registry.recording import record_change


def record_duty(
    session: AsyncSession,
    event: str,
    row: Duty,
    rule: DutyRule,
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    before: str = "",
    was_due_at: datetime | None = None,
) -> None:
    """Log `event` with the row's fingerprints, and `was_due_at` where the deadline moved."""
    details: dict[str, Any] = {
        "duty": row.duty,
        "rule": rule.code,
        "version": rule.version,
        "subject": f"{row.subject_kind}/{row.subject_id}",
        "due_at": instant(row.due_at),
    }
    if was_due_at is not None:
        details["was_due_at"] = instant(was_due_at)
    record_change(
        session, event, str(row.id), row, before=before, actor=actor, recorder=recorder, now=now, details=details
    )
