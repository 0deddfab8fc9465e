"""Claim, hand over, settle, on a real database: order, leases and fences, rights, failures, parking."""

import asyncio
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from adapters.errors import NoPlace, Rejected, TimedOut, Unavailable, Unreachable
from adapters.protocol import Batch, Item, Outcome, Pushed
from hub import errors
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.db.locks import hold_barrier
from hub.delivery import claiming, dead_letters, pushing
from hub.delivery.claiming import Claim, claim
from hub.delivery.pushing import Pusher
from hub.delivery.settling import Result, Settled, Settlement
from hub.errors import Conflict, NotFound
from hub.exchange.reading import read_exchange
from hub.identity.roles import Role
from tests.hub.delivery.conftest import ACTOR, RES, Post, Receiver, confirm, ids
from tests.support.staff import caller
from tests.support.world import HUB, record

RESTS = """
SELECT round(extract(epoch FROM next_attempt_at - max(a.ended_at)))::int FROM lane_lease JOIN attempt a USING (lane_id)
GROUP BY next_attempt_at
"""
"""The seconds that the lane rests after its last attempt."""


def fails(fault: BaseException) -> Any:
    async def answer(_: Batch) -> Pushed:
        raise fault

    return answer


def unreachable() -> Unreachable:
    return Unreachable(reason="unreachable", zh="连不上", en="nobody answers", answer=b"")


def rejected() -> Rejected:
    return Rejected(reason="rejected", zh="不收", en="not taken", answer=b"no such case")


async def take(post: Post, holder: Any = None) -> Claim | None:
    async with post.acquire() as connection:
        return await claim(connection, post.lane, holder=holder or uuid4(), hub_id=HUB, actor=ACTOR, clock=post.clock)


async def settle(post: Post, taken: Claim, result: Result) -> Settled:
    async with post.acquire() as connection:
        return await Settlement(HUB, ACTOR).settle(connection, taken, result, jitter=0.5)


CONFIRMED = Result(Outcome.TRANSPORT_CONFIRMED, answer=b"ok")


# order


async def test_a_lane_is_pushed_in_the_order_of_its_receipts(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "MAX_BATCH", 2)
    sent = await post.publish(5)
    pusher = post.pusher()
    while await pusher.push(post.lane) is Settled.DELIVERED:
        pass
    assert [item.envelope.encode() for batch in post.receiver.batches for item in batch.items] == sent
    assert post.receiver.sequences == [[1, 2], [3, 4], [5]]
    fences = [batch.fence for batch in post.receiver.batches]
    assert fences == sorted(set(fences))


async def test_a_signature_that_comes_after_a_plain_2xx_counts(post: Post) -> None:
    await post.publish(1)
    await post.pusher().push(post.lane)
    (item,) = post.receiver.batches[0].items
    ack = post.consumer.ack([(str(item.delivery), item.digest)])
    assert await post.acknowledging.acknowledge(ack, address="", request_id="r") == b'{"acknowledged":1}'
    row = await post.connection.fetchrow(
        "SELECT d.outcome, a.envelope FROM delivered d JOIN acknowledgement a ON a.id = d.acknowledgement"
    )
    assert row is not None
    assert (row["outcome"], row["envelope"]) == ("acknowledged", ack)


async def test_an_item_is_what_the_inbox_would_show(post: Post) -> None:
    (envelope,) = await post.publish(1)
    await post.pusher().push(post.lane)
    (item,) = post.receiver.batches[0].items
    row = await post.connection.fetchrow("SELECT * FROM delivered")
    assert row is not None
    assert (item.delivery, item.exchange, item.lane) == (row["id"], row["exchange_id"], post.lane)
    assert (item.res, item.ver, item.envelope.encode()) == (RES, 1, envelope)
    assert item.digest == f"sha-256:{row['digest'].hex()}"
    assert (row["outcome"], row["acknowledgement"], row["sequence"]) == ("transport-confirmed", None, 1)
    assert await post.values("SELECT count(*) FROM delivery") == [0]


