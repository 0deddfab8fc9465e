"""The security officer of a chaos run: closes rights and opens them again through the product's own services, and writes down
when the server says that each change committed."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from certs.authority import make_csr
from certs.keys import generate_key
from hub.access.service import resume_grant, suspend_grant
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.db.engine import Database
from hub.db.faults import FAULTS
from hub.delivery.dead_letters import Selection, count_dead_letters, replay_many
from hub.delivery.errors import CountHasChanged
from hub.delivery.lanes import pause_lane, resume_lane
from hub.delivery.targets import NewTarget, pause_target, resume_target, set_target
from hub.errors import Unavailable
from hub.registry.certificates import issue_certificate, revoke_certificate
from hub.registry.errors import WrongState
from hub.registry.keyring import KeyRing
from hub.registry.service import resume_system, suspend_system
from tests.chaos.county import COMPROMISED, MOVING, PARKING, PLAIN, PushCounty
from tests.support.world import HUB

AGAIN_S = 0.1
BACKLOG_S = 0.4
"""Time for clients to post something to the lanes that are about to lose their right."""

PATIENCE_S = 60.0
"""A change of rights that does not go through for so long, whatever is killed meanwhile, is a fault of its own."""

WHO: dict[str, Any] = {
    "actor": Actor("staff", "00000000-0000-7000-8000-000000000001", role="security"),
    "recorder": Recorder(HUB, "621124"),
}
WHY: dict[str, Any] = {"reason": "演练"}

COMMITTED = text("SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float FROM registry_epoch")
"""When the last change of rights committed: nobody but the office makes any."""

Act = Callable[[AsyncSession, datetime], Awaitable[object]]
Scopes = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Office:
    """Closes and opens; every span that is over, or that never ends, is a line in `path`."""

    county: PushCounty
    database: Database
    keyring: KeyRing
    path: Path
    moments: random.Random
    done: Counter[str] = field(default_factory=Counter)
    _kids: dict[str, str] = field(default_factory=dict)
    _deck: list[str] = field(default_factory=list)

    async def work(self, stop: asyncio.Event) -> None:
        """One act after another, each undone after a moment, until told to stop, each kind at least once."""
        acts: Mapping[str, Callable[[], Awaitable[None]]] = {
            "grant": self.suspend_a_grant,
            "system": self.suspend_a_system,
            "target": self.pause_a_target,
            "certificate": self.revoke_the_consumers_certificate,
            "move": self.move_the_target,
            "compromise": self.revoke_a_compromised_sender,
            "replay": self.replay,
        }
        while not stop.is_set() or acts.keys() - self.done.keys():
            self._deck = self._deck or self.moments.sample(list(acts), k=len(acts))
            name = self._deck.pop()
            await acts[name]()
            self.done[name] += 1
            try:
                await asyncio.wait_for(stop.wait(), self.moments.uniform(0.1, 0.8))
            except TimeoutError:
                continue

    async def suspend_a_grant(self) -> None:
        """A grant, and so a lane."""
        consumer = self.moments.choice(self.county.consumers)
        lane = self.moments.choice(consumer.lanes)
        await self._close(
            [lane.id],
            [("lane", str(lane.id))],
            lambda s, now: suspend_grant(s, lane.grant, now=now, **WHY, **WHO),
            lambda s, now: resume_grant(s, lane.grant, now=now, **WHO),
        )

    async def suspend_a_system(self) -> None:
        """A consumer, and so all its lanes."""
        consumer = self.moments.choice(self.county.consumers)
        await self._close(
            consumer.lane_ids,
            consumer.scopes,
            lambda s, now: suspend_system(s, consumer.system.code, now=now, **WHY, **WHO),
            lambda s, now: resume_system(s, consumer.system.code, now=now, **WHO),
        )

    async def pause_a_target(self) -> None:
        """The place that a consumer is pushed to."""
        consumer = self.moments.choice(self.county.consumers)
        await self._close(
            consumer.lane_ids,
            consumer.scopes,
            lambda s, now: pause_target(s, consumer.system.code, now=now, **WHY, **WHO),
            lambda s, now: resume_target(s, consumer.system.code, now=now, **WHO),
        )

    async def revoke_the_consumers_certificate(self) -> None:
        """A consumer without a certificate gets nothing; then it gets another."""
        consumer = self.county.consumer(PLAIN)
        code = consumer.system.code
        kid = self._kids.get(code, consumer.system.kid)
        csr = make_csr(generate_key("ES256"), code)

        async def issue(session: AsyncSession, now: datetime) -> None:
            made = await issue_certificate(session, self.keyring, system_code=code, csr_pem=csr, now=now, **WHO)
            self._kids[code] = made.certificate.kid

        await self._close(
            consumer.lane_ids,
            consumer.scopes,
            lambda s, now: revoke_certificate(s, kid, reason="superseded", now=now, **WHO),
            issue,
        )

    async def move_the_target(self) -> None:
        """Another URL, and back: nothing starts towards the old one."""
        consumer = self.county.consumer(MOVING)
        here, there = consumer.urls

        def to(url: str) -> Act:
            settings = self.county.settings(url)
            new = NewTarget(consumer.system.code, "http", settings, consumer.policy, consumer.max_attempts)
            return lambda s, now: set_target(s, new, now=now, **WHO)

        await self._close(consumer.lane_ids, [("url", here)], to(there), to(here))

    async def revoke_a_compromised_sender(self) -> None:
        """A sender whose key is compromised: what it sent stays where it is, for good."""
        if not self.county.doomed:
            return
        doomed = self.county.doomed.pop()
        kid = doomed.system.kid
        lanes = [lane.id for consumer in self.county.consumers for lane in consumer.lanes if lane.res == doomed.res]
        since = await self._shut(lanes, lambda s, now: revoke_certificate(s, kid, reason=COMPROMISED, now=now, **WHO))
        self._note([("kid", kid)], since, None)

    async def replay(self) -> None:
        """Replay what is parked by now; where the count moved or the database went away, another time."""
        selection = Selection(consumer=self.county.consumer(PARKING).system.code)
        try:
            async with self.database.session() as session, session.begin():
                count = await count_dead_letters(session, selection)
                await replay_many(session, selection, expected=count, now=datetime.now(UTC), **WHO)
        except (CountHasChanged, *FAULTS):
            return

    async def _shut(self, lanes: Sequence[UUID], shut: Act) -> float:
        """Close a right while its lanes have something to push, which a pause has held up until then."""
        for lane in lanes:
            await self._do(partial(_pause, lane))
        await asyncio.sleep(BACKLOG_S)
        since = await self._do(shut)
        for lane in lanes:
            await self._do(partial(_resume, lane))
        return since

    async def _close(self, lanes: Sequence[UUID], scopes: Scopes, shut: Act, reopen: Act) -> None:
        since = await self._shut(lanes, shut)
        await asyncio.sleep(self.moments.uniform(0.3, 2.0))
        self._note(scopes, since, await self._do(reopen))

    async def _do(self, act: Act) -> float:
        """Do it until it is done; returns when it committed."""
        in_doubt = False
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                async with self.database.session() as session, session.begin():
                    await act(session, datetime.now(UTC))
                break
            except WrongState:
                assert in_doubt  # a first try had committed, and only its answer was lost
                break
            except (Unavailable, *FAULTS):
                if time.monotonic() > deadline:
                    raise
                in_doubt = True
                await asyncio.sleep(AGAIN_S)
        return await self._committed()

    async def _committed(self) -> float:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                async with self.database.session() as session:
                    return float((await session.execute(COMMITTED)).scalar_one())
            except FAULTS:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(AGAIN_S)

    def _note(self, scopes: Scopes, since: float, until: float | None) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            for scope, name in scopes:
                file.write(json.dumps({"scope": scope, "name": name, "since": since, "until": until}) + "\n")


async def _pause(lane: UUID, session: AsyncSession, now: datetime) -> None:
    await pause_lane(session, lane, now=now, **WHY, **WHO)


async def _resume(lane: UUID, session: AsyncSession, now: datetime) -> None:
    await resume_lane(session, lane, now=now, **WHO)
