"""`/v1/organisations/{id}/people` over HTTP: who sets and who sees the people that answer for an organisation."""

from typing import Any

from hub.identity.roles import Role
from tests.support.gateway import TestGateway, bearer

ABSENT = "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f"
WHO = {"role": "dedicated", "name": "示例人员甲", "phone": "0932-0000001"}


async def test_a_person_is_named_handed_over_and_ended(gateway: TestGateway) -> None:
    decider = await gateway.staff("decider.zhou", Role.DECIDER, organisation="提供局")
    own, path = bearer(decider), f"/v1/organisations/{decider.caller.organisation_id}/people"
    client = gateway.client
    made = await client.post(path, json=WHO | {"staff": str(decider.caller.id)}, headers=own)
    assert made.status_code == 201
    first = made.json()
    assert {name: first[name] for name in ("role", "label", "name", "phone")} == WHO | {"label": "专人"}
    assert (first["staff"], "to" in first, "note" in first) == (str(decider.caller.id), False, False)
    handed = await client.post(
        f"{path}/{first['id']}/handover", json={"name": "示例人员乙", "note": "账户已移交"}, headers=own
    )
    assert handed.status_code == 201
    second = handed.json()
    assert (second["follows"], second["role"]) == (first["id"], "dedicated")
    present = (await client.get(path, headers=own)).json()["items"]
    assert present == [second]
    page = (await client.get(f"{path}?history=true&limit=1", headers=own)).json()
    rest = (await client.get(f"{path}?history=true&cursor={page['next']}", headers=own)).json()
    known = {item["id"]: item for item in page["items"] + rest["items"]}
    assert (known[first["id"]]["to"], known[first["id"]]["note"]) == (second["from"], "账户已移交")
    ended = await client.post(f"{path}/{second['id']}/end", json={"note": "退休"}, headers=own)
    assert (ended.status_code, ended.json()["note"]) == (200, "退休")
    assert (await client.get(path, headers=own)).json()["items"] == []
    assert (await client.get(f"{path}?at={second['from']}", headers=own)).json()["items"] == []
    again = await client.post(f"{path}/{second['id']}/end", json={"note": "退休"}, headers=own)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    wrong = await client.post(path, json=WHO | {"role": "boss"}, headers=own)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/role")


async def test_people_are_seen_by_their_own_organisation_and_by_who_has_to_find_them(gateway: TestGateway) -> None:
    decider = await gateway.staff("decider.zhou", Role.DECIDER, organisation="提供局")
    path = f"/v1/organisations/{decider.caller.organisation_id}/people"
    await gateway.client.post(path, json=WHO, headers=bearer(decider))
    seen: dict[str, tuple[int, int]] = {}
    for name, role, organisation in (
        ("reviewer", Role.REVIEWER, None),
        ("security", Role.SECURITY, None),
        ("stranger", Role.DECIDER, "别的局"),
        ("editor", Role.EDITOR, "另一局"),
        ("operator", Role.OPERATOR, None),
        ("auditor", Role.AUDITOR, None),
    ):
        who = bearer(await gateway.staff(f"{name}.one", role, organisation=organisation))
        read = await gateway.client.get(path, headers=who)
        written = await gateway.client.post(path, json=WHO, headers=who)
        seen[name] = (read.status_code, written.status_code)
        if read.status_code != 200:
            assert WHO["name"] not in read.text
    assert seen == {
        "reviewer": (200, 403),
        "security": (200, 201),
        "stranger": (403, 403),
        "editor": (403, 403),
        "operator": (403, 403),
        "auditor": (403, 403),
    }


async def test_a_partner_system_learns_of_nobody(gateway: TestGateway) -> None:
    partner = await gateway.partner("one")
    token = gateway.context.identity.tokens.issue("one", partner.certificate.kid, now=gateway.now)
    path = f"/v1/organisations/{partner.organisation.id}/people"
    headers = {"Authorization": f"Bearer {token}"}
    assert (await gateway.client.get(path, headers=headers)).status_code == 401


async def test_organisations_without_people_are_listed_for_those_who_see_to_it(gateway: TestGateway) -> None:
    decider = await gateway.staff("decider.zhou", Role.DECIDER, organisation="提供局")
    reviewer = bearer(await gateway.staff("reviewer.one", Role.REVIEWER))
    own = f"/v1/organisations/{decider.caller.organisation_id}"
    path = "/v1/organisations/lacking-people"

    async def lacking() -> list[Any]:
        items: list[Any] = (await gateway.client.get(f"{path}?region=621124", headers=reviewer)).json()["items"]
        return [(item["organisation"]["name"], item["labels"]) for item in items]

    assert await lacking() == [("提供局", ["分管领导", "主管股室", "专人"])]
    for role in ("leader", "section", "dedicated"):
        await gateway.client.post(f"{own}/people", json=WHO | {"role": role}, headers=bearer(decider))
    assert await lacking() == []
    assert (await gateway.client.get(path, headers=bearer(decider))).status_code == 403
    absent = await gateway.client.get(f"/v1/organisations/{ABSENT}/people", headers=reviewer)
    assert absent.status_code == 404
