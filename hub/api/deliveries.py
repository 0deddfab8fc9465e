"""Deliveries that are pushed: where each system is pushed to, the lanes as they stand, dead letters and their replay."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from hub.api import delivery_examples as shown
from hub.api.acting import changing_rights
from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, Reason, present, shown_draining
from hub.delivery import dead_letters, lanes, targets
from hub.delivery.dead_letters import Selection
from hub.delivery.draining import draining_consumer
from hub.delivery.lanes import LaneView
from hub.delivery.models import DeadLetter, PushTarget
from hub.delivery.vault import Vault
from hub.identity.callers import StaffCaller

router = APIRouter(tags=["推送 / pushes"])


_NO_NUL = r"^[^\x00]*$"
"""PostgreSQL's text takes none, so it can be searched for none."""

Consumer = Annotated[str, Field(max_length=63, pattern=_NO_NUL)]
Why = Annotated[str, Field(max_length=100, pattern=_NO_NUL)]


class Target(Body):
    """Where a system is pushed to."""

    model_config = ConfigDict(json_schema_extra={"examples": [shown.TARGET_BODY_EXAMPLE]})

    adapter: Annotated[str, Field(description="适配器 / adapter", examples=["http"])] = "http"
    settings: Annotated[
        dict[str, Any],
        Field(
            description="适配器的设置，见 docs/adapters.md / settings of the adapter",
            examples=[{"url": "https://receiver.example/push", "networks": ["10.1.0.0/16"]}],
        ),
    ]
    secrets: Annotated[
        dict[str, Any] | None,
        Field(
            description="适配器的机密（口令等），加密保存，不再显示；缺省：保留原有的 / "
            "the adapter's secrets: kept encrypted and never shown; left out: those there are stay",
            repr=False,
        ),
    ] = None
    policy: Annotated[
        Literal["park", "block"],
        Field(
            description="屡次失败后：搁置该项，或停住整条通道 / after the limit: set the item aside, or hold the lane"
        ),
    ] = "block"
    max_attempts: Annotated[int, Field(ge=1, le=targets.MOST_ATTEMPTS, description="次数上限 / limit of attempts")] = 12


class Replay(Body):
    """Which dead letters to queue again; `expected` is what the count said."""

    model_config = ConfigDict(json_schema_extra={"examples": [shown.REPLAY_EXAMPLE]})

    lane: UUID | None = None
    consumer: Consumer | None = None
    reason: Why | None = None
    expected: Annotated[int, Field(ge=1, description="计数所得的数目 / what the count said")]


def selection(
    lane: Annotated[UUID | None, Query(description="通道 / lane")] = None,
    consumer: Annotated[Consumer | None, Query(description="使用方系统代码 / code of the consumer")] = None,
    reason: Annotated[Why | None, Query(description="搁置的原因 / why it was parked")] = None,
) -> Selection:
    """The dead letters that the query string asks for."""
    return Selection(lane, consumer, reason)


Selected = Annotated[Selection, Depends(selection)]


@router.put(
    "/v1/systems/{code}/push-target", summary="设置推送目标 / say where a system is pushed to", responses=shown.TARGET
)
async def set_target(
    code: str, body: Target, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("target_set"))]
) -> dict[str, Any]:
    """A security officer allows host, port and network; what is granted with mode `push` goes there, or waits in the inbox."""
    new = targets.NewTarget(code, body.adapter, body.settings, body.policy, body.max_attempts, body.secrets)
    vault = Vault(ctx.identity.master_key)
    async with changing_rights(ctx, caller) as session:
        row = await targets.set_target(
            session, new, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock(), vault=vault
        )
    return _target(code, row)


@router.get(
    "/v1/systems/{code}/push-target",
    summary="推送目标 / where a system is pushed to",
    dependencies=[Depends(staff_may("target_read"))],
    responses=shown.TARGET,
)
async def one_target(code: str, ctx: ContextDep) -> dict[str, Any]:
    """The target of that system; `draining` while pushes that began before it was paused are under way."""
    async with ctx.transaction() as session:
        return await _read_target(session, code, await targets.find_target(session, code))


@router.post(
    "/v1/systems/{code}/push-target/pause", summary="暂停推送 / push nothing for a while", responses=shown.PAUSED
)
async def pause_target(
    code: str, body: Reason, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("target_pause"))]
) -> dict[str, Any]:
    """From the answer on no attempt towards the system begins; what is queued waits."""
    async with changing_rights(ctx, caller) as session:
        row = await targets.pause_target(
            session, code, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        return await _read_target(session, code, row)


@router.post("/v1/systems/{code}/push-target/resume", summary="恢复推送 / push again", responses=shown.TARGET)
async def resume_target(
    code: str, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("target_resume"))]
) -> dict[str, Any]:
    """Push again."""
    async with changing_rights(ctx, caller) as session:
        row = await targets.resume_target(session, code, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())
    return _target(code, row)


