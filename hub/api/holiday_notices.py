"""`/v1/holiday-notices`: the days off and the days worked of each year, as the hub knows them."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, present
from hub.duties import notices
from hub.duties.calendar import beijing_date
from hub.duties.notices import KnownYear
from hub.identity.callers import StaffCaller

router = APIRouter(prefix="/v1/holiday-notices", tags=["时限 / duties"])

EXAMPLE = {
    "year": 2026,
    "source": "notice",
    "version": 1,
    "in_force": True,
    "days_off": ["2026-01-01", "2026-01-02", "2026-05-01", "2026-10-01"],
    "days_worked": ["2026-01-04"],
    "basis": "国务院办公厅关于2026年部分节假日安排的通知",
    "added_at": "2025-11-05T01:30:00.000000+00:00",
}


class NewNotice(Body):
    """A year's notice, complete: it replaces what the hub knows of that year."""

    year: Annotated[int, Field(description="年份 / year", examples=[2027])]
    days_off: Annotated[
        list[date],
        Field(
            max_length=400,
            description="放假日，含其中的周末 / days off, weekends among them too",
            examples=[["2027-01-01"]],
        ),
    ]
    days_worked: Annotated[
        list[date], Field(max_length=400, description="调休上班的周末 / weekend days worked", examples=[["2027-01-03"]])
    ]
    basis: Annotated[
        str, Field(description="通知的名称和文号 / the notice", examples=["国务院办公厅关于2027年部分节假日安排的通知"])
    ]


@router.get(
    "",
    summary="放假安排 / days off by year",
    dependencies=[Depends(staff_may("holiday_notice_read"))],
    responses={200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}},
)
async def listing(ctx: ContextDep, page: Page) -> dict[str, Any]:
    """Every year that is known, the latest first: from the library, and each notice that was added, also replaced ones.

    `warnings` are there while a year that is needed is not known.
    """
    async with ctx.transaction() as session:
        found = await notices.known_years(session)
        missing = await warnings(session, ctx.clock())
    after = page.after_text()
    start = 0 if after is None else next((at for at, one in enumerate(found, 1) if _key(one) == after), len(found))
    return page.page(found[start : start + page.fetch], read, lambda one: (_key(one),)) | missing


@router.post(
    "",
    status_code=201,
    summary="录入放假通知 / add a year's notice",
    responses={201: {"content": {"application/json": {"example": EXAMPLE | {"moved": 3}}}}},
)
async def create(
    body: NewNotice, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("holiday_notice_add"))]
) -> dict[str, Any]:
    """Open duties whose time touches the year are counted anew; `moved` says how many deadlines moved."""
    new = notices.NewNotice(body.year, body.days_off, body.days_worked, body.basis)
    async with ctx.transaction() as session:
        added = await notices.add_notice(session, new, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
    return read(notices.known(added.notice, in_force=True)) | {"moved": added.moved}


async def warnings(session: AsyncSession, now: datetime) -> dict[str, Any]:
    """What an answer about deadlines says besides while a year's notice is missing; nothing if none is."""
    missing = notices.missing_years(await notices.work_calendar(session), beijing_date(now))
    said = [dict(zip(("year", "zh", "en"), (year, *notices.missing_words(year)), strict=True)) for year in missing]
    return {"warnings": said} if said else {}


def read(one: KnownYear) -> dict[str, Any]:
    """A year as the API shows it."""
    return present(
        year=one.year,
        source=one.source,
        version=one.version,
        in_force=one.in_force,
        days_off=[day.isoformat() for day in one.days_off],
        days_worked=[day.isoformat() for day in one.days_worked],
        basis=one.basis,
        added_at=one.added_at,
    )


def _key(one: KnownYear) -> str:
    """What tells a year's days from every other ones."""
    return f"{one.year}/{one.version}"
