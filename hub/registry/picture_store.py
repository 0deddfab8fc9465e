"""The present picture of the registry, and how it is kept present.

A refusal is not proved by a commit: before one that rests on the registry is given, `at_least_now` makes sure that the
picture is no older than the question, and shows the resource that it is about. Questions that wait together share one
look, and what was not found is not looked for again until the registry changes, so that nobody can make us hammer the
database.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import asyncpg

from hub.db.closing import close
from hub.db.faults import FAULTS
from hub.db.locks import REGISTRY_CHANNEL
from hub.registry.picture import Loader, Picture

log = logging.getLogger(__name__)

POLL_S = 5.0
"""How often the epoch is read although no notification came: notifications die with their connection."""

MOST_REMEMBERED = 10_000
"""Codes that were asked for, and codes that were not found; beyond that they are forgotten, and looked for when asked again."""

NEWEST_ENTRY = "SELECT occurred_at FROM log_entry ORDER BY id DESC LIMIT 1"
"""To the millisecond of its id; every act on rights has an entry, committed with it."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class PictureStore:
    """Keeps the present picture, and keeps it present."""

    connect: Connect
    loader: Loader = field(default_factory=Loader)
    reloaded: Callable[[datetime], None] = lambda moment: None
    """Told, with each new picture, a moment later than every act that it shows: nothing judged by it is dated earlier."""
    _picture: Picture | None = None
    _connection: asyncpg.Connection | None = None
    _task: asyncio.Task[None] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _checked_at: float = 0.0
    _asked: set[str] = field(default_factory=set)
    _missed: set[str] = field(default_factory=set)

    @property
    def picture(self) -> Picture:
        """The present picture; `start` has loaded the first."""
        assert self._picture is not None
        return self._picture

    async def start(self) -> None:
        """Load the first picture and listen for changes."""
        await self._reload()
        self._task = asyncio.create_task(self._follow(), name="registry picture")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            await close(self._connection)

    async def at_least(self, epoch: int) -> Picture:
        """A picture that is not older than `epoch`."""
        async with self._lock:
            if self.picture.epoch < epoch:
                await self._reload()
        return self.picture

    async def at_least_now(self, resource: str | None = None) -> Picture:
        """A picture not older than this question, which shows the resource of that code if it is registered."""
        asked = time.monotonic()
        async with self._lock:
            if self._checked_at < asked:
                connection = await self._ready()
                began = time.monotonic()
                epoch = await connection.fetchval("SELECT epoch FROM registry_epoch")
                if self.picture.epoch != epoch:
                    await self._reload()
                self._checked_at = began
            if resource is not None and resource not in self.picture.resources and resource not in self._missed:
                await self._look_up(resource)
        return self.picture

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self.at_least_now()
            except FAULTS as fault:
                log.warning("the registry picture could not be refreshed: %s", type(fault).__name__)
                await asyncio.sleep(1)

    async def _look_up(self, code: str) -> None:
        """Have this picture and those after it show the resource, if there is one."""
        epoch, found = await self.loader.find(await self._ready(), code)
        kept = self._missed if found is None else self._asked
        if len(kept) >= MOST_REMEMBERED:
            kept.clear()
        kept.add(code)
        if epoch != self.picture.epoch:
            await self._reload()
        elif found is not None:
            self._picture = replace(self.picture, resources={**self.picture.resources, code: found})

    async def _reload(self) -> None:
        connection = await self._ready()
        began = time.monotonic()
        self._missed.clear()  # every act on the catalogue moves the epoch
        picture = await self.loader.load(connection, self._asked)
        if (logged := await connection.fetchval(NEWEST_ENTRY)) is not None:
            self.reloaded(logged + _MILLISECOND)
        self._picture, self._checked_at = picture, began

    async def _ready(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self.connect()
            await self._connection.add_listener(REGISTRY_CHANNEL, self._notified)
        return self._connection

    def _notified(self, *_: object) -> None:
        self._changed.set()
