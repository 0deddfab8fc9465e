"""The log is read by its times: an acknowledgement is never dated before what it names, whichever clock runs ahead."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson

from hub.audit.entry import Actor
from hub.db.clock import DatabaseClock
from hub.exchange.acknowledging import Acknowledging
from hub.exchange.inbox import Item
from hub.identity.callers import SystemCaller
from tests.hub.exchange.conftest import Floor

AHEAD = timedelta(seconds=1)
"""Within what a gateway's clock may differ from the database's."""


async def published(floor: Floor) -> Sequence[Item]:
    await floor.intake.accept(floor.provider.exchange(floor.res), address="", request_id="r")
    consumer = floor.consumer
    organisation = next(iter(floor.world.organisations.values()))
    caller = SystemCaller(consumer.id, consumer.code, organisation, consumer.kid, Actor("system", consumer.code))
    return await floor.inbox.pull(caller, limit=10, wait_s=0, request_id="r")


async def acknowledged(floor: Floor, acknowledging: Acknowledging, items: Sequence[Item]) -> datetime:
    """When the log says that these were acknowledged."""
    ack = floor.consumer.ack([(str(item.delivery), f"sha-256:{item.digest.hex()}") for item in items])
    await acknowledging.acknowledge(ack, address="", request_id="r")
    rows = await floor.connection.fetch(
        "SELECT e.leaf, d.ended_at FROM log_entry e, delivered d WHERE e.event = 'delivery.acknowledged'"
    )
    time = datetime.fromisoformat(orjson.loads(rows[-1]["leaf"])["time"])
    assert rows[-1]["ended_at"] == time
    return time


async def test_what_a_gateway_ahead_of_the_database_accepted_is_acknowledged_later_at_another(floor: Floor) -> None:
    gate = floor.acknowledging.gate
    gate.clock.not_before(datetime.now(UTC) + AHEAD)
    items = await published(floor)
    elsewhere = Acknowledging(replace(gate, clock=DatabaseClock()), floor.acknowledging.acquire)
    assert await acknowledged(floor, elsewhere, items) > max(item.accepted_at for item in items)


async def test_what_rests_on_a_later_picture_is_not_dated_before_it(floor: Floor) -> None:
    items = await published(floor)
    moment = datetime.now(UTC) + AHEAD
    floor.acknowledging.gate.clock.not_before(moment)
    assert await acknowledged(floor, floor.acknowledging, items) >= moment
