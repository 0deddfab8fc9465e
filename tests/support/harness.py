"""A hub of real processes, to be killed at any moment: its database, its gateways and its workers, in a folder of its own.

Processes run what an operator starts (`tests/support/nursery.py`) and are ended by their ids. Names of constants may be given other
values for one process (`tuned`), so that a test need not wait for what takes half a minute in service; the product has
no switch for that.
"""

import asyncio
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import orjson

from hub.app.upkeep import initialise
from hub.db.embedded import EmbeddedPostgres
from hub.db.embedded.processes import processes_of
from hub.settings import Settings
from tests.support.nursery import Child, nursery, unmeasured
from tests.support.postgres import binaries, put_made, server_directory
from tests.support.wire import Connection
from tests.support.world import HUB

START_S = 60.0
"""Time for a process to become ready: a second when the machine is idle."""

STOP_S = 40.0

PORTS = range(20_000, 32_768)
"""Below those that Linux gives to outgoing connections: one of them would keep a process that was killed from its port."""

_given: set[int] = set()


def _own_ports() -> range:
    """Those of this test process: two processes that run at once would else now and then choose the same."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return PORTS[number :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]


def free_port() -> int:
    """A port of the loopback interface that nobody listens on, and that nobody was given before."""
    while True:
        port = random.SystemRandom().choice(_own_ports())
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


@dataclass(slots=True)
class Process:
    """One process of the hub, started anew as often as it is killed; what it writes is kept in `log`."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    tuned: Mapping[str, float] = field(default_factory=dict)
    port: int = 0
    _process: subprocess.Popen[bytes] | Child | None = None

    def start(self) -> None:
        """Start it; does not wait."""
        changes = ";".join(f"{place}={value}" for place, value in self.tuned.items())
        self._process = nursery().start(self.arguments, unmeasured(self.environment), changes, self.log)

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it as a power switch would."""
        assert self._process is not None
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> None:
        """Ask it to end in good order; does not wait."""
        os.kill(self.pid, signal.SIGTERM)

    def end(self, seconds: float = STOP_S) -> None:
        """Wait for an end that was asked for; kill what does not come to it."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    async def ended(self, seconds: float = STOP_S) -> int:
        """Its exit status, once it has ended; fails when it does not in time."""
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while (status := self._process.poll()) is None:
            assert time.monotonic() < deadline, f"{self.arguments} does not end:\n{self.tail()}"
            await asyncio.sleep(0.02)
        return status

    async def is_ready(self) -> bool:
        """Whether the gateway answers /readyz with 200."""
        try:
            async with Connection(self.port) as connection:
                return (await connection.request("GET", "/readyz")).status == 200
        except OSError:
            return False

    async def ready(self, seconds: float = START_S) -> None:
        """Return when the gateway is ready; fails when it is not in time, or has ended."""
        deadline = time.monotonic() + seconds
        while not await self.is_ready():
            assert self.is_running, f"{self.arguments} ended while starting:\n{self.tail()}"
            assert time.monotonic() < deadline, f"{self.arguments} is not ready:\n{self.tail()}"
            await asyncio.sleep(0.02)

    @property
    def was_ready(self) -> bool:
        """Whether it said, since it was last started, that it is ready."""
        said = [line for line in self.log.read_text(errors="replace").splitlines() if ' ready"' in line]
        return any(re.search(rf'"pid":{self.pid}\b', line) for line in said)

    def tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-3000:]


