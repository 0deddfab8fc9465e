"""What every test may ask for. Async tests and fixtures need no mark: they run on asyncio, each test on a loop of its own."""

import gc
import inspect
import socket
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache
from xdist.scheduler import LoadScopeScheduling

from hub.cli import GC_THRESHOLDS
from hub.db import engine
from hub.db.embedded import EmbeddedPostgres
from hub.db.engine import Database
from tests.support.postgres import TestServer, binaries, place_of_many_databases, remove_abandoned, server_directory

# A deadline for each example measures how busy the machine is, not the code. To explain a failure is to trace it line by line, for so
# long that the time limit of the test comes first, and the failure itself is not shown.
settings.register_profile("shuniu", deadline=None, phases=[phase for phase in Phase if phase is not Phase.explain])
settings.load_profile("shuniu")


_compiled: LRUCache[Any, Any] = LRUCache(10_000)


def _engine_with_shared_cache(*arguments: Any, **options: Any) -> AsyncEngine:
    made = create_async_engine(*arguments, **options)
    made.sync_engine._compiled_cache = _compiled
    return made


def _is_same_dialect(one: PGDialect_asyncpg, other: object) -> bool:
    version = "server_version_info"
    return isinstance(other, PGDialect_asyncpg) and getattr(one, version, None) == getattr(other, version, None)


# Every test has a database of its own, and SQLAlchemy would compile every statement again for each: a tenth of all the tests' time.
engine.create_async_engine = _engine_with_shared_cache  # type: ignore[attr-defined]
PGDialect_asyncpg.__eq__ = _is_same_dialect  # type: ignore[method-assign,assignment]
PGDialect_asyncpg.__hash__ = lambda _: hash(PGDialect_asyncpg.name)  # type: ignore[method-assign,assignment]


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
    """Mark async test functions, before anyio's plugin looks at them."""
    if collector.istestfunction(obj, name):
        inner = getattr(getattr(obj, "hypothesis", None), "inner_test", obj)
        if inspect.iscoroutinefunction(inner):
            pytest.mark.anyio(obj)


SHARED = {"demo": "demo: RunningDemo", "town": "town: Town"}
"""Fixtures that start a whole hub for a session, and what the text of a file has that asks for one."""

LONG = ("tests/invariants/", "tests/chaos/")
"""Begun first, so that no process is left alone with them in the end."""


class Together(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Tests of a file go to one process, in order; and so do files that ask for the same hub."""

    def _split_scope(self, nodeid: str) -> str:
        return _group_of(nodeid.split("::")[0])


@cache
def _group_of(file: str) -> str:
    text = (Path(__file__).parents[1] / file).read_text("utf-8")
    return next((name for name, sign in SHARED.items() if sign in text), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """How tests are shared out among processes."""
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Call `unit` what asks for no database and starts no process; put first what takes long."""
    for item in items:
        wants = getattr(item, "fixturenames", ())
        if "postgres" not in wants and not any(map(item.get_closest_marker, ("process", "chaos", "sockets"))):
            item.add_marker("unit")
    items.sort(key=lambda item: not (item.nodeid.startswith(LONG) or _group_of(item.nodeid.split("::")[0]) in SHARED))


def pytest_collection_finish() -> None:
    """Thousands of tests stay in memory to the end: the collector walks them no more, and looks for cycles as rarely as in the product."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Generator[None]:
    """Coverage is measured of what tests do: what makes their towns and ends them is done for each anew, and takes as long."""
    with _not_traced():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None]:
    """The same at the end."""
    with _not_traced():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Properties are tried on hundreds of examples, of what other tests cover: coverage is not measured meanwhile."""
    if hasattr(getattr(item, "obj", None), "hypothesis"):
        with _not_traced():
            return (yield)
    return (yield)


@contextmanager
def _not_traced() -> Iterator[None]:
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


@pytest.fixture
def unmeasured() -> Iterator[None]:
    """Coverage is not measured meanwhile: for loops of thousands over what other tests cover, which it makes three times as long."""
    with _not_traced():
        yield


@pytest.fixture(autouse=True)
def unit_tests_use_no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that opens a connection or a port is none."""
    if request.node.get_closest_marker("unit") is None:
        return

    def refuse(*_: object) -> None:
        raise AssertionError("a unit test uses the network: mark it `sockets`, or give it its input as values")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "bind", refuse)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name what holds sets by its argument: two test processes would write their members in different orders."""
    return argname if isinstance(val, (dict, set, frozenset)) else None


@pytest.fixture
def anyio_backend() -> str:
    """What anyio's plugin runs async tests on."""
    return "asyncio"


STALL_MS = 60_000
"""How long the machine may stand still while a test has a transaction open, or somebody waits for a lock that it holds."""


@pytest.fixture(autouse=True)
def times_of_the_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of this process outlive a machine that stands still; `products_own_times` leaves them what the product sets."""
    if "products_own_times" not in request.fixturenames:
        for name in ("IDLE_IN_TRANSACTION_MS", "LOCK_MS", "STATEMENT_MS"):
            monkeypatch.setattr(engine, name, STALL_MS)
        monkeypatch.setattr(engine, "CONNECT_S", STALL_MS / 1000)


@pytest.fixture
def products_own_times() -> None:
    """What a connection waits for at most is what the product sets."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    """The real server of this test process, with the product's own settings."""
    remove_abandoned()
    with server_directory(place_of_many_databases()) as directory:
        embedded = EmbeddedPostgres(directory, binaries=binaries(), grace_s=0.0)
        with embedded:
            server = TestServer(embedded)
            yield server
            server.close()
        embedded.wait_until_stopped()


@pytest.fixture
def database_dsn(postgres: TestServer) -> Iterator[str]:
    """The address of a fresh, migrated database; dropped afterwards."""
    address = postgres.create()
    yield address
    postgres.drop(address)


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """A fresh, migrated database."""
    found = Database(database_dsn, application="test")
    yield found
    await found.dispose()
