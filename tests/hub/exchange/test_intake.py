"""Intake on a real database: the contract's check order, receipts, duplicates."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from certs.envelope import open_envelope
from hub.db.locks import hold_barrier
from hub.errors import Refused
from hub.exchange.intake import Accepted
from tests.hub.exchange.conftest import Floor
from tests.support.world import record

SHORT = timedelta(minutes=3)
"""A validity that the hub's clock is moved beyond; shorter than the time that an envelope's own may differ."""


async def post(floor: Floor, envelope: bytes) -> Accepted:
    return await floor.intake.accept(envelope, address="192.0.2.7", request_id="r1")


async def refusal(floor: Floor, envelope: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        await post(floor, envelope)
    return caught.value


async def test_a_receipt_names_envelope_schema_and_log_leaf(floor: Floor) -> None:
    envelope = floor.provider.exchange(floor.res)
    accepted = await post(floor, envelope)
    verifier = floor.receipt_verifier
    opened = open_envelope(
        accepted.receipt, max_bytes=1 << 20, allowed_types=frozenset({"receipt+jws"}), verifier_for=lambda _: verifier
    )
    receipt = orjson.loads(opened.payload_bytes)
    row = await floor.connection.fetchrow("SELECT * FROM exchange WHERE id = $1", accepted.exchange)
    entry = await floor.connection.fetchrow("SELECT * FROM log_entry WHERE object_id = $1", str(accepted.exchange))
    assert row is not None
    assert entry is not None
    assert receipt["envelope_digest"] == f"sha-256:{row['digest'].hex()}"
    assert receipt["lanes"] == 1
    assert opened.header.ref == receipt["jti"]
    assert base64.b64decode(receipt["entry"]) == entry["leaf_hash"]
    assert row["envelope"] == envelope


async def test_the_same_envelope_again_gets_the_same_bytes(floor: Floor) -> None:
    envelope = floor.provider.exchange(floor.res)
    first, second = await post(floor, envelope), await post(floor, envelope)
    assert first.fresh
    assert not second.fresh
    assert first.receipt == second.receipt
    assert first.exchange == second.exchange


async def test_a_jti_in_other_bytes_is_refused(floor: Floor) -> None:
    await post(floor, floor.provider.exchange(floor.res, jti="one"))
    assert (await refusal(floor, floor.provider.exchange(floor.res, [record(2)], jti="one"))).slug == "jti-reused"


async def test_the_stored_receipt_outlives_revocation_and_suspension(floor: Floor) -> None:
    envelope = floor.provider.exchange(floor.res)
    first = await post(floor, envelope)
    await floor.world.change(
        "UPDATE certificate SET state = 'revoked', revoked_at = now(), revocation_reason = 'keyCompromise'"
        " WHERE kid = $1",
        floor.provider.kid,
    )
    assert (await post(floor, envelope)).receipt == first.receipt
    assert (await refusal(floor, floor.provider.exchange(floor.res))).slug == "certificate-revoked"
    await floor.world.change("UPDATE system SET state = 'suspended' WHERE id = $1", floor.provider.id)
    assert (await post(floor, envelope)).receipt == first.receipt
    assert (await refusal(floor, floor.provider.exchange(floor.res))).slug == "system-suspended"


async def test_what_is_published_while_a_system_is_suspended_is_not_queued_for_it_and_naming_it_says_so(
    floor: Floor,
) -> None:
    await floor.world.change("UPDATE system SET state = 'suspended' WHERE id = $1", floor.consumer.id)
    await post(floor, floor.provider.exchange(floor.res))
    refused = await refusal(floor, floor.provider.exchange(floor.res, to=[floor.consumer.code]))
    assert refused.slug == "no-grant"
    assert "系统已暂停" in refused.zh
    assert "suspended" in refused.en
    await floor.world.change("UPDATE system SET state = 'active' WHERE id = $1", floor.consumer.id)
    assert await floor.connection.fetchval("SELECT count(*) FROM delivery") == 0


async def test_each_refusal_has_its_slug(floor: Floor) -> None:
    provider, consumer, res = floor.provider, floor.consumer, floor.res
    good = provider.exchange(res)
    stranger = await floor.world.system("stranger")
    await floor.connection.execute("DELETE FROM certificate WHERE kid = $1", stranger.kid)
    await floor.world.bump()
    old = datetime.now(UTC) - timedelta(seconds=400)
    cases = {
        "malformed-envelope": b"not.an.envelope",
        "unknown-signer": stranger.exchange(res),
        "bad-signature": good[:-4] + (b"AAAA" if good[-4:] != b"AAAA" else b"BBBB"),
        "signer-mismatch": provider.exchange(res, iss="consumer-b"),
        "wrong-audience": provider.exchange(res, aud="other-hub"),
        "stale-message": provider.exchange(res, now=old),
        "malformed-payload": provider.exchange(res, payload=b'{"a":1,"a":2}'),
        "unknown-resource": provider.exchange("306001000001/999999"),
        "not-the-provider": consumer.exchange(res),
        "wrong-version": provider.exchange(res, ver=9),
        "classified-content": provider.exchange(res, [record(note="机密★10年")]),
        "schema-violation": provider.exchange(res, [record(accepted_on="昨天")]),
        "no-grant": provider.exchange(res, to=["stranger"]),
        "too-large": b"x" * ((4 << 20) + 1),
    }
    for slug, envelope in cases.items():
        assert (await refusal(floor, envelope)).slug == slug, slug
    await floor.world.change("UPDATE resource SET status = 'suspended'")
    assert (await refusal(floor, good)).slug == "resource-not-published"
    assert await floor.connection.fetchval("SELECT count(*) FROM exchange") == 0
    assert await floor.connection.fetchval("SELECT count(*) FROM acceptance") == 0


async def test_a_schema_violation_points_to_the_field_and_keeps_no_value(floor: Floor) -> None:
    fault = await refusal(floor, floor.provider.exchange(floor.res, [record(), record(2, accepted_on="昨天")]))
    assert [e.pointer for e in fault.errors] == ["/records/1/accepted_on"]
    leaves = await floor.connection.fetch("SELECT leaf FROM log_entry WHERE event = 'message.refused'")
    assert len(leaves) == 1
    assert "昨天" not in leaves[0]["leaf"].decode()


async def test_a_refusal_of_marked_content_keeps_no_part_of_it(floor: Floor) -> None:
    await refusal(floor, floor.provider.exchange(floor.res, [record(note="秘密★长期 某某工程的坐标")]))
    for table in ("log_entry", "exchange", "acceptance", "delivery"):
        rows = await floor.connection.fetch(f"SELECT t::text AS row FROM {table} t")
        leaves = "".join(bytes(r["leaf"]).decode() for r in await floor.connection.fetch("SELECT leaf FROM log_entry"))
        assert all("坐标" not in row["row"] for row in rows)
        assert "坐标" not in leaves


async def test_a_certificate_registered_a_moment_ago_is_known(floor: Floor) -> None:
    other = await floor.world.system("newcomer")
    resource = await floor.world.resource("306001000001/000002", other)
    await floor.world.grant(floor.consumer, resource)
    assert (await post(floor, other.exchange("306001000001/000002"))).fresh


async def test_a_grant_that_ends_while_an_envelope_waits_is_judged_again(floor: Floor) -> None:
    other = await floor.world.resource("306001000001/000003", floor.provider)
    await floor.world.grant(floor.consumer, other, valid_for=SHORT)
    await floor.pictures.at_least_now()
    accepted = await post(floor, floor.provider.exchange("306001000001/000003"))
    assert await lanes(floor, accepted) == 1
    floor.intake.gate.clock.not_before(floor.world.now + SHORT)
    accepted = await post(floor, floor.provider.exchange("306001000001/000003"))
    assert await lanes(floor, accepted) == 0


async def test_a_replaced_version_takes_payloads_beside_its_successor_until_its_end(floor: Floor) -> None:
    identifier = floor.world.resources[floor.res]
    await floor.world.version(identifier, floor.res, 2)
    await floor.world.change(
        "UPDATE resource_version SET ends_at = clock_timestamp() + interval '1 hour' WHERE number = 1"
    )
    for version in (1, 2):
        assert (await post(floor, floor.provider.exchange(floor.res, ver=version))).fresh
    await floor.world.change("UPDATE resource_version SET ends_at = clock_timestamp() WHERE number = 1")
    refused = await refusal(floor, floor.provider.exchange(floor.res, ver=1))
    assert (refused.slug, refused.zh[-4:]) == ("wrong-version", "版本：2")
    assert (await post(floor, floor.provider.exchange(floor.res, ver=2))).fresh


async def test_a_version_that_ends_while_an_envelope_waits_takes_it_no_more(floor: Floor) -> None:
    for _ in range(5):
        await floor.world.change("UPDATE resource_version SET ends_at = clock_timestamp() + interval '1.5 seconds'")
        await floor.pictures.at_least_now()
        async with floor.connection.transaction():
            await hold_barrier(floor.connection)
            waiting = asyncio.create_task(refusal(floor, floor.provider.exchange(floor.res)))
            if not (await asyncio.wait({waiting}, timeout=2))[0]:
                break  # judged while the version took payloads, held up before its commit
    assert not waiting.done()
    assert (await waiting).slug == "wrong-version"
    assert await floor.connection.fetchval("SELECT count(*) FROM exchange") == 0


async def lanes(floor: Floor, accepted: Accepted) -> int:
    found: int = await floor.connection.fetchval(
        "SELECT cardinality(deliveries) FROM exchange WHERE id = $1", accepted.exchange
    )
    return found
