"""The county of a chaos run: two providers that stay and some whose keys will be compromised, four consumers at two sinks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hub.db.engine import Database
from hub.delivery.targets import NewTarget, set_target
from tests.chaos.clients import Posting
from tests.support.world import TestSystem, World

PLAIN, SIGNING, MOVING, PARKING = "plain", "signing", "moving", "parking"
"""Consumers: one that loses its certificate at times, one that signs what it got, one that moves, one that rejects."""

COMPROMISED = "keyCompromise"


@dataclass(frozen=True, slots=True)
class PushLane:
    """A lane with its grant and its resource's code."""

    id: UUID
    grant: UUID
    res: str


@dataclass(slots=True)
class Consumer:
    """A consumer that is pushed to; `urls` are the one in use and the one it moves to."""

    system: TestSystem
    sink: int
    urls: Sequence[str]
    policy: str
    max_attempts: int
    lanes: list[PushLane] = field(default_factory=list)

    @property
    def lane_ids(self) -> list[UUID]:
        """The ids of its lanes."""
        return [lane.id for lane in self.lanes]

    @property
    def scopes(self) -> list[tuple[str, str]]:
        """All its lanes."""
        return [("lane", str(lane.id)) for lane in self.lanes]


@dataclass(slots=True)
class PushCounty:
    """Who takes part."""

    postings: list[Posting]
    doomed: list[Posting]
    consumers: list[Consumer]

    def consumer(self, code: str) -> Consumer:
        """The consumer of that code."""
        return next(consumer for consumer in self.consumers if consumer.system.code == code)

    @staticmethod
    def settings(url: str) -> Mapping[str, Any]:
        """Settings of the adapter for a URL of this machine."""
        return {"url": url, "networks": ["127.0.0.0/8"]}


async def make_county(
    database: Database, bases: Sequence[str], *, doomed: int, office: Mapping[str, Any]
) -> PushCounty:
    """The county, in a fresh hub; `bases` are where the two sinks are reached, `office` who sets the targets."""
    connection = await database.connect()
    try:
        world = await World.make(connection)
        postings = [await _provider(world, f"provider-{name}", n) for n, name in enumerate(("one", "two"), start=1)]
        lost = [await _provider(world, f"doomed-{n}", n) for n in range(3, 3 + doomed)]
        consumers = [
            Consumer(await world.system(PLAIN), 0, [f"{bases[0]}/{PLAIN}"], "block", 3),
            Consumer(await world.system(SIGNING), 0, [f"{bases[0]}/{SIGNING}"], "block", 3),
            Consumer(await world.system(MOVING), 1, [f"{bases[1]}/{MOVING}-{place}" for place in "ab"], "block", 3),
            Consumer(await world.system(PARKING), 1, [f"{bases[1]}/{PARKING}"], "park", 2),
        ]
        for posting in postings:
            for consumer in consumers:
                consumer.lanes.append(await _lane(world, consumer, posting.res))
        for posting in lost:
            consumers[2].lanes.append(await _lane(world, consumers[2], posting.res))
    finally:
        await connection.close()
    async with database.session() as session, session.begin():
        for consumer in consumers:
            settings = PushCounty.settings(consumer.urls[0])
            new = NewTarget(consumer.system.code, "http", settings, consumer.policy, consumer.max_attempts)
            await set_target(session, new, now=datetime.now(UTC), **office)
    return PushCounty([*postings, *lost], lost, consumers)


async def _provider(world: World, code: str, number: int) -> Posting:
    system, res = await world.system(code), f"306001000001/{number:06d}"
    await world.resource(res, system)
    return Posting(system, res)


async def _lane(world: World, consumer: Consumer, res: str) -> PushLane:
    grant, lane = await world.grant(consumer.system, world.resources[res])
    await world.change("UPDATE lane SET mode = 'push' WHERE id = $1", lane)
    await world.change("UPDATE access_grant SET mode = 'push' WHERE id = $1", grant)
    return PushLane(lane, grant, res)
