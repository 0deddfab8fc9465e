"""Evidence where a grant left something out (I5): the provider's has all of it, the consumer's no byte of what was left out."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from certs.digests import digest
from certs.evidence import PROJECTION_STATEMENTS, STATEMENTS
from certs.masks import Mask
from certs.reductions import projection_jti
from hub.access.scope import Condition, MaskedItem, Operator, Scope
from hub.evidence import building, gathering
from hub.identity.roles import Role
from tests.support.decoded import all_in
from tests.support.evidence import EvidenceTown
from tests.support.gateway import bearer
from tests.support.registry import Partner

JTI = "jti-of-the-provider"
KEPT = {"item_code": "kept-1", "item_name": "left-out-name-1"}
LEFT_OUT = {"item_code": "left-out-2", "item_name": "left-out-name-2"}
CODES = Scope(items=("item_code",))
NARROW = Scope(items=("item_code",), rows=(Condition("item_code", Operator.IN, ("kept-1",)),))


async def narrowed(town: EvidenceTown, scope: Scope = NARROW) -> str:
    """The path of an exchange of which consumer-b has confirmed a projection, consumer-c the envelope."""
    await town.grant(town.consumer, scope)
    path = await town.publish(KEPT, LEFT_OUT, jti=JTI)
    await town.acknowledge(town.consumer)
    await town.acknowledge(town.other)
    await town.seal()
    return path


async def taken(town: EvidenceTown, path: str, headers: dict[str, str], query: str = "") -> dict[str, Any]:
    """The file, once it is found to hold."""
    answer = await town.ask(path, headers, query)
    assert answer.status_code == 200, answer.text
    verdict = town.verdict(answer.content)
    assert verdict.failed is None, verdict.failed
    members: dict[str, Any] = json.loads(answer.content)
    statements = STATEMENTS if members["format"] == "shuniu-evidence/1" else PROJECTION_STATEMENTS
    assert [checked.name for checked in verdict.checked] == [statement.name for statement in statements]
    return members


def read(message: str) -> tuple[Any, Any]:
    """Header and payload."""
    header, payload, _ = message.split(".")
    found = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, payload)]
    return found[0], found[1]


def events_in(members: dict[str, Any]) -> list[str]:
    return sorted(entry["leaf"]["event"] for entry in members["entries"])


async def test_no_byte_of_what_a_grant_leaves_out_is_in_the_evidence_of_its_consumer(town: EvidenceTown) -> None:
    path = await narrowed(town)
    members = await taken(town, path, town.token(town.consumer))
    assert members["format"] == "shuniu-projection-evidence/1"
    async with town.gateway.context.acquire() as connection:
        row = await connection.fetchrow(
            "SELECT e.envelope, coalesce(e.receipt, a.answer) AS receipt, e.kid FROM exchange e, acceptance a"
        )
        leaf = await connection.fetchval("SELECT leaf FROM log_entry WHERE event = 'exchange.accepted'")
    assert row is not None
    assert json.loads(leaf)["rows"] == 2
    secrets = {
        "values": "left-out",
        "names of items": "item_name",
        "jti": JTI,
        "certificate": row["kid"],
        "sender": "provider-a",
        "another consumer": "consumer-c",
        "its certificate": town.other.certificate.kid,
        "its grant": str(town.grants["consumer-c"]),
        "the exchange": path.split("/")[-1],
        "envelope": row["envelope"].decode(),
        "payload": row["envelope"].decode().split(".")[1],
        "receipt": row["receipt"].decode(),
        "number of lanes": "lanes",
        "acceptance": "exchange.accepted",
        "schema": "$defs",
    }
    found = list(all_in(members))
    for what, secret in secrets.items():
        assert not [text for text in found if secret.encode() in text], what
    assert all(entry["leaf"]["event"] != "exchange.accepted" for entry in members["entries"])
    assert all(entry["leaf"].get("rows", 1) == 1 for entry in members["entries"])


async def test_the_consumer_of_a_projection_proves_what_it_got_and_an_auditor_finds_its_origin(
    town: EvidenceTown,
) -> None:
    path = await narrowed(town)
    members = await taken(town, path, town.token(town.consumer))
    (projection,) = members["projections"]
    header, payload = read(projection)
    assert payload == {"op": "upsert", "records": [{"item_code": "kept-1"}]}
    (delivery,) = members["deliveries"]
    assert read(delivery["acknowledgement"])[1]["deliveries"] == [
        {"id": delivery["id"], "digest": digest(projection.encode())}
    ]
    assert events_in(members) == ["certificate.issued", "delivery.acknowledged", "grant.created"]
    assert [entry["leaf"]["object"]["id"] for entry in members["entries"]][1] == str(town.grants["consumer-b"])
    auditor = bearer(await town.gateway.staff("auditor", Role.AUDITOR))
    whole = await taken(town, path, auditor)
    (accepted,) = [e["leaf"] for e in whole["entries"] if e["leaf"]["event"] == "exchange.accepted"]
    assert accepted["details"]["envelope_digest"] == header["orig"]


async def test_provider_and_staff_get_the_projection_beside_the_envelope(town: EvidenceTown) -> None:
    path = await narrowed(town)
    auditor = bearer(await town.gateway.staff("auditor", Role.AUDITOR))
    for headers in (town.token(town.provider), auditor):
        members = await taken(town, path, headers)
        (projection,) = members["projections"]
        header, _ = read(projection)
        assert header["orig"] == digest(members["envelope"].encode())
        said = {read(one["acknowledgement"])[1]["deliveries"][0]["digest"] for one in members["deliveries"]}
        assert said == {header["orig"], digest(projection.encode())}


async def test_evidence_of_masked_texts_holds_and_the_consumers_has_no_byte_of_what_they_hide(
    town: EvidenceTown,
) -> None:
    path = await narrowed(town, Scope(masks=(MaskedItem("item_name", Mask(4, 2)),)))
    own = await taken(town, path, town.token(town.consumer))
    shown = [one["item_name"] for one in read(own["projections"][0])[1]["records"]]
    assert shown == ["left*********-1", "left*********-2"]
    assert not [text for text in all_in(own) if b"out-name" in text]
    auditor = bearer(await town.gateway.staff("auditor", Role.AUDITOR))
    for headers in (town.token(town.provider), auditor):
        members = await taken(town, path, headers)
        assert members["projections"] == own["projections"]
        granted = [one["leaf"]["details"] for one in members["entries"] if one["leaf"]["event"] == "grant.created"]
        assert [one["masks"] for one in granted if "masks" in one] == [
            [{"item": "item_name", "keep_first": 4, "keep_last": 2}]
        ]


async def test_where_nobody_got_the_envelope_provider_and_staff_get_the_whole_file_all_the_same(
    town: EvidenceTown,
) -> None:
    await town.grant(town.consumer, NARROW)
    path = await town.publish(KEPT, LEFT_OUT, to=["consumer-b"])
    await town.acknowledge(town.consumer)
    await town.seal()
    auditor = bearer(await town.gateway.staff("auditor", Role.AUDITOR))
    for headers in (town.token(town.provider), auditor):
        members = await taken(town, path, headers)
        assert members["format"] == "shuniu-evidence/1"
        assert "left-out" in json.dumps(read(members["envelope"]))
        assert len(members["projections"]) == len(members["deliveries"]) == 1


async def test_the_file_of_a_consumer_with_the_whole_envelope_is_what_it_was(town: EvidenceTown) -> None:
    path = await narrowed(town)
    members = await taken(town, path, town.token(town.other))
    assert members["format"] == "shuniu-evidence/1"
    assert "projections" not in members
    assert str(town.grants["consumer-b"]) in json.dumps(members), "as the entry of the acceptance names it"
    assert "consumer-b" not in json.dumps(members)


async def test_who_has_the_envelope_and_a_projection_gets_the_whole_file(town: EvidenceTown) -> None:
    await town.grant(town.consumer, CODES, purpose="统计分析")
    path = await town.publish(KEPT, LEFT_OUT, jti=JTI)
    await town.acknowledge(town.consumer)
    await town.seal()
    members = await taken(town, path, town.token(town.consumer))
    assert members["format"] == "shuniu-evidence/1"
    assert len(members["projections"]) == 1
    assert len(members["deliveries"]) == 2


async def test_an_envelope_that_waits_or_was_only_handed_out_is_not_had_by_evidence(town: EvidenceTown) -> None:
    await town.grant(town.consumer, CODES, purpose="统计分析")
    path = await town.publish(KEPT, LEFT_OUT, jti=JTI)
    items = await town.pull(town.consumer)
    named = [{"id": one["delivery"], "digest": one["digest"]} for one in items if "orig" in read(one["envelope"])[0]]
    assert (len(items), len(named)) == (2, 1)
    ack = town.seal_envelope(town.consumer, "ack+jws", {"deliveries": named})
    answer = await town.gateway.client.post("/v1/inbox/acks", content=ack, headers={"Content-Type": "application/jose"})
    assert answer.status_code == 200
    await town.seal()
    members = await taken(town, path, town.token(town.consumer))
    assert members["format"] == "shuniu-projection-evidence/1"
    assert len(members["projections"]) == len(members["deliveries"]) == 1


async def test_what_was_delivered_counts_and_not_what_the_grant_is_now(town: EvidenceTown) -> None:
    path = await narrowed(town)
    before = await taken(town, path, town.token(town.consumer))
    await town.grant(town.consumer)
    await town.seal()
    after = await taken(town, path, town.token(town.consumer))
    assert after["projections"] == before["projections"]
    assert events_in(after) == sorted([*events_in(before), "grant.revoked"])
    assert "left-out" not in json.dumps(after)


async def test_a_projection_that_only_the_transport_confirmed_is_proved_without_acknowledgement(
    town: EvidenceTown,
) -> None:
    path = await narrowed(town)
    async with town.gateway.context.acquire() as connection:
        await connection.execute("UPDATE delivered SET outcome = 'transport-confirmed', acknowledgement = NULL")
    members = await taken(town, path, town.token(town.consumer))
    assert (len(members["projections"]), members["deliveries"]) == (1, [])
    assert events_in(members) == ["grant.created"]
    assert "projections" not in await taken(town, path, town.token(town.provider))


async def test_two_projections_of_one_exchange_are_both_in_the_file(town: EvidenceTown) -> None:
    await town.grant(town.consumer, CODES, purpose="统计分析")
    path = await narrowed(town)
    members = await taken(town, path, town.token(town.consumer))
    assert sorted(len(read(one)[1]["records"]) for one in members["projections"]) == [1, 2]
    assert events_in(members).count("grant.created") == 2


async def test_a_replayed_projection_stands_in_the_file_once_and_each_of_its_deliveries_too(town: EvidenceTown) -> None:
    path = await narrowed(town)
    async with town.gateway.context.acquire() as connection:
        again = await connection.fetchval(
            "INSERT INTO delivery (id, lane_id, exchange_id, kid, digest, projection_id) SELECT gen_random_uuid(), lane_id,"
            " exchange_id, 'x', digest, projection_id FROM delivered WHERE projection_id IS NOT NULL RETURNING id"
        )
        await connection.execute("UPDATE exchange SET deliveries = deliveries || $1::uuid", again)
    await town.acknowledge(town.consumer)
    await town.seal()
    for partner, deliveries in ((town.consumer, 2), (town.provider, 3)):
        members = await taken(town, path, town.token(partner))
        assert (len(members["projections"]), len(members["deliveries"])) == (1, deliveries)


async def test_before_it_confirms_a_projection_a_consumer_gets_nothing(town: EvidenceTown) -> None:
    await town.grant(town.consumer, NARROW)
    path = await town.publish(KEPT, LEFT_OUT)
    await town.pull(town.consumer)
    await town.seal()
    answer = await town.ask(path, town.token(town.consumer))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")


@pytest.mark.parametrize("late", ["exchange.accepted", "delivery.acknowledged", "grant.created"])
async def test_a_file_about_a_projection_waits_until_all_of_it_and_the_acceptance_are_sealed(
    town: EvidenceTown, late: str
) -> None:
    path = await narrowed(town)
    async with town.gateway.context.acquire() as connection:
        await connection.execute("ALTER TABLE sealed_entry DISABLE TRIGGER USER")
        await connection.execute(
            "UPDATE sealed_entry SET leaf_index = leaf_index + 1000 WHERE id IN (SELECT id FROM log_entry WHERE event = $1)",
            late,
        )
    answer = await town.ask(path, town.token(town.consumer))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-sealed")


@pytest.mark.parametrize(
    ("what", "lost"),
    [
        ("投影", "projection"),
        ("日志条目", "log_entry WHERE event = 'exchange.accepted'"),
        ("日志条目", "log_entry WHERE event = 'grant.created'"),
    ],
    ids=["projection", "acceptance", "grant"],
)
async def test_what_is_lost_is_said_to_be_lost_and_the_envelope_not_given_in_its_place(
    town: EvidenceTown, what: str, lost: str
) -> None:
    path = await narrowed(town)
    async with town.gateway.context.acquire() as connection:
        await connection.execute("ALTER TABLE log_entry DISABLE TRIGGER USER")
        await connection.execute(f"DELETE FROM {lost}")
    answer = await town.ask(path, town.token(town.consumer))
    assert answer.status_code == 503, answer.text
    assert what in answer.json()["detail"]


async def test_the_envelope_is_not_even_read_for_who_has_projections_alone(
    town: EvidenceTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await narrowed(town)
    monkeypatch.setattr("hub.evidence.repository.EXCHANGE", "SELECT 1 / 0")
    await taken(town, path, town.token(town.consumer))


async def consumers_in(town: EvidenceTown, path: str, partner: Partner, consumer: str) -> Sequence[str]:
    members = await taken(town, path, town.token(partner), f"?consumer={consumer}")
    assert [read(one["acknowledgement"])[0]["iss"] for one in members["deliveries"]] == [consumer]
    return [e["leaf"]["details"]["consumer"] for e in members["entries"] if e["leaf"]["event"].startswith("grant.")]


async def test_evidence_may_be_asked_for_one_consumer_alone(town: EvidenceTown) -> None:
    path = await narrowed(town)
    for consumer in ("consumer-b", "consumer-c"):
        assert set(await consumers_in(town, path, town.provider, consumer)) == {consumer}
    assert (await town.ask(path, town.token(town.provider), "?consumer=stranger-d")).status_code == 404
    assert (await town.ask(path, town.token(town.consumer), "?consumer=consumer-c")).status_code == 404
    own = await taken(town, path, town.token(town.consumer), "?consumer=consumer-b")
    assert own["format"] == "shuniu-projection-evidence/1"


@pytest.mark.parametrize("module", [gathering, building])
async def test_a_file_that_no_verifier_would_read_is_not_made(
    town: EvidenceTown, monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    path = await narrowed(town)
    monkeypatch.setattr(module, "MAX_BYTES", 500)
    answer = await town.ask(path, town.token(town.provider))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert "?consumer=" in answer.json()["detail"]


async def test_the_exchange_itself_tells_the_consumer_of_a_projection_no_more_than_its_evidence(
    town: EvidenceTown,
) -> None:
    path = await narrowed(town)
    answer = await town.gateway.client.get(path, headers=town.token(town.consumer))
    async with town.gateway.context.acquire() as connection:
        lane: UUID = await connection.fetchval("SELECT lane_id FROM delivered WHERE projection_id IS NOT NULL")
    assert JTI not in answer.text
    assert answer.json()["jti"] == projection_jti(lane, "provider-a", JTI)
