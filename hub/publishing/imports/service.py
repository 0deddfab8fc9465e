"""What editors do with imports: upload, look, order to write, cancel. The work itself is a worker's (`running`).

Every upload is only tried. Its editor sees the verdict and the marked workbook, and then orders to write, all of it or the good
rows; writing judges once more, for the catalogue may have changed.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from certs.digests import digest
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.identity.callers import StaffCaller
from hub.publishing.imports import repository
from hub.publishing.imports.errors import NotJudged, NoWorkbook, StillBad, UnknownImport
from hub.publishing.imports.models import CatalogueImport

_CANCELLABLE: Final = ("queued", "judged", "committing")


async def upload(
    session: AsyncSession,
    data: bytes,
    *,
    caller: StaffCaller,
    own_only: bool,
    system: str | None,
    recorder: Recorder,
    now: datetime,
) -> CatalogueImport:
    """Take a workbook in, to be tried for the caller's organisation. Raises NoWorkbook."""
    if not data:
        raise NoWorkbook
    assert caller.organisation_id is not None  # editors edit for one
    row = CatalogueImport(
        id=new_id(now),
        organisation_id=caller.organisation_id,
        staff_id=caller.id,
        actor=written_actor(caller.actor),
        file=data,
        file_digest=digest(data),
        options={"own_only": own_only, "system": system},
        state="queued",
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    _record(session, "import.uploaded", row, caller.actor, recorder, now, {"bytes": len(data)})
    return row


async def find(session: AsyncSession, identifier: UUID, caller: StaffCaller) -> CatalogueImport:
    """The caller's import of that id, without its workbooks. Raises UnknownImport."""
    row = await repository.find(session, identifier, caller.id)
    if row is None:
        raise UnknownImport
    return row


async def workbook(session: AsyncSession, identifier: UUID, caller: StaffCaller) -> bytes:
    """The marked workbook. Raises UnknownImport, NotJudged."""
    row = await find(session, identifier, caller)
    found = await repository.workbook(session, identifier, caller.id)
    if found is None:
        raise NotJudged(row.state)
    return found


async def order_to_write(
    session: AsyncSession, identifier: UUID, *, caller: StaffCaller, good_rows: bool, now: datetime
) -> CatalogueImport:
    """Have a tried import written: all of it, or what is good. Raises UnknownImport, NotJudged, StillBad."""
    row = await _held(session, identifier, caller, "judged")
    assert row.counts is not None
    if row.counts["faults"] and not good_rows:
        raise StillBad(row.counts["faults"])
    row.state, row.good_rows, row.actor = "committing", good_rows, written_actor(caller.actor)
    row.done, row.attempts, row.updated_at = 0, 0, now
    await session.flush()
    return row


async def cancel(
    session: AsyncSession, identifier: UUID, *, caller: StaffCaller, recorder: Recorder, now: datetime
) -> CatalogueImport:
    """End an import that is not written yet; a worker that has it in hand lets go. Raises UnknownImport, NotJudged."""
    row = await _held(session, identifier, caller, *_CANCELLABLE)
    row.state, row.actor, row.updated_at = "cancelled", {}, now
    await session.flush()
    _record(session, "import.cancelled", row, caller.actor, recorder, now, {})
    return row


async def _held(session: AsyncSession, identifier: UUID, caller: StaffCaller, *states: str) -> CatalogueImport:
    row = await repository.find(session, identifier, caller.id, lock=True)
    if row is None:
        raise UnknownImport
    if row.state not in states:
        raise NotJudged(row.state)
    return row


def _record(
    session: AsyncSession,
    event: str,
    row: CatalogueImport,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    details: dict[str, Any],
) -> None:
    told = {"file": row.file_digest, **details}
    recorder.record(session, Event(event, actor, "import", str(row.id), details=told), now=now)


def written_actor(actor: Actor) -> dict[str, str]:
    """An actor as the row of an import keeps it until the work is done."""
    names = ("kind", "id", "organisation", "role", "login", "name", "address", "terminal", "request_id")
    return {name: value for name in names if (value := getattr(actor, name))}