async def test_a_batch_is_bounded_in_bytes_and_never_empty(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = await post.publish(3)
    monkeypatch.setattr(claiming, "MAX_BATCH_BYTES", len(sent[0]) * 2 + 10)
    await post.pusher().push(post.lane)
    monkeypatch.setattr(claiming, "MAX_BATCH_BYTES", 1)
    await post.pusher().push(post.lane)
    assert post.receiver.sequences == [[1, 2], [3]]


async def test_an_empty_lane_is_not_claimed_and_its_fence_does_not_move(post: Post) -> None:
    assert await post.pusher().push(post.lane) is None
    assert await post.values("SELECT fence FROM lane_lease") == []
    assert post.receiver.batches == []


# leases and fences


async def test_the_attempt_is_committed_before_anything_leaves(post: Post) -> None:
    await post.publish(2)
    seen: list[Any] = []

    async def look(batch: Batch) -> Pushed:
        seen.append(await post.connection.fetchrow("SELECT * FROM attempt WHERE ended_at IS NULL"))
        seen.append(await post.values("SELECT sequence FROM delivery ORDER BY sequence"))
        seen.append(await post.events("delivery.attempted"))
        seen.append(await post.values("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"))
        return await confirm(batch)

    post.receiver.answer = look
    await post.pusher().push(post.lane)
    attempt, sequences, events, open_transactions = seen
    assert (attempt["fence"], attempt["first_sequence"], attempt["count"]) == (post.receiver.batches[0].fence, 1, 2)
    assert sequences == [1, 2]
    assert events == ["delivery.attempted"]
    assert open_transactions == [0]


async def test_a_leased_lane_is_nobody_elses(post: Post) -> None:
    await post.publish(1)
    assert await take(post) is not None
    assert await take(post) is None


async def test_two_workers_at_once_claim_a_lane_once(post: Post) -> None:
    await post.publish(3)
    taken = await asyncio.gather(*(take(post) for _ in range(5)))
    (claimed,) = [one for one in taken if one is not None]
    assert await post.values("SELECT fence FROM lane_lease") == [claimed.batch.fence]


async def test_a_lane_whose_row_is_locked_is_left_alone(post: Post) -> None:
    await post.publish(1)
    async with post.connection.transaction():
        await post.connection.execute("SELECT FROM lane WHERE id = $1 FOR NO KEY UPDATE", post.lane)
        assert await asyncio.wait_for(take(post), 30) is None
    async with post.connection.transaction():
        await post.connection.execute("SELECT FROM lane WHERE id = $1 FOR KEY SHARE", post.lane)
        assert await take(post) is not None, "a foreign key's lock makes no lane look taken"


async def test_what_a_dead_worker_had_is_pushed_again_under_the_same_numbers_and_a_higher_fence(post: Post) -> None:
    await post.publish(2)
    dead = await take(post)
    assert dead is not None
    assert await post.pusher().push(post.lane) is None
    await post.run_out()
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    again = post.receiver.batches[0]
    assert ids([again]) == ids([dead.batch])
    assert [i.sequence for i in again.items] == [i.sequence for i in dead.batch.items]
    assert again.fence > dead.batch.fence
    outcomes = await post.values("SELECT outcome FROM attempt ORDER BY fence")
    assert outcomes == ["expired", "transport-confirmed"]


async def test_what_has_a_number_goes_before_what_has_none(post: Post) -> None:
    await post.publish(2)
    dead = await take(post)
    assert dead is not None
    sent = await post.publish(2)
    await post.run_out()
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    (batch,) = post.receiver.batches
    assert [item.sequence for item in batch.items] == [1, 2, 3, 4]
    assert ids([batch])[0][:2] == dead.deliveries
    assert [item.envelope.encode() for item in batch.items[2:]] == sent


async def test_a_fence_is_above_all_that_were_seen_before_the_hub_was_restored_and_never_falls(post: Post) -> None:
    await post.publish(3)
    before = time.time() * 1000
    await post.pusher().push(post.lane)
    assert before - 60_000 < post.receiver.batches[0].fence < before + 60_000
    ahead = int(before) + 3_600_000
    await post.connection.execute("UPDATE lane_lease SET fence = $1", ahead)
    await post.publish(1)
    await post.pusher().push(post.lane)
    assert post.receiver.batches[1].fence == ahead + 1


async def test_a_stale_workers_result_does_not_count(post: Post) -> None:
    await post.publish(1)
    stale = await take(post)
    assert stale is not None
    await post.run_out()
    newer = await take(post)
    assert newer is not None
    assert await settle(post, stale, CONFIRMED) is Settled.LOST
    assert await settle(post, stale, Result(reason="unreachable")) is Settled.LOST
    assert await post.values("SELECT count(*) FROM delivery") == [1]
    assert await post.values("SELECT holder FROM lane_lease") == [newer.holder]
    assert await settle(post, newer, CONFIRMED) is Settled.DELIVERED


async def test_a_result_after_the_lease_does_not_count_even_if_nobody_took_the_lane(post: Post) -> None:
    await post.publish(1)
    late = await take(post)
    assert late is not None
    await post.run_out()
    assert await settle(post, late, CONFIRMED) is Settled.LOST
    assert await post.values("SELECT count(*) FROM delivery") == [1]


async def test_the_same_fence_of_another_holder_settles_nothing(post: Post) -> None:
    await post.publish(1)
    taken = await take(post)
    assert taken is not None
    forged = Claim(taken.lane, taken.attempt, uuid4(), taken.batch, taken.call_until)
    assert await settle(post, forged, CONFIRMED) is Settled.LOST


async def test_an_earlier_claim_of_the_same_worker_settles_nothing(post: Post) -> None:
    await post.publish(1)
    worker = uuid4()
    stale = await take(post, worker)
    await post.run_out()
    newer = await take(post, worker)
    assert stale is not None
    assert newer is not None
    assert await settle(post, stale, CONFIRMED) is Settled.LOST
    assert await settle(post, newer, CONFIRMED) is Settled.DELIVERED


async def test_a_batch_expires_with_its_lease(post: Post) -> None:
    await post.publish(1)
    taken = await take(post)
    assert taken is not None
    assert await post.values("SELECT expires_at FROM lane_lease") == [taken.batch.expires]
    assert taken.batch.expires - post.clock() < timedelta(seconds=claiming.LEASE_S)


# rights


REVOKE = "UPDATE certificate SET state = 'revoked', revoked_at = now(), revocation_reason = '{}' WHERE subject = '{}'"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_grant SET state = 'suspended'",
        "UPDATE access_grant SET state = 'revoked'",
        "UPDATE access_grant SET valid_to = now()",
        "UPDATE access_grant SET valid_from = now() + interval '1 hour'",
        "UPDATE system SET state = 'suspended' WHERE code = 'consumer-b'",
        "UPDATE resource SET status = 'suspended'",
        "UPDATE push_target SET state = 'paused', state_reason = 'x'",
        "DELETE FROM push_target",
        "UPDATE lane SET mode = 'inbox'",
        REVOKE.format("privilegeWithdrawn", "consumer-b"),
        REVOKE.format("keyCompromise", "provider-a"),
        REVOKE.format("privilegeWithdrawn", "provider-a"),
    ],
)
async def test_a_right_that_has_ended_stops_the_next_claim(post: Post, change: str) -> None:
    await post.publish(1)
    await post.world.change(change)
    assert await post.pusher().push(post.lane) is None
    assert post.receiver.batches == []
    assert await post.values("SELECT count(*) FROM attempt") == [0]
    assert await post.values("SELECT sequence FROM delivery") == [None]


