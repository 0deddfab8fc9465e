"""`/v1/grants`: which consumer may have which resource; decided, suspended, resumed, revoked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from catalog.schema import DIALECT
from certs.canonical import canonical
from certs.digests import digest
from hub.access import renewal, repository, service
from hub.access.delivered import schema_of_grant
from hub.access.errors import UnknownGrant
from hub.access.models import GrantVersion
from hub.access.repository import GrantRecord
from hub.access.scope import WHOLE
from hub.api.acting import changing_rights
from hub.api.context import ContextDep
from hub.api.guard import staff_may, system_or_staff
from hub.api.paging import Page
from hub.api.scope_forms import AskedScope, ExpectedFrequency, shown_frequency, shown_scope
from hub.api.wire import SCHEMA_TYPE, Body, Reason, present, shown_draining
from hub.delivery.draining import draining_lane
from hub.identity.callers import StaffCaller, SystemCaller
from hub.identity.permissions import require, sharing

router = APIRouter(prefix="/v1/grants", tags=["授权 / grants"])

EXAMPLE: dict[str, Any] = {
    "id": "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f",
    "lane": "0198f0c2-6a00-7cc3-98c4-dc0c0c073990",
    "consumer": "lintao-subsite",
    "resource": "306001000001/000042",
    "purpose": "政务服务网办事指南展示",
    "basis": "甘肃省政务数据共享管理办法",
    "mode": "inbox",
    "valid_from": "2026-03-01T16:00:00.000000+00:00",
    "valid_to": "2027-03-01T16:00:00.000000+00:00",
    "state": "active",
    "versions": [{"version": 1, "schema_digest": "sha-256:…"}],
    "created_at": "2026-03-02T01:30:00.000000+00:00",
    "updated_at": "2026-03-02T01:30:00.000000+00:00",
}


_ONE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": EXAMPLE}}}}
_LISTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}
}

RENEWAL_EXAMPLE: dict[str, Any] = {
    "valid_to": "2028-03-02T00:00:00+08:00",
    "reason": "业务继续开展，经审批同意续期",
    "frequency": {"average": 200, "peak": 5000},
}
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": EXAMPLE | {"renewal_reason": RENEWAL_EXAMPLE["reason"]}}}}
}


SCHEMA_EXAMPLE: dict[str, Any] = {
    "$schema": DIALECT,
    "title": "办事指南",
    "$defs": {"record": {"properties": {"phone": {"type": "string", "maxLength": 30}}}},
}


class Renewal(Body):
    """A new end of the period."""

    model_config = ConfigDict(json_schema_extra={"examples": [RENEWAL_EXAMPLE]})

    valid_to: Annotated[AwareDatetime, Field(description="新的截止时间，须晚于原截止时间 / later than until now")]
    reason: Annotated[str, Field(description="续期理由 / why")]
    frequency: Annotated[
        ExpectedFrequency | None, Field(description="变更后的频次，缺省不变 / the new frequency; left out: as it was")
    ] = None


class NewGrant(Body):
    """A decision to grant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {name: EXAMPLE[name] for name in ("consumer", "resource", "purpose", "basis", "mode")}
                | {
                    "valid_to": "2027-03-02T00:00:00+08:00",
                    "scope": {
                        "items": ["item_code", "item_name", "phone"],
                        "masks": [{"item": "phone", "keep_first": 3, "keep_last": 4}],
                    },
                    "frequency": {"average": 100, "peak": 2000},
                }
            ]
        }
    )

    consumer: Annotated[
        str, Field(description="使用方系统代码 / code of the consuming system", examples=["lintao-subsite"])
    ]
    resource: Annotated[str, Field(description="资源代码 / code of the resource", examples=["306001000001/000042"])]
    purpose: Annotated[str, Field(description="用途 / purpose", examples=["政务服务网办事指南展示"])]
    basis: Annotated[str, Field(description="依据 / legal basis", examples=["甘肃省政务数据共享管理办法"])]
    mode: Annotated[
        Literal["inbox", "push"],
        Field(
            description="方式：收件箱自取，或推送到使用方的推送目标 / the consumer pulls, or the hub pushes to its target"
        ),
    ] = "inbox"
    policy: Annotated[
        Literal["park", "block"] | None,
        Field(
            description="推送失败到了限度：搁置该项，或停住通道；缺省按使用方的推送目标 / "
            "after the last attempt of a push: park the item, or block the lane; if left out, as the consumer's push target says"
        ),
    ] = None
    valid_from: Annotated[AwareDatetime | None, Field(description="起始，缺省为现在 / from, now if left out")] = None
    valid_to: Annotated[AwareDatetime, Field(description="截止 / until", examples=["2027-03-02T00:00:00+08:00"])]
    scope: Annotated[
        AskedScope | None,
        Field(
            description="使用范围：哪些信息项、哪些行、哪些打码，缺省为全部 / which items, rows and masks, the whole if left out"
        ),
    ] = None
    frequency: Annotated[ExpectedFrequency | None, Field(description="预计频次 / expected frequency")] = None

    def decision(self, now: datetime) -> service.NewGrant:
        """The same as the service takes it."""
        return service.NewGrant(
            consumer=self.consumer,
            resource=self.resource,
            purpose=self.purpose,
            basis=self.basis,
            valid_from=self.valid_from or now,
            valid_to=self.valid_to,
            mode=self.mode,
            policy=self.policy,
            scope=WHOLE if self.scope is None else self.scope.scope(),
            frequency=None if self.frequency is None else self.frequency.frequency(),
        )


