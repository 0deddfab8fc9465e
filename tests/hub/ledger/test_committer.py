"""The committer on a real PostgreSQL: what it writes, whom it tells, and what it does when the database goes away."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from hub.db.clock import DatabaseClock
from hub.db.errors import DatabaseUnavailable
from hub.errors import Unavailable
from hub.ledger.committer import Committer
from hub.ledger.records import Committed, Outcome, Seen, Stale, Work
from tests.hub.ledger.conftest import Desk
from tests.support.postgres import TestServer

TABLES = ("acceptance", "exchange", "delivery", "log_entry")


def submitted(desk: Desk, *works: Work) -> list[asyncio.Task[Outcome]]:
    return [asyncio.create_task(desk.committer.submit(work)) for work in works]


async def outcomes(tasks: list[asyncio.Task[Outcome]]) -> list[Outcome | BaseException]:
    async with asyncio.timeout(60):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_told_to_be_committed_is_there_with_its_log_entry(desk: Desk) -> None:
    work = desk.work()
    assert await desk.committer.submit(work) == Committed()
    stored = await desk.connection.fetchrow("SELECT * FROM acceptance JOIN exchange ON id = message_id")
    assert stored is not None
    assert (stored["envelope"], stored["answer"], stored["epoch"]) == (work.envelope, work.receipt, desk.epoch)
    entry = await desk.connection.fetchrow("SELECT * FROM log_entry WHERE id = $1", work.id)
    assert entry is not None
    assert (entry["leaf"], entry["leaf_hash"]) == (work.entry.leaf, work.entry.leaf_hash)
    delivery = await desk.connection.fetchrow("SELECT * FROM delivery")
    assert delivery is not None
    assert (delivery["id"], delivery["exchange_id"], delivery["lane_id"]) == (
        work.deliveries[0].id,
        work.id,
        desk.lane,
    )
    assert desk.woken == [frozenset([desk.consumer.id])]
    assert (desk.committer.counters.exchanges, desk.committer.counters.batches) == (1, 1)


async def test_what_arrives_during_a_transaction_goes_into_the_next_one_together(desk: Desk) -> None:
    async with desk.held_up():
        first = submitted(desk, desk.work())
        await desk.writer()
        rest = submitted(desk, *(desk.work() for _ in range(20)))
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in (*first, *rest))
        assert desk.committer.queued == 20
    assert await outcomes(first + rest) == [Committed()] * 21
    assert desk.committer.counters.batches == 2
    assert await desk.count("exchange") == 21


async def test_of_two_under_one_key_in_one_batch_the_second_is_told_of_the_first(desk: Desk) -> None:
    async with desk.held_up():
        blocker = submitted(desk, desk.work())
        await desk.writer()
        one, two = desk.work("same"), desk.work("same")
        tasks = submitted(desk, one, two)
        await asyncio.sleep(0.05)
    assert await outcomes(blocker) == [Committed()]
    found = await outcomes(tasks)
    winner = one if found[0] == Committed() else two
    assert sorted(type(outcome).__name__ for outcome in found) == ["Committed", "Seen"]
    assert Seen(winner.digest, "exchange", winner.id, winner.receipt) in found
    assert await desk.count("exchange") == 2
    assert desk.committer.counters.duplicates == 1


async def test_two_committers_with_the_same_keys_in_opposite_orders_do_not_deadlock(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    other = Committer(desk.database.connect, DatabaseClock(), max_queue=1000, max_queue_bytes=1 << 24)
    await other.start()
    try:
        for turn in range(10):
            keys = [f"{turn}-{n}" for n in range(60)]
            async with desk.held_up():
                tasks = submitted(desk, *(desk.work(key) for key in keys))
                tasks += [asyncio.create_task(other.submit(desk.work(key))) for key in reversed(keys)]
                await asyncio.sleep(0.02)
            found = await outcomes(tasks)
            assert sorted(type(outcome).__name__ for outcome in found) == ["Committed"] * 60 + ["Seen"] * 60
    finally:
        await other.stop()
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_what_was_judged_under_another_epoch_is_handed_back_and_leaves_nothing(desk: Desk) -> None:
    async with desk.held_up():
        blocker = submitted(desk, desk.work())
        await desk.writer()
        good, stale = desk.work(), desk.work(epoch=desk.epoch - 1)
        tasks = submitted(desk, good, stale)
        await asyncio.sleep(0.05)
    assert await outcomes(blocker + tasks) == [Committed(), Committed(), Stale(desk.epoch)]
    for table in TABLES:
        assert await desk.count(table) == 2
    assert desk.committer.counters.judged_again == 1


async def test_a_change_of_rights_that_commits_while_a_batch_waits_for_it_hands_the_batch_back(desk: Desk) -> None:
    async with desk.held_up() as connection:
        tasks = submitted(desk, desk.work())
        await desk.writer()
        await connection.execute("UPDATE registry_epoch SET epoch = epoch + 1")
    assert await outcomes(tasks) == [Stale(desk.epoch + 1)]
    assert await desk.count("acceptance") == 0


async def test_a_validity_that_ends_during_the_wait_for_the_lock_hands_the_work_back(desk: Desk) -> None:
    async with desk.held_up():
        ending = desk.work(judged_until=datetime.now(UTC) + timedelta(seconds=0.2))
        tasks = submitted(desk, ending, desk.work())
        await asyncio.sleep(0.5)
    assert sorted(type(outcome).__name__ for outcome in await outcomes(tasks)) == ["Committed", "Stale"]
    assert await desk.connection.fetchval("SELECT count(*) FROM exchange WHERE id = $1", ending.id) == 0


async def test_a_row_that_the_database_refuses_fails_its_owner_alone(desk: Desk) -> None:
    async with desk.held_up():
        blocker = submitted(desk, desk.work())
        await desk.writer()
        good = [desk.work() for _ in range(5)]
        bad = desk.work(digest=b"not 32 bytes")
        refusal = desk.refusal()
        tasks = submitted(desk, *good[:3], bad, refusal, *good[3:])
        await asyncio.sleep(0.05)
    assert await outcomes(blocker) == [Committed()]
    found = await outcomes(tasks)
    assert isinstance(found.pop(3), Unavailable)
    assert found == [Committed()] * 6
    assert await desk.count("exchange") == 6
    assert await desk.connection.fetchval("SELECT count(*) FROM log_entry WHERE id = $1", refusal.entry.id) == 1


async def test_a_full_queue_turns_work_away_at_once(desk: Desk) -> None:
    desk.committer.max_queue = 3
    async with desk.held_up():
        tasks = submitted(desk, desk.work())
        await desk.writer()
        tasks += submitted(desk, *(desk.work() for _ in range(3)))
        await asyncio.sleep(0)
        took = []
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(Unavailable) as caught:
                await desk.committer.submit(desk.work())
            took.append(time.monotonic() - began)
            assert caught.value.retry_after
        assert min(took) < 2, "without waiting for what holds the queue up"
        assert not any(task.done() for task in tasks)
    assert await outcomes(tasks) == [Committed()] * 4
    assert desk.committer.counters.busy == 3
    assert await desk.committer.submit(desk.work()) == Committed()


async def test_a_queue_is_full_by_bytes_too(desk: Desk) -> None:
    desk.committer.max_queue_bytes = 10_000
    async with desk.held_up():
        tasks = submitted(desk, desk.work(envelope=b"x" * 20_000))
        await desk.writer()
        tasks += submitted(desk, desk.work(envelope=b"x" * 9_990))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await desk.committer.submit(desk.work())
    assert await outcomes(tasks) == [Committed()] * 2
    assert await desk.committer.submit(desk.work()) == Committed()


async def test_stopping_finishes_what_waits_and_takes_nothing_new(desk: Desk) -> None:
    async with desk.held_up():
        tasks = submitted(desk, desk.work())
        await desk.writer()
        tasks += submitted(desk, *(desk.work() for _ in range(4)))
        await asyncio.sleep(0.01)
        assert desk.committer.queued == 4
        stopping = asyncio.create_task(desk.committer.stop())
        await asyncio.sleep(0.05)
        with pytest.raises(Unavailable):
            await desk.committer.submit(desk.work())
        assert not stopping.done()
    await stopping
    assert await outcomes(tasks) == [Committed()] * 5
    assert await desk.count("exchange") == 5


@pytest.mark.parametrize("when", ["during a transaction", "while it connects again"])
async def test_stopping_does_not_wait_for_a_database_that_says_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr("hub.ledger.committer.LAST_BATCH_S", 0.1)
    asked = asyncio.Event()

    async def never() -> asyncpg.Connection:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with desk.held_up():
        tasks = submitted(desk, desk.work())
        pid = await desk.writer()
        tasks += submitted(desk, *(desk.work() for _ in range(4)))
        desk.committer.connect = never
        if when == "while it connects again":
            await terminate(desk, pid)
            await asked.wait()
        await asyncio.wait_for(desk.committer.stop(), 30)
    found = await outcomes(tasks)
    assert [type(outcome) for outcome in found] == [Unavailable] * 5


async def test_who_stops_waiting_stops_nobody_else(desk: Desk) -> None:
    async with desk.held_up():
        gone, stays = submitted(desk, desk.work(), desk.work())
        await desk.writer()
        gone.cancel()
        await asyncio.sleep(0.01)
    assert await stays == Committed()
    assert await desk.count("exchange") == 2


async def terminate(desk: Desk, pid: int) -> None:
    """End the committer's backend, as its role may."""
    assert await desk.connection.fetchval("SELECT pg_terminate_backend($1, 30000)", pid)


