"""`/v1/notices`: what an organisation has been told, for its staff and its systems."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from hub.api.context import ContextDep
from hub.api.guard import staff_may, system_or_staff
from hub.api.paging import Page
from hub.api.wire import present
from hub.identity.callers import StaffCaller, SystemCaller
from hub.notices import service
from hub.notices.models import Notice

router = APIRouter(prefix="/v1/notices", tags=["通知 / notices"])

EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "kind": "version-published",
    "subject": "306001000001/000042",
    "details": {
        "version": 2,
        "schema_digest": "sha-256:…",
        "replaced": 1,
        "replaced_ends_at": "2026-04-01T01:30:00.000000+00:00",
        "breaking": 1,
    },
    "created_at": "2026-03-02T01:30:00.000000+00:00",
}


@router.get(
    "",
    summary="通知列表 / list notices",
    responses={200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}},
)
async def listing(
    ctx: ContextDep,
    page: Page,
    caller: Annotated[SystemCaller | StaffCaller, Depends(system_or_staff("notice_read"))],
    unread: Annotated[bool, Query(description="只要未读的 / unread ones only")] = False,
) -> dict[str, Any]:
    """Notices to the caller's organisation, newest first."""
    organisation = caller.organisation_id
    assert organisation is not None
    async with ctx.transaction() as session:
        rows = await service.list_notices(
            session, organisation, before=page.after_id(), limit=page.fetch, unread=unread
        )
    return page.page(rows, read, lambda row: (row.id,))


@router.post(
    "/{id}/read",
    summary="标为已读 / mark as read",
    responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def mark_read(
    id: UUID,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("notice_mark"))],
) -> dict[str, Any]:
    """Note that the organisation has read it; the first time counts."""
    organisation = caller.organisation_id
    assert organisation is not None
    async with ctx.transaction() as session:
        row = await service.mark_read(
            session, organisation, id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return read(row)


def read(row: Notice) -> dict[str, Any]:
    """A notice as the API shows it."""
    return present(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        details=row.details,
        created_at=row.created_at,
        read_at=row.read_at,
    )
