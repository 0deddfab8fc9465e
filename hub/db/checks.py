"""What start-up insists on and `shuniu doctor` prints: is this server one on which a receipt can mean committed?"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from hub.db.errors import DatabaseUnsafe

OLDEST_RELEASE = 15

# PostgreSQL writes its log in pages of this size.
PAGE_BYTES = 8192

CLOCK_SAMPLES = 5
FSYNC_ROUNDS = 64


@dataclass(frozen=True, slots=True)
class Check:
    """One condition on the server: what was found, whether it will do, and what to do if not.

    With `advises` it will do for now, and something is to be done all the same.
    """

    name: str
    found: str
    holds: bool
    zh: str
    en: str
    advises: bool = False


async def check_server(connection: asyncpg.Connection) -> list[Check]:
    """Each condition of architecture's I1 and "Data" on the server, as this connection meets it."""
    number = int(await connection.fetchval("SHOW server_version_num"))
    checks = [
        Check(
            "server_version",
            str(await connection.fetchval("SHOW server_version")),
            number // 10_000 >= OLDEST_RELEASE,
            f"需要 PostgreSQL {OLDEST_RELEASE} 或更新版本",
            f"PostgreSQL {OLDEST_RELEASE} or newer is needed",
        )
    ]
    for name, allowed in (
        ("fsync", ("on",)),
        ("full_page_writes", ("on",)),
        ("synchronous_commit", ("on", "remote_apply")),
    ):
        found = str(await connection.fetchval("SELECT current_setting($1)", name))
        cure = f"{name} = on"
        checks.append(Check(name, found, found in allowed, f"请在服务器上设 {cure}", f"set {cure} on the server"))
    encoding = str(await connection.fetchval("SHOW server_encoding"))
    checks.append(
        Check(
            "server_encoding",
            encoding,
            encoding == "UTF8",
            "请用 ENCODING 'UTF8' 重建数据库",
            "create the database anew with ENCODING 'UTF8'",
        )
    )
    standby = await connection.fetchval("SELECT pg_is_in_recovery()")
    checks.append(
        Check(
            "primary",
            "no" if standby else "yes",
            not standby,
            "这是只读备机；请连主机",
            "this is a read-only standby; connect to the primary",
        )
    )
    return checks


def insist(checks: Sequence[Check]) -> None:
    """Raise `DatabaseUnsafe` naming every condition that does not hold, with its cure."""
    broken = [check for check in checks if not check.holds]
    if broken:
        raise DatabaseUnsafe(
            "；".join(f"{check.name} 为 {check.found}：{check.zh}" for check in broken),
            "; ".join(f"{check.name} is {check.found}: {check.en}" for check in broken),
        )


async def clock_offset(
    connection: asyncpg.Connection, wall: Callable[[], float] = time.time, samples: int = CLOCK_SAMPLES
) -> float:
    """The server's clock minus ours, in seconds, from the quickest of several round trips, halved (as NTP does)."""
    quickest, offset = float("inf"), 0.0
    for _ in range(samples):
        asked = wall()
        server = float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())"))
        answered = wall()
        if answered - asked < quickest:
            quickest, offset = answered - asked, server - (asked + answered) / 2
    return offset


def fsync_cost(directory: Path, rounds: int = FSYNC_ROUNDS) -> float:
    """Median microseconds to write a page into a file in `directory` and have it on the disk, as each commit does."""
    page = os.urandom(PAGE_BYTES)
    costs = []
    with tempfile.TemporaryFile(dir=directory) as file:
        descriptor = file.fileno()
        for number in range(rounds + 1):
            began = time.perf_counter()
            os.pwrite(descriptor, page, 0)
            os.fdatasync(descriptor)
            if number:  # the first makes the file longer, which the server's recycled log files need not
                costs.append((time.perf_counter() - began) * 1e6)
    return statistics.median(costs)