async def idle_writer(desk: Desk) -> int:
    """The process id of the committer's backend while it has nothing to do."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    found: int = await desk.connection.fetchval(query)
    return found


async def test_a_transaction_that_dies_before_its_commit_is_no_acceptance_and_may_be_tried_again(desk: Desk) -> None:
    work = desk.work()
    async with desk.held_up():
        tasks = submitted(desk, work, desk.refusal())
        await terminate(desk, await desk.writer())
        found = await outcomes(tasks)
    assert [type(outcome) for outcome in found] == [Unavailable, Unavailable]
    assert await desk.count("acceptance") == 0
    assert await desk.committer.submit(work) == Committed()
    assert desk.committer.counters.reconnects == 1


async def lose_the_answer(desk: Desk, postgres: TestServer, meanwhile: Callable[[], Awaitable[object]]) -> None:
    """Let the committer's COMMIT reach the disk and its backend die before it can say so.

    A synchronous standby that does not exist keeps the backend waiting after the commit; ending it there leaves the
    transaction committed and the client without an answer.
    """
    postgres.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    postgres.execute("SELECT pg_reload_conf()")
    try:
        task = asyncio.ensure_future(meanwhile())
        query = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"
        while (pid := await desk.connection.fetchval(query)) is None:
            await desk.connection.execute("SELECT pg_sleep(0.01)")
        await terminate(desk, pid)
        await task
    finally:
        postgres.execute("ALTER SYSTEM RESET synchronous_standby_names")
        postgres.execute("SELECT pg_reload_conf()")


async def test_a_commit_whose_answer_was_lost_is_found_again(desk: Desk, postgres: TestServer) -> None:
    work = desk.work()
    found: list[Outcome] = []

    async def submit() -> None:
        found.append(await desk.committer.submit(work))

    await lose_the_answer(desk, postgres, submit)
    assert found == [Committed()]
    assert await desk.count("exchange") == 1
    assert desk.woken == [frozenset([desk.consumer.id])]


async def test_a_lost_answer_may_prove_to_be_somebody_elses_acceptance(desk: Desk) -> None:
    first, second = desk.work("same"), desk.work("same")
    assert await desk.committer.submit(first) == Committed()
    async with desk.held_up():
        tasks = submitted(desk, second)
        await terminate(desk, await desk.writer())
        assert await outcomes(tasks) == [Seen(first.digest, "exchange", first.id, first.receipt)]


async def test_an_idle_connection_that_was_lost_costs_nobody_anything(desk: Desk) -> None:
    assert await desk.committer.submit(desk.work()) == Committed()
    await terminate(desk, await idle_writer(desk))
    await asyncio.sleep(0.05)
    assert await desk.committer.submit(desk.work()) == Committed()
    assert desk.committer.counters.reconnects == 1


async def test_while_the_database_is_away_work_is_turned_away_and_nothing_is_kept_for_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.ledger.committer.RECONNECT_DELAYS_S", (0.01, 0.01))
    connect, away = desk.committer.connect, True

    async def sometimes() -> asyncpg.Connection:
        if away:
            raise DatabaseUnavailable("不在", "away")
        return await connect()

    desk.committer.connect = sometimes
    await terminate(desk, await idle_writer(desk))
    await asyncio.sleep(0.05)
    found = await outcomes(submitted(desk, desk.work(), desk.work()))
    assert [type(outcome) for outcome in found] == [Unavailable, Unavailable]
    away = False
    assert await desk.committer.submit(desk.work()) == Committed()
    assert await desk.count("exchange") == 1


async def test_an_acceptance_that_was_cleared_between_conflict_and_look_is_judged_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await desk.committer.submit(desk.work("old")) == Committed()

    async def cleared(*_: object) -> dict[object, object]:
        return {}

    monkeypatch.setattr("hub.ledger.committer.find_seen", cleared)
    assert await desk.committer.submit(desk.work("old")) == Stale(desk.epoch)


async def test_an_unforeseen_error_ends_the_writer_for_all_to_hear_and_tells_everybody_once(desk: Desk) -> None:
    told: list[Outcome | Unavailable] = []
    heard = asyncio.Event()
    desk.committer.failed = heard.set

    def broken(_: frozenset[UUID]) -> None:
        raise RuntimeError("unforeseen")

    desk.committer.committed = broken
    async with desk.held_up():
        desk.committer.enqueue(desk.work(), told.append)
        await desk.writer()
        desk.committer.enqueue(desk.work(), told.append)
    await asyncio.wait_for(heard.wait(), 30)
    assert [type(outcome) for outcome in told] == [Committed, Unavailable]
    with pytest.raises(Unavailable):
        await desk.committer.submit(desk.work())
    with pytest.raises(RuntimeError):
        await desk.committer.stop()
    await desk.committer.start()


async def test_a_barrier_that_is_held_too_long_turns_the_whole_batch_away_at_once(desk: Desk) -> None:
    assert desk.committer._connection is not None
    await desk.committer._connection.execute("SET lock_timeout = '2s'")
    async with desk.held_up():
        first = submitted(desk, desk.work())
        await desk.writer()
        rest = submitted(desk, *(desk.work() for _ in range(20)))
        began = time.monotonic()
        found = await outcomes(first + rest)
        assert time.monotonic() - began < 20, "one wait for the batch, not one for each of the twenty-one"
    assert {type(outcome) for outcome in found} == {Unavailable}
    assert await desk.count("acceptance") == 0
    assert await desk.committer.submit(desk.work()) == Committed()


async def test_a_batch_holds_no_more_bytes_than_its_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ledger.committer.MAX_BATCH_BYTES", 5_000)
    async with desk.held_up():
        tasks = submitted(desk, desk.work())
        await desk.writer()
        tasks += submitted(desk, *(desk.work(envelope=b"x" * size) for size in (2_000, 2_000, 2_000, 9_000, 100)))
        await asyncio.sleep(0.01)
    assert await outcomes(tasks) == [Committed()] * 6
    assert desk.committer.counters.batches == 5
    assert await desk.committer.submit(desk.work()) == Committed()