async def test_a_superseded_key_stops_nothing_that_is_queued(post: Post) -> None:
    await post.publish(1)
    await post.world.change(REVOKE.format("superseded", "provider-a"))
    assert await post.pusher().push(post.lane) is Settled.DELIVERED


async def test_a_revocation_that_is_being_made_is_waited_for_and_obeyed(post: Post) -> None:
    await post.publish(1)
    async with post.connection.transaction():
        await hold_barrier(post.connection)
        claiming_now = asyncio.create_task(take(post))
        await asyncio.sleep(0.2)
        assert not claiming_now.done()
        await post.connection.execute("UPDATE access_grant SET state = 'revoked'")
    assert await claiming_now is None


async def test_an_attempt_that_was_open_at_the_revocation_ends_with_its_result(post: Post) -> None:
    await post.publish(2)
    taken = await take(post)
    assert taken is not None
    await post.world.change("UPDATE access_grant SET state = 'revoked'")
    assert await settle(post, taken, CONFIRMED) is Settled.DELIVERED


# acknowledgements


def acknowledges(post: Post, count: int | None = None) -> Any:
    async def answer(batch: Batch) -> Pushed:
        named = [(str(item.delivery), item.digest) for item in batch.items[:count]]
        return Pushed(Outcome.ACKNOWLEDGED, acknowledgement=post.consumer.ack(named))

    return answer


async def test_a_signed_answer_acknowledges_as_the_inbox_does(post: Post) -> None:
    await post.publish(2)
    post.receiver.answer = acknowledges(post)
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    assert await post.values("SELECT outcome FROM delivered") == ["acknowledged"] * 2
    assert await post.values("SELECT deliveries FROM acknowledgement") == [2]
    assert await post.values("SELECT outcome FROM attempt") == ["acknowledged"]
    assert await post.events("delivery.") == ["delivery.attempted", "delivery.acknowledged"]


