"""Push targets, lanes and dead letters over HTTP; what they do is tried in tests/hub/delivery."""

from typing import Any
from uuid import UUID

import pytest

from hub.identity.roles import Role
from tests.hub.api.test_grants import Desk
from tests.support.gateway import TestGateway, bearer

SETTINGS = {"url": "https://receiver.example/push", "networks": ["10.1.0.0/16"]}
TARGET = "/v1/systems/subsite/push-target"
LETTER = "00000000-0000-7000-8000-00000000000a"

PARK = """
INSERT INTO dead_letter (id, lane_id, exchange_id, kid, digest, position, sequence, claimed_at, attempts, reason, parked_at)
SELECT $1, $2, e.id, e.kid, e.digest, 1, 1, now(), 3, 'unreachable', now() FROM exchange e
"""
EXCHANGE = """
INSERT INTO exchange (id, sender_id, jti, resource_id, version, digest, schema_digest, kid, envelope, data_key_id,
                      deliveries, epoch, accepted_at)
SELECT '00000000-0000-7000-8000-00000000000b', l.consumer_id, 'j', l.resource_id, 1, sha256('e'), sha256('s'), 'k', 'e', 0,
       '{}', 1, now()
FROM lane l WHERE l.id = $1
"""


@pytest.fixture
async def desk(gateway: TestGateway) -> Desk:
    return await Desk.open(gateway)


@pytest.fixture
async def operator(gateway: TestGateway) -> dict[str, str]:
    return bearer(await gateway.staff("operator.li", Role.OPERATOR))


@pytest.fixture
async def lane(desk: Desk) -> str:
    """A lane that pushes, by a grant that says so."""
    made = await desk.client.post("/v1/grants", json=desk.new | {"mode": "push"}, headers=desk.decider)
    assert (made.status_code, made.json()["mode"]) == (201, "push")
    return str(made.json()["lane"])


async def test_a_target_is_set_by_security_and_paused_by_an_operator(desk: Desk, operator: dict[str, str]) -> None:
    client = desk.client
    body = {"settings": SETTINGS, "policy": "park", "max_attempts": 3}
    assert (await client.put(TARGET, json=body, headers=operator)).status_code == 403
    assert (await client.get(TARGET, headers=operator)).status_code == 404
    made = await client.put(TARGET, json=body, headers=desk.officer)
    assert made.status_code == 200
    assert {name: made.json()[name] for name in ("system", "adapter", "state", *body)} == {
        "system": "subsite",
        "adapter": "http",
        "state": "active",
        **body,
    }
    paused = await client.post(f"{TARGET}/pause", json={"reason": "对方检修"}, headers=operator)
    assert (paused.json()["state"], paused.json()["state_reason"]) == ("paused", "对方检修")
    assert (await client.get(TARGET, headers=operator)).json() == paused.json()
    assert (await client.post(f"{TARGET}/resume", headers=operator)).json()["state"] == "active"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"settings": SETTINGS, "adapter": "fax"}, "/adapter"),
        ({"settings": {**SETTINGS, "url": "ftp://receiver.example/"}}, "/settings/url"),
        ({"settings": {"networks": ["10.1.0.0/16"]}}, "/settings/url"),
        ({"settings": SETTINGS, "policy": "forget"}, "/policy"),
        ({"settings": SETTINGS, "max_attempts": 0}, "/max_attempts"),
    ],
)
async def test_a_target_that_cannot_be_is_refused_with_the_place(
    desk: Desk, body: dict[str, Any], pointer: str
) -> None:
    refused = await desk.client.put(TARGET, json=body, headers=desk.officer)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_lane_that_pushes_is_listed_paused_and_resumed(desk: Desk, operator: dict[str, str], lane: str) -> None:
    client = desk.client
    (shown,) = (await client.get("/v1/lanes", headers=operator)).json()["items"]
    assert (shown["id"], shown["consumer"], shown["state"], shown["waiting"]) == (lane, "subsite", "no-target", 0)
    paused = await client.post(f"/v1/lanes/{lane}/pause", json={"reason": "核对"}, headers=operator)
    assert paused.status_code == 204
    (shown,) = (await client.get("/v1/lanes", headers=operator)).json()["items"]
    assert (shown["state"], shown["reason"]) == ("paused", "核对")
    assert (await client.post(f"/v1/lanes/{lane}/resume", headers=operator)).status_code == 204
    assert (await client.post(f"/v1/lanes/{lane}/resume", headers=operator)).status_code == 409


