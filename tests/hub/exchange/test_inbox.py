"""The inbox and signed acknowledgements on a real database."""

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import Any

import asyncpg
import orjson
import pytest

from hub.audit.entry import Actor
from hub.errors import Refused
from hub.exchange import acknowledging, inbox, new_items
from hub.exchange.inbox import Item
from hub.identity.callers import SystemCaller
from hub.ledger.committer import find_seen
from hub.ledger.records import Seen
from tests.hub.exchange.conftest import Floor
from tests.support.world import record

REVOKE = (
    "UPDATE certificate SET state = 'revoked', revoked_at = now(), revocation_reason = 'keyCompromise'"
    " WHERE system_id = $1"
)
ACTOR = Actor(kind="system", id="consumer-b")


async def publish(floor: Floor, count: int) -> list[bytes]:
    envelopes = [floor.provider.exchange(floor.res, [record(n)]) for n in range(count)]
    for envelope in envelopes:
        await floor.intake.accept(envelope, address="", request_id="r")
    return envelopes


async def pull(floor: Floor, limit: int = 100, wait_s: float = 0) -> Sequence[Item]:
    system, kid = floor.consumer, floor.consumer.kid
    caller = SystemCaller(system.id, system.code, next(iter(floor.world.organisations.values())), kid, ACTOR)
    return await floor.inbox.pull(caller, limit=limit, wait_s=wait_s, request_id="r")


def named(items: Sequence[Item]) -> list[tuple[str, str]]:
    return [(str(i.delivery), f"sha-256:{i.digest.hex()}") for i in items]


async def acknowledge(floor: Floor, envelope: bytes) -> bytes:
    return await floor.acknowledging.acknowledge(envelope, address="", request_id="r")


async def test_items_come_in_order_and_again_until_acknowledged(floor: Floor) -> None:
    sent = await publish(floor, 5)
    first = await pull(floor, limit=3)
    assert [i.envelope for i in first] == sent[:3]
    assert [i.sequence for i in first] == [1, 2, 3]
    assert await pull(floor, limit=3) == first
    answer = await acknowledge(floor, floor.consumer.ack(named(first[:2])))
    assert orjson.loads(answer) == {"acknowledged": 2}
    rest = await pull(floor)
    assert [i.sequence for i in rest] == [3, 4, 5]
    assert [i.envelope for i in rest] == sent[2:]


async def test_the_same_acknowledgement_again_gets_the_same_answer(floor: Floor) -> None:
    await publish(floor, 2)
    ack = floor.consumer.ack(named(await pull(floor)))
    assert await acknowledge(floor, ack) == await acknowledge(floor, ack)
    assert await floor.connection.fetchval("SELECT count(*) FROM acknowledgement") == 1


async def test_an_acknowledgement_repeated_all_at_once_counts_once(floor: Floor) -> None:
    await publish(floor, 10)
    ack = floor.consumer.ack(named(await pull(floor)))
    answers = await asyncio.gather(*(acknowledge(floor, ack) for _ in range(20)))
    assert set(answers) == {b'{"acknowledged":10}'}
    counts = await floor.connection.fetchrow(
        "SELECT (SELECT count(*) FROM acknowledgement), (SELECT count(*) FROM delivered),"
        " (SELECT count(*) FROM log_entry WHERE event = 'delivery.acknowledged')"
    )
    assert counts is not None
    assert tuple(counts) == (1, 10, 1)


async def test_items_that_many_messages_name_at_once_come_to_their_end_once(floor: Floor) -> None:
    await publish(floor, 30)
    items = list(await pull(floor))
    picks = Random(20261121)
    acks = [floor.consumer.ack(named(picks.sample(items, 20))) for _ in range(15)]
    assert set(await asyncio.gather(*(acknowledge(floor, ack) for ack in acks))) == {b'{"acknowledged":20}'}
    rows = await floor.connection.fetch("SELECT leaf FROM log_entry WHERE event = 'delivery.acknowledged'")
    moved = sum(orjson.loads(row["leaf"])["details"]["moved"] for row in rows)
    assert moved == await floor.connection.fetchval("SELECT count(*) FROM delivered")


