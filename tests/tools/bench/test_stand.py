"""No figure of a load is believed before the database and the processes agree with it."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from hub.db.engine import Database
from hub.settings import Settings
from tests.support.postgres import TestServer
from tools.bench import stand
from tools.bench.county import County
from tools.bench.errors import VoidRun
from tools.bench.load import Load
from tools.bench.plan import SMOKE
from tools.bench.requests import RequestFile
from tools.bench.servers import Servers
from tools.bench.stand import Bench


@pytest.fixture
def bench(postgres: TestServer, database_dsn: str, tmp_path: Path) -> Bench:
    """A bench on an empty database, without county and processes: what is posted is said by the test."""
    nobody = cast(tuple[County, ProcessPoolExecutor], (None, None))
    return Bench(SMOKE, tmp_path, Settings(data=tmp_path), database_dsn, postgres.postgres.admin_dsn(), *nobody)


def claiming(created: int) -> Any:
    """A load generator that says it saw so many 201."""
    return lambda *_, **__: Load(created, seconds=1.0, p50_ms=1.0, p99_ms=2.0, exhausted=False)


def post(bench: Bench) -> stand.Posted:
    path = bench.directory / "post.requests"
    path.write_bytes(b"x")
    return bench.posted(Servers(bench.settings, bench.directory), RequestFile(path, 1, 1), 1, lanes=2)


def test_what_the_database_does_not_hold_voids_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand, "post", claiming(1))
    with pytest.raises(VoidRun, match="1 answers were 201"):
        post(bench)


def test_a_load_that_agrees_with_the_rows_is_believed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand, "post", claiming(0))
    assert post(bench).load.created == 0
    assert not (bench.directory / "post.requests").exists()


async def test_a_run_begins_after_a_checkpoint(
    postgres: TestServer, database: Database, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand, "post", claiming(0))
    async with database.connection() as connection:
        before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
        await asyncio.to_thread(post, bench)
        assert await connection.fetchval("SELECT redo_lsn >= $1 FROM pg_control_checkpoint()", before)


def test_the_requests_are_removed_also_after_a_void_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def void(*_: object, **__: object) -> Load:
        raise VoidRun("作废", "void")

    monkeypatch.setattr(stand, "post", void)
    with pytest.raises(VoidRun):
        post(bench)
    assert not (bench.directory / "post.requests").exists()


async def test_the_log_files_that_are_kept_exist_before_the_first_case(database: Database, bench: Bench) -> None:
    async with database.connection() as connection:
        kept = await connection.fetchval(
            "SELECT pg_size_bytes(current_setting('min_wal_size')) / pg_size_bytes(current_setting('wal_segment_size'))"
        )
        before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
        await asyncio.to_thread(bench.use_log_files)
        after = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
        used = await connection.fetchval(
            "SELECT ($2::pg_lsn - $1) / pg_size_bytes(current_setting('wal_segment_size'))", before, after
        )
        assert kept - 1 <= used
        assert await connection.fetchval("SELECT redo_lsn >= $1 FROM pg_control_checkpoint()", before)
