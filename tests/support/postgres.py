"""Databases for tests: one real server for each test process, and a fresh, migrated database for each test that asks."""

import asyncio
import atexit
import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from catalog.classification import parent_of
from catalog.lists import list_types
from hub.db.embedded import EmbeddedPostgres, make_data_directory
from hub.db.embedded.layout import ROLE, Layout, dsn
from hub.db.migrate import migrate

T = TypeVar("T")

PREFIX = "shuniu-test-"
TEMPLATE = "shuniu_template"

DISK, MEMORY = Path("/tmp"), Path("/dev/shm")
ROOM_IN_MEMORY = 4 << 30
"""Bytes that must be free for databases in memory: each takes 10 MB, the log of the server up to 1 GiB."""

TEMPLATE_FREE_WITHIN_S = 60.0

# What a killed test run left behind is removed by a later one; younger folders may just be starting.
ABANDONED_S = 600.0


def binaries() -> Path | None:
    """Other PostgreSQL programs that the tests shall run against, from `SHUNIU_TEST_POSTGRES_BIN`."""
    named = os.environ.get("SHUNIU_TEST_POSTGRES_BIN")
    return Path(named) if named else None


def place_of_many_databases() -> Path:
    """Where the server of a test process keeps its data: in memory if there is room, for each database copied costs its flushes.

    Tests that kill servers and hubs keep theirs on the disk.
    """
    with contextlib.suppress(OSError):
        free = os.statvfs(MEMORY)
        if free.f_bavail * free.f_frsize >= ROOM_IN_MEMORY and os.access(MEMORY, os.W_OK):
            return MEMORY
    return DISK


@contextlib.contextmanager
def server_directory(parent: Path = DISK) -> Iterator[Path]:
    """A data folder that the server's account can pass through, removed at the end."""
    directory = parent / f"{PREFIX}{secrets.token_hex(6)}"
    try:
        yield make_data_directory(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


Make = Callable[[EmbeddedPostgres], object]
"""What is done to a data folder once its server runs."""


def put_made(directory: Path, make: Make = lambda server: None, programs: Path | None = None) -> None:
    """Into an empty data folder a copy of one whose server has run once, with what `make` did to it.

    Made once for each test process: a cluster takes two seconds of processor time, a schema as much again.
    """
    made = _made(make, programs or binaries())
    assert not Layout(made).cluster.is_symlink()
    # without the locks and last words of the server that ran there
    files = [path for path in made.iterdir() if not path.name.startswith("postgres.")]
    subprocess.run(["cp", "-a", *files, directory], check=True)


@cache
def _made(make: Make, programs: Path | None) -> Path:
    place = server_directory()
    directory = place.__enter__()
    atexit.register(place.__exit__, None, None, None)
    server = EmbeddedPostgres(directory, binaries=programs, grace_s=0.0)
    with server:
        make(server)
    server.wait_until_stopped()
    held = (directory / "postgres.users").open("rb")  # nobody may think it abandoned, however long this process lasts
    fcntl.flock(held, fcntl.LOCK_SH)
    atexit.register(held.close)
    return directory


def remove_abandoned() -> None:
    """Remove the folders of earlier test processes that were killed: nobody holds their locks any more."""
    for directory in (*DISK.glob(f"{PREFIX}*"), *MEMORY.glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            if time.time() - directory.stat().st_mtime < ABANDONED_S:
                continue
            locks = [path for name in ("postgres.users", "postgres.supervisor") if (path := directory / name).exists()]
            with contextlib.ExitStack() as stack:
                for path in locks:
                    file = stack.enter_context(path.open("rb"))
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)


CLASSES = ("100", "100000", "106", "106001", "112", "112461", "206001", "306", "306001", "306001000001")
"""Classes under which tests register resources, besides those that are shipped."""


def _classes() -> list[str]:
    """Those of tests and those that the types of lists propose, each with what stands above it and is not shipped."""
    proposed = {described.classification for described in list_types()}
    below = {code[:size] for code in proposed for size in (3, 6, len(code))} - {"201"}
    return sorted({*CLASSES, *below}, key=lambda code: (len(code), code))


async def _add_classes(address: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.executemany(
            "INSERT INTO classification (code, parent, name, state, created_at, changed_at, changed_by)"
            " VALUES ($1, $2, $1, 'active', now(), now(), 'test')",
            [(code, parent_of(code)) for code in _classes()],
        )
    finally:
        await connection.close()


class TestServer:
    """The test process's server: it makes databases in milliseconds, from a template that was migrated once.

    Its own event loop runs in a thread, so that plain and async tests alike may call it.
    """

    __test__ = False

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test-databases", daemon=True)
        self._thread.start()
        self._admin: asyncpg.Connection = self._run(asyncpg.connect(postgres.admin_dsn()))
        self.execute(f"CREATE DATABASE {TEMPLATE} OWNER {ROLE}")
        self._run(migrate(self.address(TEMPLATE)))
        self._run(_add_classes(self.address(TEMPLATE)))
        self.execute(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")

    def address(self, name: str) -> str:
        """The address of a database on this server, as the gateway's role."""
        return dsn(self.postgres.socket_directory, database=name)

    def create(self, template: str = TEMPLATE) -> str:
        """A new database, a copy of the template (`template0`: an empty one); returns its address."""
        name = f"test_{secrets.token_hex(6)}"
        until = time.monotonic() + TEMPLATE_FREE_WITHIN_S
        while True:
            try:
                self.execute(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template} STRATEGY file_copy")
            except asyncpg.ObjectInUseError:  # the server's own cleaner is in it, and it did not leave within 5 seconds
                if time.monotonic() > until:
                    raise
            else:
                return self.address(name)

    def drop(self, address: str) -> None:
        """Drop the database, whoever is still connected."""
        name = urlsplit(address).path.lstrip("/")
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run a statement as the cluster's superuser."""
        self._run(self._admin.execute(statement))

    def close(self) -> None:
        """Leave the server."""
        self._run(self._admin.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=120)