async def test_what_a_signed_answer_leaves_out_is_pushed_again(post: Post) -> None:
    await post.publish(3)
    post.receiver.answer = acknowledges(post, 1)
    assert await post.pusher().push(post.lane) is Settled.FAILED
    assert await post.values("SELECT reason FROM attempt") == ["partly-acknowledged"]
    await post.due_now()
    post.receiver.answer = acknowledges(post)
    await post.pusher().push(post.lane)
    assert post.receiver.sequences == [[1, 2, 3], [2]]


async def test_a_consumer_that_acknowledges_little_by_little_does_not_rest_longer_each_time(post: Post) -> None:
    await post.publish(4)
    post.receiver.answer = acknowledges(post, 1)
    failures = []
    for _ in range(2):
        await post.connection.execute("UPDATE lane_lease SET batch_limit = 200")
        await post.pusher().push(post.lane)
        await post.due_now()
        failures += await post.values("SELECT failures FROM lane_lease")
    assert failures == [1, 1]


async def test_a_signed_answer_that_does_not_hold_delivers_nothing(post: Post) -> None:
    await post.publish(1)

    async def forged(batch: Batch) -> Pushed:
        named = [(str(batch.items[0].delivery), "sha-256:" + "0" * 64)]
        return Pushed(Outcome.ACKNOWLEDGED, acknowledgement=post.consumer.ack(named))

    post.receiver.answer = forged
    assert await post.pusher().push(post.lane) is Settled.FAILED
    assert await post.values("SELECT reason FROM attempt") == ["acknowledgement-conflict"]
    assert await post.values("SELECT count(*) FROM delivered") == [0]


async def test_what_was_acknowledged_meanwhile_is_not_confirmed_twice(post: Post) -> None:
    await post.publish(1)
    taken = await take(post)
    assert taken is not None
    item = taken.batch.items[0]
    ack = post.consumer.ack([(str(item.delivery), item.digest)])
    await post.acknowledging.acknowledge(ack, address="", request_id="r")
    assert await settle(post, taken, Result(reason="timed-out")) is Settled.DELIVERED
    assert await post.values("SELECT outcome FROM delivered") == ["acknowledged"]
    assert await post.values("SELECT outcome FROM attempt") == ["acknowledged"]


# failures


async def test_a_failure_is_kept_with_its_reason_and_the_lane_rests(post: Post) -> None:
    await post.publish(2)
    post.receiver.answer = fails(
        Unavailable(reason="server-error", zh="忙", en="busy", answer=b"503 " * 200, retry_after_s=None)
    )
    assert await post.pusher(jitter=0.5).push(post.lane) is Settled.FAILED
    lease = await post.connection.fetchrow("SELECT * FROM lane_lease")
    attempt = await post.connection.fetchrow("SELECT * FROM attempt")
    assert lease is not None
    assert attempt is not None
    assert (lease["failures"], lease["failed_reason"], lease["holder"]) == (1, "server-error", None)
    assert (lease["next_attempt_at"] - attempt["ended_at"]).total_seconds() == 7.5
    assert (attempt["outcome"], attempt["reason"], len(attempt["answer"])) == ("failed", "server-error", 512)
    assert await post.pusher().push(post.lane) is None, "a lane that rests is not pushed"


async def test_rests_grow_are_persisted_and_end_with_a_success(post: Post) -> None:
    await post.connection.execute("UPDATE push_target SET max_attempts = 100")
    await post.publish(1)
    post.receiver.answer = fails(unreachable())
    rests = []
    for _ in range(14):
        await post.due_now()
        await post.pusher(jitter=0.999999).push(post.lane)
        rests += await post.values(
            "SELECT extract(epoch FROM next_attempt_at - a.ended_at)::float FROM lane_lease JOIN attempt a USING"
            " (lane_id, fence)"
        )
    assert rests == sorted(rests)
    assert rests[0] < 10.1
    assert 21_000 < rests[-1] <= 21_600
    await post.due_now()
    post.receiver.answer = confirm
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    assert await post.values("SELECT failures FROM lane_lease") == [0]


async def test_a_receiver_that_says_when_is_not_asked_before(post: Post) -> None:
    await post.publish(1)
    post.receiver.answer = fails(Unavailable(reason="too-many-requests", zh="慢", en="slow", retry_after_s=600))
    await post.pusher().push(post.lane)
    waits = await post.values(
        "SELECT extract(epoch FROM next_attempt_at - a.ended_at)::int FROM lane_lease JOIN attempt a USING (lane_id)"
    )
    assert waits == [600]


