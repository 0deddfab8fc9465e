"""The inbox: a consumer pulls what its lanes hold, each from its oldest, and gets the same again until it acknowledges.

States of a delivery: queued (no sequence) → claimed (numbered; handed out, perhaps several times) → acknowledged (moved to
`delivered`). Numbering happens once, under the lane's lock, in the order of queue positions; numbered items go first. The
numbers are committed before anybody sees them, so a crash between commit and answer costs nothing: the next pull hands
out the same items under the same numbers (I4).

Every pull is a claim: it runs under the registry barrier and leaves a log entry when it numbers something. A lane whose
grant or consumer is not active is passed over; so are items whose signer's key was compromised or privilege withdrawn.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, zip_longest
from operator import itemgetter
from uuid import UUID

import asyncpg

from certs.canonical import canonical
from certs.digests import digest
from hub.audit import repository as audit
from hub.audit.entry import Actor, Entry, Event, make_entry
from hub.db.clock import DatabaseClock
from hub.errors import RateLimited, Refused
from hub.exchange.new_items import NewItems
from hub.identity.callers import SystemCaller
from hub.identity.tokens import active_system
from hub.ledger import repository as sql
from hub.ledger.barrier import rights_standing_still
from hub.ledger.committer import Acquire, busy
from hub.ledger.heads import within_bytes
from hub.registry.picture import LaneState, Picture, SystemState
from hub.registry.picture_store import PictureStore

MAX_LIMIT = 500
MAX_WAIT_S = 30.0

MAX_LANES_IN_ENTRY = 256
"""Lanes that one log entry of a claim names, at some 180 bytes each: a leaf has at most 65,535."""

MAX_ANSWER_BYTES = 16 << 20
"""Envelopes in one answer, together; what does not fit comes with the next pull."""

MAX_PULLS = 8
"""Pulls of one consumer at once in one gateway: its parallel workers, not its broken reconnection loop."""

LOOK_AGAIN_S = 1.0
"""A long poll looks again this often even if nothing woke it: for another gateway's news, and whether its client is there."""

MAX_ATTEMPTS = 5
"""Times that a claim begins anew because rights keep changing under it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One delivery as its consumer sees it; `envelope` is the compact serialization, `digest` the contract's over it."""

    delivery: UUID
    exchange: UUID
    resource: str
    version: int
    lane: UUID
    sequence: int
    digest: bytes
    envelope: bytes
    accepted_at: datetime


class RightsChanged(Exception):
    """The registry's epoch moved between judging and the transaction."""

    def __init__(self, epoch: int) -> None:
        super().__init__(epoch)
        self.epoch = epoch


@asynccontextmanager
async def under_barrier(
    connection: asyncpg.Connection, picture: Picture, clock: DatabaseClock
) -> AsyncIterator[datetime]:
    """A transaction in which the picture's rights hold; yields the database's time after the lock.

    Raises `RightsChanged` when they no longer do. Commits at the end of the block, rolls back on any error.
    """
    async with rights_standing_still(connection, clock) as (epoch, now):
        if epoch != picture.epoch:
            raise RightsChanged(epoch)
        yield now


@dataclass(slots=True)
class Arrivals:
    """Wakes long polls of this gateway: one event for each consumer that somebody waits for."""

    is_closed: bool = False
    _waiting: dict[UUID, set[asyncio.Event]] = field(default_factory=dict)

    def close(self) -> None:
        """Let nobody wait any more, from now on: who waits looks once more and answers."""
        self.is_closed = True
        self.wake(frozenset(self._waiting))

    def wake(self, consumers: frozenset[UUID]) -> None:
        """Something was committed for these consumers."""
        for consumer in consumers & self._waiting.keys():
            for event in self._waiting[consumer]:
                event.set()

    async def wait(self, consumer: UUID, seconds: float) -> None:
        """Return when something arrives for the consumer, after `seconds`, or when waiting is over for all."""
        if self.is_closed:
            return
        event = asyncio.Event()
        self._waiting.setdefault(consumer, set()).add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            waiting = self._waiting[consumer]
            waiting.discard(event)
            if not waiting:
                del self._waiting[consumer]


async def _never() -> bool:
    return False


