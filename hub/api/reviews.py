"""`/v1/reviews`: what waits in review, and for whom."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.review_forms import WAITING_EXAMPLE, read_waiting
from hub.identity.callers import StaffCaller
from hub.registry.errors import InvalidField
from hub.reviewing import service
from hub.reviewing.repository import Reviewer

router = APIRouter(prefix="/v1/reviews", tags=["审查审核 / reviews"])


@router.get(
    "",
    summary="待办的审查审核 / steps that wait",
    responses={200: {"content": {"application/json": {"example": {"items": [WAITING_EXAMPLE], "next": None}}}}},
)
async def waiting(
    ctx: ContextDep,
    page: Page,
    caller: Annotated[StaffCaller, Depends(staff_may("review_read"))],
    mine: Annotated[bool, Query(description="只要我能办的 / those that I may take")] = False,
) -> dict[str, Any]:
    """Steps whose turn it is, longest waiting first; `mine` leaves those that the caller's role and person may take."""
    reviewer = Reviewer(caller.actor.id, caller.roles, caller.organisation_id) if mine else None
    after = page.after_moment()
    async with ctx.transaction() as session:
        found = await service.list_waiting(
            session,
            reviewer=reviewer,
            after=None if after is None else (after[0], _identifier(after[1])),
            limit=page.fetch,
        )
    return page.page(found, read_waiting, lambda row: (row.step.opened_at, row.resource.id))


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        zh, en = "cursor 不是本列表给出的；请去掉 cursor 从第一页开始", "the cursor is not one that this list gave"
        raise InvalidField("cursor", zh, en) from None
