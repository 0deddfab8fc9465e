"""Load as partners make it: many connections, each posting one distinct envelope after another, resending the same bytes
until somebody answers, and keeping every receipt exactly as it came."""

import asyncio
import base64
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from uuid import UUID

import asyncpg
import orjson

from tests.support.wire import Answer, Connection

CONNECTIONS = 64
AGAIN_S = 0.05
"""Pause before the same bytes are sent again, after a 503 or a broken connection."""


@dataclass(frozen=True, slots=True)
class Held:
    """A receipt that a client holds: what it sent, what it got, and when (monotonic seconds)."""

    envelope: bytes
    receipt: bytes
    status: int
    sent_at: float
    answered_at: float

    @property
    def payload(self) -> dict[str, object]:
        """What the receipt says, unverified."""
        part = self.receipt.split(b".")[1]
        found: dict[str, object] = orjson.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
        return found


@dataclass(slots=True)
class Load:
    """As `async with`: posts to the gateways at `ports` for the length of the block; then each client finishes its last.

    `make` gives the next envelope; after each, a client pauses `pause_s`. Answers other than 201, 200 and 503 go to `refused`, by status and slug.
    """

    ports: Sequence[int]
    make: Callable[[], bytes]
    connections: int = CONNECTIONS
    pause_s: float = 0.0
    held: list[Held] = field(default_factory=list)
    refused: Counter[tuple[int, str]] = field(default_factory=Counter)
    busy: int = 0
    broken: int = 0
    _stop: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(self.connections)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop = True
        if error is not None:
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=error is not None)

    async def flows(self, count: int = 20, seconds: float = 60.0) -> None:
        """Return when `count` envelopes that were first sent after this call have their receipts.

        Fails when they do not in time, or a client has failed.
        """
        began, first = time.monotonic(), len(self.held)
        while sum(one.sent_at >= began for one in self.held[first:]) < count:
            for task in self._tasks:
                if task.done():
                    task.result()
            late = f"no receipts any more: {len(self.held) - first} in {seconds} s, {self.refused}"
            assert time.monotonic() < began + seconds, late
            await asyncio.sleep(0.01)

    async def refuses(self, status: int, slug: str, beyond: int, seconds: float = 60.0) -> None:
        """Return when more than `beyond` envelopes were refused so; fails when they are not in time."""
        deadline = time.monotonic() + seconds
        while self.refused[status, slug] <= beyond:
            assert time.monotonic() < deadline, f"nothing is refused as {slug}: {self.refused}"
            await asyncio.sleep(0.01)

    async def _client(self, number: int) -> None:
        connection: Connection | None = None
        turn = number
        while not self._stop:
            envelope = self.make()
            sent_at = time.monotonic()
            while True:
                if connection is None:
                    turn += 1
                    connection = await self._connected(self.ports[turn % len(self.ports)])
                answer = await self._post(connection, envelope) if connection is not None else None
                if answer is None:
                    connection = None
                    await asyncio.sleep(AGAIN_S)
                elif answer.status == 503:
                    self.busy += 1
                    await asyncio.sleep(AGAIN_S)
                else:
                    self._note(envelope, answer, sent_at)
                    break
            await asyncio.sleep(self.pause_s)
        if connection is not None:
            connection.close()

    async def _connected(self, port: int) -> Connection | None:
        connection = Connection(port)
        try:
            await connection.open()
        except TimeoutError:
            raise
        except OSError:
            return None
        return connection

    async def _post(self, connection: Connection, envelope: bytes) -> Answer | None:
        try:
            return await connection.post(envelope)
        except TimeoutError:
            raise
        except OSError:
            self.broken += 1
            connection.close()
            return None

    def _note(self, envelope: bytes, answer: Answer, sent_at: float) -> None:
        if answer.status in (200, 201):
            self.held.append(Held(envelope, answer.body, answer.status, sent_at, time.monotonic()))
        else:
            self.refused[answer.status, answer.slug] += 1


async def missing(connection: asyncpg.Connection, held: Sequence[Held]) -> list[str]:
    """What the database lacks of what the receipts promise; empty when every byte of every receipt is there.

    For each: the acceptance with the receipt's bytes, the exchange with the envelope's, the log entry that was promised,
    and one delivery for each lane.
    """
    faults = []
    for start in range(0, len(held), 500):
        part = {str(one.payload["exchange"]): one for one in held[start : start + 500]}
        rows = await connection.fetch(FIND, [UUID(identifier) for identifier in part])
        found = {str(row["id"]): row for row in rows}
        for identifier, one in part.items():
            row = found.get(identifier)
            if row is None:
                faults.append(f"{identifier}: not there")
                continue
            kept = (row["answer"], row["envelope"], row["leaf_hash"], row["deliveries"])
            promised = base64.b64decode(str(one.payload["entry"]))
            if kept != (one.receipt, one.envelope, promised, one.payload["lanes"]):
                faults.append(f"{identifier}: differs")
    return faults


FIND = """
WITH queued AS (
    SELECT exchange_id, count(*) AS deliveries
    FROM (SELECT exchange_id FROM delivery UNION ALL SELECT exchange_id FROM delivered) d
    WHERE exchange_id = ANY($1) GROUP BY 1
)
SELECT e.id, e.envelope, a.answer, l.leaf_hash, coalesce(q.deliveries, 0) AS deliveries
FROM exchange e JOIN acceptance a ON a.message_id = e.id JOIN log_entry l ON l.id = e.id
LEFT JOIN queued q ON q.exchange_id = e.id
WHERE e.id = ANY($1)
"""
