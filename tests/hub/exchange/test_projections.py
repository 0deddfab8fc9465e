"""I5: by a narrowed grant leaves a projection of what it names, and nothing else, whatever its lane has seen before."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
import pytest

from certs import envelope
from certs.digests import digest
from certs.header import EXCHANGE, RECEIPT
from certs.reductions import projection_jti
from hub.audit.entry import Actor
from hub.errors import Refused
from hub.exchange.inbox import Item
from hub.exchange.reading import read_exchange
from hub.identity.callers import SystemCaller
from tests.hub.exchange.conftest import Floor
from tests.support.world import HUB, TestSystem, record

ROWS = [{"item": "case_no", "op": "in", "values": ["621124-000001"]}]


async def narrow(floor: Floor, *, items: Sequence[str] | None = None, rows: Any = None) -> None:
    """The floor's grant lets out less from now on."""
    await floor.world.change(
        "UPDATE access_grant SET items = $2, rows = $3 WHERE id = $1",
        floor.grant,
        None if items is None else list(items),
        rows,
    )


async def send(floor: Floor, *records: Any, **how: Any) -> tuple[bytes, dict[str, Any]]:
    """An envelope and what its receipt says."""
    sent = floor.provider.exchange(floor.res, list(records), **how)
    accepted = await floor.intake.accept(sent, address="", request_id="r")
    told = envelope.read(accepted.receipt, max_bytes=1 << 20, allowed_types=frozenset({RECEIPT}))
    return sent, orjson.loads(told.payload_bytes)


async def pull(floor: Floor, system: TestSystem | None = None) -> Sequence[Item]:
    system = system or floor.consumer
    organisation = next(iter(floor.world.organisations.values()))
    caller = SystemCaller(system.id, system.code, organisation, system.kid, Actor(kind="system", id=system.code))
    return await floor.inbox.pull(caller, limit=100, wait_s=0, request_id="r")


def opened(item: Item) -> tuple[Any, Any]:
    found = envelope.read(item.envelope, max_bytes=1 << 20, allowed_types=frozenset({EXCHANGE}))
    return found.header, orjson.loads(found.payload_bytes)


async def acknowledge(floor: Floor, identifier: UUID, said: str) -> Any:
    ack = floor.consumer.ack([(str(identifier), said)])
    return orjson.loads(await floor.acknowledging.acknowledge(ack, address="", request_id="r"))


async def test_what_is_delivered_is_the_hubs_own_envelope_with_what_the_grant_names(floor: Floor) -> None:
    await narrow(floor, items=["case_no", "days"], rows=ROWS)
    sent, receipt = await send(floor, record(1), record(2), jti="m-1")
    assert receipt["lanes"] == 1
    (item,) = await pull(floor)
    header, payload = opened(item)
    assert payload == {"op": "upsert", "records": [{"case_no": "621124-000001", "days": 5}]}
    assert (header.iss, header.aud, header.res, header.ver) == (HUB, "consumer-b", floor.res, 1)
    assert (header.orig, header.jti) == (digest(sent), projection_jti(item.lane, "provider-a", "m-1"))
    envelope.verify(
        envelope.read(item.envelope, max_bytes=1 << 20, allowed_types=frozenset({EXCHANGE})), floor.projection_verifier
    )
    assert "示例申请人".encode() not in item.envelope
    assert f"sha-256:{item.digest.hex()}" == digest(item.envelope) != digest(sent)


async def test_of_masked_texts_only_the_ends_leave(floor: Floor) -> None:
    masks = [
        {"item": name, "op": "mask", "keep_first": first, "keep_last": 1}
        for name, first in (("applicant", 1), ("note", 0))
    ]
    await narrow(floor, rows=[*ROWS, *masks])
    await send(floor, record(1, applicant="金丝雀在此", note="另一只金丝雀"))
    (item,) = await pull(floor)
    assert opened(item)[1]["records"] == [record(1, applicant="金***此", note="*****雀")]
    assert await floor.connection.fetchval("SELECT envelope FROM projection") == item.envelope


