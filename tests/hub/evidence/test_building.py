"""What each party gets of an exchange, and that it holds."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg.connection import LoggedQuery
from cryptography.hazmat.primitives.serialization import Encoding

from certs.envelope import kid_of
from hub.access import service as access
from hub.access.scope import WHOLE, Scope
from hub.access.service import NewGrant
from hub.delivery import dead_letters
from hub.delivery.repository import PARK
from hub.evidence.building import build_evidence
from hub.evidence.repository import ACCEPTANCE, ENTRIES_OF
from hub.identity.callers import SystemCaller
from hub.identity.roles import Role
from hub.registry import certificates
from tests.support.evidence import JOSE, EvidenceTown
from tests.support.gateway import bearer
from tests.support.registry import OFFICER, RECORDER, Partner


async def taken(town: EvidenceTown, path: str, partner: Partner, query: str = "") -> dict[str, Any]:
    """The file for a party, once it is found to hold."""
    answer = await town.ask(path, town.token(partner), query)
    assert answer.status_code == 200, answer.text
    verdict = town.verdict(answer.content)
    assert verdict.failed is None, verdict.failed
    members: dict[str, Any] = json.loads(answer.content)
    return members


def grants_in(members: dict[str, Any]) -> list[str]:
    return [
        entry["leaf"]["details"]["consumer"]
        for entry in members["entries"]
        if entry["leaf"]["event"].startswith("grant.")
    ]


def events_in(members: dict[str, Any]) -> list[str]:
    return sorted(entry["leaf"]["event"] for entry in members["entries"])


async def parked_and_replayed(town: EvidenceTown) -> Mapping[str, Any]:
    """The consumer's one item, parked by the worker after it had been handed out, and queued again."""
    (item,) = await town.pull(town.consumer)
    async with town.gateway.context.acquire() as connection:
        await connection.execute(PARK, [UUID(item["delivery"])], 3, "timed-out", town.gateway.now)
    async with town.gateway.context.transaction() as session:
        await dead_letters.replay_one(
            session, UUID(item["delivery"]), actor=OFFICER, recorder=RECORDER, now=town.gateway.now
        )
    return item


async def confirmed(town: EvidenceTown, *items: Mapping[str, Any]) -> None:
    listed = {"deliveries": [{"id": item["delivery"], "digest": item["digest"]} for item in items]}
    message = town.seal_envelope(town.consumer, "ack+jws", listed)
    answer = await town.gateway.client.post("/v1/inbox/acks", content=message, headers=JOSE)
    assert answer.json() == {"acknowledged": len(items)}
    await town.seal()


async def test_a_late_acknowledgement_of_what_was_replayed_is_proof_though_the_replay_never_leaves(
    town: EvidenceTown,
) -> None:
    path = await town.publish()
    lanes = (await town.gateway.client.get(path, headers=town.token(town.provider))).json()["lanes"]
    item = await parked_and_replayed(town)
    async with town.gateway.context.transaction() as session:
        grant = town.grants["consumer-b"]
        await access.revoke_grant(session, grant, reason="到期", actor=OFFICER, recorder=RECORDER, now=town.gateway.now)
    await town.gateway.refresh()
    await confirmed(town, item)
    for party in (town.provider, town.consumer):
        assert [one["id"] for one in (await taken(town, path, party))["deliveries"]] == [item["delivery"]]
    state = (await town.gateway.client.get(path, headers=town.token(town.provider))).json()
    assert (state["lanes"], len(state["deliveries"])) == (lanes, lanes + 1), (
        "a replay is another delivery in the same lane"
    )


async def test_an_acknowledgement_of_a_letter_and_its_replay_is_the_providers_too(town: EvidenceTown) -> None:
    path = await town.publish()
    item = await parked_and_replayed(town)
    (again,) = await town.pull(town.consumer)
    await confirmed(town, item, again)
    for party in (town.provider, town.consumer):
        members = await taken(town, path, party)
        assert {one["id"] for one in members["deliveries"]} == {item["delivery"], again["delivery"]}


async def test_the_provider_gets_all_grants_and_the_acknowledgements_of_its_own_exchanges(town: EvidenceTown) -> None:
    path = await town.publish()
    await town.acknowledge(town.consumer)
    await town.acknowledge(town.other)
    await town.seal()
    members = await taken(town, path, town.provider)
    assert sorted(grants_in(members)) == ["consumer-b", "consumer-c"]
    assert len(members["deliveries"]) == 2
    assert events_in(members) == [
        "certificate.issued",
        "certificate.issued",
        "certificate.issued",
        "delivery.acknowledged",
        "delivery.acknowledged",
        "exchange.accepted",
        "grant.created",
        "grant.created",
    ]


