"""For tests of the embedded server: folders, other processes that use it, and questions to it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from hub.db.embedded import EmbeddedPostgres
from hub.db.embedded.account import Account, choose_account
from hub.db.embedded.layout import Layout
from tests.support.postgres import binaries

CHECKOUT = Path(__file__).resolve().parents[2]

USER = """
import sys
from pathlib import Path
from hub.db.embedded import EmbeddedPostgres

directory, grace, programs = sys.argv[1:]
server = EmbeddedPostgres(Path(directory), grace_s=float(grace), binaries=Path(programs) if programs else None)
print(server.acquire(), flush=True)
sys.stdin.read()
server.release()
"""

LOAD = """
import asyncio, sys, asyncpg
from pathlib import Path
from hub.db.embedded import EmbeddedPostgres

directory, programs, number = sys.argv[1:]
server = EmbeddedPostgres(Path(directory), grace_s=0.0, binaries=Path(programs) if programs else None)

async def load(dsn):
    connection = await asyncpg.connect(dsn)
    while True:
        row = await connection.fetchval("INSERT INTO load (writer) VALUES ($1) RETURNING id", int(number))
        sys.stdout.write(f"{row}\\n")  # one write: the writers share a file
        sys.stdout.flush()

asyncio.run(load(server.acquire()))
"""


def embedded(directory: Path, **options: Any) -> EmbeddedPostgres:
    """A share in the folder's server, run by the programs under test; stops at once after its last user."""
    return EmbeddedPostgres(directory, **{"grace_s": 0.0, "binaries": binaries(), **options})


def ask(address: str, query: str, *arguments: object) -> Any:
    """The first value of the query's answer, over a connection of its own."""

    async def run() -> Any:
        connection = await asyncpg.connect(address)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    return asyncio.run(run())


def start(script: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Another Python process that runs the script."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=CHECKOUT,
        text=True,
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **options},
    )


def user(directory: Path, grace: float = 0.0) -> subprocess.Popen[str]:
    """Another process that uses the folder's server until its standard input ends; it prints the address."""
    return start(USER, directory, grace, binaries() or "")


def finish(process: subprocess.Popen[str]) -> str:
    """Let the process leave; gives what it printed."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def kill(process: subprocess.Popen[str]) -> None:
    """End the process as a power switch would, and tidy up after it."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met


def pid_of(directory: Path, who: str) -> int:
    """The process id of `postmaster` or `supervisor`, by the supervisor's own word."""
    found = Layout(directory).read_state()[who]
    assert isinstance(found, int)
    return found


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def server_account() -> Account:
    """The account that the server runs under, as this process starts it."""
    return choose_account(None)


def run_as_server_account(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """A process of the server's account that has nothing to do with the server."""
    return subprocess.Popen(command, **server_account().switch(), **options)


IS_ROOT = os.geteuid() == 0
