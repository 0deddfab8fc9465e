"""While the database is away every door says so, with 503; when it is back, everything goes on by itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.invariants.county import RES, County
from tests.support.puller import Puller
from tests.support.wire import Answer, Connection
from tests.support.world import record

pytestmark = pytest.mark.process

LEAVE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'shuniu-%'
"""

ENTERING = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.objid AND l.classid = 'pg_database'::regclass WHERE d.datname = $1
"""
"""Connections that are being made: they hold a lock on the database until they are listed, and were perhaps let in before."""

EXCEPTION = '"exception":'

GONE_S = 30.0
BACK_S = 60.0


@asynccontextmanager
async def database_away(found: County) -> AsyncIterator[None]:
    """Nobody is let in, and who was in is sent away, for the length of the block."""
    name = await found.connection.fetchval("SELECT current_database()")
    admin = await asyncpg.connect(found.hub.postgres.admin_dsn())
    try:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        deadline = time.monotonic() + GONE_S
        while await admin.fetchval(ENTERING, name) or await admin.fetch(LEAVE, name):
            assert time.monotonic() < deadline, "somebody stays"
            await asyncio.sleep(0.02)
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()


async def asked_everywhere(found: County, puller: Puller) -> dict[str, Answer]:
    """What every door that needs the database says."""
    async with Connection(found.hub.ports[0]) as connection:
        bearer = {"authorization": f"Bearer {puller.token}"}
        nothing = "01a20066-4268-7bfb-bab5-f4fb085ab666"
        return {
            "post": await connection.post(found.provider.exchange(RES)),
            "refusal": await connection.post(found.provider.exchange("306001000001/999999")),
            "signed refusal": await connection.post(found.provider.exchange(RES, [record(accepted_on="昨天")])),
            "pull": await puller.pull(connection),
            "acknowledge": await puller.acknowledge(
                connection, [{"delivery": nothing, "digest": f"sha-256:{'0' * 64}"}]
            ),
            "state": await connection.request("GET", f"/v1/exchanges/{nothing}", headers=bearer),
            "sign in": await connection.request(
                "POST",
                "/v1/session",
                b'{"user":"nobody","password":"wrong-password"}',
                {"content-type": "application/json"},
            ),
            "ready": await connection.request("GET", "/readyz"),
            "malformed": await connection.post(b"not.an.envelope"),
            "token": await puller.ask_for_token(connection),
            "alive": await connection.request("GET", "/livez"),
        }


async def test_every_door_answers_503_while_the_database_is_away_and_recovers_by_itself(calm: County) -> None:
    puller = Puller(calm.consumers[0])
    exceptions = calm.hub.everything_written().count(EXCEPTION)
    async with Connection(calm.hub.ports[0]) as connection:
        assert (await puller.pull(connection)).status == 200
    async with database_away(calm):
        answers = await asked_everywhere(calm, puller)
    needs_none = {"malformed": 400, "alive": 200}
    assert {what: answer.status for what, answer in answers.items()} == {
        what: needs_none.get(what, 503) for what in answers
    }
    assert all(answer.slug == "unavailable" for answer in answers.values() if answer.status == 503)
    assert all("retry-after" in answer.headers for answer in answers.values() if answer.status == 503)
    deadline = time.monotonic() + BACK_S
    answers = await asked_everywhere(calm, puller)
    while 503 in {answer.status for answer in answers.values()} and time.monotonic() < deadline:
        answers = await asked_everywhere(calm, puller)
    expected = {
        "post": 201,
        "refusal": 404,
        "signed refusal": 422,
        "pull": 200,
        "acknowledge": 404,
        "ready": 200,
        "token": 200,
    }
    assert {what: answers[what].status for what in expected} == expected
    assert calm.hub.everything_written().count(EXCEPTION) == exceptions, calm.hub.exceptions()


async def test_a_gateway_follows_the_registry_again_after_an_outage(calm: County) -> None:
    async with database_away(calm):
        await asyncio.sleep(1.5)
    await calm.world.change("UPDATE system SET name = name")
    wanted = await calm.connection.fetchval("SELECT epoch FROM registry_epoch")
    async with Connection(calm.hub.ports[0]) as connection:
        began = time.monotonic()
        while (answer := await connection.request("GET", "/readyz")).status != 200 or answer.json()["epoch"] < wanted:
            assert time.monotonic() - began < BACK_S
            await asyncio.sleep(0.1)
