"""Migrations: forward only, one process at a time, one transaction each, never on a newer database."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import ProgrammingError

import hub.db.migrate as subject
from hub.db.engine import Database
from hub.db.errors import DatabaseTooNew, DatabaseUnavailable
from hub.db.locks import MIGRATION
from hub.db.migrate import migrate
from hub.db.revision import current, head
from tests.support.postgres import TestServer


@pytest.fixture
def empty_dsn(postgres: TestServer) -> Iterator[str]:
    """The address of a database without tables."""
    address = postgres.create("template0")
    yield address
    postgres.drop(address)


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history of our own: two revisions, of which a test may spoil the second."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        shutil.copy(subject.SCRIPTS / name, folder / name)
    _revision(folder, "a1", None, "CREATE TABLE first (id integer)")
    _revision(folder, "b2", "a1", "CREATE TABLE second (id integer)")
    monkeypatch.setattr(subject, "SCRIPTS", folder)
    return folder


def _revision(folder: Path, name: str, before: str | None, *statements: str) -> None:
    body = "\n".join(f"    op.execute({statement!r})" for statement in statements)
    (folder / "versions" / f"{name}.py").write_text(
        f"from alembic import op\n\nrevision = {name!r}\ndown_revision = {before!r}\n\n\ndef upgrade():\n{body}\n"
    )


async def _tables(address: str) -> set[str]:
    connection = await asyncpg.connect(address)
    try:
        rows = await connection.fetch("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    finally:
        await connection.close()
    return {row["relname"] for row in rows}


async def test_an_empty_database_is_brought_to_the_head_once(empty_dsn: str) -> None:
    assert await current(empty_dsn) is None
    applied = await migrate(empty_dsn)
    assert applied[-1] == head() == await current(empty_dsn)
    assert await migrate(empty_dsn) == []


async def test_only_what_is_missing_is_applied(empty_dsn: str, scripts: Path) -> None:
    assert await migrate(empty_dsn) == ["a1", "b2"]
    _revision(scripts, "c3", "b2", "CREATE TABLE third (id integer)")
    assert await migrate(empty_dsn) == ["c3"]
    assert {"first", "second", "third"} <= await _tables(empty_dsn)


async def test_a_folder_may_be_called_what_it_likes(
    empty_dsn: str, scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = scripts.with_name("100% 迁移 %(here)s")
    shutil.move(scripts, strange)
    monkeypatch.setattr(subject, "SCRIPTS", strange)
    assert await migrate(empty_dsn) == ["a1", "b2"]


async def test_a_revision_that_fails_leaves_nothing_of_itself_and_all_of_its_forerunners(
    empty_dsn: str, scripts: Path
) -> None:
    _revision(scripts, "b2", "a1", "CREATE TABLE second (id integer)", "SELECT nonsense")
    with pytest.raises(ProgrammingError):
        await migrate(empty_dsn)
    assert await current(empty_dsn) == "a1"
    tables = await _tables(empty_dsn)
    assert "first" in tables
    assert "second" not in tables
    _revision(scripts, "b2", "a1", "CREATE TABLE second (id integer)")
    assert await migrate(empty_dsn) == ["b2"]


async def test_a_database_from_a_newer_release_is_refused_and_not_touched(empty_dsn: str, scripts: Path) -> None:
    await migrate(empty_dsn)
    before = await _tables(empty_dsn)
    (scripts / "versions" / "b2.py").unlink()
    with pytest.raises(DatabaseTooNew, match="revision b2"):
        await migrate(empty_dsn)
    assert await _tables(empty_dsn) == before


async def test_of_many_at_once_one_migrates_and_the_others_wait(empty_dsn: str, scripts: Path) -> None:
    _revision(scripts, "a1", None, "CREATE TABLE first (id integer)", "SELECT pg_sleep(0.3)")
    applied = await asyncio.gather(*(migrate(empty_dsn) for _ in range(4)))
    assert sorted(applied, key=len) == [[], [], [], ["a1", "b2"]]


async def test_a_migration_waits_for_the_lock_and_does_not_keep_it(empty_dsn: str, scripts: Path) -> None:
    other = await asyncpg.connect(empty_dsn)
    try:
        await other.execute(f"SELECT pg_advisory_lock({MIGRATION})")
        waiting = asyncio.create_task(migrate(empty_dsn))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await other.execute(f"SELECT pg_advisory_unlock({MIGRATION})")
        assert await waiting == ["a1", "b2"]
        assert await other.fetchval(f"SELECT pg_try_advisory_lock({MIGRATION})")
    finally:
        await other.close()


async def test_a_revision_does_not_wait_for_a_busy_table_for_long(
    empty_dsn: str, scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "LOCK_MS", 200)
    await migrate(empty_dsn)
    _revision(scripts, "c3", "b2", "ALTER TABLE first ADD COLUMN more integer")
    database = Database(empty_dsn)
    async with database.connection() as busy, busy.transaction():
        await busy.execute("LOCK TABLE first")
        with pytest.raises(Exception, match="lock timeout"):
            await asyncio.wait_for(migrate(empty_dsn), 30)
    assert await current(empty_dsn) == "b2"


@pytest.mark.sockets
async def test_a_server_that_is_not_there_is_named_with_the_cure() -> None:
    with pytest.raises(DatabaseUnavailable, match="SHUNIU_DATABASE_URL"):
        await migrate("postgresql:///shuniu?host=/nowhere&user=shuniu")


def test_the_history_is_one_line_without_branches_and_without_ways_back() -> None:
    from alembic.script import ScriptDirectory

    revisions = list(ScriptDirectory(str(subject.SCRIPTS)).walk_revisions())
    assert [len(revision.nextrev) for revision in revisions] == [0] + [1] * (len(revisions) - 1)
    assert all(Path(revision.path).name.startswith(f"{revision.revision}_") for revision in revisions)
    assert not any(hasattr(revision.module, "downgrade") for revision in revisions)
