"""`/v1/staff`: an account's whole life over HTTP."""

import uuid

from hub.identity.roles import Role
from tests.support.gateway import TestGateway, bearer

PROPOSAL = {"login": "zhang.san", "display_name": "张示例", "roles": ["secrecy", "reviewer"]}


async def test_an_account_is_proposed_approved_used_reset_and_disabled(gateway: TestGateway) -> None:
    operator = bearer(await gateway.staff("operator.li", Role.OPERATOR))
    security = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client

    proposed = await client.post("/v1/staff", json=PROPOSAL, headers=operator)
    assert proposed.status_code == 201
    body = proposed.json()
    assert (body["state"], body["roles"], body["second_factor"]) == ("proposed", ["reviewer", "secrecy"], False)
    assert "one_time_password" not in body
    assert "approved_by" not in body
    path = f"/v1/staff/{body['id']}"

    assert (await client.post(f"{path}/approve", headers=operator)).status_code == 403
    approved = await client.post(f"{path}/approve", headers=security)
    assert approved.headers["cache-control"] == "no-store"
    password = approved.json()["one_time_password"]
    sign_in = {"user": "zhang.san", "password": password}
    opened = await client.post("/v1/session", json=sign_in)
    assert opened.json()["must_change_password"]
    client.cookies.clear()

    assert (await client.post(f"{path}/unlock", headers=security)).status_code == 200
    reset = await client.post(f"{path}/reset", headers=operator)
    assert reset.json()["state"] == "proposed"
    mine = {"Authorization": f"Bearer {opened.json()['token']}"}
    assert (await client.get("/v1/session", headers=mine)).status_code == 401
    assert (await client.post("/v1/session", json=sign_in)).status_code == 401
    again = await client.post(f"{path}/approve", headers=security)
    assert again.json()["one_time_password"] != password

    disabled = await client.post(f"{path}/disable", headers=security)
    assert disabled.json()["state"] == "disabled"
    assert (await client.post(f"{path}/disable", headers=operator)).status_code == 409


async def test_accounts_are_listed_page_by_page_for_those_who_care_for_them(gateway: TestGateway) -> None:
    operator = bearer(await gateway.staff("operator.li", Role.OPERATOR))
    await gateway.staff("auditor.zhao", Role.AUDITOR)
    first = (await gateway.client.get("/v1/staff?limit=1", headers=operator)).json()
    assert [item["login"] for item in first["items"]] == ["auditor.zhao"]
    second = (await gateway.client.get(f"/v1/staff?limit=1&cursor={first['next']}", headers=operator)).json()
    assert [item["login"] for item in second["items"]] == ["operator.li"]
    assert second["next"] is None
    assert "password" not in str(first | second).replace("must_change_password", "")


async def test_a_proposal_that_the_contract_forbids_names_the_field(gateway: TestGateway) -> None:
    operator = bearer(await gateway.staff("operator.li", Role.OPERATOR))
    for changes, pointer in (
        ({"roles": ["security", "auditor"]}, "/roles"),
        ({"roles": ["editor"]}, "/organisation"),
        ({"roles": ["king"]}, "/roles/0"),
        ({"login": "Zhang San"}, "/login"),
    ):
        refused = await gateway.client.post("/v1/staff", json=PROPOSAL | changes, headers=operator)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_an_account_that_does_not_exist_is_not_found(gateway: TestGateway) -> None:
    security = bearer(await gateway.staff("security.wang", Role.SECURITY))
    answer = await gateway.client.post(f"/v1/staff/{uuid.uuid4()}/disable", headers=security)
    assert answer.status_code == 404
