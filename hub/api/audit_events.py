"""`/v1/audit/events`: the sharing log for auditors and inspectors, newest first."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query

from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import present
from hub.audit import repository
from hub.audit.entry import entry_reference
from hub.audit.models import LogEntry

router = APIRouter(prefix="/v1/audit/events", tags=["共享日志 / sharing log"])


@router.get("", summary="查询日志 / search the log", dependencies=[Depends(staff_may("audit_read"))])
async def listing(
    ctx: ContextDep,
    page: Page,
    event: Annotated[
        str | None, Query(pattern="^[a-z.-]{1,64}$", description="事件类型，如 grant.revoked / type of event")
    ] = None,
    actor: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9:._-]{1,128}$", description="行为者标识 / id of who acted")
    ] = None,
) -> dict[str, Any]:
    """Entries with their leaves as they are hashed, and the openings of the commitments to personal fields in them."""
    async with ctx.transaction() as session:
        rows = await repository.page(session, before=page.after_id(), limit=page.fetch, event=event, actor=actor)
    return page.page(rows, lambda found: read(*found), lambda found: (found[0].id,))


def read(row: LogEntry, leaf_index: int | None) -> dict[str, Any]:
    """An entry as the API shows it; `leaf` is canonical JSON (RFC 8785), so its bytes can be had again from it."""
    return present(
        id=row.id,
        event=row.event,
        outcome=row.outcome,
        occurred_at=row.occurred_at,
        leaf=orjson.loads(row.leaf),
        leaf_hash=entry_reference(row.leaf_hash),
        leaf_index=leaf_index,
        openings=row.openings,
    )