async def test_after_a_failure_single_items_find_the_bad_one_and_batches_grow_again(post: Post) -> None:
    await post.publish(8)

    async def all_but_the_third(batch: Batch) -> Pushed:
        if any(item.sequence == 3 for item in batch.items):
            raise rejected()
        return await confirm(batch)

    post.receiver.answer = all_but_the_third
    for _ in range(8):
        await post.pusher().push(post.lane)
        await post.due_now()
    assert post.receiver.sequences == [[1, 2, 3, 4, 5, 6, 7, 8], [1], [2, 3], [2], [3, 4], [3], [4], [5, 6]]
    assert await post.values("SELECT sequence FROM dead_letter") == [3]


async def test_an_adapter_that_never_answers_is_cut_off(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "CALL_S", 0.2)
    await post.publish(1)

    async def silent(_: Batch) -> Pushed:
        await asyncio.sleep(60)
        raise AssertionError

    post.receiver.answer = silent
    assert await asyncio.wait_for(post.pusher().push(post.lane), 30) is Settled.FAILED
    assert await post.values("SELECT reason FROM attempt") == ["timed-out"]


async def test_an_adapter_that_ignores_being_cut_off_holds_nobody_up(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "CALL_S", 0.1)
    monkeypatch.setattr(pushing, "CANCELLED_S", 0.1)
    await post.publish(1)
    done = asyncio.Event()

    async def stubborn(batch: Batch) -> Pushed:
        while not done.is_set():
            try:
                await done.wait()
            except asyncio.CancelledError:
                continue
        return await confirm(batch)

    post.receiver.answer = stubborn
    assert await asyncio.wait_for(post.pusher().push(post.lane), 30) is Settled.FAILED
    done.set()
    await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "fault",
    [
        KeyError("x"),
        ConnectionResetError(),
        asyncpg.ConnectionDoesNotExistError("its own"),
        asyncio.CancelledError(),
        SystemExit(3),
        KeyboardInterrupt(),
    ],
)
async def test_an_undeclared_fault_of_an_adapter_is_that_attempts_failure(post: Post, fault: Any) -> None:
    await post.publish(1)
    post.receiver.answer = fails(fault)
    assert await post.pusher().push(post.lane) is Settled.FAILED
    assert await post.values("SELECT reason FROM attempt") == ["adapter-fault"]


async def test_a_database_that_goes_away_before_an_acknowledgement_is_kept_leaves_the_lease_to_run_out(
    post: Post,
) -> None:
    await post.publish(1)
    post.receiver.answer = acknowledges(post)

    async def gone(compact: bytes, *, address: str, request_id: str) -> bytes:
        raise asyncpg.ConnectionDoesNotExistError("gone")

    pusher = post.pusher()
    pusher.acknowledge = gone
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await pusher.push(post.lane)
    assert await post.values("SELECT ended_at FROM attempt") == [None]


async def test_our_own_trouble_in_keeping_an_acknowledgement_is_no_failure_of_the_consumer(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "KEEP_AGAIN_S", 0.05)
    monkeypatch.setattr(claiming, "CALL_S", 1.0)
    await post.publish(2)
    post.receiver.answer = acknowledges(post)
    tries, better_at = 0, 3

    async def busy_at_first(compact: bytes, *, address: str, request_id: str) -> bytes:
        nonlocal tries
        tries += 1
        if tries < better_at:
            raise errors.Unavailable("忙", "busy")
        return await post.acknowledging.acknowledge(compact, address=address, request_id=request_id)

    pusher = post.pusher()
    pusher.acknowledge = busy_at_first
    assert await pusher.push(post.lane) is Settled.DELIVERED
    assert tries == better_at
    await post.publish(1)
    better_at = 1_000
    with pytest.raises(errors.Unavailable):
        await pusher.push(post.lane)
    assert await post.values("SELECT failures FROM lane_lease") == [0]
    assert await post.values("SELECT ended_at IS NULL FROM attempt ORDER BY fence") == [False, True]


async def test_a_push_that_is_cancelled_cancels_its_call(post: Post) -> None:
    await post.publish(1)
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def slow(_: Batch) -> Pushed:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        raise AssertionError

    post.receiver.answer = slow
    pushing_now = asyncio.create_task(post.pusher().push(post.lane))
    await asyncio.wait_for(begun.wait(), 30)
    pushing_now.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pushing_now
    await asyncio.wait_for(cancelled.wait(), 30)


# park or block