async def test_an_acknowledgement_whose_key_was_cleared_between_conflict_and_look_begins_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(floor, 1)
    items = await pull(floor)
    ack = floor.consumer.ack(named(items))
    first = await acknowledge(floor, ack)

    async def clear(connection: asyncpg.Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Seen]:
        await floor.connection.execute("DELETE FROM acceptance WHERE kind = 'ack'")
        return await find_seen(connection, keys)

    monkeypatch.setattr(acknowledging, "find_seen", clear)
    assert await acknowledge(floor, ack) == first
    assert await floor.connection.fetchval("SELECT count(*) FROM acceptance WHERE kind = 'ack'") == 1


async def test_acknowledged_before_counts_again_in_another_message(floor: Floor) -> None:
    await publish(floor, 2)
    items = await pull(floor)
    await acknowledge(floor, floor.consumer.ack(named(items[:1])))
    answer = await acknowledge(floor, floor.consumer.ack(named(items)))
    assert orjson.loads(answer) == {"acknowledged": 2}


async def test_a_wrong_digest_or_a_foreign_id_acknowledges_nothing(floor: Floor) -> None:
    await publish(floor, 2)
    (one, digest), (two, _) = named(await pull(floor))
    for bad, slug in (
        ([(one, digest), (two, "sha-256:" + "0" * 64)], "conflict"),
        ([(one, digest), ("0193b5a0-0000-7000-8000-000000000000", digest)], "not-found"),
        ([(one, digest), (one, digest)], "malformed-payload"),
        ([("no-uuid", digest)], "malformed-payload"),
        ([(one.upper(), digest)], "malformed-payload"),
        ([(f"{{{one}}}", digest)], "malformed-payload"),
        ([(f"urn:uuid:{one}", digest)], "malformed-payload"),
        ([(one.replace("-", ""), digest)], "malformed-payload"),
        ([(one, "md5:1")], "malformed-payload"),
        ([], "malformed-payload"),
    ):
        with pytest.raises(Refused) as caught:
            await acknowledge(floor, floor.consumer.ack(bad))
        assert caught.value.slug == slug
        assert caught.value.errors
    with pytest.raises(Refused) as caught:
        await acknowledge(floor, floor.provider.ack([(one, digest)]))
    assert caught.value.slug == "not-found"
    assert await floor.connection.fetchval("SELECT count(*) FROM delivered") == 0
    assert len(await pull(floor)) == 2


@pytest.mark.parametrize("identifier", [17, None, ["0193b5a0-0000-7000-8000-000000000000"]])
async def test_an_id_that_is_no_text_is_malformed(floor: Floor, identifier: Any) -> None:
    with pytest.raises(Refused) as caught:
        await acknowledge(floor, floor.consumer.ack([(identifier, "sha-256:" + "0" * 64)]))
    assert caught.value.slug == "malformed-payload"


async def test_a_suspended_grant_hands_out_nothing_until_it_resumes(floor: Floor) -> None:
    await publish(floor, 1)
    await floor.world.change("UPDATE access_grant SET state = 'suspended'")
    with pytest.raises(Refused) as caught:
        await pull(floor)
    assert caught.value.slug == "grant-suspended"
    await floor.world.change("UPDATE access_grant SET state = 'active'")
    assert len(await pull(floor)) == 1


@pytest.mark.parametrize(("reason", "handed_out"), [("keyCompromise", 0), ("privilegeWithdrawn", 0), ("superseded", 1)])
async def test_a_compromised_key_stops_what_is_queued_and_a_superseded_one_does_not(
    floor: Floor, reason: str, handed_out: int
) -> None:
    await publish(floor, 1)
    await floor.world.change(
        "UPDATE certificate SET state = 'revoked', revoked_at = now(), revocation_reason = $2 WHERE kid = $1",
        floor.provider.kid,
        reason,
    )
    assert len(await pull(floor)) == handed_out


async def leave_a_backlog(floor: Floor, count: int) -> None:
    """So many items wait whose signer's key is compromised."""
    await publish(floor, count)
    other = await floor.world.system("compromised")
    await floor.connection.execute("UPDATE delivery SET kid = $1", other.kid)
    await floor.world.change(REVOKE, other.id)


