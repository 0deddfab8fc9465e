"""A resource with thousands of lanes: what the log says of it fits into the log's bundles, or the thing does not happen."""

import orjson
import pytest

from certs.leaf_grants import read_grants
from certs.tile_files import LONGEST_ENTRY, write_bundle
from hub.audit.entry import Actor
from hub.errors import Refused
from hub.exchange.inbox import MAX_LIMIT
from hub.identity.callers import SystemCaller
from tests.hub.exchange.conftest import Floor

LANES = """
WITH made AS (
    INSERT INTO lane (id, consumer_id, resource_id, purpose, mode, created_at)
    SELECT gen_random_uuid(), l.consumer_id, l.resource_id, l.purpose || n, l.mode, l.created_at
    FROM lane l, generate_series(1, $1) AS n RETURNING *
), granted AS (
    INSERT INTO access_grant (id, lane_id, consumer_id, resource_id, purpose, basis, mode, valid_from, valid_to, state,
                              created_at, updated_at)
    SELECT gen_random_uuid(), m.id, m.consumer_id, m.resource_id, m.purpose, g.basis, g.mode, g.valid_from, g.valid_to,
           g.state, g.created_at, g.updated_at FROM made m, access_grant g RETURNING id
)
INSERT INTO grant_version SELECT granted.id, v.version, v.schema_digest FROM granted, grant_version v
"""


async def with_lanes(floor: Floor, count: int) -> None:
    """As many lanes in all."""
    await floor.world.change(LANES, count - 1)


async def leaves(floor: Floor, event: str) -> list[bytes]:
    rows = await floor.connection.fetch("SELECT leaf FROM log_entry WHERE event = $1 ORDER BY occurred_at, ctid", event)
    return [row["leaf"] for row in rows]


async def test_an_exchange_to_two_thousand_lanes_is_accepted_and_its_leaf_names_every_grant(floor: Floor) -> None:
    await with_lanes(floor, 2_000)
    await floor.intake.accept(floor.provider.exchange(floor.res), address="192.0.2.7", request_id="r")
    (leaf,) = await leaves(floor, "exchange.accepted")
    assert write_bundle([leaf])
    rows = await floor.connection.fetch("SELECT id::text FROM access_grant")
    named = read_grants(orjson.loads(leaf)["details"])
    assert named is not None
    assert sorted(named) == sorted(row["id"] for row in rows)
    # a pull takes more lanes than one entry of the log has room for
    consumer = floor.consumer
    organisation = next(iter(floor.world.organisations.values()))
    caller = SystemCaller(consumer.id, consumer.code, organisation, consumer.kid, Actor("system", consumer.code))
    items = await floor.inbox.pull(caller, limit=MAX_LIMIT, wait_s=0, request_id="r")
    assert len({item.lane for item in items}) == MAX_LIMIT
    claims = await leaves(floor, "delivery.claimed")
    assert len(claims) == 2
    assert write_bundle(claims)
    lanes = [lane["lane"] for claim in claims for lane in orjson.loads(claim)["details"]["lanes"]]
    assert sorted(lanes) == sorted(str(item.lane) for item in items)
    assert sum(orjson.loads(claim)["rows"] for claim in claims) == MAX_LIMIT


async def test_an_exchange_whose_leaf_would_be_too_long_is_refused_logged_and_leaves_nothing(floor: Floor) -> None:
    await with_lanes(floor, 3_200)
    envelope = floor.provider.exchange(floor.res)
    with pytest.raises(Refused, match="65535") as caught:
        await floor.intake.accept(envelope, address="192.0.2.7", request_id="r")
    assert caught.value.slug == "too-large"
    assert await leaves(floor, "exchange.accepted") == []
    assert await floor.connection.fetchval("SELECT count(*) FROM acceptance") == 0
    (refused,) = await leaves(floor, "message.refused")
    assert orjson.loads(refused)["error"] == "too-large"
    assert len(refused) < LONGEST_ENTRY