@dataclass(slots=True)
class Inbox:
    """Hands out deliveries of one hub."""

    hub_id: str
    acquire: Acquire
    pictures: PictureStore
    clock: DatabaseClock
    arrivals: Arrivals = field(default_factory=Arrivals)
    _pulling: Counter[UUID] = field(default_factory=Counter)
    _new_items: NewItems = field(default_factory=NewItems)
    _turns: Counter[UUID] = field(default_factory=Counter)

    async def pull(
        self,
        caller: SystemCaller,
        *,
        limit: int,
        wait_s: float,
        request_id: str,
        is_abandoned: Callable[[], Awaitable[bool]] = _never,
    ) -> Sequence[Item]:
        """Up to `limit` unacknowledged items, each lane from its oldest; waits up to `wait_s` for the first.

        `is_abandoned` says whether the caller has gone away: then nothing more is claimed, and its place is free.

        The caller's rights are looked at anew in every claim, under the barrier: a long poll outlives them no more than
        a short one. Raises `Refused`: `grant-suspended` when the consumer's lanes are all suspended, or what has become
        of its system or certificate.
        """
        end = time.monotonic() + min(wait_s, MAX_WAIT_S)
        if self._pulling[caller.system_id] >= MAX_PULLS:
            raise RateLimited(
                f"本系统已有 {MAX_PULLS} 个取数请求在等待；请复用，不要另开",
                f"{MAX_PULLS} pulls of this system are waiting already; use those",
                retry_after=1,
            )
        self._pulling[caller.system_id] += 1
        try:
            while True:
                items = await self._claim(caller, min(limit, MAX_LIMIT), request_id)
                remaining = end - time.monotonic()
                if items or remaining <= 0 or self.arrivals.is_closed:
                    return items
                await self.arrivals.wait(caller.system_id, min(remaining, LOOK_AGAIN_S))
                if await is_abandoned():
                    return []
        finally:
            self._pulling[caller.system_id] -= 1
            if not self._pulling[caller.system_id]:
                del self._pulling[caller.system_id]

    async def _claim(self, caller: SystemCaller, limit: int, request_id: str) -> Sequence[Item]:
        picture = self.pictures.picture
        for _ in range(MAX_ATTEMPTS):
            try:
                async with self.acquire() as connection, under_barrier(connection, picture, self.clock) as now:
                    consumer = active_system(picture, caller.code, caller.kid, now=now)
                    lanes = open_lanes(picture, consumer, now)
                    if not lanes:
                        return []
                    return await self._claim_from(connection, picture, lanes, caller.actor, limit, request_id, now)
            except RightsChanged as changed:
                picture = await self.pictures.at_least(changed.epoch)
        raise busy()

    async def _claim_from(
        self,
        connection: asyncpg.Connection,
        picture: Picture,
        lanes: Sequence[LaneState],
        actor: Actor,
        limit: int,
        request_id: str,
        now: datetime,
    ) -> Sequence[Item]:
        ids = [lane.id for lane in lanes]
        next_numbers = {r["id"]: r["next_sequence"] for r in await connection.fetch(sql.LOCK_LANES_WITH_NEW, ids)}
        narrowed_by = {lane.id: lane.narrowed_by for lane in lanes}
        heads = await connection.fetch(
            sql.HEADS_NUMBERED, ids, limit, picture.stopped_signers, list(narrowed_by.values())
        )
        fresh = await self._new_items.at_heads(
            connection, {lane: narrowed_by[lane] for lane in next_numbers}, limit, picture.stopped_signers
        )
        self._turns[lanes[0].consumer.id] += 1
        offered = choose(heads, fresh, limit, turn=self._turns[lanes[0].consumer.id])
        chosen = grouped(await within_bytes(connection, in_turn(offered), MAX_ANSWER_BYTES))
        numbered = number([row for row in chosen if "position" in row], next_numbers)
        if numbered:
            await connection.execute(
                sql.NUMBER_DELIVERIES, [row["id"] for row, _ in numbered], [number for _, number in numbered], now
            )
            await connection.execute(sql.ADVANCE_LANES, *_advances(numbered))
            await audit.insert(connection, self._entries(numbered, actor, lanes[0].consumer.region, request_id, now))
        if not chosen:
            return []
        sequences = {row["id"]: sequence for row, sequence in numbered}
        envelopes = {r["id"]: r for r in await connection.fetch(sql.FETCH_ENVELOPES, [row["id"] for row in chosen])}
        codes = {lane.id: lane.resource_code for lane in lanes}
        return [
            Item(
                delivery=row["id"],
                exchange=row["exchange_id"],
                resource=codes[row["lane_id"]],
                version=envelopes[row["id"]]["version"],
                lane=row["lane_id"],
                sequence=sequences[row["id"]] if row["id"] in sequences else row["sequence"],
                digest=row["digest"],
                envelope=envelopes[row["id"]]["envelope"],
                accepted_at=envelopes[row["id"]]["accepted_at"],
            )
            for row in chosen
        ]

    def _entries(
        self, numbered: Sequence[tuple[asyncpg.Record, int]], actor: Actor, region: str, request_id: str, now: datetime
    ) -> list[Entry]:
        """What the claim leaves in the log: one entry, or several where it has more lanes than a leaf has room for."""
        lanes = [list(group) for _, group in groupby(numbered, key=lambda pair: pair[0]["lane_id"])]
        return [
            self._entry(lanes[at : at + MAX_LANES_IN_ENTRY], actor, region, request_id, now)
            for at in range(0, len(lanes), MAX_LANES_IN_ENTRY)
        ]

    def _entry(
        self,
        lanes: Sequence[Sequence[tuple[asyncpg.Record, int]]],
        actor: Actor,
        region: str,
        request_id: str,
        now: datetime,
    ) -> Entry:
        """Each lane with its first and last number and a digest over what was handed out."""
        shown = []
        for rows in lanes:
            handed = [[str(row["id"]), sequence, row["digest"].hex()] for row, sequence in rows]
            shown.append(
                {
                    "lane": str(rows[0][0]["lane_id"]),
                    "first": rows[0][1],
                    "last": rows[-1][1],
                    "deliveries": digest(canonical(handed)),
                }
            )
        event = Event(
            type="delivery.claimed",
            actor=actor,
            object_type="system",
            object_id=actor.id,
            rows=sum(map(len, lanes)),
            request_id=request_id,
            details={"lanes": shown},
        )
        return make_entry(event, hub=self.hub_id, region=region, now=now)