@dataclass(slots=True)
class Hub:
    """A hub that runs; `dsn` is its database, `directory` its data folder."""

    directory: Path
    postgres: EmbeddedPostgres
    settings: Mapping[str, str]
    gateways: list[Process] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def dsn(self) -> str:
        """The address of the database, as the gateways' role."""
        return self.postgres.dsn

    @property
    def ports(self) -> list[int]:
        """Where the gateways listen."""
        return [gateway.port for gateway in self.gateways]

    async def connect(self) -> asyncpg.Connection:
        """A connection of the test's own; waits while the database starts."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                return await asyncpg.connect(self.dsn, server_settings={"application_name": "test"})
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                assert time.monotonic() < deadline, "the database does not come back"
                await asyncio.sleep(0.02)

    def gateway(self, *, tuned: Mapping[str, float] | None = None, **settings: object) -> Process:
        """One more gateway, started; `settings` are its own, by their names in lower case."""
        port = free_port()
        process = self._process(f"gateway{next(self._numbers)}", ["gateway", "--port", str(port)], tuned, settings)
        process.port = port
        self.gateways.append(process)
        return process

    def worker(self, *, tuned: Mapping[str, float] | None = None) -> Process:
        """One more worker, started."""
        process = self._process(f"worker{next(self._numbers)}", ["worker"], tuned, {})
        self.workers.append(process)
        return process

    def _process(
        self, name: str, arguments: list[str], tuned: Mapping[str, float] | None, settings: Mapping[str, object]
    ) -> Process:
        own = {f"SHUNIU_{key.upper()}": str(value) for key, value in settings.items()}
        process = Process(arguments, {**self.settings, **own}, self.directory / f"{name}.log", tuned or {})
        process.start()
        return process

    async def ready(self) -> None:
        """Return when every gateway is ready."""
        for gateway in self.gateways:
            await gateway.ready()

    async def kill_database(self, how: random.Random) -> str:
        """kill -9 of the postmaster, of one backend, or of all, once there is one to kill; returns which."""
        cluster = (self.directory / "postgres").resolve()
        kind = how.choice(["postmaster", "backend", "all"])
        while True:
            postmaster = _postmaster_of(cluster)
            processes = processes_of(cluster)
            backends = [process for process in processes if process.pid != postmaster]
            if len(backends) < len(processes) and backends:
                break
            await asyncio.sleep(0.01)
        victims = {
            "postmaster": [process for process in processes if process.pid == postmaster],
            "backend": [how.choice(backends)],
            "all": processes,
        }[kind]
        for victim in victims:
            victim.send(signal.SIGKILL)
        return kind

    def everything_written(self) -> str:
        """All that the hub's processes and its database wrote to their logs."""
        return "".join(path.read_text(errors="replace") for path in self.directory.glob("*.log"))

    def exceptions(self) -> list[str]:
        """What the hub's processes logged of unforeseen errors, without repetition."""
        found = dict.fromkeys(
            orjson.loads(line)["exception"]
            for line in self.everything_written().splitlines()
            if line.startswith("{") and '"exception":' in line
        )
        return list(found)

    def close(self) -> None:
        """End every process that still runs, in good order if it will."""
        running = [process for process in (*self.gateways, *self.workers) if process.is_running]
        for process in running:
            process.terminate()
        for process in running:
            process.end()


@contextmanager
def running_hub(
    *,
    gateways: int = 2,
    workers: int = 0,
    postgres_bin: Path | None = None,
    postgres_settings: Mapping[str, str] | None = None,
    **settings: object,
) -> Iterator[Hub]:
    """A freshly initialised hub with `gateways` and `workers`, on a PostgreSQL of its own; gateways need not be ready yet.

    `postgres_bin`: the programs of another PostgreSQL; the hub's processes are then told its address, as an operator
    with a server of their own would do. Blocks; not to be entered from within an event loop.
    """
    programs = postgres_bin or binaries()
    with server_directory() as directory:
        put_made(directory, _initialise, programs)
        postgres = EmbeddedPostgres(directory, binaries=programs, settings=postgres_settings, grace_s=0.0)
        environment = {"SHUNIU_DATA": str(directory), "SHUNIU_HUB_ID": HUB, "SHUNIU_HOST": "127.0.0.1"}
        environment |= {f"SHUNIU_{name.upper()}": str(value) for name, value in settings.items()}
        hub = Hub(directory, postgres, environment)
        with postgres:
            if programs is not None:
                environment["SHUNIU_DATABASE_URL"] = postgres.dsn
            try:
                for _ in range(gateways):
                    hub.gateway()
                for _ in range(workers):
                    hub.worker()
                yield hub
            finally:
                hub.close()
        postgres.wait_until_stopped()


def _postmaster_of(cluster: Path) -> int:
    """The postmaster's process id by its own word; 0 when there is none."""
    try:
        return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return 0


def _initialise(server: EmbeddedPostgres) -> None:
    initialise(Settings(data=server.directory, hub_id=HUB, database_url=server.dsn), accounts=())  # type: ignore[arg-type]
