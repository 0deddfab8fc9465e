"""The tests that every adapter passes: inherit, say how the other side is started and how the adapter is made, run with pytest.

    class TestHttp(PushContract):
        def receiver(self): ...        # starts a real receiver
        def adapter(self, receiver, limits): ...

The receiver is a real one, at the other end of a real connection; `Behaviour` says how it behaves. What it cannot do by its
nature is named in `beyond`, and a class that says so has no test of it. Knows no adapter and no gateway.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar, Protocol, TypeVar, cast
from uuid import UUID, uuid4

from adapters.errors import (
    KEPT_BYTES,
    AdapterError,
    AnswerUnusable,
    Rejected,
    Stale,
    TimedOut,
    Unavailable,
    Unreachable,
    WrongCredentials,
)
from adapters.protocol import Adapter, Batch, Capability, Item, Limits, Outcome, Pushing

SHORT_S = 0.4
"""A call limit for receivers that never answer."""

PATIENCE_S = 30.0
"""Everything else is over long before this, on a busy machine too; only what hangs is not."""

TRIES = 5
"""Of what needs a short lease: on a machine that pauses one may be over before the push begins."""

_ErrorT = TypeVar("_ErrorT", bound=AdapterError)
_ResultT = TypeVar("_ResultT")
_TestT = TypeVar("_TestT", bound=Callable[..., object])


class Behaviour(StrEnum):
    """How a receiver behaves from now on."""

    CONFIRM = "take the batch and confirm it"
    ACKNOWLEDGE = "take the batch and answer with a signed acknowledgement"
    BREAK = "take the first half of the batch and break the connection"
    HANG = "read the batch, keep nothing, never answer"
    DISBELIEVE = "say that the sender is not believed"
    REJECT = "say that these items will not be taken"
    BUSY = "say: not now"
    STALE = "say that a higher fence was seen"
    HUGE_ANSWER = "take the batch and confirm it with an answer that never ends"
    HUGE_ACKNOWLEDGEMENT = "take the batch and answer with an acknowledgement that never ends"


@dataclass(frozen=True, slots=True)
class Arrived:
    """One item as the receiver got it."""

    delivery: UUID
    sequence: int
    fence: int
    digest: str
    envelope: str


class Receiver(Protocol):
    """The other side. `arrived` grows with all that it takes; `acknowledgement` is what it acknowledges with; `reached` is set
    when a batch comes in, whatever becomes of it.
    """

    behaviour: Behaviour
    arrived: list[Arrived]
    acknowledgement: bytes
    reached: asyncio.Event

    async def stop(self) -> None:
        """Stop listening, and cut what is open. Harmless when repeated."""


def make_batch(
    count: int = 3, *, lane: UUID | None = None, first: int = 1, fence: int = 1, lease_s: float = 60.0
) -> Batch:
    """A batch of `count` items from sequence `first` on, whose lease ends in `lease_s` seconds."""
    lane = lane or uuid4()
    return Batch(
        lane=lane,
        items=tuple(_make_item(lane, first + place) for place in range(count)),
        fence=fence,
        expires=datetime.now(UTC) + timedelta(seconds=lease_s),
    )


def again(batch: Batch) -> Batch:
    """The same items under the next claim."""
    return Batch(batch.lane, batch.items, batch.fence + 1, batch.expires)


def _make_item(lane: UUID, sequence: int) -> Item:
    envelope = f"header.{sequence:08x}{uuid4().hex * 8}.signature"
    return Item(
        delivery=uuid4(),
        exchange=uuid4(),
        res="306001000001/000042",
        ver=1,
        lane=lane,
        sequence=sequence,
        digest=f"sha-256:{sha256(envelope.encode()).hexdigest()}",
        envelope=envelope,
        accepted_at=datetime.now(UTC),
    )


def _needs(behaviour: Behaviour) -> Callable[[_TestT], _TestT]:
    """Marks a test of a receiver that shows `behaviour`."""

    def mark(test: _TestT) -> _TestT:
        test.needs = behaviour  # type: ignore[attr-defined]
        return test

    return mark


class PushContract(ABC):
    """What every adapter that can push keeps to."""

    beyond: ClassVar[frozenset[Behaviour]] = frozenset()
    """Behaviours that a receiver of this kind cannot show."""

    confirmed: ClassVar[Outcome] = Outcome.TRANSPORT_CONFIRMED
    """What a push comes to when the batch got through: `handed-over` for an adapter that cannot tell who has it."""

    def __init_subclass__(cls) -> None:
        """Leave out the tests of what a receiver of this kind cannot show."""
        for name, test in vars(PushContract).items():
            if getattr(test, "needs", None) in cls.beyond:
                setattr(cls, name, None)

    @abstractmethod
    def receiver(self) -> AbstractAsyncContextManager[Receiver]:
        """A receiver that listens and confirms; stopped at the end of the block."""

    @abstractmethod
    def adapter(self, receiver: Receiver, limits: Limits) -> Adapter:
        """An adapter that pushes to the receiver, within `limits`, by a clock that tells the present time."""

    async def test_an_adapter_has_the_methods_of_the_capabilities_that_it_declares(self) -> None:
        async with self._started(Behaviour.CONFIRM) as (_, adapter):
            assert isinstance(adapter, Pushing)

    async def test_items_arrive_in_order_and_byte_for_byte(self) -> None:
        async with self._started(Behaviour.CONFIRM) as (receiver, adapter):
            first = make_batch(5)
            second = make_batch(3, lane=first.lane, first=6, fence=2)
            for batch in (first, second):
                pushed = await _soon(adapter.push(batch))
                assert pushed.outcome is self.confirmed
                assert len(pushed.answer) <= KEPT_BYTES
            assert receiver.arrived == [*_as_sent(first), *_as_sent(second)]

    @_needs(Behaviour.ACKNOWLEDGE)
    async def test_an_acknowledgement_is_handed_over_as_it_came(self) -> None:
        async with self._started(Behaviour.ACKNOWLEDGE) as (receiver, adapter):
            batch = make_batch()
            pushed = await _soon(adapter.push(batch))
            assert pushed.outcome is Outcome.ACKNOWLEDGED
            assert pushed.acknowledgement == receiver.acknowledgement
            assert receiver.arrived == _as_sent(batch)

    async def test_a_batch_sent_again_can_be_told_from_a_new_one(self) -> None:
        async with self._started(Behaviour.CONFIRM) as (receiver, adapter):
            batch = make_batch()
            await _soon(adapter.push(batch))
            await _soon(adapter.push(again(batch)))
            assert receiver.arrived == [*_as_sent(batch), *_as_sent(again(batch))]

    @_needs(Behaviour.BREAK)
    async def test_a_batch_that_arrives_in_part_is_no_success_and_goes_through_later(self) -> None:
        async with self._started(Behaviour.BREAK) as (receiver, adapter):
            batch = make_batch(4)
            error = await _refused(adapter, batch, AdapterError)
            assert error.retryable
            partial = list(receiver.arrived)
            assert partial == _as_sent(batch)[: len(partial)]
            receiver.behaviour = Behaviour.CONFIRM
            await _soon(adapter.push(again(batch)))
            assert receiver.arrived == [*partial, *_as_sent(again(batch))]

    @_needs(Behaviour.HANG)
    async def test_a_receiver_that_never_answers_costs_no_more_than_the_limit(self) -> None:
        async with self._started(Behaviour.HANG, Limits(call_s=SHORT_S)) as (_, adapter):
            begun = time.monotonic()
            error = await _refused(adapter, make_batch(), TimedOut)
            assert time.monotonic() - begun < SHORT_S + PATIENCE_S / 2
            assert error.retryable

    @_needs(Behaviour.HANG)
    async def test_a_call_ends_with_its_lease(self) -> None:
        async with self._started(Behaviour.HANG, Limits(call_s=PATIENCE_S * 2)) as (_, adapter):
            for left in reversed(range(TRIES)):
                try:
                    await _refused(adapter, make_batch(lease_s=1.5), TimedOut)
                    break
                except Stale:
                    assert left, "no lease lasts until the push begins"

    async def test_nothing_is_sent_once_the_lease_is_over(self) -> None:
        async with self._started(Behaviour.CONFIRM) as (receiver, adapter):
            error = await _refused(adapter, make_batch(lease_s=-1.0), Stale)
            assert error.retryable
            assert not receiver.reached.is_set()

    @_needs(Behaviour.DISBELIEVE)
    async def test_a_receiver_that_does_not_believe_us_is_no_fault_of_the_items(self) -> None:
        async with self._started(Behaviour.DISBELIEVE) as (receiver, adapter):
            error = await _refused(adapter, make_batch(), WrongCredentials)
            assert error.retryable
            assert receiver.arrived == []

    @_needs(Behaviour.REJECT)
    async def test_items_that_the_receiver_will_not_take_are_not_tried_again(self) -> None:
        async with self._started(Behaviour.REJECT) as (_, adapter):
            error = await _refused(adapter, make_batch(), Rejected)
            assert not error.retryable

    @_needs(Behaviour.BUSY)
    async def test_a_busy_receiver_is_asked_again(self) -> None:
        async with self._started(Behaviour.BUSY) as (_, adapter):
            error = await _refused(adapter, make_batch(), Unavailable)
            assert error.retryable

    @_needs(Behaviour.STALE)
    async def test_a_claim_that_the_receiver_calls_stale_is_over(self) -> None:
        async with self._started(Behaviour.STALE) as (_, adapter):
            await _refused(adapter, make_batch(), Stale)

    async def test_a_receiver_that_is_not_there_is_unreachable(self) -> None:
        async with self._started(Behaviour.CONFIRM) as (receiver, adapter):
            await receiver.stop()
            error = await _refused(adapter, make_batch(), Unreachable)
            assert error.retryable

    @_needs(Behaviour.HANG)
    async def test_a_cancelled_push_ends_at_once_and_leaves_the_adapter_usable(self) -> None:
        async with self._started(Behaviour.HANG) as (receiver, adapter):
            batch = make_batch()
            task = asyncio.ensure_future(adapter.push(batch))
            await _soon(receiver.reached.wait())
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
            assert done
            assert task.cancelled()
            receiver.behaviour = Behaviour.CONFIRM
            await _soon(adapter.push(again(batch)))
            assert receiver.arrived == _as_sent(again(batch))

    @_needs(Behaviour.HUGE_ANSWER)
    async def test_of_an_answer_without_end_only_its_beginning_is_read(self) -> None:
        async with self._started(Behaviour.HUGE_ANSWER) as (_, adapter):
            pushed = await _soon(adapter.push(make_batch()))
            assert pushed.outcome is self.confirmed
            assert len(pushed.answer) <= KEPT_BYTES

    @_needs(Behaviour.HUGE_ACKNOWLEDGEMENT)
    async def test_an_acknowledgement_beyond_its_bound_is_none(self) -> None:
        async with self._started(Behaviour.HUGE_ACKNOWLEDGEMENT) as (_, adapter):
            error = await _refused(adapter, make_batch(), AnswerUnusable)
            assert error.retryable
            assert len(error.answer) <= KEPT_BYTES

    async def test_lanes_may_be_pushed_at_the_same_time(self) -> None:
        async with self._started(Behaviour.CONFIRM) as (receiver, adapter):
            batches = [make_batch(4, first=place * 10 + 1) for place in range(12)]
            await _soon(asyncio.gather(*map(adapter.push, batches)))
            for batch in batches:
                ids = {item.delivery for item in batch.items}
                assert [found for found in receiver.arrived if found.delivery in ids] == _as_sent(batch)

    async def test_closing_twice_is_harmless(self) -> None:
        async with self._started(Behaviour.CONFIRM) as (_, adapter):
            await _soon(adapter.push(make_batch(1)))
            await adapter.close()
            await adapter.close()

    @asynccontextmanager
    async def _started(
        self, behaviour: Behaviour, limits: Limits | None = None
    ) -> AsyncIterator[tuple[Receiver, _PushAdapter]]:
        async with self.receiver() as receiver:
            receiver.behaviour = behaviour
            adapter = self.adapter(receiver, limits or Limits(call_s=PATIENCE_S))
            assert Capability.PUSH in adapter.capabilities
            assert isinstance(adapter, Pushing)
            try:
                yield receiver, cast(_PushAdapter, adapter)
            finally:
                await adapter.close()


class _PushAdapter(Adapter, Pushing, Protocol):
    """An adapter that can push."""


def _as_sent(batch: Batch) -> list[Arrived]:
    return [Arrived(i.delivery, i.sequence, batch.fence, i.digest, i.envelope) for i in batch.items]


async def _soon(awaitable: Awaitable[_ResultT]) -> _ResultT:
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


async def _refused(adapter: Pushing, batch: Batch, kind: type[_ErrorT]) -> _ErrorT:
    """The error that the push ends with; it says why in two languages, and quotes no envelope."""
    try:
        pushed = await _soon(adapter.push(batch))
    except kind as error:
        found = error
    else:
        raise AssertionError(f"pushed, against expectation: {pushed}")
    assert found.reason
    assert found.zh
    assert found.en
    assert not any(item.envelope in str(found) for item in batch.items)
    return found