@pytest.mark.parametrize("item", ["remark", "case_no", "days", "accepted_on"])
async def test_a_mask_of_what_the_version_has_as_no_such_text_lets_nothing_out(floor: Floor, item: str) -> None:
    """As a later version may have it, which the scope was not checked against."""
    await narrow(floor, rows=[{"item": item, "op": "mask", "keep_first": 1, "keep_last": 0}])
    _, receipt = await send(floor, record(1))
    assert (receipt["lanes"], await pull(floor)) == (0, [])
    with pytest.raises(Refused) as caught:
        await send(floor, record(1), to=["consumer-b"])
    assert caught.value.slug == "no-grant"


async def test_a_repeated_pull_gets_the_same_bytes_until_their_own_digest_is_acknowledged(floor: Floor) -> None:
    await narrow(floor, items=["case_no"])
    sent, _ = await send(floor, record(1))
    (item,) = await pull(floor)
    assert await pull(floor) == [item]
    with pytest.raises(Refused) as caught:
        await acknowledge(floor, item.delivery, digest(sent))
    assert caught.value.slug == "conflict"
    assert await acknowledge(floor, item.delivery, digest(item.envelope)) == {"acknowledged": 1}
    assert await pull(floor) == []
    kept = await floor.connection.fetchrow("SELECT projection_id, digest FROM delivered")
    assert kept is not None
    assert (kept["projection_id"], kept["digest"]) == (item.delivery, item.digest)


async def test_of_an_exchange_with_nothing_for_it_a_narrowed_grant_learns_nothing(floor: Floor) -> None:
    await narrow(floor, rows=ROWS)
    _, receipt = await send(floor, record(2), to=["consumer-b"])
    assert receipt["lanes"] == 0
    assert await pull(floor) == []
    for table in ("delivery", "projection"):
        assert await floor.connection.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_whole_and_narrowed_grants_of_one_exchange_each_get_their_own(floor: Floor) -> None:
    other = await floor.world.system("consumer-c")
    await floor.world.grant(other, floor.world.resources[floor.res])
    await narrow(floor, items=["case_no"])
    sent, receipt = await send(floor, record(1))
    assert receipt["lanes"] == 2
    assert [item.envelope for item in await pull(floor, other)] == [sent]
    (item,) = await pull(floor)
    assert opened(item)[1] == {"op": "upsert", "records": [{"case_no": "621124-000001"}]}
    ids = await floor.connection.fetchval("SELECT deliveries FROM exchange")
    assert sorted(ids) == sorted(await floor.connection.fetchval("SELECT array_agg(id) FROM delivery"))


async def test_what_waits_from_a_wider_grant_does_not_leave_by_a_narrower_one(floor: Floor) -> None:
    await send(floor, record(1))
    (handed_out,) = await pull(floor)
    await send(floor, record(2))
    await narrow(floor, items=["case_no"])
    assert await pull(floor) == []
    await send(floor, record(3))
    (item,) = await pull(floor)
    assert opened(item)[1]["records"] == [{"case_no": "621124-000003"}]
    assert item.sequence == handed_out.sequence + 1
    await narrow(floor)
    assert len(await pull(floor)) == 3, "by a whole grant all of it leaves"


async def test_a_projection_made_for_one_grant_does_not_leave_by_another_narrowed_one(floor: Floor) -> None:
    await narrow(floor, items=["case_no", "applicant"])
    await send(floor, record(1))
    successor = await succeed(floor, items=["case_no"])
    assert await pull(floor) == []
    await send(floor, record(2))
    (item,) = await pull(floor)
    assert opened(item)[1]["records"] == [{"case_no": "621124-000002"}]
    assert await floor.connection.fetchval("SELECT grant_id FROM projection WHERE id = $1", item.delivery) == successor


async def succeed(floor: Floor, *, items: Sequence[str]) -> UUID:
    """The grant ends, and another of the same lane takes its place."""
    await floor.world.change("UPDATE access_grant SET state = 'revoked' WHERE id = $1", floor.grant)
    found = await floor.connection.fetchval(
        "INSERT INTO access_grant (id, lane_id, consumer_id, resource_id, purpose, basis, mode, valid_from, valid_to, state,"
        " created_at, updated_at, items) SELECT gen_random_uuid(), lane_id, consumer_id, resource_id, purpose, basis, mode,"
        " valid_from, valid_to, 'active', created_at, updated_at, $2 FROM access_grant WHERE id = $1 RETURNING id",
        floor.grant,
        list(items),
    )
    await floor.world.change("INSERT INTO grant_version SELECT $1, 1, schema_digest FROM grant_version", found)
    assert isinstance(found, UUID)
    return found


