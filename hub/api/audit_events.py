"""`/v1/audit/events`: the sharing log for auditors and inspectors, newest first; and its rows, for who compares them with the tree.

A search goes by columns that stand beside the leaf. `/sealed` says what they hold, by leaf index, so that they can be compared
with the leaves; `/unsealed` says which rows are not in the tree.
"""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Depends, Query

from certs.tree import MAX_SIZE
from hub.api.audit_examples import ENTRY_EXAMPLE, SEALED_EXAMPLE, UNSEALED_EXAMPLE
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import MAX_LIMIT, Page
from hub.api.wire import example, present
from hub.audit import repository
from hub.audit.entry import entry_reference
from hub.audit.models import LogEntry

router = APIRouter(prefix="/v1/audit/events", tags=["共享日志 / sharing log"])

STRETCH = 5_000
"""Rows that one question about unsealed ones looks at: tens of milliseconds."""

FIRST = UUID(int=0)
"""Before every id."""


@router.get(
    "",
    summary="查询日志 / search the log",
    dependencies=[Depends(staff_may("audit_read"))],
    responses=example({"items": [ENTRY_EXAMPLE], "next": None}),
)
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
    """An entry as the API shows it; `leaf` is canonical JSON (RFC 8785), so its bytes can be had again from it.

    What was written past the hub and is no JSON is left out: one such row must not hide the others of its page.
    """
    return present(
        id=row.id,
        event=row.event,
        outcome=row.outcome,
        occurred_at=row.occurred_at,
        leaf=_leaf(row.leaf),
        leaf_hash=entry_reference(row.leaf_hash),
        leaf_index=leaf_index,
        openings=row.openings,
    )


@router.get(
    "/sealed",
    summary="检索列 / what the columns for search say",
    dependencies=[Depends(staff_may("audit_read"))],
    responses=example({"items": [SEALED_EXAMPLE]}),
)
async def sealed(
    ctx: ContextDep,
    first: Annotated[int, Query(ge=0, le=MAX_SIZE, description="从第几条起 / index of the first leaf")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="最多项数 / items at most")] = MAX_LIMIT,
) -> dict[str, Any]:
    """Rows by leaf index, without their leaves (`/tlog/entries` has those); a row that is gone is left out."""
    async with ctx.acquire() as connection:
        rows = await repository.sealed_columns(connection, first, limit)
    return {"items": [_columns(row) for row in rows]}


@router.get(
    "/unsealed",
    summary="未封存的行 / rows that are not in the tree",
    dependencies=[Depends(staff_may("audit_read"))],
    responses=example({"items": [UNSEALED_EXAMPLE], "next": None}),
)
async def unsealed(
    ctx: ContextDep,
    cursor: Annotated[UUID, Query(description="上一页的 next / the `next` of the page before")] = FIRST,
) -> dict[str, Any]:
    """Goes over the whole log, a stretch at a time: a page may hold nothing and still have a next one."""
    async with ctx.acquire() as connection:
        rows = await repository.where_rows_lie(connection, cursor, STRETCH)
    items = [
        present(id=row["id"], event=row["event"], pending=row["pending"], age_s=round(row["age_s"], 1))
        for row in rows
        if not row["sealed"]
    ]
    return {"items": items, "next": str(rows[-1]["id"]) if len(rows) == STRETCH else None}


def _leaf(stored: bytes) -> Any:
    try:
        return orjson.loads(stored)
    except orjson.JSONDecodeError:
        return None


def _columns(row: asyncpg.Record) -> dict[str, Any]:
    return present(**dict(row)) | {"leaf_hash": entry_reference(row["leaf_hash"])}
