"""The stand: a hub with its county, what is posted to it, and what that cost. The cases measure on it."""

import asyncio
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hub.db.embedded.layout import Layout
from hub.db.engine import Database
from hub.settings import Settings
from tools.bench.counts import Counts, check_committed, count
from tools.bench.county import County
from tools.bench.cpu import CpuTime, used
from tools.bench.load import Load, post
from tools.bench.plan import CONNECTIONS, GATEWAYS, PAYLOAD_BYTES, Plan
from tools.bench.requests import RequestFile, Sending, write_requests
from tools.bench.servers import Servers

BACKLOG_S = 120
"""A backlog is posted within that, or there is something wrong."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One run of the load generator, the processor time that it cost, and when it began (of the monotonic clock, in seconds)."""

    load: Load
    cpu: CpuTime
    began: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A hub with its county, ready to be measured."""

    plan: Plan
    directory: Path
    settings: Settings
    dsn: str
    admin_dsn: str
    county: County
    pool: ProcessPoolExecutor

    def sending(self, case: str, resource: str) -> Sending:
        """The provider's messages of that case."""
        provider = self.county.provider
        return Sending(
            self.settings.hub_id, provider.code, provider.kid, provider.key_pem, resource, PAYLOAD_BYTES[case]
        )

    def sign(self, sending: Sending, requests: float) -> RequestFile:
        """At least so many requests, signed now: `iat` must not be older than the hub allows when they arrive."""
        path = self.directory / "post.requests"
        return write_requests(self.pool, GATEWAYS, sending, path, int(requests) + CONNECTIONS)

    def counted(self) -> Counts:
        """What is committed, now that nobody writes any more."""
        return asyncio.run(count(Database(self.dsn, application="bench")))

    def cpu(self, servers: Servers) -> CpuTime:
        """Processor time so far."""
        return used(servers.pids, Layout(self.settings.data).cluster)

    def checkpoint(self) -> None:
        """Have the database use the log files of earlier runs again, as one does that has been running for a while.

        A new cluster makes a file for each 16 MiB that it logs, filled with zeros and flushed, and commits wait meanwhile.
        """
        asyncio.run(_checkpoint(Database(self.admin_dsn, application="bench")))

    def use_log_files(self) -> None:
        """Fill the log files that the database keeps ready (`min_wal_size`), as one has that was busy before.

        At full load a new cluster makes one three times a second, and the runs would measure that: the first most, the last least.
        """
        asyncio.run(_use_log_files(Database(self.admin_dsn, application="bench")))

    def posted(
        self, servers: Servers, file: RequestFile, seconds: int, *, lanes: int, may_run_out: bool = False
    ) -> Posted:
        """A load on the servers, its 201 answers compared with the rows. Raises VoidRun."""
        self.checkpoint()
        before, idle = self.counted(), self.cpu(servers)
        began = time.monotonic()
        try:
            load = post(self.settings.port, file, seconds, may_run_out=may_run_out)
        finally:
            file.path.unlink()
        spent = self.cpu(servers).since(idle)
        servers.check_alive()
        check_committed(load.created, self.counted().since(before), lanes)
        return Posted(load, spent, began)

    def make_backlog(self, servers: Servers, sending: Sending, items: int, *, lanes: int) -> None:
        """Post so many exchanges, each of which puts one item into each of so many lanes. Raises VoidRun."""
        self.posted(servers, self.sign(sending, items), BACKLOG_S, lanes=lanes, may_run_out=True)


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


async def _checkpoint(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("CHECKPOINT")


async def _use_log_files(database: Database) -> None:
    async with database.connection() as connection:
        size, kept = [
            await connection.fetchval("SELECT pg_size_bytes(current_setting($1))", name)
            for name in ("wal_segment_size", "min_wal_size")
        ]
        for _ in range(kept // size):
            await connection.execute("SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()")
        await connection.execute("CHECKPOINT")