@router.post(
    "",
    status_code=201,
    summary="授权 / grant",
    responses={201: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def create(
    body: NewGrant, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("grant_create"))]
) -> dict[str, Any]:
    """A decider of the provider grants; the schema digest of every published version is pinned with it."""
    async with changing_rights(ctx, caller) as session:
        resource = await service.find_resource(session, body.resource)
        require(sharing.grant_create, caller, resource.provider_id)
        now: datetime = ctx.clock()
        record = await service.create_grant(
            session, body.decision(now), actor=caller.actor, recorder=ctx.recorder, now=now
        )
        return await _read_one(session, record)


@router.get("", summary="授权列表 / list grants", dependencies=[Depends(staff_may("grant_read"))], responses=_LISTED)
async def listing(
    ctx: ContextDep,
    page: Page,
    consumer: Annotated[str | None, Query(pattern="^[a-z0-9-]{1,63}$", description="使用方系统代码 / consumer")] = None,
    resource: Annotated[str | None, Query(pattern="^[0-9A-Za-z/]{1,64}$", description="资源代码 / resource")] = None,
    state: Annotated[Literal["active", "suspended", "revoked"] | None, Query(description="状态 / state")] = None,
) -> dict[str, Any]:
    """Grants in no particular order that stays the same from page to page."""
    async with ctx.transaction() as session:
        records = await repository.grants(
            session, after=page.after_id(), limit=page.fetch, consumer=consumer, resource=resource, state=state
        )
        pins = await _pins(session, records)
    return page.page(records, lambda record: read(record, pins), lambda record: (record.grant.id,))


@router.get("/{id}", summary="一项授权 / one grant", dependencies=[Depends(staff_may("grant_read"))], responses=_ONE)
async def one(id: UUID, ctx: ContextDep) -> dict[str, Any]:  # noqa: A002  the contract's name
    """The grant of that id; `draining` while pushes that began before it was suspended or revoked are under way."""
    async with ctx.transaction() as session:
        return await _read_one(session, await service.find_grant(session, id))