@router.get(
    "/v1/lanes",
    summary="推送的通道 / lanes that push",
    dependencies=[Depends(staff_may("lane_read"))],
    responses=shown.LANES,
)
async def list_lanes(ctx: ContextDep, page: Page) -> dict[str, Any]:
    """Lanes with their state, queue and last failure.

    States: `idle`, `pushing`, `awaiting`, `resting`, `blocked`, `paused`, `holding` (shown in the inbox); and where nothing may
    be pushed: `no-target`, `target-paused`, `no-rights`.
    """
    async with ctx.transaction() as session:
        rows = await lanes.list_lanes(session, after=page.after_id(), limit=page.fetch, now=ctx.clock())
    return page.page(rows, _lane, lambda row: (row.id,))


@router.post("/v1/lanes/{identifier}/pause", status_code=204, summary="暂停通道 / pause a lane")
async def pause_lane(
    identifier: UUID, body: Reason, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("lane_pause"))]
) -> None:
    """Begin no more attempts in this lane."""
    async with ctx.transaction() as session:
        await lanes.pause_lane(
            session, identifier, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )


@router.post("/v1/lanes/{identifier}/resume", status_code=204, summary="恢复通道 / resume a lane")
async def resume_lane(
    identifier: UUID, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("lane_resume"))]
) -> None:
    """Push again, and at once: lifts a pause, a block, the rest after failures, the wait for an acknowledgement."""
    async with ctx.transaction() as session:
        await lanes.resume_lane(session, identifier, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock())


@router.get(
    "/v1/dead-letters",
    summary="死信 / dead letters",
    dependencies=[Depends(staff_may("dead_letter_read"))],
    responses=shown.LETTERS,
)
async def list_letters(
    ctx: ContextDep,
    page: Page,
    chosen: Selected,
    replayed: Annotated[bool, Query(description="也列已重投的 / also those replayed")] = False,
) -> dict[str, Any]:
    """What was parked, with the reason."""
    async with ctx.transaction() as session:
        rows = await dead_letters.list_dead_letters(
            session, chosen, after=page.after_id(), limit=page.fetch, replayed=replayed
        )
    return page.page(rows, _letter, lambda row: (row.id,))


@router.get(
    "/v1/dead-letters/count",
    summary="死信计数 / count dead letters",
    dependencies=[Depends(staff_may("dead_letter_read"))],
    responses=shown.COUNT,
)
async def count_letters(ctx: ContextDep, chosen: Selected) -> dict[str, Any]:
    """How many a replay of this selection would queue again."""
    async with ctx.transaction() as session:
        return {"count": await dead_letters.count_dead_letters(session, chosen)}


@router.post("/v1/dead-letters/replay", summary="成批重投 / replay many", responses=shown.REPLAYED)
async def replay_letters(
    body: Replay, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("dead_letter_replay"))]
) -> dict[str, Any]:
    """Queue the selection again in the order it had; refused if it is not as large as expected any more.

    At most 1,000 at once: `left` says how many still wait, and is what to expect of the next call.
    """
    async with ctx.transaction() as session:
        done = await dead_letters.replay_many(
            session,
            Selection(body.lane, body.consumer, body.reason),
            expected=body.expected,
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
    return {"replayed": done.count, "left": done.left}


@router.post("/v1/dead-letters/{identifier}/replay", summary="重投一条 / replay one", responses=shown.REPLAYED_ONE)
async def replay_letter(
    identifier: UUID, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("dead_letter_replay"))]
) -> dict[str, Any]:
    """Queue it again at the end of its lane, under a new delivery id."""
    async with ctx.transaction() as session:
        delivery = await dead_letters.replay_one(
            session, identifier, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
    return present(delivery=delivery)


async def _read_target(session: AsyncSession, code: str, row: PushTarget) -> dict[str, Any]:
    if row.state == "active":
        return _target(code, row)
    return _target(code, row) | shown_draining(await draining_consumer(session, row.system_id))


def _target(code: str, row: PushTarget) -> dict[str, Any]:
    return present(
        system=code,
        adapter=row.adapter,
        settings=row.settings,
        has_secrets=row.secrets is not None or None,
        policy=row.policy,
        max_attempts=row.max_attempts,
        state=row.state,
        state_reason=row.state_reason,
        set_at=row.set_at,
    )


def _lane(row: LaneView) -> dict[str, Any]:
    return present(
        id=row.id,
        consumer=row.consumer,
        resource=row.resource,
        purpose=row.purpose,
        state=row.state,
        waiting=row.waiting,
        fence=row.fence,
        failures=row.failures,
        reason=row.reason,
        next_attempt_at=row.next_attempt_at,
    )


def _letter(row: DeadLetter) -> dict[str, Any]:
    return present(
        id=row.id,
        lane=row.lane_id,
        exchange=row.exchange_id,
        sequence=row.sequence,
        attempts=row.attempts,
        reason=row.reason,
        parked_at=row.parked_at,
        replayed_as=row.replayed_as,
        replayed_at=row.replayed_at,
    )
