"""I2: (sender, jti) is one exchange, for a thousand concurrent attempts at two gateways and long after its month has ended."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from certs.digests import digest_bytes, parse_digest
from hub.db.ids import new_id
from tests.invariants.county import RES, County
from tests.support.wire import Answer, Connection
from tests.support.world import record

pytestmark = pytest.mark.process

ATTEMPTS = 1000
LAST_MONTH = timedelta(days=40)


async def post_all_at_once(found: County, envelopes: list[bytes]) -> list[Answer]:
    """Every envelope over a connection of its own, opened before; they go to the gateways in turn."""
    ports = found.hub.ports
    connections = [Connection(ports[n % len(ports)]) for n in range(len(envelopes))]
    try:
        for start in range(0, len(connections), 50):
            await asyncio.gather(*(connection.open() for connection in connections[start : start + 50]))
        return await asyncio.gather(*(c.post(e) for c, e in zip(connections, envelopes, strict=True)))
    finally:
        for connection in connections:
            connection.close()


async def posted(found: County, envelope: bytes, gateway: int = 0) -> Answer:
    async with Connection(found.hub.ports[gateway]) as connection:
        return await connection.post(envelope)


async def test_a_thousand_concurrent_posts_of_one_envelope_at_two_gateways_make_one_exchange(calm: County) -> None:
    envelope = calm.provider.exchange(RES, jti="once")
    answers = await post_all_at_once(calm, [envelope] * ATTEMPTS)
    assert Counter(answer.status for answer in answers) == {201: 1, 200: ATTEMPTS - 1}
    assert len({answer.body for answer in answers}) == 1
    assert await calm.connection.fetchval("SELECT count(*) FROM exchange WHERE jti = 'once'") == 1
    assert await calm.connection.fetchval("SELECT count(*) FROM log_entry WHERE event = 'exchange.accepted'") == 1
    assert await calm.connection.fetchval("SELECT count(*) FROM delivery") == len(calm.lanes)


async def test_concurrent_batches_of_the_same_keys_do_not_deadlock(calm: County) -> None:
    """Every envelope goes to both gateways at once, in opposite orders."""
    envelopes = [calm.provider.exchange(RES, [record(n)], jti=f"both-{n}") for n in range(200)]
    mixed = [envelope for pair in zip(envelopes, reversed(envelopes), strict=True) for envelope in pair]
    answers = await post_all_at_once(calm, mixed)
    assert Counter(answer.status for answer in answers) == {201: 200, 200: 200}
    receipts: dict[bytes, set[bytes]] = {}
    for envelope, answer in zip(mixed, answers, strict=True):
        receipts.setdefault(envelope, set()).add(answer.body)
    assert all(len(different) == 1 for different in receipts.values())


async def test_one_of_two_envelopes_under_one_jti_is_refused(calm: County) -> None:
    envelopes = [calm.provider.exchange(RES, [record(n)], jti="two-bodies") for n in range(20)]
    answers = await post_all_at_once(calm, envelopes)
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 19}
    assert {answer.slug for answer in answers if answer.status == 409} == {"jti-reused"}


async def accepted_last_month(found: County, envelope: bytes, jti: str, receipt: bytes) -> UUID:
    """What an acceptance 40 days ago would have left behind."""
    then = datetime.now(UTC) - LAST_MONTH
    identifier = new_id(then)
    digest = digest_bytes(envelope)
    resource = found.world.resources[RES]
    schema = await found.connection.fetchval("SELECT schema_digest FROM resource_version")
    await found.connection.execute(
        "INSERT INTO acceptance (sender, jti, kind, digest, message_id, answer, accepted_at)"
        " VALUES ($1, $2, 'exchange', $3, $4, $5, $6)",
        found.provider.code,
        jti,
        digest,
        identifier,
        receipt,
        then,
    )
    await found.connection.execute(
        "INSERT INTO exchange (id, sender_id, jti, resource_id, version, digest, schema_digest, kid, envelope,"
        " data_key_id, deliveries, epoch, accepted_at) VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, 0, '{}', 1, $9)",
        identifier,
        found.provider.id,
        jti,
        resource,
        digest,
        parse_digest(schema),
        found.provider.kid,
        envelope,
        then,
    )
    return identifier


async def test_a_duplicate_after_its_month_has_ended_gets_the_stored_receipt(calm: County) -> None:
    """Both ways in: `iat` long stale (refused, if it were new), and `iat` still fresh (found by the committer)."""
    for name, iat in (("stale", datetime.now(UTC) - LAST_MONTH), ("fresh", datetime.now(UTC))):
        envelope = calm.provider.exchange(RES, jti=f"month-{name}", now=iat)
        identifier = await accepted_last_month(calm, envelope, f"month-{name}", b"stored " + name.encode())
        for gateway in (0, 1):
            answer = await posted(calm, envelope, gateway)
            assert (answer.status, answer.body) == (200, b"stored " + name.encode())
            assert answer.headers["location"] == f"/v1/exchanges/{identifier}"
        other = calm.provider.exchange(RES, [record(2)], jti=f"month-{name}", now=iat)
        assert (await posted(calm, other)).slug == "jti-reused"
        kept = await calm.connection.fetchval("SELECT count(*) FROM exchange WHERE jti = $1", f"month-{name}")
        assert kept == 1


async def test_a_refusal_consumes_no_jti(calm: County) -> None:
    refused = calm.provider.exchange(RES, [record(accepted_on="昨天")], jti="mended")
    assert (await posted(calm, refused)).slug == "schema-violation"
    assert (await posted(calm, calm.provider.exchange(RES, jti="mended"))).status == 201