@router.get(
    "/{id}/schema",
    summary="所交付载荷的 JSON Schema / schema of what a grant delivers",
    response_class=Response,
    responses={200: {"content": {SCHEMA_TYPE: {"example": SCHEMA_EXAMPLE}}}},
)
async def schema(
    id: UUID,  # noqa: A002
    caller: Annotated[SystemCaller | StaffCaller, Depends(system_or_staff("grant_read"))],
    ctx: ContextDep,
    version: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="版本，缺省为授权可用的最新版本 / the newest that it has")
    ] = None,
) -> Response:
    """The JSON Schema (2020-12) of that version's payload as the grant delivers it, in its RFC 8785 form; `ETag` is its SHA-256.

    A whole grant delivers payloads of the resource's own schema. Of systems, the grant's consumer and the resource's own may ask.
    """
    async with ctx.transaction() as session:
        record = await service.find_grant(session, id)
        if isinstance(caller, SystemCaller) and caller.code != record.consumer:
            resource = await service.find_resource(session, record.resource)
            if resource.system_id != caller.system_id:
                raise UnknownGrant(id)
        body = canonical(await schema_of_grant(session, record, version))
    return Response(body, media_type=SCHEMA_TYPE, headers={"ETag": f'"{digest(body)}"'})


@router.post("/{id}/renew", summary="续期、变更频次 / renew a grant", responses=_SHOWN)
async def renew(
    id: UUID,  # noqa: A002
    body: Renewal,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("grant_renew"))],
) -> dict[str, Any]:
    """A decider of the provider lets it last longer, from now for five years at most; an expired one lives again."""
    often = None if body.frequency is None else body.frequency.frequency()
    async with changing_rights(ctx, caller) as session:
        found = await service.find_grant(session, id)
        require(sharing.grant_renew, caller, found.provider_id)
        record = await renewal.renew_grant(
            session,
            id,
            valid_to=body.valid_to,
            reason=body.reason,
            frequency=often,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
        return await _read_one(session, record)


@router.post("/{id}/suspend", summary="暂停授权 / suspend a grant", responses=_ONE)
async def suspend(
    id: UUID,  # noqa: A002
    body: Reason,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("grant_suspend"))],
) -> dict[str, Any]:
    """From the answer on, nothing is handed out; what was accepted waits in its lane."""
    async with changing_rights(ctx, caller) as session:
        record = await service.suspend_grant(
            session, id, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read_one(session, record)


@router.post("/{id}/resume", summary="恢复授权 / resume a grant", responses=_ONE)
async def resume(
    id: UUID,  # noqa: A002
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("grant_resume"))],
) -> dict[str, Any]:
    """Hand out again what waits in the lane."""
    async with changing_rights(ctx, caller) as session:
        found = await service.find_grant(session, id)
        require(sharing.grant_resume, caller, found.provider_id)
        record = await service.resume_grant(session, id, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
        return await _read_one(session, record)


@router.post("/{id}/revoke", summary="撤销授权 / revoke a grant", responses=_ONE)
async def revoke(
    id: UUID,  # noqa: A002
    body: Reason,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("grant_revoke"))],
) -> dict[str, Any]:
    """End a grant for good."""
    async with changing_rights(ctx, caller) as session:
        found = await service.find_grant(session, id)
        require(sharing.grant_revoke, caller, found.provider_id)
        record = await service.revoke_grant(
            session, id, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read_one(session, record)


async def _read_one(session: AsyncSession, record: GrantRecord) -> dict[str, Any]:
    shown = read(record, await _pins(session, [record]))
    if record.grant.state == "active":
        return shown
    return shown | shown_draining(await draining_lane(session, record.grant.lane_id))


async def _pins(session: AsyncSession, records: Sequence[GrantRecord]) -> Mapping[UUID, list[GrantVersion]]:
    pins: dict[UUID, list[GrantVersion]] = {record.grant.id: [] for record in records}
    for pin in await repository.pins(session, list(pins)):
        pins[pin.grant_id].append(pin)
    return pins


def read(record: GrantRecord, pins: Mapping[UUID, Sequence[GrantVersion]]) -> dict[str, Any]:
    """A grant as the API shows it."""
    row = record.grant
    return present(
        id=row.id,
        lane=row.lane_id,
        consumer=record.consumer,
        resource=record.resource,
        purpose=row.purpose,
        basis=row.basis,
        mode=row.mode,
        policy=row.policy,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        scope=shown_scope(row),
        frequency=shown_frequency(row),
        state=row.state,
        state_reason=row.state_reason,
        renewal_reason=row.renewal_reason,
        versions=[{"version": pin.version, "schema_digest": pin.schema_digest} for pin in pins[row.id]],
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
