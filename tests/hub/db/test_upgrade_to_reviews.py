"""A hub that was running before reviews had steps: its codes have classes, and what was under review has a round."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

import hub.db.migrate as subject
from hub.db.migrate import migrate
from tests.support.postgres import TestServer

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
ORGANISATION, SYSTEM = UUID(int=1), UUID(int=2)
CODES = {"306001000001/000001": "published", "306001000001/000002": "submitted", "201777/000001": "draft"}


@pytest.fixture
def earlier_dsn(postgres: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a database as the release before left it, without any rows."""
    (own,) = (subject.SCRIPTS / "versions").glob("*_reviews.py")
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for path in (subject.SCRIPTS / "env.py", subject.SCRIPTS / "script.py.mako"):
        shutil.copy(path, folder / path.name)
    for path in (subject.SCRIPTS / "versions").glob("*.py"):
        if path.name < own.name:
            shutil.copy(path, folder / "versions" / path.name)
    address = postgres.create("template0")
    with monkeypatch.context() as patched:
        patched.setattr(subject, "SCRIPTS", folder)
        postgres._run(migrate(address))
    yield address
    postgres.drop(address)


async def _fill(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "INSERT INTO organisation (id, code, name, region, created_at) VALUES ($1, '11320982014392332G', '示例单位', '621124', $2)",
        ORGANISATION,
        NOW,
    )
    await connection.execute(
        "INSERT INTO system (id, code, organisation_id, name, state, created_at, updated_at)"
        " VALUES ($1, 'example-system', $2, '示例系统', 'active', $3, $3)",
        SYSTEM,
        ORGANISATION,
        NOW,
    )
    for number, (code, state) in enumerate(CODES.items(), start=10):
        await connection.execute(
            "INSERT INTO resource (id, code, name, summary, provider_id, system_id, share_type, update_cycle, status,"
            " live_version, created_at, updated_at) VALUES ($1, $2, '资源', '', $3, $4, 1, 4, $5, $6, $7, $7)",
            UUID(int=number),
            code,
            ORGANISATION,
            SYSTEM,
            state,
            1 if state == "published" else None,
            NOW,
        )
        await connection.execute(
            "INSERT INTO resource_version (resource_id, number, metadata, items, schema, schema_digest, state, created_at)"
            " VALUES ($1, 1, '{}', '[]', '{}', 'sha-256:' || repeat('0', 64), $2, $3)",
            UUID(int=number),
            state,
            NOW,
        )
        for who, event in (
            ("editor", "resource.registered"),
            ("colleague", "resource.submitted"),
            ("x", "resource.returned"),
        ):
            await connection.execute(
                "INSERT INTO log_entry (id, event, outcome, actor, object_type, object_id, occurred_at, leaf, leaf_hash)"
                " VALUES (gen_random_uuid(), $1, 'success', $2, 'resource', $3, $4, 'x', sha256('x'))",
                event,
                who,
                code,
                NOW,
            )


async def test_codes_in_use_have_classes_and_what_is_under_review_has_a_round_and_authors(earlier_dsn: str) -> None:
    connection = await asyncpg.connect(earlier_dsn)
    try:
        await _fill(connection)
        await migrate(earlier_dsn)
        rows = await connection.fetch("SELECT code, parent, name, state FROM classification")
        classes = {row["code"]: (row["parent"], row["name"], row["state"]) for row in rows}
        assert classes["306001000001"] == ("306001", "306001000001", "active")
        assert classes["306001"] == ("306", "306001", "active")
        assert classes["306"] == ("3", "306", "active")
        assert classes["201777"] == ("201", "201777", "active")
        assert classes["201"] == ("2", "公共服务", "active")

        rounds = await connection.fetch(
            "SELECT code, position, kind, role, opened_at IS NOT NULL AS open FROM review r JOIN resource ON id = resource_id"
            " ORDER BY position"
        )
        assert [tuple(row) for row in rounds] == [
            ("306001000001/000002", 1, "secrecy", "secrecy", True),
            ("306001000001/000002", 2, "publication", "reviewer", False),
        ]
        authors = await connection.fetch(
            "SELECT code, actor FROM version_author v JOIN resource ON id = v.resource_id ORDER BY code, actor"
        )
        assert [tuple(row) for row in authors] == [
            (code, who) for code in ("201777/000001", "306001000001/000002") for who in ("colleague", "editor")
        ]
    finally:
        await connection.close()
