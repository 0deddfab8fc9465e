"""Connections: the same settings on both kinds, JSON both ways, errors with their cure."""

import asyncio
from decimal import Decimal

import asyncpg
import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

import hub.db.engine as subject
from hub.db.engine import Database
from hub.db.errors import DatabaseUnavailable
from hub.db.locks import REGISTRY_BARRIER, hold_barrier
from hub.registry.models import RegistryEpoch
from tests.support.postgres import TestServer

SETTINGS = {
    "default_transaction_isolation": "read committed",
    "transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "5s",
    "statement_timeout": "30s",
    "lock_timeout": "8s",
    "TimeZone": "UTC",
    "application_name": "test",
    "synchronous_commit": "on",
}


async def _settings_of_both(database: Database) -> list[dict[str, str]]:
    async with database.connection() as connection:
        raw = {name: await connection.fetchval("SELECT current_setting($1)", name) for name in SETTINGS}
    query = text("SELECT current_setting(:name)")
    async with database.session() as session:
        pooled = {name: (await session.execute(query, {"name": name})).scalar_one() for name in SETTINGS}
    return [raw, pooled]


@pytest.mark.usefixtures("products_own_times")
async def test_sessions_and_raw_connections_have_the_same_settings(database: Database) -> None:
    assert await _settings_of_both(database) == [SETTINGS, SETTINGS]


@pytest.mark.usefixtures("products_own_times")
async def test_our_settings_outrank_those_of_database_and_role(database: Database, postgres: TestServer) -> None:
    name = database.dsn.partition("///")[2].partition("?")[0]
    for setting in (
        "synchronous_commit = off",
        "default_transaction_isolation = 'serializable'",
        "idle_in_transaction_session_timeout = 0",
        "timezone = 'Asia/Shanghai'",
    ):
        postgres.execute(f"ALTER DATABASE {name} SET {setting}")
    assert await _settings_of_both(database) == [SETTINGS, SETTINGS]


async def test_a_stopped_transaction_is_ended_by_the_server(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I3: who holds the barrier and is stopped must not hold a revocation up."""
    async with database.connection() as revoking:
        monkeypatch.setattr(subject, "IDLE_IN_TRANSACTION_MS", 200)
        async with database.connection() as stopped:
            await stopped.execute(f"BEGIN; SELECT pg_advisory_xact_lock_shared({REGISTRY_BARRIER})")
            async with revoking.transaction():
                await asyncio.wait_for(hold_barrier(revoking), 30)
            async with asyncio.timeout(30):
                while not stopped.is_closed():  # noqa: ASYNC110  what is waited for has no event
                    await asyncio.sleep(0.01)


async def test_a_statement_without_end_is_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "STATEMENT_MS", 2_000)  # connecting is statements too
    async with database.connection() as connection:
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("SELECT pg_sleep(30)")


async def test_json_is_python_values_in_and_out_on_raw_connections(database: Database) -> None:
    value = {"姓名": "示例", "n": [1, 2.5, None, True], "empty": {}}
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT $1::jsonb", value) == value
        assert await connection.fetchval("SELECT $1::json", value) == value
        assert await connection.fetchval("SELECT $1::jsonb -> 'n'", value) == value["n"]
        assert await connection.fetchval("SELECT $1::jsonb[]", [value, 1]) == [value, 1]
        assert await connection.fetchval("SELECT NULL::jsonb") is None
        assert await connection.fetchval("SELECT $1::text::jsonb", '{"a": 1}') == {"a": 1}


async def test_json_is_python_values_in_and_out_in_sessions(database: Database) -> None:
    value = {"姓名": "示例", "n": [1, 2.5, None, True]}
    query = text("SELECT :value AS value").bindparams(bindparam("value", value, JSONB)).columns(value=JSONB)
    async with database.session() as session:
        assert (await session.execute(query)).scalar_one() == value


async def test_times_are_aware_and_in_utc_and_numbers_keep_their_digits(database: Database) -> None:
    async with database.connection() as connection:
        moment = await connection.fetchval("SELECT timestamptz '2026-11-21 08:00+08'")
        assert moment.isoformat() == "2026-11-21T00:00:00+00:00"
        assert await connection.fetchval("SELECT 12.50::numeric") == Decimal("12.50")


async def test_objects_keep_their_values_after_commit(database: Database) -> None:
    async with database.session() as session:
        row = (await session.execute(select(RegistryEpoch))).scalar_one()
        await session.commit()
        assert row.epoch == 1


async def test_a_restarted_server_costs_no_request(database: Database, postgres: TestServer) -> None:
    async with database.session() as session:
        pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    postgres.execute(f"SELECT pg_terminate_backend({pid}, 30000)")
    async with database.session() as session:
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1


async def test_disposing_twice_is_harmless_and_the_database_can_be_used_again(database: Database) -> None:
    async with database.session() as session:
        await session.execute(text("SELECT 1"))
    await database.dispose()
    await database.dispose()
    async with database.session() as session:
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1


async def test_a_failed_statement_keeps_its_own_error(database: Database) -> None:
    async with database.session() as session:
        with pytest.raises(DBAPIError, match="nonsense"):
            await session.execute(text("SELECT nonsense"))


def test_an_address_of_another_kind_is_refused_with_the_cure() -> None:
    with pytest.raises(DatabaseUnavailable, match="must begin with postgresql://"):
        Database("sqlite:///shuniu.db")


@pytest.mark.sockets
async def test_nobody_there_is_unavailable_on_both_kinds_and_the_password_is_not_told() -> None:
    database = Database("postgresql://shuniu:geheim@127.0.0.1:1/shuniu")
    with pytest.raises(ConnectionError, match="check SHUNIU_DATABASE_URL") as raw:
        await database.connect()
    with pytest.raises(DatabaseUnavailable) as pooled:
        async with database.session() as session:
            await session.execute(text("SELECT 1"))
    assert "geheim" not in str(raw.value) + str(pooled.value)