@pytest.mark.parametrize(("every_s", "share"), [(60.0, 0), (0.0, 1_000_000)], ids=["every", "share"])
async def test_a_compromised_signers_backlog_is_read_seldom(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, every_s: float, share: int
) -> None:
    monkeypatch.setattr(new_items, "MOST_PASSED", 2)
    monkeypatch.setattr(new_items, "DEEP_EVERY_S", every_s)
    monkeypatch.setattr(new_items, "DEEP_SHARE", share)
    await leave_a_backlog(floor, 5)
    sent = await publish(floor, 1)
    assert [item.envelope for item in await pull(floor, limit=2)] == sent
    await publish(floor, 1)
    assert [item.envelope for item in await pull(floor, limit=2)] == sent, "it is found by the next look past all"
    assert len(await pull(floor, limit=4)) == 2, "it is within two more than are asked for"


async def test_as_long_as_there_is_as_much_as_asked_for_behind_a_backlog_it_is_looked_past(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_items, "MOST_PASSED", 2)
    await leave_a_backlog(floor, 5)
    sent = await publish(floor, 6)
    for at in (0, 2, 4):
        items = await pull(floor, limit=2)
        assert [item.envelope for item in items] == sent[at : at + 2]
        await acknowledge(floor, floor.consumer.ack(named(items)))


async def test_a_long_poll_finds_what_lies_behind_a_backlog(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_items, "MOST_PASSED", 2)
    monkeypatch.setattr(new_items, "DEEP_EVERY_S", 0.2)
    monkeypatch.setattr(inbox, "LOOK_AGAIN_S", 0.05)
    await leave_a_backlog(floor, 5)
    assert await pull(floor, limit=2) == []
    sent = await publish(floor, 1)
    assert [item.envelope for item in await pull(floor, limit=2, wait_s=20)] == sent


async def test_a_long_poll_ends_when_something_arrives(floor: Floor) -> None:
    waiting = asyncio.create_task(pull(floor, wait_s=20))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await publish(floor, 1)
    assert len(await waiting) == 1
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        (REVOKE, "certificate-revoked"),
        ("UPDATE system SET state = 'suspended' WHERE id = $1", "system-suspended"),
    ],
)
async def test_a_long_poll_does_not_outlive_its_callers_rights(floor: Floor, change: str, slug: str) -> None:
    waiting = asyncio.create_task(pull(floor, wait_s=20))
    await asyncio.sleep(0.2)
    await floor.world.change(change, floor.consumer.id)
    await publish(floor, 1)
    with pytest.raises(Refused) as caught:
        await waiting
    assert caught.value.slug == slug
    assert await floor.connection.fetchval("SELECT count(*) FROM delivery WHERE sequence IS NOT NULL") == 0


async def test_a_long_poll_without_news_ends_in_time(floor: Floor) -> None:
    began = time.monotonic()
    assert list(await pull(floor, wait_s=0.3)) == []
    assert 0.25 < time.monotonic() - began < 15


async def test_when_waiting_is_over_for_all_who_waits_is_answered_and_nobody_waits_again(floor: Floor) -> None:
    waiting = [asyncio.create_task(pull(floor, wait_s=20)) for _ in range(2)]
    await asyncio.sleep(0.2)
    began = time.monotonic()
    floor.inbox.arrivals.close()
    assert list(map(list, await asyncio.gather(*waiting, pull(floor, wait_s=20)))) == [[], [], []]
    assert time.monotonic() - began < 10
    await publish(floor, 1)
    assert len(await pull(floor, wait_s=20)) == 1


async def test_two_pullers_number_every_item_once(floor: Floor) -> None:
    await publish(floor, 40)
    answers = await asyncio.gather(*(pull(floor, limit=20) for _ in range(6)))
    for items in answers:
        assert [i.sequence for i in items] == list(range(1, 21))
    assert (
        await floor.connection.fetchval("SELECT count(DISTINCT sequence) FROM delivery WHERE sequence IS NOT NULL")
        == 20
    )


