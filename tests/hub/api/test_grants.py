"""`/v1/grants` and `/v1/audit/events` over HTTP."""

import json
from typing import Any

import pytest

from hub.identity.roles import Role
from hub.registry.models import Organisation
from tests.support.gateway import TestGateway, bearer
from tests.support.publishing import published
from tests.support.registry import make_system


class Desk:
    """A published resource, a consumer, and those who decide about them."""

    def __init__(self, gateway: TestGateway) -> None:
        self.client = gateway.client
        self.gateway = gateway
        self.new: dict[str, Any] = {}
        self.decider: dict[str, str] = {}
        self.officer: dict[str, str] = {}

    @classmethod
    async def open(cls, gateway: TestGateway) -> "Desk":
        desk = cls(gateway)
        decider = await gateway.staff("decider.zhou", Role.DECIDER, organisation="提供局")
        desk.decider = bearer(decider)
        desk.officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
        async with gateway.context.transaction() as session:
            owner = await session.get_one(Organisation, decider.caller.organisation_id)
            resource = await published(session, owner, await make_system(session, "provider", owner), now=gateway.now)
            await make_system(session, "subsite", owner)
        desk.new = {
            "consumer": "subsite",
            "resource": resource.resource.code,
            "purpose": "办事指南展示",
            "basis": "甘肃省政务数据共享管理办法",
            "valid_to": "2099-01-01T00:00:00+08:00",
        }
        return desk


@pytest.fixture
async def desk(gateway: TestGateway) -> Desk:
    return await Desk.open(gateway)


async def test_a_grant_is_decided_by_the_provider_and_suspended_by_security(desk: Desk) -> None:
    client = desk.client
    made = await client.post("/v1/grants", json=desk.new, headers=desk.decider)
    assert made.status_code == 201
    grant = made.json()
    assert {name: grant[name] for name in ("consumer", "resource", "purpose", "basis")} == {
        name: desk.new[name] for name in ("consumer", "resource", "purpose", "basis")
    }
    assert (grant["state"], grant["mode"], grant["valid_to"]) == ("active", "inbox", "2098-12-31T16:00:00.000000+00:00")
    assert [pin["version"] for pin in grant["versions"]] == [1]
    path = f"/v1/grants/{grant['id']}"
    assert (await client.get(path, headers=desk.officer)).json() == grant

    reason = {"reason": "核查"}
    assert (await client.post(f"{path}/suspend", json=reason, headers=desk.decider)).status_code == 403
    suspended = (await client.post(f"{path}/suspend", json=reason, headers=desk.officer)).json()
    assert (suspended["state"], suspended["state_reason"]) == ("suspended", "核查")
    assert (await client.post(f"{path}/resume", headers=desk.officer)).status_code == 403
    assert (await client.post(f"{path}/resume", headers=desk.decider)).json()["state"] == "active"
    assert (await client.post(f"{path}/revoke", json=reason, headers=desk.decider)).json()["state"] == "revoked"
    assert (await client.post(f"{path}/resume", headers=desk.decider)).status_code == 409


async def test_security_may_end_a_grant_too(desk: Desk) -> None:
    grant = (await desk.client.post("/v1/grants", json=desk.new, headers=desk.decider)).json()
    path = f"/v1/grants/{grant['id']}/revoke"
    assert (await desk.client.post(path, json={"reason": "停"}, headers=desk.officer)).json()["state"] == "revoked"


async def test_nobody_decides_for_another_provider(desk: Desk) -> None:
    client = desk.client
    stranger = bearer(await desk.gateway.staff("decider.wu", Role.DECIDER, organisation="别的局"))
    assert (await client.post("/v1/grants", json=desk.new, headers=stranger)).status_code == 403
    grant = (await client.post("/v1/grants", json=desk.new, headers=desk.decider)).json()
    path = f"/v1/grants/{grant['id']}"
    assert (await client.post(f"{path}/revoke", json={"reason": "停"}, headers=stranger)).status_code == 403
    await client.post(f"{path}/suspend", json={"reason": "停"}, headers=desk.officer)
    assert (await client.post(f"{path}/resume", headers=stranger)).status_code == 403
    assert (await client.post("/v1/grants", json=desk.new, headers=desk.officer)).status_code == 403