async def test_at_the_limit_a_single_item_is_parked_with_its_reason_and_the_lane_goes_on(post: Post) -> None:
    await post.publish(2)
    post.receiver.answer = fails(unreachable())
    settled = []
    for _ in range(3):
        settled.append(await post.pusher().push(post.lane))
        await post.due_now()
    assert settled == [Settled.FAILED, Settled.FAILED, Settled.PARKED]
    letter = await post.connection.fetchrow("SELECT * FROM dead_letter")
    assert letter is not None
    assert (letter["sequence"], letter["reason"], letter["attempts"]) == (1, "unreachable", 3)
    assert letter["id"] == post.receiver.batches[0].items[0].delivery
    assert "delivery.parked" in await post.events("delivery.")
    staff = caller(Role.OPERATOR)
    (shown,) = (await read_exchange(post.connection, letter["exchange_id"], staff)).deliveries
    assert (shown.id, shown.state, shown.ended_at) == (letter["id"], "parked", letter["parked_at"])
    post.receiver.answer = confirm
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    assert post.receiver.sequences[-1] == [2]


async def test_what_the_receiver_will_never_take_is_parked_at_once_when_it_is_alone(post: Post) -> None:
    await post.publish(1)
    post.receiver.answer = fails(rejected())
    assert await post.pusher().push(post.lane) is Settled.PARKED
    assert await post.values("SELECT answer FROM attempt") == [b"no such case"]


async def test_a_receiver_that_refuses_everything_does_not_empty_the_queue_at_once(post: Post) -> None:
    await post.connection.execute("UPDATE push_target SET max_attempts = 2")
    await post.publish(4)
    post.receiver.answer = fails(rejected())
    settled, rests = [], []
    for _ in range(4):
        settled.append(await post.pusher(jitter=0.9999).push(post.lane))
        assert await post.pusher().push(post.lane) is None, "the lane rests"
        rests += await post.values(RESTS)
        await post.due_now()
    assert settled == [Settled.FAILED, Settled.PARKED, Settled.PARKED, Settled.PARKED]
    assert rests == [10, 20, 40, 80]
    assert await post.values("SELECT attempts FROM dead_letter ORDER BY sequence") == [2, 1, 1]
    post.receiver.answer = fails(unreachable())
    assert await post.pusher().push(post.lane) is Settled.FAILED, "the next item has attempts of its own"
    await post.due_now()
    assert await post.pusher().push(post.lane) is Settled.PARKED
    assert await post.values("SELECT attempts FROM dead_letter WHERE sequence = 4") == [2]


async def test_what_found_no_place_was_not_sent_and_counts_for_nothing(post: Post) -> None:
    await post.connection.execute("UPDATE push_target SET max_attempts = 2")
    await post.publish(2)
    post.receiver.answer = fails(unreachable())
    await post.pusher().push(post.lane)
    post.receiver.answer = fails(NoPlace(reason="no-place", zh="没有空位", en="no place"))
    for _ in range(3):
        await post.due_now()
        assert await post.pusher().push(post.lane) is Settled.PUT_OFF
    lease = await post.connection.fetchrow("SELECT * FROM lane_lease")
    assert lease is not None
    assert (lease["failures"], lease["failed_reason"], lease["batch_limit"]) == (1, "unreachable", 1)
    assert await post.values(RESTS) == [1]
    post.receiver.answer = fails(unreachable())
    await post.due_now()
    assert await post.pusher().push(post.lane) is Settled.PARKED
    assert await post.values("SELECT attempts FROM dead_letter") == [2]


async def test_what_was_not_sent_counts_for_no_other_item_either_whatever_the_adapter_calls_it(post: Post) -> None:
    await post.connection.execute("UPDATE push_target SET max_attempts = 2")
    await post.publish(2)
    post.receiver.answer = fails(unreachable())
    assert await post.pusher().push(post.lane) is Settled.FAILED
    first = post.receiver.batches[0].items[0]
    ack = post.consumer.ack([(str(first.delivery), first.digest)])
    await post.acknowledging.acknowledge(ack, address="", request_id="r")
    post.receiver.answer = fails(NoPlace(reason="queue-full", zh="没有空位", en="no place"))
    for _ in range(2):
        await post.due_now()
        assert await post.pusher().push(post.lane) is Settled.PUT_OFF
    post.receiver.answer = fails(unreachable())
    await post.due_now()
    assert await post.pusher().push(post.lane) is Settled.FAILED, "the second item was sent once"


async def park_one(post: Post) -> Item:
    """One delivery that its receiver got, though its answer did not come in time."""
    await post.publish(1)
    await post.connection.execute("UPDATE push_target SET max_attempts = 1")
    post.receiver.answer = fails(TimedOut(reason="timed-out", zh="超时", en="no answer"))
    assert await post.pusher().push(post.lane) is Settled.PARKED
    (item,) = post.receiver.batches[-1].items
    return item


