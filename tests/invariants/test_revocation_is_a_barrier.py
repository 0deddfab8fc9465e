"""I3: certificates, systems and grants are revoked while 64 connections post to two gateways; judged by commit time.

The server notes when each transaction committed (`track_commit_timestamp`). A shared lock is held until its transaction
has committed, so the time of every acceptance lies clearly before or after that of every change of rights.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.access.service import resume_grant, suspend_grant
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.registry.certificates import revoke_certificate
from hub.registry.service import resume_system, suspend_system
from tests.invariants.county import County
from tests.support.load import Load, missing
from tests.support.puller import Puller
from tests.support.wire import Connection
from tests.support.world import HUB, TestSystem, record

pytestmark = pytest.mark.process

ROUNDS = 20

SEED = int(os.environ.get("SHUNIU_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
OFFICER: dict[str, Any] = {
    "actor": Actor("staff", "00000000-0000-7000-8000-000000000001", role="security"),
    "recorder": Recorder(HUB, "621124"),
}

REVOKED, SUSPENDED = (401, "certificate-revoked"), (403, "system-suspended")

PATIENT = "SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('lock_timeout', '60s', true)"
"""The server otherwise ends an act whose process pauses for five seconds: gateways wait for it, or say 503."""

Act = Callable[[AsyncSession, datetime], Awaitable[object]]

COMMITTED = "SELECT epoch, pg_xact_commit_timestamp(xmin) AS at FROM registry_epoch"

ACCEPTED = """
WITH queued AS (
    SELECT exchange_id, array_agg(lane_id) AS lanes
    FROM (SELECT exchange_id, lane_id FROM delivery UNION ALL SELECT exchange_id, lane_id FROM delivered) d GROUP BY 1
)
SELECT e.kid, s.code AS sender, e.epoch, pg_xact_commit_timestamp(e.xmin) AS at, coalesce(lanes, '{}') AS lanes
FROM exchange e JOIN system s ON s.id = e.sender_id LEFT JOIN queued q ON q.exchange_id = e.id
"""

CLAIMED = (
    "SELECT object_id AS consumer, pg_xact_commit_timestamp(xmin) AS at FROM log_entry WHERE event = 'delivery.claimed'"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a change of rights committed, in both ways of counting."""

    epoch: int
    at: datetime


@dataclass(slots=True)
class Office:
    """A security officer who changes rights through the product's own services, and writes down when that was."""

    database: Database
    connection: asyncpg.Connection
    closed: dict[object, list[tuple[Moment, Moment | None]]] = field(default_factory=dict)

    async def _do(self, act: Act) -> Moment:
        async with self.database.session() as session, session.begin():
            await session.execute(text(PATIENT))
            await act(session, datetime.now(UTC))
        row = await self.connection.fetchrow(COMMITTED)
        assert row is not None
        return Moment(row["epoch"], row["at"])

    async def revoke(self, kid: str) -> None:
        """Revoke a certificate, for good."""
        moment = await self._do(lambda s, now: revoke_certificate(s, kid, reason="superseded", now=now, **OFFICER))
        self.closed[kid] = [(moment, None)]

    async def pause(self, what: object, stop: Act, resume: Act, meanwhile: Awaitable[None]) -> None:
        """Suspend something, and let it take part again once `meanwhile` is over."""
        stopped = await self._do(stop)
        await meanwhile
        self.closed.setdefault(what, []).append((stopped, await self._do(resume)))

    def was_closed(self, what: object, at: datetime, epoch: int | None = None) -> bool:
        """Whether it was suspended or revoked at that time, or in that epoch."""
        for begin, end in self.closed.get(what, ()):
            if begin.at <= at and (end is None or at <= end.at):
                return True
            if epoch is not None and begin.epoch <= epoch and (end is None or epoch < end.epoch):
                return True
        return False


async def senders(found: County, names: Sequence[str]) -> dict[str, tuple[TestSystem, str]]:
    """Providers, each with a resource that the first consumer gets."""
    made = {}
    for number, name in enumerate(names, start=2):
        system, res = await found.world.system(name), f"306001000001/{number:06d}"
        await found.world.grant(found.consumers[0], await found.world.resource(res, system))
        made[name] = (system, res)
    return made


async def keep_pulling(puller: Puller, port: int) -> None:
    """Pull and acknowledge without a pause."""
    async with Connection(port) as connection:
        while True:
            answer = await puller.pull(connection, limit=20)
            items = answer.json()["items"] if answer.status == 200 else []
            if items:
                await puller.acknowledge(connection, items)
            else:
                await asyncio.sleep(0.01)


