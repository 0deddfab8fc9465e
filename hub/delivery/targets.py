"""Push targets 推送目标: where a system is pushed to, by which adapter, and what is done when it will not take something.

A change holds the barrier and bumps the epoch (I3): once it has committed, no attempt starts towards the old place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters import registry as adapters
from adapters.errors import AdapterError
from adapters.protocol import Adapter, Capability
from hub.access.terms import POLICIES
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.delivery.errors import UnknownTarget
from hub.delivery.lanes import wake
from hub.delivery.models import PushTarget
from hub.delivery.repository import AWAKEN_LANES, END_RESTS
from hub.delivery.vault import Vault
from hub.errors import FieldError, InvalidInput
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import InvalidField, WrongState
from hub.registry.fields import LONGEST_REASON, required_text
from hub.registry.recording import fingerprint, record_change

MOST_ATTEMPTS = 100

_AWAKEN = text(AWAKEN_LANES)
_END_RESTS = text(END_RESTS)


@dataclass(frozen=True, slots=True)
class NewTarget:
    """What a security officer allows for a system (code): adapter, its settings, policy and limit.

    `policy`, one of `POLICIES`, is for lanes whose grant leaves it open.
    `secrets` None: those that the target has stay, as long as the adapter does.
    """

    system: str
    adapter: str
    settings: Mapping[str, Any]
    policy: str = "block"
    max_attempts: int = 12
    secrets: Mapping[str, Any] | None = field(default=None, repr=False)


async def set_target(
    session: AsyncSession,
    new: NewTarget,
    *,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    vault: Vault | None = None,
) -> PushTarget:
    """Say where the system is pushed to, for the first time or anew; a paused target stays paused.

    With an adapter that holds, its lanes are shown in its inbox from the commit on, and no attempt starts any more; one that
    pushes takes them up again, under the numbers that they have. Secrets go into the `vault`.

    Raises InvalidField, InvalidInput, UnknownSystem.
    """
    found = _check(new)
    now = await barrier.hold(session, now)
    system, _ = await registry.find_system(session, new.system)
    row = await session.get(PushTarget, system.id, populate_existing=True)
    before = "" if row is None else fingerprint(row)
    locked = row.secrets if row is not None and row.adapter == new.adapter and new.secrets is None else None
    if locked is None:
        _check_fields(new, "secrets", found.secrets_type, new.secrets or {})
        if new.secrets:
            assert vault is not None, "whoever takes secrets has where to keep them"
            locked = vault.lock(system.id, new.secrets)
    holds = Capability.HOLD in found.capabilities
    if row is None:
        row = PushTarget(
            system_id=system.id,
            adapter=new.adapter,
            settings=dict(new.settings),
            policy=new.policy,
            max_attempts=new.max_attempts,
            state="active",
            set_by=actor.id,
            set_at=now,
            holds=holds,
            secrets=locked,
        )
        session.add(row)
    else:
        row.adapter, row.settings = new.adapter, dict(new.settings)
        row.policy, row.max_attempts, row.holds = new.policy, new.max_attempts, holds
        row.set_by, row.set_at, row.secrets = actor.id, now, locked
        await session.execute(_AWAKEN, {"consumer": system.id, "now": now})
        await wake(session)
    event = "target.changed" if before else "target.set"
    _record(session, event, new.system, row, actor, recorder, now, before)
    await barrier.bump(session)
    return row


async def pause_target(
    session: AsyncSession, system: str, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> PushTarget:
    """Start no more attempts towards the system. Raises UnknownSystem, UnknownTarget, WrongState, InvalidField."""
    told = required_text("/reason", reason, longest=LONGEST_REASON)
    return await _move(session, system, "paused", told, actor, recorder, now)


async def resume_target(
    session: AsyncSession, system: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> PushTarget:
    """Push again, and at once: the rests after failures end. Raises UnknownSystem, UnknownTarget, WrongState."""
    row = await _move(session, system, "active", None, actor, recorder, now)
    await session.execute(_END_RESTS, {"consumer": row.system_id, "now": now})
    await wake(session)
    return row


async def find_target(session: AsyncSession, system: str) -> PushTarget:
    """The system's target. Raises UnknownSystem, UnknownTarget."""
    found, _ = await registry.find_system(session, system)
    row = await session.get(PushTarget, found.id, populate_existing=True)
    if row is None:
        raise UnknownTarget(system)
    return row


def _check(new: NewTarget) -> type[Adapter]:
    """The target's adapter. Raises InvalidField, InvalidInput."""
    if new.policy not in POLICIES:
        raise InvalidField("/policy", "policy 只能是 park 或 block", "policy is park or block")
    if not 1 <= new.max_attempts <= MOST_ATTEMPTS:
        raise InvalidField(
            "/max_attempts",
            f"max_attempts 须在 1 至 {MOST_ATTEMPTS} 之间",
            f"max_attempts is between 1 and {MOST_ATTEMPTS}",
        )
    try:
        found = adapters.find(new.adapter)
    except AdapterError as error:
        raise InvalidField("/adapter", error.zh, error.en) from None
    if not found.capabilities & {Capability.PUSH, Capability.HOLD}:
        raise InvalidField(
            "/adapter",
            f"适配器 {new.adapter} 不能推送；请另选",
            f"the adapter {new.adapter} cannot push; choose another",
        )
    _check_fields(new, "settings", found.settings_type, new.settings)
    return found


def _check_fields(new: NewTarget, member: str, model: type[BaseModel], values: Mapping[str, Any]) -> None:
    """Raises InvalidInput with every field that is not as the adapter has it; no value is shown, for it may be a secret."""
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    else:
        return
    raise InvalidInput(
        f"适配器 {new.adapter} 的 {member} 有 {len(faults)} 处不合要求；请按 errors 逐项更正",
        f"{len(faults)} {member} of the adapter {new.adapter} are not as they should be; correct what errors names",
        errors=[_field(member, fault) for fault in faults],
    )


def _field(member: str, fault: Mapping[str, Any]) -> FieldError:
    place = "/".join([f"/{member}", *map(str, fault["loc"])])
    return FieldError(place, f"不合要求：{fault['msg']}；请更正", f"{fault['msg']}; correct it")


async def _move(
    session: AsyncSession,
    system: str,
    state: str,
    reason: str | None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> PushTarget:
    now = await barrier.hold(session, now)
    row = await find_target(session, system)
    if row.state == state:
        raise WrongState(f"push target of {system}", row.state, "active" if state == "paused" else "paused")
    before = fingerprint(row)
    row.state, row.state_reason, row.set_by, row.set_at = state, reason, actor.id, now
    event = "target.paused" if state == "paused" else "target.resumed"
    _record(session, event, system, row, actor, recorder, now, before)
    await barrier.bump(session)
    return row


def _record(
    session: AsyncSession,
    event: str,
    system: str,
    row: PushTarget,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
    before: str,
) -> None:
    details = {"adapter": row.adapter, "policy": row.policy, "max_attempts": row.max_attempts}
    record_change(session, event, system, row, actor=actor, recorder=recorder, now=now, before=before, details=details)