async def test_a_second_grant_of_one_lane_is_refused_naming_the_first(desk: Desk) -> None:
    grant = (await desk.client.post("/v1/grants", json=desk.new, headers=desk.decider)).json()
    again = await desk.client.post("/v1/grants", json=desk.new, headers=desk.decider)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    assert grant["id"] in again.json()["detail"]


async def test_what_is_wrong_with_a_grant_is_named(desk: Desk) -> None:
    client = desk.client
    for changed, status in (
        ({"resource": "306001000001/999999"}, 404),
        ({"consumer": "nobody"}, 404),
        ({"mode": "fax"}, 422),
        ({"valid_to": "2099-01-01T00:00:00"}, 422),
        ({"valid_to": "2000-01-01T00:00:00Z"}, 422),
        ({"valid_to": "9999-12-31T23:59:59-23:59"}, 422),
        ({"valid_from": "0001-01-01T00:00:00+23:59"}, 422),
        ({"purpose": ""}, 422),
        ({"extra": 1}, 422),
    ):
        answer = await client.post("/v1/grants", json=desk.new | changed, headers=desk.decider)
        assert answer.status_code == status, changed
    missing = "/v1/grants/0198f0c2-6a00-7cc3-98c4-dc0c0c07398f"
    assert (await client.get(missing, headers=desk.officer)).status_code == 404


@pytest.mark.parametrize("field", ["consumer", "resource"])
async def test_half_a_character_is_quoted_as_what_it_is_not(desk: Desk, field: str) -> None:
    body = json.dumps(desk.new | {field: "\ud800"})
    headers = desk.decider | {"Content-Type": "application/json"}
    answer = await desk.client.post("/v1/grants", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_grants_page_and_filter(desk: Desk) -> None:
    client = desk.client
    made = [
        (await client.post("/v1/grants", json=desk.new | {"purpose": f"用途{n}"}, headers=desk.decider)).json()
        for n in range(3)
    ]
    first = (await client.get("/v1/grants?limit=2&consumer=subsite&state=active", headers=desk.officer)).json()
    rest = (await client.get(f"/v1/grants?limit=2&cursor={first['next']}", headers=desk.officer)).json()
    key = lambda grant: grant["id"]  # noqa: E731
    assert sorted(first["items"] + rest["items"], key=key) == sorted(made, key=key)
    assert rest["next"] is None
    none = (await client.get("/v1/grants?resource=306001000001/999999", headers=desk.officer)).json()
    assert none == {"items": [], "next": None}
    assert (await client.get("/v1/grants?consumer=A%00", headers=desk.officer)).status_code == 422


async def test_auditors_and_inspectors_read_the_log_newest_first_with_its_openings(desk: Desk) -> None:
    client = desk.client
    grant = (await client.post("/v1/grants", json=desk.new, headers=desk.decider)).json()
    for role in (Role.AUDITOR, Role.INSPECTOR):
        reader = bearer(await desk.gateway.staff(f"{role.value}.one", role))
        found = (await client.get("/v1/audit/events?event=grant.created", headers=reader)).json()
        (entry,) = found["items"]
        assert entry["leaf"]["object"] == {"type": "grant", "id": grant["id"]}
        assert entry["leaf"]["actor"]["login"] != "decider.zhou"
        assert entry["openings"]["login"]["value"] == "decider.zhou"
        assert "leaf_index" not in entry
        first = (await client.get("/v1/audit/events?limit=2", headers=reader)).json()
        second = (await client.get(f"/v1/audit/events?limit=2&cursor={first['next']}", headers=reader)).json()
        ids = [item["id"] for item in first["items"] + second["items"]]
        assert ids == sorted(ids, reverse=True)
        assert len(set(ids)) == 4
        actor = entry["leaf"]["actor"]["id"]
        by = (await client.get(f"/v1/audit/events?actor={actor}", headers=reader)).json()
        assert {item["leaf"]["actor"]["id"] for item in by["items"]} == {actor}
        assert (await client.get("/v1/audit/events?cursor=abc", headers=reader)).status_code == 422
    assert (await client.get("/v1/audit/events", headers=desk.officer)).status_code == 403
    assert (await client.get("/v1/audit/events")).status_code == 401