async def test_dead_letters_are_counted_and_replayed(
    gateway: TestGateway, desk: Desk, operator: dict[str, str], lane: str
) -> None:
    client = desk.client
    async with gateway.context.database.connection() as connection:
        await connection.execute(EXCHANGE, UUID(lane))
        await connection.execute(PARK, UUID(LETTER), UUID(lane))
    (letter,) = (await client.get("/v1/dead-letters?consumer=subsite", headers=operator)).json()["items"]
    assert (letter["id"], letter["reason"], letter["attempts"]) == (LETTER, "unreachable", 3)
    assert (await client.get("/v1/dead-letters/count?reason=other", headers=operator)).json() == {"count": 0}
    assert (await client.get(f"/v1/dead-letters/count?lane={lane}", headers=operator)).json() == {"count": 1}
    many = {"lane": lane, "expected": 2}
    assert (await client.post("/v1/dead-letters/replay", json=many, headers=operator)).status_code == 409
    replayed = await client.post("/v1/dead-letters/replay", json=many | {"expected": 1}, headers=operator)
    assert replayed.json() == {"replayed": 1, "left": 0}
    assert (await client.post(f"/v1/dead-letters/{LETTER}/replay", headers=operator)).status_code == 409
    assert (await client.get("/v1/dead-letters", headers=operator)).json()["items"] == []
    (again,) = (await client.get("/v1/dead-letters?replayed=true", headers=operator)).json()["items"]
    (shown,) = (await client.get("/v1/lanes", headers=operator)).json()["items"]
    assert (shown["waiting"], again["id"]) == (1, LETTER)


async def test_what_no_letter_can_have_is_refused_with_the_place(desk: Desk, operator: dict[str, str]) -> None:
    client = desk.client
    for name in ("consumer", "reason"):
        for path in ("/v1/dead-letters", "/v1/dead-letters/count"):
            refused = await client.get(path, params={name: "a\0"}, headers=operator)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{name}")
        replay = await client.post("/v1/dead-letters/replay", json={name: "a\0", "expected": 1}, headers=operator)
        assert (replay.status_code, replay.json()["errors"][0]["pointer"]) == (422, f"/{name}")


OPEN_ATTEMPT = """
INSERT INTO attempt (id, lane_id, fence, holder, first_sequence, count, started_at, expires_at)
VALUES ('00000000-0000-7000-8000-00000000000c', $1, 1, gen_random_uuid(), 1, 1, now(), now() + interval '30 seconds')
"""


@pytest.mark.parametrize(
    ("narrow", "shown", "role"),
    [
        ("/v1/grants/{grant}/suspend", "/v1/grants/{grant}", "officer"),
        ("/v1/systems/subsite/suspend", "/v1/systems/subsite", "officer"),
        (f"{TARGET}/pause", TARGET, "operator"),
    ],
    ids=["grant", "system", "target"],
)
async def test_what_was_narrowed_shows_what_is_still_under_way(
    desk: Desk, operator: dict[str, str], narrow: str, shown: str, role: str
) -> None:
    client = desk.client
    await client.put(TARGET, json={"settings": SETTINGS}, headers=desk.officer)
    grant = (await client.post("/v1/grants", json=desk.new | {"mode": "push"}, headers=desk.decider)).json()
    async with desk.gateway.context.acquire() as connection:
        await connection.execute(OPEN_ATTEMPT, UUID(grant["lane"]))
    headers = operator if role == "operator" else desk.officer
    path = shown.format(grant=grant["id"])
    assert "draining" not in (await client.get(path, headers=headers)).json(), "nothing was narrowed yet"
    done = await client.post(narrow.format(grant=grant["id"]), json={"reason": "核查"}, headers=headers)
    assert done.json()["draining"]["attempts"] == 1
    assert (await client.get(path, headers=headers)).json()["draining"] == done.json()["draining"]
    async with desk.gateway.context.acquire() as connection:
        await connection.execute("UPDATE attempt SET ended_at = now(), outcome = 'failed'")
    assert "draining" not in (await client.get(path, headers=headers)).json()