async def test_before_anything_is_acknowledged_the_provider_can_prove_the_acceptance(town: EvidenceTown) -> None:
    path = await town.publish()
    await town.seal()
    members = await taken(town, path, town.provider)
    assert members["deliveries"] == []
    assert "delivery.acknowledged" not in events_in(members)


async def test_a_consumer_gets_its_own_grant_and_acknowledgement_and_nothing_of_the_other(town: EvidenceTown) -> None:
    path = await town.publish()
    await town.acknowledge(town.consumer)
    await town.acknowledge(town.other)
    await town.seal()
    answer = await town.ask(path, town.token(town.consumer))
    members = await taken(town, path, town.consumer)
    assert grants_in(members) == ["consumer-b"]
    assert len(members["deliveries"]) == 1
    assert "consumer-c" not in answer.text
    assert town.other.certificate.kid not in answer.text


async def test_a_consumer_gets_no_envelope_that_it_has_not_confirmed(town: EvidenceTown) -> None:
    path = await town.publish()
    await town.seal()
    queued = await town.ask(path, town.token(town.consumer))
    assert (queued.status_code, queued.json()["type"]) == (409, "/problems/conflict")
    await town.pull(town.consumer)
    await town.seal()
    claimed = await town.ask(path, town.token(town.consumer))
    assert claimed.status_code == 409
    assert "eyJ" not in claimed.text


async def test_what_a_consumer_had_from_others_is_not_the_providers_business(town: EvidenceTown) -> None:
    path = await town.publish()
    async with town.gateway.context.acquire() as connection:
        # an exchange of somebody else, waiting for the same consumer
        foreign = await town.publish()
        await connection.execute(
            "UPDATE exchange SET sender_id = $1 WHERE id = $2::text::uuid",
            town.stranger.system.id,
            foreign.split("/")[-1],
        )
    await town.acknowledge(town.consumer)
    await town.seal()
    members = await taken(town, path, town.provider)
    assert members["deliveries"] == []
    assert "delivery.acknowledged" not in events_in(members)
    assert len((await taken(town, path, town.consumer))["deliveries"]) == 1


async def test_a_consumer_with_two_purposes_gets_both_deliveries_under_one_acknowledgement(town: EvidenceTown) -> None:
    async with town.gateway.context.transaction() as session:
        now = town.gateway.now - timedelta(minutes=1)
        terms = NewGrant("consumer-b", town.resource, "统计分析", "示例依据", now, now + timedelta(days=30))
        await access.create_grant(session, terms, actor=OFFICER, recorder=RECORDER, now=now)
    await town.gateway.refresh()
    path = await town.publish()
    await town.acknowledge(town.consumer)
    await town.seal()
    members = await taken(town, path, town.consumer)
    assert len(members["deliveries"]) == 2
    assert len({one["acknowledgement"] for one in members["deliveries"]}) == 1
    assert events_in(members).count("delivery.acknowledged") == 1
    assert grants_in(members) == ["consumer-b", "consumer-b"]


async def test_what_only_the_transport_confirmed_is_delivered_without_an_acknowledgement(town: EvidenceTown) -> None:
    path = await town.publish()
    await town.acknowledge(town.consumer)
    async with town.gateway.context.acquire() as connection:
        await connection.execute("UPDATE delivered SET outcome = 'transport-confirmed', acknowledgement = NULL")
    await town.seal()
    members = await taken(town, path, town.consumer)
    assert members["deliveries"] == []
    assert grants_in(members) == ["consumer-b"]


@pytest.mark.parametrize("later", [timedelta(seconds=-30), timedelta(days=1500)], ids=["a-clock-behind", "years-later"])
async def test_the_list_of_what_is_revoked_is_never_older_than_what_it_speaks_of_and_keeps_what_ran_out(
    town: EvidenceTown, later: timedelta
) -> None:
    path = await town.publish()
    await town.seal()
    context = town.gateway.context
    caller = SystemCaller(
        town.provider.system.id, "provider-a", town.provider.organisation.id, town.provider.certificate.kid, OFFICER
    )
    async with context.acquire() as connection:
        data = await build_evidence(
            connection,
            UUID(path.split("/")[-1]),
            caller,
            keyring=context.keyring,
            recorder=context.recorder,
            now=town.gateway.now + later,
        )
    assert town.verdict(data).failed is None