async def test_the_acknowledgement_of_what_was_parked_counts_and_the_letter_is_gone(post: Post) -> None:
    other = await post.world.system("consumer-c")
    await post.pictures.at_least((await post.values("SELECT epoch FROM registry_epoch"))[0])
    item = await park_one(post)
    with pytest.raises(NotFound):
        await post.acknowledging.acknowledge(other.ack([(str(item.delivery), item.digest)]), address="", request_id="r")
    with pytest.raises(Conflict):
        await post.acknowledging.acknowledge(
            post.consumer.ack([(str(item.delivery), "sha-256:" + "0" * 64)]), address="", request_id="r"
        )
    assert await post.values("SELECT id FROM dead_letter") == [item.delivery]
    ack = post.consumer.ack([(str(item.delivery), item.digest)])
    for _ in range(2):
        assert await post.acknowledging.acknowledge(ack, address="", request_id="r") == b'{"acknowledged":1}'
    assert await post.values("SELECT count(*) FROM dead_letter") == [0]
    row = await post.connection.fetchrow(
        "SELECT d.*, a.envelope FROM delivered d JOIN acknowledgement a ON a.id = d.acknowledgement"
    )
    assert row is not None
    assert (row["id"], row["outcome"], row["sequence"], row["envelope"]) == (item.delivery, "acknowledged", 1, ack)


async def test_the_acknowledgement_of_what_was_replayed_counts_and_the_replay_goes_on(
    post: Post, database: Database
) -> None:
    item = await park_one(post)
    async with database.session() as session, session.begin():
        again = await dead_letters.replay_one(
            session, item.delivery, actor=ACTOR, recorder=Recorder(HUB, "621124"), now=post.clock()
        )
    ack = post.consumer.ack([(str(item.delivery), item.digest)])
    assert await post.acknowledging.acknowledge(ack, address="", request_id="r") == b'{"acknowledged":1}'
    assert await post.values("SELECT id FROM dead_letter") == []
    assert await post.values("SELECT id FROM delivered") == [item.delivery]
    assert await post.values("SELECT id FROM delivery") == [again]
    staff = caller(Role.OPERATOR)
    exchange = await read_exchange(post.connection, item.exchange, staff)
    states = {shown.id: shown.state for shown in exchange.deliveries}
    assert (exchange.state, states) == ("open", {item.delivery: "acknowledged", again: "queued"})
    assert exchange.lanes == 1
    post.receiver.answer = confirm
    assert await post.pusher().push(post.lane) is Settled.DELIVERED
    exchange = await read_exchange(post.connection, item.exchange, staff)
    assert (exchange.state, exchange.deliveries[-1].state) == ("closed", "transport-confirmed")


async def test_a_lane_that_blocks_keeps_its_order_and_says_so_once(post: Post) -> None:
    await post.connection.execute("UPDATE push_target SET policy = 'block', max_attempts = 2")
    await post.publish(2)
    post.receiver.answer = fails(rejected())
    settled = []
    rests = []
    for _ in range(4):
        settled.append(await post.pusher().push(post.lane))
        rests += await post.values(RESTS)
        await post.due_now()
    assert settled == [Settled.FAILED, Settled.BLOCKED, Settled.BLOCKED, Settled.BLOCKED]
    assert rests == [5, 10_800, 10_800, 10_800], "what was refused for good is tried with the longest rests"
    assert post.receiver.sequences[1:] == [[1]] * 3
    assert await post.values("SELECT count(*) FROM dead_letter") == [0]
    assert await post.events("lane.") == ["lane.blocked"]
    second = "SELECT e.blocked_at = a.ended_at FROM lane_lease e JOIN attempt a USING (lane_id) ORDER BY a.fence OFFSET 1 LIMIT 1"
    assert await post.values(second) == [True], "blocked since the first time at the limit"
    post.receiver.answer = confirm
    await post.pusher().push(post.lane)
    await post.pusher().push(post.lane)
    assert post.receiver.sequences[-2:] == [[1], [2]]
    assert await post.values("SELECT blocked_at FROM lane_lease") == [None]


@pytest.mark.parametrize(
    ("of_the_grant", "of_the_target", "becomes"),
    [
        ("park", "block", Settled.PARKED),
        ("block", "park", Settled.BLOCKED),
        (None, "park", Settled.PARKED),
        (None, "block", Settled.BLOCKED),
    ],
)
async def test_the_grant_says_what_becomes_of_what_cannot_be_delivered_or_leaves_it_to_the_target(
    post: Post, of_the_grant: str | None, of_the_target: str, becomes: Settled
) -> None:
    await post.connection.execute("UPDATE access_grant SET policy = $1", of_the_grant)
    await post.connection.execute("UPDATE push_target SET policy = $1, max_attempts = 1", of_the_target)
    await post.publish(1)
    post.receiver.answer = fails(unreachable())
    assert await post.pusher().push(post.lane) is becomes
    assert await post.values("SELECT reason FROM dead_letter") == ["unreachable"] * (becomes is Settled.PARKED)


