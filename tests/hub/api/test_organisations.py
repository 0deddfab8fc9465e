"""`/v1/organisations` and `/v1/systems` over HTTP."""

from hub.identity.roles import Role
from tests.support.gateway import TestGateway, bearer
from tests.support.registry import example_code


def organisation(number: int, **changed: object) -> dict[str, object]:
    return {"name": f"第{number}示例局", "region": "621124", "code": example_code(number), "is_example": True} | changed


async def test_an_officer_registers_reads_and_pages_organisations(gateway: TestGateway) -> None:
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client
    made = await client.post("/v1/organisations", json=organisation(1, name_en="Bureau"), headers=officer)
    assert made.status_code == 201
    top = made.json()
    assert (top["code"], top["name"], top["name_en"], top["region"]) == (
        example_code(1),
        "第1示例局",
        "Bureau",
        "621124",
    )
    assert "parent" not in top
    child = await client.post(
        "/v1/organisations", json={"name": "县审改办", "region": "621124", "parent": top["id"]}, headers=officer
    )
    assert child.json()["parent"] == top["id"]
    assert "code" not in child.json()
    one = await client.get(f"/v1/organisations/{top['id']}", headers=officer)
    assert one.json() == top
    first = (await client.get("/v1/organisations?limit=1&region=621124", headers=officer)).json()
    rest = (await client.get(f"/v1/organisations?limit=1&cursor={first['next']}", headers=officer)).json()
    assert {item["id"] for item in first["items"] + rest["items"]} == {top["id"], child.json()["id"]}
    assert rest["next"] is None


async def test_what_is_wrong_with_an_organisation_is_named_in_the_callers_language(gateway: TestGateway) -> None:
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client
    wrong = await client.post(
        "/v1/organisations",
        json=organisation(1, code="11621124MB00000001"),
        headers=officer | {"Accept-Language": "en"},
    )
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/invalid-input")
    assert wrong.json()["errors"][0]["pointer"] == "/code"
    assert "check character" in wrong.json()["errors"][0]["detail"]
    unknown = await client.post("/v1/organisations", json=organisation(1, colour="red"), headers=officer)
    assert unknown.json()["errors"][0]["pointer"] == "/colour"
    await client.post("/v1/organisations", json=organisation(1), headers=officer)
    again = await client.post("/v1/organisations", json=organisation(2, code=example_code(1)), headers=officer)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    missing = await client.get("/v1/organisations/0198f0c2-6a00-7cc3-98c4-dc0c0c07398f", headers=officer)
    assert missing.status_code == 404
    forged = await client.get("/v1/organisations?cursor=abc", headers=officer)
    assert forged.status_code == 422
    wide = await client.get("/v1/organisations?limit=501", headers=officer)
    assert wide.status_code == 422


async def test_nobody_but_a_security_officer_comes_in(gateway: TestGateway) -> None:
    client = gateway.client
    for role in (Role.OPERATOR, Role.AUDITOR, Role.REVIEWER):
        other = bearer(await gateway.staff(f"{role.value}.one", role))
        assert (await client.post("/v1/organisations", json=organisation(1), headers=other)).status_code == 403
        assert (await client.get("/v1/systems", headers=other)).status_code == 403
    assert (await client.get("/v1/organisations")).status_code == 401


async def test_a_system_goes_through_its_life(gateway: TestGateway) -> None:
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client
    owner = (await client.post("/v1/organisations", json=organisation(1), headers=officer)).json()
    new = {"code": "lintao-subsite", "organisation": owner["id"], "name": "临洮子站"}
    made = await client.post("/v1/systems", json=new, headers=officer)
    assert made.status_code == 201
    assert made.json()["organisation"] == {"id": owner["id"], "code": owner["code"], "name": owner["name"]}
    assert (made.json()["state"], "state_reason" in made.json()) == ("active", False)
    assert (await client.get("/v1/systems/lintao-subsite", headers=officer)).json() == made.json()

    path = "/v1/systems/lintao-subsite"
    suspended = await client.post(f"{path}/suspend", json={"reason": "待核查"}, headers=officer)
    assert (suspended.json()["state"], suspended.json()["state_reason"]) == ("suspended", "待核查")
    resumed = await client.post(f"{path}/resume", headers=officer)
    assert (resumed.json()["state"], "state_reason" in resumed.json()) == ("active", False)
    assert (await client.post(f"{path}/resume", headers=officer)).status_code == 409
    retired = await client.post(f"{path}/retire", json={"reason": "停用"}, headers=officer)
    assert retired.json()["state"] == "retired"
    assert (await client.post("/v1/systems", json=new, headers=officer)).status_code == 409
    assert (await client.post(f"{path}/suspend", json={}, headers=officer)).status_code == 422
    assert (await client.get("/v1/systems/nobody", headers=officer)).status_code == 404


async def test_systems_page_by_code(gateway: TestGateway) -> None:
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    client = gateway.client
    owner = (await client.post("/v1/organisations", json=organisation(1), headers=officer)).json()
    for code in ("bb", "aa", "cc"):
        await client.post(
            "/v1/systems", json={"code": code, "organisation": owner["id"], "name": code}, headers=officer
        )
    first = (await client.get("/v1/systems?limit=2", headers=officer)).json()
    rest = (
        await client.get(f"/v1/systems?limit=2&organisation={owner['id']}&cursor={first['next']}", headers=officer)
    ).json()
    assert [item["code"] for item in first["items"] + rest["items"]] == ["aa", "bb", "cc"]
    assert rest["next"] is None


async def test_a_suspension_is_seen_by_the_gateway_through_its_notification(gateway: TestGateway) -> None:
    partner = await gateway.partner("one")
    officer = bearer(await gateway.staff("security.wang", Role.SECURITY))
    await gateway.client.post("/v1/systems/one/suspend", json={"reason": "待核查"}, headers=officer)
    await gateway.refresh()
    state = gateway.context.pictures.picture.certificate(partner.certificate.kid)
    assert state is not None
    assert state.system.state == "suspended"
