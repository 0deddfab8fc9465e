"""The baseline is a fair one: it accepts what the hub accepts, writes the same rows, and refuses what the hub refuses."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from certs import envelope
from certs.header import EXCHANGE, RECEIPT
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.db.engine import Database
from hub.db.partitions import ensure_partitions
from hub.registry.keyring import create_keys
from hub.registry.masterkey import create_master_key
from hub.settings import Settings
from tools.bench.baseline.app import create_app
from tools.bench.baseline.parts import open_plain
from tools.bench.counts import check_committed, count
from tools.bench.county import County, settle
from tools.bench.plan import ACCEPT_CONSUMERS, PULL_CONSUMERS
from tools.bench.records import payload
from tools.bench.requests import Sending

HUB = "bench-hub"
SECRET = payload(1, 1024).replace("示例申请人".encode(), "机密★10年".encode(), 1)


@dataclass(frozen=True, slots=True)
class Stand:
    """The plain application on a fresh county."""

    client: httpx.AsyncClient
    database: Database
    county: County

    def sealed(self, **changes: Any) -> bytes:
        """An envelope of the provider, sound but for the changes."""
        provider = self.county.provider
        sending = Sending(HUB, provider.code, provider.kid, provider.key_pem, self.county.accepted, 1024)
        sound: dict[str, Any] = {
            "typ": EXCHANGE,
            "iss": provider.code,
            "aud": HUB,
            "iat": int(datetime.now(UTC).timestamp()),
            "jti": "one",
            "payload": payload(1, 1024),
            "res": self.county.accepted,
            "ver": 1,
        }
        return envelope.seal(changes.pop("signer", sending.signer()), **(sound | changes))

    async def post(self, compact: bytes) -> httpx.Response:
        """The answer to an envelope."""
        return await self.client.post("/v1/exchanges", content=compact, headers={"Content-Type": "application/jose"})


@pytest.fixture
def settings(database_dsn: str, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, hub_id=HUB, database_url=SecretStr(database_dsn))


@pytest.fixture
async def stand(database: Database, database_dsn: str, settings: Settings) -> AsyncIterator[Stand]:
    now = datetime.now(UTC)
    async with database.connection() as connection:
        await ensure_partitions(connection, now)
    async with database.session() as session, session.begin():
        master_key = create_master_key(settings.master_key_path)
        await create_keys(session, master_key, hub_id=HUB, organisation_name="临洮县示例局", now=now)
    county = await settle(settings, database_dsn)
    plain = await open_plain(settings)
    transport = httpx.ASGITransport(app=create_app(plain))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield Stand(client, database, county)
    await plain.database.dispose()


async def test_what_it_accepts_is_committed_with_key_deliveries_and_log_entry(stand: Stand) -> None:
    before = await count(stand.database)
    posted = stand.sealed()
    answer = await stand.post(posted)
    assert answer.status_code == 201, answer.text
    check_committed(1, (await count(stand.database)).since(before), ACCEPT_CONSUMERS)
    receipt = envelope.read(answer.content, max_bytes=1 << 20, allowed_types=frozenset({RECEIPT}))
    said = orjson.loads(receipt.payload_bytes)
    assert said["lanes"] == ACCEPT_CONSUMERS
    assert (
        said["envelope_digest"] == envelope.read(posted, max_bytes=1 << 20, allowed_types=frozenset({EXCHANGE})).digest
    )


async def test_the_other_resource_goes_to_every_puller(stand: Stand) -> None:
    before = await count(stand.database)
    assert (await stand.post(stand.sealed(res=stand.county.pulled))).status_code == 201
    check_committed(1, (await count(stand.database)).since(before), PULL_CONSUMERS)


async def test_a_jti_is_taken_once(stand: Stand) -> None:
    assert (await stand.post(stand.sealed())).status_code == 201
    again = await stand.post(stand.sealed())
    assert (again.status_code, again.json()["detail"]) == (409, "jti-reused")


def _stranger(stand: Stand) -> bytes:
    return stand.sealed(signer=KeySigner(generate_key("ES256"), "A" * 43))


def _forged(stand: Stand) -> bytes:
    return stand.sealed(signer=KeySigner(generate_key("ES256"), stand.county.provider.kid))


def _other_provider(stand: Stand) -> bytes:
    puller = stand.county.pullers[0]
    sending = replace(
        Sending(HUB, puller.code, puller.kid, puller.key_pem, stand.county.accepted, 1024), system=puller.code
    )
    return stand.sealed(signer=sending.signer(), iss=puller.code)


REFUSED: Mapping[str, tuple[tuple[int, str], Callable[[Stand], bytes]]] = {
    "padding": ((400, "malformed-envelope"), lambda s: s.sealed()[:-1] + b"="),
    "two parts": ((400, "malformed-envelope"), lambda s: b"a.b"),
    "size": ((413, "too-large"), lambda s: b"a" * (5 << 20)),
    "stranger": ((401, "unknown-signer"), _stranger),
    "forger": ((401, "bad-signature"), _forged),
    "other sender": ((403, "signer-mismatch"), lambda s: s.sealed(iss="somebody-else")),
    "other hub": ((403, "wrong-audience"), lambda s: s.sealed(aud="another-hub")),
    "old": ((401, "stale-message"), lambda s: s.sealed(iat=1_000_000)),
    "name twice": ((400, "malformed-payload"), lambda s: s.sealed(payload=b'{"records": [], "records": [{}]}')),
    "no record": ((400, "malformed-payload"), lambda s: s.sealed(payload=b'{"records": []}')),
    "no such resource": ((404, "unknown-resource"), lambda s: s.sealed(res="306001000001/999999")),
    "other provider": ((403, "not-the-provider"), _other_provider),
    "schema": ((422, "schema-violation"), lambda s: s.sealed(payload=b'{"records": [{"case_no": "1"}]}')),
    "marked secret": ((422, "classified-content"), lambda s: s.sealed(payload=SECRET)),
}


async def test_it_refuses_under_the_same_checks(stand: Stand) -> None:
    before = await count(stand.database)
    found = {}
    for name, (_, make) in REFUSED.items():
        answer = await stand.post(make(stand))
        found[name] = (answer.status_code, answer.json()["detail"])
    assert found == {name: expected for name, (expected, _) in REFUSED.items()}
    assert await count(stand.database) == before


CHANGES: Mapping[tuple[int, str], tuple[str, str]] = {
    (403, "system-suspended"): ("UPDATE system SET state = 'suspended'", "UPDATE system SET state = 'active'"),
    (409, "resource-not-published"): (
        "UPDATE resource SET status = 'suspended'",
        "UPDATE resource SET status = 'published'",
    ),
    (401, "certificate-revoked"): (
        "UPDATE certificate SET state = 'revoked', revoked_at = now(), revocation_reason = 'superseded'",
        "UPDATE certificate SET state = 'active', revoked_at = NULL, revocation_reason = NULL",
    ),
    (401, "certificate-expired"): (
        "UPDATE certificate SET not_after = not_before + interval '1 second'",
        "UPDATE certificate SET not_after = not_before + interval '1 day'",
    ),
}


async def test_it_looks_at_the_registry_each_time(stand: Stand) -> None:
    found = []
    async with stand.database.connection() as connection:
        for change, undo in CHANGES.values():
            await connection.execute(change)
            answer = await stand.post(stand.sealed())
            found.append((answer.status_code, answer.json()["detail"]))
            await connection.execute(undo)
    assert found == list(CHANGES)
    assert (await stand.post(stand.sealed())).status_code == 201
