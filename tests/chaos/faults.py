"""What befalls the parts of a running hub and its sinks: kill -9, and SIGSTOP for a while, at moments that a seed decides."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.db.embedded.processes import Process as DatabaseProcess
from hub.db.embedded.processes import processes_of
from tests.chaos.proxy import Proxy
from tests.support.harness import Hub, Process

GATHER_S = 0.5
"""Time for a worker's calls to be open."""

SHORT_S = (0.2, 2.0)
"""A stop after which everything goes on as before."""


@dataclass(slots=True)
class Faults:
    """One fault after another. Workers reach `sinks` by `ways`, and hold a lane for `lease_s`: some are stopped for longer.

    `deaths` are the ends that nobody brought about, of gateways and workers that had been ready.
    """

    hub: Hub
    sinks: Sequence[Process]
    ways: Sequence[Proxy]
    lease_s: float
    moments: random.Random
    pause_s: tuple[float, float]
    done: Counter[str] = field(default_factory=Counter)
    last_words: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    _deck: list[str] = field(default_factory=list)
    _sleepers: set[asyncio.Task[None]] = field(default_factory=set)

    async def work(self, stop: asyncio.Event) -> None:
        """Do harm until told to stop, each kind at least once; everything runs again when this returns."""
        kinds = self._kinds()
        while not stop.is_set() or kinds.keys() - self.done.keys():
            self.start_what_ended()
            self._deck = self._deck or self.moments.sample(list(kinds), k=len(kinds))
            name = self._deck.pop()
            await kinds[name]()
            self.done[name] += 1
            try:
                await asyncio.wait_for(stop.wait(), self.moments.uniform(*self.pause_s))
            except TimeoutError:
                continue
        await asyncio.gather(*self._sleepers)
        self.start_what_ended()

    def _kinds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        def killing(those: Sequence[Process]) -> Callable[[], Awaitable[None]]:
            return lambda: self._kill(those)

        def stopping(those: Sequence[Process], shortest: float, longest: float) -> Callable[[], Awaitable[None]]:
            return lambda: self._stop(those, shortest, longest)

        gateways, workers = self.hub.gateways, self.hub.workers
        return {
            "kill gateway": killing(gateways),
            "kill worker": killing(workers),
            "kill sink": killing(self.sinks),
            "kill database": self._kill_database,
            "stop gateway": stopping(gateways, *SHORT_S),
            "stop worker": stopping(workers, *SHORT_S),
            "stop worker past its lease": self._stop_worker_with_open_calls,
            "stop sink": stopping(self.sinks, *SHORT_S),
            "stop database backend": lambda: self._stop_database(of_backends=True),
            "stop postmaster": lambda: self._stop_database(of_backends=False),
        }

    def start_what_ended(self) -> None:
        """Start again what ended by itself, as whoever runs a hub does."""
        for process in (*self.hub.gateways, *self.hub.workers, *self.sinks):
            if not process.is_running:
                self.done["ended by itself"] += 1
                words = [f"{process.log.name}: {line}" for line in process.tail().splitlines()[-1:]]
                self.last_words += words
                if process.was_ready:
                    self.deaths += words or [process.log.name]
                process.start()

    async def _kill(self, those: Sequence[Process]) -> None:
        victim = self.moments.choice(those)
        if victim.is_running:
            victim.kill()
        victim.start()

    async def _kill_database(self) -> None:
        kind = await self.hub.kill_database(self.moments)
        self.done[f"kill database: {kind}"] += 1

    async def _stop(self, those: Sequence[Process], shortest: float, longest: float) -> None:
        victim = self.moments.choice(those)
        if victim.is_running:
            pid = victim.pid
            os.kill(pid, signal.SIGSTOP)
            self._later(self.moments.uniform(shortest, longest), lambda: _wake(victim, pid))

    async def _stop_worker_with_open_calls(self) -> None:
        """Past its lease, while answers to it are on their way: it finds them when it goes on."""
        for way in self.ways:
            way.answers.clear()
        await asyncio.sleep(GATHER_S)
        await self._stop(self.hub.workers, self.lease_s + 0.5, self.lease_s + 2.5)
        for way in self.ways:
            way.answers.set()

    async def _stop_database(self, *, of_backends: bool) -> None:
        cluster = (self.hub.directory / "postgres").resolve()
        found = sorted(processes_of(cluster), key=lambda process: process.pid)
        # The postmaster is the first of its processes.
        if victims := found[1:] if of_backends else found[:1]:
            victim = self.moments.choice(victims)
            victim.send(signal.SIGSTOP)
            self._later(self.moments.uniform(*SHORT_S), lambda: _wake_backend(victim))

    def _later(self, seconds: float, wake: Callable[[], None]) -> None:
        async def sleep() -> None:
            try:
                await asyncio.sleep(seconds)
            finally:
                wake()

        task = asyncio.create_task(sleep())
        self._sleepers.add(task)
        task.add_done_callback(self._sleepers.discard)


def _wake(process: Process, pid: int) -> None:
    """Let it go on, if it was not killed meanwhile."""
    if process.is_running and process.pid == pid:
        os.kill(pid, signal.SIGCONT)


def _wake_backend(process: DatabaseProcess) -> None:
    process.send(signal.SIGCONT)