def open_lanes(picture: Picture, consumer: SystemState, now: datetime) -> Sequence[LaneState]:
    """The consumer's lanes from which it may take now. Raises `Refused` when there are lanes and all are suspended."""
    lanes = picture.inboxes.get(consumer.id, ())
    valid = [lane for lane in lanes if lane.valid_from <= now < lane.valid_to and _is_shared(picture, lane)]
    active = [lane for lane in valid if lane.state == "active"]
    if valid and not active:
        raise Refused(
            "所有授权均已暂停，恢复前不能取数；请联系数据提供部门",
            "all your grants are suspended: nothing is handed out until one resumes; ask the provider",
            slug="grant-suspended",
        )
    return active


def _is_shared(picture: Picture, lane: LaneState) -> bool:
    """Whether the lane's resource is published: suspending or withdrawing one stops its exchange at both ends."""
    return picture.resources[lane.resource_code].status == "published"


def choose(
    numbered: Sequence[asyncpg.Record], fresh: Sequence[asyncpg.Record], limit: int, *, turn: int = 0
) -> Sequence[asyncpg.Record]:
    """Up to `limit` rows, taken from the lanes in turn so that a busy one does not hide the others.

    Each lane's numbered rows come first, in order, then its new ones; the answer is grouped by lane. With another `turn` another
    lane is served first: of more lanes than `limit` each has its turn.
    """
    by_lane = _by_lane([*numbered, *fresh])
    lanes = sorted(by_lane)
    first = turn % max(1, len(lanes))
    by_lane = {lane: by_lane[lane] for lane in lanes[first:] + lanes[:first]}
    share: dict[UUID, int] = dict.fromkeys(by_lane, 0)
    left = limit
    while left > 0:
        hungry = [lane for lane, rows in by_lane.items() if share[lane] < len(rows)]
        if not hungry:
            break
        for lane in hungry[:left]:
            take = min(max(1, left // len(hungry)), len(by_lane[lane]) - share[lane])
            share[lane] += take
            left -= take
    return [row for lane, rows in by_lane.items() for row in rows[: share[lane]]]


def in_turn(rows: Sequence[asyncpg.Record]) -> Sequence[asyncpg.Record]:
    """The same rows, one of each lane before the second of any: what is cut off at the end is cut off all lanes alike."""
    rounds = zip_longest(*_by_lane(rows).values())
    return [row for one in rounds for row in one if row is not None]


def grouped(rows: Sequence[asyncpg.Record]) -> Sequence[asyncpg.Record]:
    """The same rows lane by lane, each lane's in their order."""
    return [row for lane in _by_lane(rows).values() for row in lane]


def _by_lane(rows: Sequence[asyncpg.Record]) -> dict[UUID, list[asyncpg.Record]]:
    found: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        found.setdefault(row["lane_id"], []).append(row)
    return found


def number(fresh: Sequence[asyncpg.Record], next_numbers: dict[UUID, int]) -> Sequence[tuple[asyncpg.Record, int]]:
    """Give each new row its lane's next sequence; `fresh` is in queue order within each lane."""
    given = dict(next_numbers)
    numbered = []
    for row in sorted(fresh, key=itemgetter("lane_id")):
        numbered.append((row, given[row["lane_id"]]))
        given[row["lane_id"]] += 1
    return numbered


def _advances(numbered: Sequence[tuple[asyncpg.Record, int]]) -> tuple[list[UUID], list[int]]:
    highest = {row["lane_id"]: sequence for row, sequence in numbered}
    return list(highest), [sequence + 1 for sequence in highest.values()]