async def test_a_version_of_whose_rows_the_rule_cannot_tell_reaches_no_narrowed_grant(floor: Floor) -> None:
    await narrow(floor, rows=[{"item": "applicant", "op": "in", "values": ["示例申请人"]}])
    assert (await send(floor, record(1)))[1]["lanes"] == 0
    assert await pull(floor) == []
    with pytest.raises(Refused) as caught:
        await send(floor, record(1), to=["consumer-b"])
    assert caught.value.slug == "no-grant"


async def test_a_correction_refers_to_the_projection_of_what_it_corrects(floor: Floor) -> None:
    await narrow(floor, items=["case_no"])
    await send(floor, record(1), jti="wrong")
    await send(floor, record(1), ref="wrong")
    first, second = (opened(item)[0] for item in await pull(floor))
    assert second.ref == first.jti


async def test_a_correction_refers_to_the_projection_of_what_a_former_publisher_sent(floor: Floor) -> None:
    await narrow(floor, items=["case_no"])
    await send(floor, record(1), jti="wrong")
    heir = await floor.world.system("heir-c")
    await floor.world.change("UPDATE resource SET system_id = $1", heir.id)
    for ref in ("wrong", "nobody-sent-this"):
        sent = heir.exchange(floor.res, [record(1)], jti=f"for-{ref}", ref=ref)
        await floor.intake.accept(sent, address="", request_id="r")
    own = heir.exchange(
        floor.res, [record(1)], jti="wrong"
    )  # its own under the same jti: that is what it means from now on
    await floor.intake.accept(own, address="", request_id="r")
    await floor.intake.accept(heir.exchange(floor.res, [record(1)], ref="wrong"), address="", request_id="r")
    items = await pull(floor)
    wrong, right, lost, second, corrected = (opened(item)[0] for item in items)
    assert right.ref == wrong.jti
    assert lost.ref == projection_jti(items[0].lane, "heir-c", "nobody-sent-this")
    assert corrected.ref == second.jti != wrong.jti


async def test_what_still_waits_whole_in_another_lane_tells_the_consumer_nothing(floor: Floor) -> None:
    other, _ = await floor.world.grant(floor.consumer, floor.world.resources[floor.res], purpose="另一用途")
    await narrow(floor, items=["case_no"])
    await send(floor, record(1), jti="tells-of-the-case")
    await floor.world.change("UPDATE access_grant SET state = 'suspended' WHERE id = $1", other)
    (item,) = await pull(floor)
    organisation = next(iter(floor.world.organisations.values()))
    caller = SystemCaller(
        floor.consumer.id, floor.consumer.code, organisation, floor.consumer.kid, Actor("system", "c")
    )
    assert (await read_exchange(floor.connection, item.exchange, caller)).jti == opened(item)[0].jti
    await floor.world.change("UPDATE access_grant SET state = 'active' WHERE id = $1", other)
    assert len(await pull(floor)) == 2
    assert (await read_exchange(floor.connection, item.exchange, caller)).jti == "tells-of-the-case"


async def test_a_repeated_envelope_makes_no_second_projection(floor: Floor) -> None:
    await narrow(floor, items=["case_no"])
    sent, _ = await send(floor, record(1))
    await floor.intake.accept(sent, address="", request_id="r")
    assert await floor.connection.fetchval("SELECT count(*) FROM projection") == 1


async def test_the_original_is_never_given_in_place_of_a_projection_that_is_lost(floor: Floor) -> None:
    await narrow(floor, items=["case_no"])
    sent, _ = await send(floor, record(1))
    await pull(floor)
    await floor.connection.execute("DELETE FROM projection")
    assert sent not in [item.envelope for item in await pull(floor)]
