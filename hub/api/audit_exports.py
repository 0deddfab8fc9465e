"""`/v1/audit/exports`: parts of the sharing log as files that prove themselves, for auditors and inspectors.

Asking is logged; fetching is for who asked. Cursors are leaf indexes: a download that was cut off goes on from the first
leaf that it lacks.
"""

from typing import Annotated
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from certs.tree import MAX_SIZE
from hub.api.audit_examples import EXPORT_EXAMPLE, LINES_EXAMPLE, NEW_EXPORT_EXAMPLE
from hub.api.context import Context, ContextDep
from hub.api.guard import staff_may
from hub.api.wire import Body, answers, example, present
from hub.audit import exporting
from hub.audit.errors import NoSuchExport, NoSuchPart
from hub.audit.exporting import Exporter, Filter
from hub.db.ids import new_id
from hub.identity.callers import StaffCaller

router = APIRouter(prefix="/v1/audit/exports", tags=["共享日志 / sharing log"])

LINES = "application/x-ndjson"

Auditor = Annotated[StaffCaller, Depends(staff_may("audit_read"))]


class NewExport(Body):
    """Which leaves, by their index in the tree, and which of them as more than their hash."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEW_EXPORT_EXAMPLE]})

    first: Annotated[int, Field(ge=0, le=MAX_SIZE, description="从第几条起 / index of the first leaf")] = 0
    until: Annotated[
        int | None,
        Field(ge=0, le=MAX_SIZE, description="到第几条之前；缺省为检查点 / up to, not including; default: all"),
    ] = None
    event: Annotated[str | None, Field(pattern="^[a-z.-]{1,64}$", description="事件类型 / type of event")] = None
    actor: Annotated[
        str | None, Field(pattern=r"^[A-Za-z0-9:._-]{1,128}$", description="行为者标识 / id of who acted")
    ] = None
    since: Annotated[AwareDatetime | None, Field(description="此时起 / from this time on")] = None
    before: Annotated[AwareDatetime | None, Field(description="此时之前 / before this time")] = None


@router.post("", status_code=201, summary="发起导出 / ask for an export", responses=example(EXPORT_EXAMPLE, 201))
async def ask(asked: NewExport, caller: Auditor, ctx: ContextDep) -> Response:
    """The export, to be fetched at `Location`; what a filter leaves out appears as its hash."""
    only = Filter(asked.event, asked.actor, asked.since, asked.before)
    async with ctx.acquire() as connection:
        part = await exporting.choose_part(connection, asked.first, asked.until, only)
    now = ctx.clock()
    identifier = new_id(now)
    async with ctx.transaction() as session:
        event = exporting.exported(identifier, part, caller.actor)
        ctx.recorder.record(session, event, now=now, entry_id=identifier)
    shown = present(id=identifier, first=part.first, until=part.until, only=only.written(), requested_at=now)
    return JSONResponse(shown, 201, headers={"Location": f"{router.prefix}/{identifier}"})


@router.get(
    "/{identifier}",
    summary="取导出的日志 / fetch an export",
    response_class=StreamingResponse,
    responses=answers(LINES, LINES_EXAMPLE, described="导出的日志，逐行 JSON / lines of JSON"),
)
async def fetch(
    identifier: str,
    caller: Auditor,
    ctx: ContextDep,
    cursor: Annotated[
        int | None, Query(ge=0, le=MAX_SIZE, description="续传：从第几条起 / resume: index of the leaf to begin with")
    ] = None,
) -> Response:
    """Lines of JSON (docs/transparency-log.md); a file without a manifest as its last line is not whole."""
    try:
        export = UUID(identifier)
    except ValueError:
        raise NoSuchExport from None
    async with ctx.acquire() as connection:
        head = await exporting.read_head(connection, export, str(caller.id))
    if cursor is not None and not head.first <= cursor <= head.until:
        raise NoSuchPart("cursor", head.first, head.until)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="audit-{export}.jsonl"',
    }
    lines = _exporter(ctx).lines(head, cursor=cursor, clock=ctx.clock)
    return StreamingResponse(lines, media_type=LINES, headers=headers)


def _exporter(ctx: Context) -> Exporter:
    # A manifest is a receipt for what was handed out; its `typ` keeps the two apart.
    chain = (ctx.keyring.certificate("receipt"), ctx.keyring.authority.certificate)
    return Exporter(ctx.acquire, ctx.keyring.signer("receipt"), [one.public_bytes(Encoding.DER) for one in chain])