async def change_rights(
    found: County,
    office: Office,
    posting: dict[str, tuple[TestSystem, str]],
    load: Load,
    moments: random.Random,
    rounds: int,
) -> None:
    """Revoke certificates; suspend and resume a system and a grant; under load, at random moments."""

    def grant(act: Callable[..., Awaitable[object]], **more: object) -> Act:
        return lambda s, now: act(s, found.grants[1], now=now, **more, **OFFICER)

    def system(act: Callable[..., Awaitable[object]], **more: object) -> Act:
        return lambda s, now: act(s, found.provider.code, now=now, **more, **OFFICER)

    async def refused(status: int, slug: str, *, beyond: int) -> None:
        await asyncio.sleep(moments.uniform(0.02, 0.1))
        await load.refuses(status, slug, beyond)

    doomed = [name for name in posting if name.startswith("doomed")]
    for name in doomed[:rounds]:
        await asyncio.sleep(moments.uniform(0.02, 0.1))
        before = load.refused[REVOKED]
        await office.revoke(posting[name][0].kid)
        await load.flows(5)
        await load.refuses(*REVOKED, beyond=before)
        del posting[name]
        await asyncio.sleep(moments.uniform(0.02, 0.1))
        reason = {"reason": "演练"}
        met = refused(*SUSPENDED, beyond=load.refused[SUSPENDED])
        await office.pause(found.provider.code, system(suspend_system, **reason), system(resume_system), met)
        await asyncio.sleep(moments.uniform(0.02, 0.1))
        a_moment = asyncio.sleep(moments.uniform(0.02, 0.1))
        await office.pause(found.lanes[1], grant(suspend_grant, **reason), grant(resume_grant), a_moment)


async def nothing_is_accepted_after_a_revocation(found: County, rounds: int) -> None:
    print(f"seed {SEED}: SHUNIU_TEST_SEED={SEED} repeats it")
    doomed = await senders(found, [f"doomed-{n}" for n in range(rounds)])
    posting = {**doomed, "steady": (found.provider, "306001000001/000001")}
    turns, numbers = cycle(range(1 << 20)), cycle(range(1, 999_999))

    def envelope() -> bytes:
        names = list(posting)
        # every other envelope comes from the system that stays
        name = "steady" if (turn := next(turns)) % 2 else names[(turn // 2) % len(names)]
        system, res = posting[name]
        return system.exchange(res, [record(next(numbers))])

    database = Database(found.hub.dsn, application="office")
    office = Office(database, found.connection)
    pullers = [asyncio.create_task(keep_pulling(Puller(found.consumers[1]), port)) for port in found.hub.ports]
    try:
        async with Load(found.hub.ports, envelope) as load:
            await load.flows()
            await change_rights(found, office, posting, load, random.Random(SEED), rounds)
    finally:
        for puller in pullers:
            puller.cancel()
        results = await asyncio.gather(*pullers, return_exceptions=True)
        await database.dispose()
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results
    assert set(load.refused) <= {REVOKED, SUSPENDED}
    assert min(load.refused[REVOKED], load.refused[SUSPENDED]) >= rounds
    assert await late(found, office) == []
    assert await missing(found.connection, load.held) == []
    print(f"{len(load.held)} receipts, refused: {dict(load.refused)}")


async def late(found: County, office: Office) -> list[str]:
    """Every acceptance, delivery and claim that committed while the right to it was taken away."""
    faults = []
    sent_to_paused = 0
    for row in await found.connection.fetch(ACCEPTED):
        faults += [
            f"accepted or queued at {row['at']}, epoch {row['epoch']}: {party}"
            for party in (row["kid"], row["sender"], *row["lanes"])
            if office.was_closed(party, row["at"], row["epoch"])
        ]
        sent_to_paused += found.lanes[1] in row["lanes"]
    claims = await found.connection.fetch(CLAIMED)
    lane_of: Mapping[str, UUID] = {found.consumers[1].code: found.lanes[1]}
    faults += [
        f"claimed at {r['at']} by {r['consumer']}"
        for r in claims
        if office.was_closed(lane_of.get(r["consumer"]), r["at"])
    ]
    assert sent_to_paused
    assert claims
    return faults


async def test_nothing_is_accepted_queued_or_claimed_after_the_right_to_it_was_taken_away(calm: County) -> None:
    await nothing_is_accepted_after_a_revocation(calm, ROUNDS)