async def test_a_busy_lane_does_not_hide_the_others(floor: Floor) -> None:
    other = await floor.world.resource("306001000001/000009", floor.provider)
    _, lane = await floor.world.grant(floor.consumer, other)
    await publish(floor, 30)
    await floor.intake.accept(floor.provider.exchange("306001000001/000009"), address="", request_id="r")
    items = await pull(floor, limit=10)
    assert lane in {i.lane for i in items}
    assert len(items) == 10


async def test_envelopes_that_fill_an_answer_leave_room_for_the_other_lanes(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await two_lanes(floor)
    monkeypatch.setattr(inbox, "MAX_ANSWER_BYTES", 40_000)
    large = record(1, note="x" * 10_000)
    for res, records in ((floor.res, [large]), (other, [record(1)]), *[(floor.res, [large])] * 5):
        await floor.intake.accept(floor.provider.exchange(res, records), address="", request_id="r")
    for _ in range(3):  # nothing of it is acknowledged
        got = await pull(floor)
        assert {item.resource for item in got} == {floor.res, other}
        assert [item.lane for item in got] == sorted([item.lane for item in got], key=[item.lane for item in got].index)
        for lane in {item.lane for item in got}:
            numbers = [item.sequence for item in got if item.lane == lane]
            assert numbers == list(range(1, len(numbers) + 1))


async def test_of_more_lanes_than_are_asked_for_each_has_its_turn(floor: Floor) -> None:
    other = await two_lanes(floor)
    for res in (floor.res, other):
        await floor.intake.accept(floor.provider.exchange(res, [record(1)]), address="", request_id="r")
    seen = [(await pull(floor, limit=1))[0].resource for _ in range(4)]  # nothing of it is acknowledged
    assert seen in ([floor.res, other] * 2, [other, floor.res] * 2)


async def two_lanes(floor: Floor) -> str:
    """A second resource of the provider, granted to the same consumer."""
    code = "306001000001/000002"
    await floor.world.grant(floor.consumer, await floor.world.resource(code, floor.provider))
    async with floor.inbox.acquire() as connection:
        epoch = await connection.fetchval("SELECT epoch FROM registry_epoch")
    await floor.pictures.at_least(epoch)
    return code


async def test_a_claim_and_an_acknowledgement_are_in_the_log(floor: Floor) -> None:
    await publish(floor, 2)
    await acknowledge(floor, floor.consumer.ack(named(await pull(floor))))
    await pull(floor)
    rows = await floor.connection.fetch("SELECT event, leaf FROM log_entry ORDER BY occurred_at, ctid")
    assert [r["event"] for r in rows].count("delivery.claimed") == 1
    assert [r["event"] for r in rows].count("delivery.acknowledged") == 1
    claimed = next(orjson.loads(r["leaf"]) for r in rows if r["event"] == "delivery.claimed")
    assert claimed["rows"] == 2
    assert claimed["details"]["lanes"][0]["last"] == 2


@pytest.mark.parametrize("status", ["suspended", "withdrawn"])
async def test_a_resource_that_is_no_longer_shared_hands_out_nothing(floor: Floor, status: str) -> None:
    await publish(floor, 1)
    await floor.world.change("UPDATE resource SET status = $1", status)
    assert list(await pull(floor)) == []
    await floor.world.change("UPDATE resource SET status = 'published'")
    assert len(await pull(floor)) == 1


async def test_an_answer_is_bounded_in_bytes_and_never_empty(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = await publish(floor, 4)
    monkeypatch.setattr(inbox, "MAX_ANSWER_BYTES", len(sent[0]) * 2 + 10)
    assert [i.envelope for i in await pull(floor)] == sent[:2]
    monkeypatch.setattr(inbox, "MAX_ANSWER_BYTES", 1)
    assert [i.envelope for i in await pull(floor)] == sent[:1]


async def test_a_consumer_waits_in_a_bounded_number_of_pulls(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MAX_PULLS", 2)
    waiting = [asyncio.create_task(pull(floor, wait_s=20)) for _ in range(2)]
    await asyncio.sleep(0.3)
    with pytest.raises(Refused) as caught:
        await pull(floor)
    assert caught.value.slug == "rate-limited"
    await publish(floor, 1)
    await asyncio.gather(*waiting)
    assert len(await pull(floor)) == 1
