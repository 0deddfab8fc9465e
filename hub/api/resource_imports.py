"""`/v1/resources/imports`: workbooks into the catalogue. Every upload is tried first; writing is a second, expressed wish.

Reading is a worker's job: an upload is answered at once, and the import says how far it is. Registered before `/v1/resources`,
whose `{id}` takes every path.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ConfigDict, Field
from starlette.responses import JSONResponse, Response

from catalog.sheets.limits import MAX_FILE_BYTES
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.wire import Body, answers, present
from hub.identity.callers import StaffCaller
from hub.publishing.imports import service
from hub.publishing.imports.models import CatalogueImport

PATH = "/v1/resources/imports"
MAX_BYTES = MAX_FILE_BYTES
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

router = APIRouter(prefix=PATH, tags=["资源目录 / resources"])

Editor = Annotated[StaffCaller, Depends(staff_may("resource_import"))]

EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "state": "judged",
    "file_digest": "sha-256:…",
    "own_only": False,
    "good_rows": False,
    "done": 60,
    "total": 60,
    "counts": {
        "new": 58,
        "changed": 0,
        "unchanged": 0,
        "bad": 2,
        "skipped": 0,
        "rows": 301,
        "stray": 0,
        "faults": 2,
        "notes": 1,
    },
    "faults": [
        {
            "sheet": "目录",
            "cell": "N7",
            "column": "共享条件",
            "rule": "CAT-02",
            "zh": "有条件共享必须写明共享条件，如行政依据、工作参考、数据校核、业务协同",
            "en": "a conditionally shared resource states its condition, such as the administrative basis or data checking",
        }
    ],
    "notes": [],
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "updated_at": "2026-03-02T01:30:05.000000+00:00",
}

_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}


class Order(Body):
    """What is to be written."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"good_rows": True}]})

    good_rows: Annotated[
        bool, Field(description="只写入无误的资源；缺省为全有或全无 / write the good rows; else all or nothing")
    ] = False


@router.post(
    "",
    status_code=202,
    summary="上传目录工作簿试导入 / upload a workbook to be tried",
    openapi_extra={
        "requestBody": {"required": True, "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}
    },
    responses={202: {"content": {"application/json": {"example": {**EXAMPLE, "state": "queued"}}}}},
)
async def upload(
    request: Request,
    caller: Editor,
    ctx: ContextDep,
    own_only: Annotated[bool, Query(description="略过其他机构的行 / leave rows of other organisations out")] = False,
    system: Annotated[
        str | None, Query(max_length=63, description="表中未写发布系统时用它 / publishing system where none is named")
    ] = None,
) -> Response:
    """Take the workbook in; it is read by a worker, and nothing is written before it is ordered."""
    data = await request.body()
    async with ctx.transaction() as session:
        row = await service.upload(
            session,
            data,
            caller=caller,
            own_only=own_only,
            system=system,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
    return JSONResponse(_shown(row), 202, headers={"Location": f"{PATH}/{row.id}"})


@router.get("/{id}", summary="一次导入的进度与结果 / how far an import is, and what was found", responses=_SHOWN)
async def one(id: UUID, caller: Editor, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """The import with its counts and the first 500 faults and notes; for who uploaded it."""
    async with ctx.transaction() as session:
        return _shown(await service.find(session, id, caller))


@router.get(
    "/{id}/workbook",
    summary="标出错误的工作簿 / the marked workbook",
    response_class=Response,
    responses=answers(XLSX, described="标出错误的工作簿 / the marked workbook"),
)
async def workbook(id: UUID, caller: Editor, ctx: ContextDep) -> Response:  # noqa: A002
    """The same workbook, bad cells coloured, the reasons in a column 错误原因; once written, with the codes given."""
    async with ctx.transaction() as session:
        data = await service.workbook(session, id, caller)
    return attachment(data, f"import-{id}.xlsx")


@router.post("/{id}/commit", summary="写入目录 / write it", responses=_SHOWN)
async def commit(id: UUID, body: Order, caller: Editor, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """Have what was tried written: new resources as drafts, changes as drafts or successors; in one transaction."""
    async with ctx.transaction() as session:
        return _shown(
            await service.order_to_write(session, id, caller=caller, good_rows=body.good_rows, now=ctx.clock())
        )


@router.post("/{id}/cancel", summary="取消导入 / cancel an import", responses=_SHOWN)
async def cancel(id: UUID, caller: Editor, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """End an import that is not written yet; nothing of it is in the catalogue."""
    async with ctx.transaction() as session:
        row = await service.cancel(session, id, caller=caller, recorder=ctx.recorder, now=ctx.clock())
        return _shown(row)


def attachment(data: bytes, name: str) -> Response:
    """A workbook to be saved."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(data, media_type=XLSX, headers=headers)


def _shown(row: CatalogueImport) -> dict[str, Any]:
    return present(
        id=row.id,
        state=row.state,
        file_digest=row.file_digest,
        own_only=row.options["own_only"],
        system=row.options["system"],
        good_rows=row.good_rows,
        done=row.done,
        total=row.total,
        counts=row.counts,
        faults=row.faults,
        notes=row.notes,
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
