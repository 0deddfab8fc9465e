"""The loop that polls: acknowledgements that come back by another way than the answer to a push, such as files behind a gateway.

Each is handed to where all acknowledgements go, which verifies, keeps and logs it; only then is it put away. A death in between
makes it come again, and what was counted counts once. One that is refused for good is put away with the reason; one that cannot
be judged now stays where it is.

A target is polled in a task of its own, and not again before that has ended: a folder that hangs holds nobody else up. Any number
of workers may poll the same target.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid4

import asyncpg

from adapters.errors import AdapterError
from adapters.protocol import Polling
from hub.db.faults import FAULTS
from hub.delivery.making import Adapters
from hub.errors import Refused

log = logging.getLogger(__name__)

EVERY_S = 0.5
"""How often each target is looked at."""

REST_S = 30.0
"""Rest of a target whose folder is not there, so that the log is not filled with it."""

MOST_AT_ONCE = 100
"""Acknowledgements taken from a target in one look."""

OLDEST_S = 31 * 86400
"""How old an acknowledgement may be: files wait for gateways, and over a long holiday for people."""

NOT_NOW = frozenset({"unavailable", "rate-limited"})
"""Refusals that say nothing about the message."""

TARGETS = """
SELECT t.system_id, s.code, t.adapter, t.settings, t.secrets FROM push_target t JOIN system s ON s.id = t.system_id
WHERE NOT t.holds ORDER BY t.system_id
"""
"""Paused ones too: what they have handed over may still be acknowledged."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]

_ResultT = TypeVar("_ResultT")


class Acknowledge(Protocol):
    """Takes a consumer's signed acknowledgement, as the inbox does, however old it is up to `oldest_s`."""

    def __call__(self, compact: bytes, *, address: str, request_id: str, oldest_s: int) -> Awaitable[bytes]:
        """Raises `Refused` where it does not count."""


@dataclass(slots=True)
class Polls:
    """The loop of one worker process; `connect` opens the connection by which it reads the targets."""

    connect: Connect
    adapters: Adapters
    acknowledge: Acknowledge
    every_s: float = EVERY_S
    _open: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)
    _resting: dict[UUID, float] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set; a database that is away is waited for."""
        try:
            while not stop.is_set():
                try:
                    await self._look_until_fault(stop)
                except FAULTS as fault:
                    log.warning("polling put off", extra={"fault": type(fault).__name__})
                    await self._wait(stop)
        finally:
            left = list(self._open.values())
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _look_until_fault(self, stop: asyncio.Event) -> None:
        connection = await self.connect()
        try:
            while not stop.is_set():
                now = asyncio.get_running_loop().time()
                for row in await connection.fetch(TARGETS):
                    if row["system_id"] not in self._open and self._resting.get(row["system_id"], now) <= now:
                        self._start(*row)
                await self._wait(stop)
        finally:
            connection.terminate()

    def _start(self, system: UUID, code: str, adapter: str, settings: dict[str, Any], locked: bytes | None) -> None:
        polling = self._poll(system, code, adapter, settings, locked)
        task = self._open[system] = asyncio.create_task(polling, name=f"poll {code}")
        task.add_done_callback(lambda done: self._ended(system, code, done))

    async def _poll(
        self, system: UUID, code: str, adapter: str, settings: dict[str, Any], locked: bytes | None
    ) -> None:
        target = self.adapters.polling(system, code, adapter, settings, locked)
        if target is None:
            return
        for acknowledgement in await _of_adapter(target.poll(limit=MOST_AT_ONCE)):
            await self._take(target, code, acknowledgement)

    async def _take(self, target: Polling, code: str, acknowledgement: bytes) -> None:
        request = uuid4().hex
        try:
            await self.acknowledge(acknowledgement, address="", request_id=request, oldest_s=OLDEST_S)
        except Refused as refusal:
            log.warning(
                "a polled acknowledgement was refused",
                extra={"system": code, "slug": refusal.slug, "request_id": request},
            )
            if refusal.slug not in NOT_NOW:
                await _of_adapter(target.put_away(acknowledgement, refused=refusal.slug))
            return
        await _of_adapter(target.put_away(acknowledgement))

    def _ended(self, system: UUID, code: str, task: asyncio.Task[None]) -> None:
        del self._open[system]
        fault = None if task.cancelled() else task.exception()
        self._resting.pop(system, None)
        if fault is None or isinstance(fault, FAULTS):
            return
        self._resting[system] = asyncio.get_running_loop().time() + REST_S
        reason = fault.reason if isinstance(fault, AdapterError) else type(fault).__name__
        log.warning("a target cannot be polled", extra={"system": code, "reason": reason})

    async def _wait(self, stop: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.every_s):
                await stop.wait()


async def _of_adapter(call: Awaitable[_ResultT]) -> _ResultT:
    """What an adapter's call returns. What looks like a fault of the database is the adapter's own here. Raises AdapterError."""
    try:
        return await call
    except FAULTS as fault:
        raise AdapterError(
            reason="adapter-fault",
            zh=f"适配器出错：{type(fault).__name__}",
            en=f"the adapter failed: {type(fault).__name__}",
        ) from fault