# the log


async def test_the_log_says_what_was_attempted_and_what_was_confirmed(post: Post) -> None:
    await post.publish(2)
    await post.pusher().push(post.lane)
    rows = await post.connection.fetch(
        "SELECT event, leaf FROM log_entry WHERE event LIKE 'delivery.%' ORDER BY occurred_at, ctid"
    )
    attempted, confirmed = (orjson.loads(row["leaf"]) for row in rows)
    assert [row["event"] for row in rows] == ["delivery.attempted", "delivery.confirmed"]
    assert attempted["details"] == confirmed["details"]
    assert attempted["object"] == {"type": "lane", "id": str(post.lane)}
    details = attempted["details"]
    assert (details["consumer"], details["resource"]) == ("consumer-b", RES)
    fence = post.receiver.batches[0].fence
    assert (details["fence"], details["first"], details["last"], attempted["rows"]) == (fence, 1, 2, 2)


async def test_what_cannot_be_logged_is_not_pushed(post: Post) -> None:
    await post.publish(1)
    await post.connection.execute("ALTER TABLE log_entry ADD CONSTRAINT no_more CHECK (event <> 'delivery.attempted')")
    with pytest.raises(asyncpg.CheckViolationError):
        await post.pusher().push(post.lane)
    assert post.receiver.batches == []
    assert await post.values("SELECT count(*) FROM lane_lease") == [0]


async def test_an_adapter_gets_the_lane_with_its_target(post: Post) -> None:
    await post.publish(1)
    await post.pusher().push(post.lane)
    (lane,) = post.receiver.lanes
    assert (lane.id, lane.consumer, lane.resource, lane.adapter) == (post.lane, "consumer-b", RES, "http")
    assert (lane.settings, lane.policy, lane.max_attempts, lane.grant_id) == ({}, "park", 3, post.grant)


async def test_pushes_of_different_lanes_do_not_wait_for_each_other(post: Post) -> None:
    other = await post.world.system("consumer-c")
    _, lane = await post.push_lane(other, post.world.resources[RES])
    await post.target(other)
    both = asyncio.Barrier(2)

    async def meet(batch: Batch) -> Pushed:
        await asyncio.wait_for(both.wait(), 30)
        return await confirm(batch)

    receiver = Receiver(meet)
    await post.intake.accept(post.provider.exchange(RES, [record(1)]), address="", request_id="r")
    pusher: Pusher = post.pusher(receiver)
    settled = await asyncio.gather(pusher.push(post.lane), pusher.push(lane))
    assert list(settled) == [Settled.DELIVERED] * 2


# batches that are worth a push


async def claimed(post: Post, at_least: int) -> int:
    """How many items a claim takes; the claim is settled as delivered."""
    async with post.acquire() as connection:
        taken = await claim(
            connection, post.lane, holder=uuid4(), hub_id=HUB, actor=ACTOR, clock=post.clock, at_least=at_least
        )
    if taken is None:
        return 0
    assert await settle(post, taken, CONFIRMED) is Settled.DELIVERED
    return len(taken.batch.items)


async def test_fewer_new_items_than_are_worth_a_push_gather(post: Post) -> None:
    await post.publish(3)
    assert await claimed(post, 4) == 0
    assert await post.values("SELECT count(*) FROM delivery WHERE sequence IS NOT NULL") == [0], "nothing was taken"
    assert await post.values("SELECT count(*) FROM attempt") == [0]
    await post.publish(1)
    assert await claimed(post, 4) == 4


async def test_what_was_tried_before_waits_for_no_others(post: Post) -> None:
    await post.publish(1)
    post.receiver.answer = fails(unreachable())
    assert await post.pusher().push(post.lane) is Settled.FAILED
    await post.due_now()
    assert await claimed(post, 100) == 1


async def test_a_batch_that_is_full_by_bytes_waits_for_no_others(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = await post.publish(3)
    monkeypatch.setattr(claiming, "MAX_BATCH_BYTES", len(sent[0]) * 2 + 10)
    assert await claimed(post, 100) == 2
    assert await claimed(post, 100) == 0
    assert await claimed(post, 1) == 1
