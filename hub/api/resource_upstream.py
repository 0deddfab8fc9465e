"""`/v1/resources/{id}/upstream`: where the registration of a resource with catalogues above 上级目录 stands."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, ConfigDict, Field

from catalog.codes import UpstreamState
from catalog.upstream import Receipt, Upstream
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.resource_forms import read_upstream
from hub.api.wire import Body
from hub.identity.callers import StaffCaller
from hub.publishing import service, upstream

router = APIRouter(prefix="/v1/resources", tags=["资源目录 / resources"])

EXAMPLE: dict[str, Any] = {
    "catalogue": "gansu-catalogue",
    "number": 2,
    "state": "accepted",
    "upstream_code": "306001000001/004711",
    "receipt": {
        "reference": "甘数目〔2026〕118号",
        "digest": "sha-256:" + "0" * 64,
        "at": "2026-03-05T08:00:00.000000+00:00",
    },
    "recorded_at": "2026-03-06T01:30:00.000000+00:00",
}


class NewReceipt(Body):
    """By what the catalogue above said so."""

    reference: Annotated[str, Field(description="回执编号 / reference there", examples=["甘数目〔2026〕118号"])]
    digest: Annotated[str, Field(description="回执原件摘要 / of its bytes", examples=["sha-256:" + "0" * 64])]
    at: Annotated[AwareDatetime, Field(description="回执时间 / its time", examples=["2026-03-05T16:00:00+08:00"])]


class NewState(Body):
    """What became of the registration."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "catalogue": "gansu-catalogue",
                    "state": "accepted",
                    "upstream_code": "306001000001/004711",
                    "receipt": {
                        "reference": "甘数目〔2026〕118号",
                        "digest": "sha-256:" + "0" * 64,
                        "at": "2026-03-05T16:00:00+08:00",
                    },
                }
            ]
        }
    )

    catalogue: Annotated[
        str, Field(description="上级目录的枢纽标识或名称 / hub id or name", examples=["gansu-catalogue"])
    ]
    state: Annotated[
        UpstreamState,
        Field(description="上报状态：" + "、".join(f"{state.value} {state.zh}" for state in UpstreamState)),
    ]
    upstream_code: Annotated[
        str | None, Field(description="上级代码 / the code it has there", examples=["306001000001/004711"])
    ] = None
    receipt: NewReceipt | None = None

    def upstream(self) -> Upstream:
        """The same as the catalogue knows it."""
        given = self.receipt
        receipt = None if given is None else Receipt(given.reference, given.digest, given.at)
        return Upstream(self.catalogue, self.state, self.upstream_code, receipt)


@router.get(
    "/{id:path}/upstream",
    summary="上报状态与历史 / registrations above",
    dependencies=[Depends(staff_may("resource_read"))],
    responses={200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}},
)
async def listing(id: str, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002
    """Every state by catalogue, each from its first on; a catalogue that is not named was not reported to (未上报)."""
    async with ctx.transaction() as session:
        resource = (await service.find_resource(session, id)).resource
        rows = await upstream.list_upstream(session, resource.id)
    return {"items": [read_upstream(row) for row in rows], "next": None}


@router.post(
    "/{id:path}/upstream",
    status_code=201,
    summary="记录上报状态 / record a state",
    responses={201: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def record(
    id: str,  # noqa: A002
    body: NewState,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("upstream_record"))],
) -> dict[str, Any]:
    """Record what a catalogue above says; our code and status stay as they are."""
    async with ctx.transaction() as session:
        resource = (await service.find_resource(session, id)).resource
        row = await upstream.record_upstream(
            session, resource.id, body.upstream(), actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return read_upstream(row)
