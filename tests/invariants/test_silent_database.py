"""A database that says nothing any more, as behind a cut wire or on a disk that hangs: processes notice, and end when told to."""

import asyncio
import signal
import time

import pytest

from hub.db.embedded.processes import processes_of
from tests.support.harness import Hub, running_hub
from tests.support.wire import Connection

pytestmark = pytest.mark.process

READY_S = 60.0
MOST_S = 45.0
"""Far beyond the 30 s that a gateway's unit gives it, for machines that are busy; without bounds it is more than a minute."""

SOON_S = 30.0
"""A worker that has one second for what is under way ends long before; without its bound it waits for 35 s."""


async def _both_ready(hub: Hub) -> None:
    await hub.ready()
    deadline = time.monotonic() + READY_S
    while not hub.workers[0].was_ready:
        assert time.monotonic() < deadline, hub.workers[0].tail()
        await asyncio.sleep(0.05)


async def _asked(hub: Hub) -> tuple[int, int]:
    async with Connection(hub.ports[0]) as connection:
        alive = await connection.request("GET", "/livez")
        ready = await connection.request("GET", "/readyz")
        return alive.status, ready.status


async def _ended(hub: Hub) -> list[int]:
    processes = [*hub.gateways, *hub.workers]
    for process in processes:
        process.terminate()
    bounds = [MOST_S] * len(hub.gateways) + [SOON_S] * len(hub.workers)
    return list(await asyncio.gather(*(process.ended(most) for process, most in zip(processes, bounds, strict=True))))


def test_processes_say_that_it_is_away_and_end_with_0_when_told_to() -> None:
    with running_hub(gateways=1) as hub:
        hub.worker(tuned={"hub.app.worker.ENDS_WITHIN_S": 1.0})
        asyncio.run(_both_ready(hub))
        silent = processes_of((hub.directory / "postgres").resolve())
        for process in silent:
            process.send(signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert asyncio.run(_asked(hub)) == (200, 503)
            assert time.monotonic() - began < MOST_S / 2  # it was 37 s
            assert asyncio.run(_ended(hub)) == [0, 0]
        finally:
            for process in silent:
                process.send(signal.SIGCONT)
        assert hub.exceptions() == []
