"""One push of one lane: claim, hand over with no transaction open, settle. What an adapter raises becomes a reason.

The adapter's call runs as a task of its own that is looked at when it has ended: an adapter of a third party may raise
anything, and whatever it raises is this attempt's failure and nobody else's. Knows no adapter by name: `adapter_for` does.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID, uuid4

import asyncpg

from adapters.errors import AdapterError, NoPlace, Rejected, Unavailable
from adapters.protocol import Outcome, Pushed, Pushing
from hub import errors
from hub.audit.entry import Actor
from hub.db.clock import DatabaseClock
from hub.delivery.claiming import Claim, PushLane, claim
from hub.delivery.settling import Result, Settled, Settlement

log = logging.getLogger(__name__)

CANCELLED_S = 1.0
"""How long an adapter that was told to stop may take to do so before nobody waits for it any more."""

KEEP_AGAIN_S = 1.0
"""How soon we try again to keep an acknowledgement that our own database did not take."""

Acquire = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
"""Lends a pooled connection."""

AdapterFor = Callable[[PushLane], Pushing]
"""The adapter for a lane's target, made at first use. Raises AdapterError."""


class Acknowledge(Protocol):
    """Takes a consumer's signed acknowledgement, as the inbox does: verified, kept, logged, committed."""

    def __call__(self, compact: bytes, *, address: str, request_id: str) -> Awaitable[bytes]:
        """Raises `Refused` where it does not count."""


@dataclass(slots=True)
class Pusher:
    """Pushes lanes for one worker process, which `holder` names in leases. `actor` is whom the log names."""

    hub_id: str
    actor: Actor
    acquire: Acquire
    clock: DatabaseClock
    adapter_for: AdapterFor
    acknowledge: Acknowledge
    jitter: Callable[[], float] = random.random
    holder: UUID = field(default_factory=uuid4)

    async def push(self, lane: UUID, *, at_least: int = 1) -> Settled | None:
        """Push the head of the lane's queue once; None where there was nothing for us, or fewer new items than `at_least`.

        Raises what the driver raises.
        """
        async with self.acquire() as connection:
            taken = await claim(
                connection,
                lane,
                holder=self.holder,
                hub_id=self.hub_id,
                actor=self.actor,
                clock=self.clock,
                at_least=at_least,
            )
        if taken is None:
            return None
        result = await self._call(taken)
        async with self.acquire() as connection:
            settled = await Settlement(self.hub_id, self.actor).settle(connection, taken, result, jitter=self.jitter())
        if settled not in (Settled.DELIVERED, Settled.HANDED_OVER):
            log.info(
                "push not delivered",
                extra={
                    "lane": str(lane),
                    "fence": taken.batch.fence,
                    "settled": settled.value,
                    "reason": result.reason,
                },
            )
        return settled

    async def _call(self, taken: Claim) -> Result:
        """What handing over came to, before the lease ends."""
        adapter_call = asyncio.create_task(self._hand_over(taken), name=f"push {taken.lane.id}")
        try:
            await asyncio.wait({adapter_call}, timeout=max(0.0, taken.call_until - time.monotonic()))
            if not adapter_call.done():
                adapter_call.cancel()
                await asyncio.wait({adapter_call}, timeout=CANCELLED_S)
                return Result(reason="timed-out")
        finally:
            adapter_call.cancel()
        if adapter_call.cancelled():
            return Result(reason="adapter-fault")
        fault = adapter_call.exception()
        return await self._believe(taken, adapter_call.result()) if fault is None else _failure(fault, taken)

    async def _hand_over(self, taken: Claim) -> Pushed:
        try:
            return await self.adapter_for(taken.lane).push(taken.batch)
        except (SystemExit, KeyboardInterrupt) as fault:  # asyncio would end the process with these
            raise RuntimeError(type(fault).__name__) from fault

    async def _keep(self, taken: Claim, acknowledgement: bytes) -> None:
        """Have the acknowledgement kept, as long as the call's time allows. Raises `Refused` where it does not count.

        Raises errors.Unavailable where we cannot keep it now: that is no fault of the consumer, and the lease runs out.
        """
        while True:
            try:
                await self.acknowledge(acknowledgement, address="", request_id=taken.attempt.hex)
            except errors.Unavailable:
                if time.monotonic() + KEEP_AGAIN_S > taken.call_until:
                    raise
                await asyncio.sleep(KEEP_AGAIN_S)
            else:
                return

    async def _believe(self, taken: Claim, pushed: Pushed) -> Result:
        """What got through, as a result; a signed answer counts once it is verified and kept."""
        if pushed.outcome is Outcome.ACKNOWLEDGED:
            try:
                await self._keep(taken, pushed.acknowledgement)
            except errors.Unavailable:
                raise
            except errors.Refused as refusal:
                return Result(reason=f"acknowledgement-{refusal.slug}", answer=pushed.answer)
        return Result(pushed.outcome, answer=pushed.answer, again_after_s=pushed.again_after_s)


def _failure(fault: BaseException, taken: Claim) -> Result:
    """What an adapter raised, as a result."""
    if isinstance(fault, AdapterError):
        wait_s = (fault.retry_after_s or 0) if isinstance(fault, Unavailable) else 0
        return Result(
            reason=fault.reason,
            answer=fault.answer,
            refused=isinstance(fault, Rejected),
            put_off=isinstance(fault, NoPlace),
            retry_after_s=wait_s,
        )
    log.error(
        "an adapter failed in a way that it does not declare",
        extra={"lane": str(taken.lane.id), "adapter": taken.lane.adapter, "fault": type(fault).__name__},
    )
    return Result(reason="adapter-fault")
