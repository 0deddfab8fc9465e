"""Bodies that were registered before there were changes of organisations keep the name that they had."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

import hub.db.migrate as subject
from hub.db.migrate import migrate
from tests.support.postgres import TestServer
from tests.support.registry import NOW, example_code


@pytest.fixture
def empty_dsn(postgres: TestServer) -> Iterator[str]:
    """The address of a database without tables."""
    address = postgres.create("template0")
    yield address
    postgres.drop(address)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The revisions of before."""
    folder = tmp_path / "migrations"
    shutil.copytree(subject.SCRIPTS, folder)
    (ours,) = (folder / "versions").glob("*_organisations_change.py")
    for revision in (folder / "versions").glob("0*.py"):
        if revision.name >= ours.name:
            revision.unlink()
    return folder


async def test_a_body_of_before_is_active_under_its_name_from_the_day_it_was_registered(
    empty_dsn: str, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(subject, "SCRIPTS", before)
        await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    try:
        code = example_code()
        new = "INSERT INTO organisation (id, code, name, region, created_at) VALUES ($1, $2, '甲局', '621124', $3)"
        await connection.execute(new, UUID(int=1), code, NOW)
        await migrate(empty_dsn)
        row = await connection.fetchrow("SELECT state, ended_at FROM organisation")
        assert row is not None
        assert tuple(row) == ("active", None)
        named = await connection.fetch("SELECT organisation_id, valid_from, name, name_en, code FROM organisation_name")
        assert [tuple(each) for each in named] == [(UUID(int=1), NOW, "甲局", "", code)]
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(new, UUID(int=2), example_code(), NOW)
        await connection.execute("UPDATE organisation SET state = 'ended', ended_at = now()")
        await connection.execute(new, UUID(int=2), example_code(), NOW)
    finally:
        await connection.close()
