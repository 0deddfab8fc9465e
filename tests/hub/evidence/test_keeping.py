"""Evidence outlives what else is cleared; what has been lost is said to be lost; who of the staff saw it is in the log."""

from datetime import UTC, datetime, timedelta

import orjson

from certs import envelope
from certs.tile_files import TILE_WIDTH
from hub.audit import repository as audit
from hub.audit.entry import Actor, Event, make_entry
from hub.identity.roles import Role
from hub.worker.chores import KEEP_ACCEPTANCES, Chores
from tests.support.evidence import JOSE, EvidenceTown
from tests.support.gateway import HUB, bearer

JTI = "the-same-jti"


async def sent(town: EvidenceTown, item: str) -> str:
    """The path of an exchange under the one `jti`."""
    data = envelope.seal(
        town.provider.signer,
        typ="exchange+jws",
        iss="provider-a",
        aud=HUB,
        iat=int(datetime.now(UTC).timestamp()),
        jti=JTI,
        payload=orjson.dumps({"records": [{"item_code": item, "item_name": "示例"}]}),
        res=town.resource,
        ver=1,
    )
    answer = await town.gateway.client.post("/v1/exchanges", content=data, headers=JOSE)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def test_after_24_months_the_jti_is_free_and_the_evidence_is_what_it_was(town: EvidenceTown) -> None:
    first = await sent(town, "a1")
    await town.seal()
    headers = town.token(town.provider)
    before = (await town.ask(first, headers)).json()
    async with town.gateway.context.acquire() as connection:
        await Chores(connection, datetime.now(UTC) + KEEP_ACCEPTANCES + timedelta(days=1)).do()
        assert await connection.fetchval("SELECT count(*) FROM acceptance") == 0
    second = await sent(town, "a2")
    await town.seal()
    for path in (first, second):
        answer = await town.ask(path, headers)
        assert answer.status_code == 200, answer.text
        assert town.verdict(answer.content).failed is None
    assert (await town.ask(first, headers)).json()["receipt"] == before["receipt"]
    async with town.gateway.context.acquire() as connection:
        await connection.execute("UPDATE exchange SET receipt = NULL")
    assert (await town.ask(first, headers)).status_code == 503, "the receipt of another exchange is none of this one"


async def test_a_receipt_or_an_entry_that_is_gone_is_said_to_be_gone(town: EvidenceTown) -> None:
    path = await sent(town, "a1")
    await town.seal()
    headers = town.token(town.provider)
    # each is missed before the one before it would be
    losses = {"日志哈希块": "log_tile", "日志条目": "log_entry", "接收凭证": "acceptance"}
    for what, table in losses.items():
        async with town.gateway.context.acquire() as connection, connection.transaction():
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await connection.execute(f"DELETE FROM {table}")
        answer = await town.ask(path, headers)
        assert answer.status_code == 503, answer.text
        assert what in answer.json()["detail"]


async def test_a_tile_that_only_the_proof_of_consistency_needs_is_missed_too(town: EvidenceTown) -> None:
    now = datetime.now(UTC)
    actor = Actor("host", "host:x")
    entries = [
        make_entry(Event("hub.migrated", actor, "schema", str(n)), hub=HUB, now=now) for n in range(2 * TILE_WIDTH)
    ]
    async with town.gateway.context.acquire() as connection:
        await audit.insert(connection, entries)
    await town.seal()
    path = await sent(town, "a1")
    await town.seal()
    headers = town.token(town.provider)
    within = f"?checkpoint_size={TILE_WIDTH + 44}"
    assert (await town.ask(path, headers, within)).status_code == 200
    async with town.gateway.context.acquire() as connection:
        await connection.execute("ALTER TABLE log_tile DISABLE TRIGGER USER")
        await connection.execute("DELETE FROM log_tile WHERE level = 0 AND index = 1")
    assert (await town.ask(path, headers)).status_code == 200
    answer = await town.ask(path, headers, within)
    assert answer.status_code == 503, answer.text
    assert "日志哈希块" in answer.json()["detail"]


async def test_evidence_that_staff_are_given_is_in_the_log_and_that_of_parties_is_not(town: EvidenceTown) -> None:
    path = await sent(town, "a1")
    await town.seal()
    auditor = bearer(await town.gateway.staff("auditor", Role.AUDITOR))
    assert (await town.ask(path, town.token(town.provider))).status_code == 200
    assert (await town.ask(path, auditor)).status_code == 200
    async with town.gateway.context.acquire() as connection:
        rows = await connection.fetch("SELECT leaf FROM log_entry WHERE event = 'exchange.disclosed'")
    (leaf,) = [orjson.loads(row["leaf"]) for row in rows]
    assert leaf["actor"]["kind"] == "staff"
    assert leaf["object"] == {"type": "exchange", "id": path.split("/")[-1]}
    assert (await town.ask(path, auditor)).status_code == 200