@pytest.mark.parametrize("scope", [WHOLE, Scope(items=("item_code",))], ids=["whole", "projections"])
async def test_a_file_takes_one_look_at_the_acceptance_and_one_at_all_other_entries(
    town: EvidenceTown, scope: Scope
) -> None:
    await town.grant(town.consumer, scope)
    path = await town.publish()
    await town.acknowledge(town.consumer)
    await town.seal()
    looks: list[str] = []

    def watch(asked: LoggedQuery) -> None:
        if "FROM log_entry" in asked.query:
            looks.append(asked.query)

    caller = SystemCaller(
        town.consumer.system.id, "consumer-b", town.consumer.organisation.id, town.consumer.certificate.kid, OFFICER
    )
    context = town.gateway.context
    async with context.acquire() as connection:
        connection.add_query_logger(watch)
        await build_evidence(
            connection,
            UUID(path.split("/")[-1]),
            caller,
            keyring=context.keyring,
            recorder=context.recorder,
            now=town.gateway.now,
        )
        connection.remove_query_logger(watch)
    assert looks == [ACCEPTANCE, ENTRIES_OF]


async def test_the_auditor_gets_everything_and_no_openings(town: EvidenceTown) -> None:
    path = await town.publish()
    await town.acknowledge(town.consumer)
    await town.seal()
    auditor = bearer(await town.gateway.staff("auditor", Role.AUDITOR))
    answer = await town.ask(path, auditor)
    assert answer.status_code == 200
    assert town.verdict(answer.content).failed is None
    members = json.loads(answer.content)
    assert sorted(grants_in(members)) == ["consumer-b", "consumer-c"]
    assert len(members["deliveries"]) == 1
    assert "openings" not in answer.text
    assert "salt" not in answer.text


async def test_nothing_is_given_before_all_of_it_is_sealed(town: EvidenceTown) -> None:
    await town.seal()
    path = await town.publish()
    unsealed = await town.ask(path, town.token(town.provider))
    assert (unsealed.status_code, unsealed.json()["type"]) == (409, "/problems/not-sealed")
    assert int(unsealed.headers["retry-after"]) > 0
    await town.seal()
    assert (await town.ask(path, town.token(town.provider))).status_code == 200
    await town.acknowledge(town.consumer)
    assert (await town.ask(path, town.token(town.provider))).json()["type"] == "/problems/not-sealed"
    await town.seal()
    assert (await town.ask(path, town.token(town.provider))).status_code == 200


async def test_before_the_first_checkpoint_nothing_is_sealed(town: EvidenceTown) -> None:
    path = await town.publish()
    assert (await town.ask(path, town.token(town.provider))).json()["type"] == "/problems/not-sealed"


async def test_what_was_revoked_afterwards_is_in_the_file_and_does_not_undo_it(town: EvidenceTown) -> None:
    path = await town.publish()
    await town.acknowledge(town.consumer)
    async with town.gateway.context.transaction() as session:
        now = town.gateway.now + timedelta(seconds=1)
        await certificates.revoke_certificate(
            session, town.provider.certificate.kid, reason="keyCompromise", actor=OFFICER, recorder=RECORDER, now=now
        )
        await access.revoke_grant(
            session, town.grants["consumer-b"], reason="示例", actor=OFFICER, recorder=RECORDER, now=now
        )
    await town.seal()
    auditor = bearer(await town.gateway.staff("auditor", Role.AUDITOR))
    answer = await town.ask(path, auditor)
    assert town.verdict(answer.content).failed is None
    assert {"certificate.revoked", "grant.revoked"} <= set(events_in(json.loads(answer.content)))


async def test_the_log_is_shown_to_go_on_from_an_older_checkpoint(town: EvidenceTown) -> None:
    older = await town.seal()
    size = int(older.split(b"\n")[1])
    path = await town.publish()
    newest = await town.seal()
    headers = town.token(town.provider)
    plain = await town.ask(path, headers)
    shown = await town.ask(path, headers, f"?checkpoint_size={size}")
    for each in range(1, int(newest.split(b"\n")[1]) + 1):
        answer = await town.ask(path, headers, f"?checkpoint_size={each}")
        assert town.verdict(answer.content).failed is None
    assert town.verdict(shown.content, older=older).failed is None
    assert town.verdict(plain.content, older=newest).failed is None
    undecided = town.verdict(plain.content, older=older).failed
    assert undecided is not None
    assert undecided.fault is not None
    assert (undecided.name, undecided.fault.reason) == ("consistency", "consistency-not-shown")


@pytest.mark.parametrize("size", ["0", "100000", "many"])
async def test_a_size_that_the_log_never_had_is_named(town: EvidenceTown, size: str) -> None:
    path = await town.publish()
    await town.seal()
    answer = await town.ask(path, town.token(town.provider), f"?checkpoint_size={size}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/checkpoint_size"


async def test_the_certificates_in_the_file_are_the_signers_and_the_issuing_one(town: EvidenceTown) -> None:
    path = await town.publish()
    await town.seal()
    members = await taken(town, path, town.provider)
    keyring = town.gateway.context.keyring
    assert len(members["certificates"]) == 3
    assert kid_of(keyring.root.public_bytes(Encoding.DER)) not in str(members)
