"""How an act on a row becomes an entry of the log: with the digests of the row before and after, empty of content."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from certs.canonical import canonical
from certs.digests import digest
from hub.audit.entry import Actor, Event, instant
from hub.audit.service import Recorder


def fingerprint(row: SQLModel, *, without: frozenset[str] = frozenset()) -> str:
    """SHA-256 over the RFC 8785 form of the row's columns, absent ones left out, as the contract writes digests.

    `without` names columns that speak of a person or are secret: a digest over the rest cannot be tried out for them.
    """
    columns = (column.key for column in inspect(type(row)).column_attrs if column.key not in without)
    values = ((name, getattr(row, name)) for name in columns)
    return digest(canonical({name: _plain(value) for name, value in values if value is not None}))


def record_change(
    session: AsyncSession,
    event: str,
    object_id: str,
    row: SQLModel,
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    before: str = "",
    purpose: str = "",
    basis: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Log `event` (`<object>.<past participle>`) on the object whose row now is `row` and had the fingerprint `before`.

    `details` holds codes, digests and counts only.
    """
    recorder.record(
        session,
        Event(
            event,
            actor,
            event.partition(".")[0],
            object_id,
            purpose=purpose,
            basis=basis,
            before=before,
            after=fingerprint(row),
            details=details or {},
        ),
        now=now,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return digest(value)
    return value
