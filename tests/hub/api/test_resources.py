"""`/v1/resources` over HTTP: what partners read, and the life of a resource by the hands of its staff."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from certs.digests import digest
from hub.identity.roles import Role
from hub.publishing import service
from tests.support.gateway import TestGateway, bearer
from tests.support.publishing import CLASSIFICATION, EDITOR, ITEMS, METADATA, MORE_ITEMS
from tests.support.registry import Partner, make_organisation

NEW: dict[str, Any] = {
    **METADATA,
    "classification": CLASSIFICATION,
    "system": "provider",
    "items": list(ITEMS),
}


class Office:
    """A provider with its editor, the secrecy officer, and the authority's reviewer."""

    def __init__(
        self, gateway: TestGateway, editor: dict[str, str], secrecy: dict[str, str], reviewer: dict[str, str]
    ) -> None:
        self.client = gateway.client
        self.editor = editor
        self.secrecy = secrecy
        self.reviewer = reviewer

    @classmethod
    async def open(cls, gateway: TestGateway) -> "Office":
        await gateway.partner("provider")
        editor = await gateway.staff("editor.li", Role.EDITOR, organisation="提供局")
        secrecy = await gateway.staff("secrecy.wu", Role.SECRECY)
        reviewer = await gateway.staff("reviewer.zhao", Role.REVIEWER)
        return cls(gateway, bearer(editor), bearer(secrecy), bearer(reviewer))

    async def register(self, **changed: Any) -> httpx.Response:
        return await self.client.post("/v1/resources", json=NEW | changed, headers=self.editor)

    async def edits(self, identifier: str, step: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/resources/{identifier}/{step}", json=body, headers=self.editor)

    async def reviews(self, identifier: str, step: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/resources/{identifier}/{step}", json=body, headers=self.reviewer)

    async def clears(self, identifier: str, step: str = "approve", **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/resources/{identifier}/{step}", json=body, headers=self.secrecy)

    async def published(self, **changed: Any) -> dict[str, Any]:
        made = (await self.register(**changed)).json()
        await self.edits(made["id"], "submit")
        await self.clears(made["id"])
        answer = await self.reviews(made["id"], "publish")
        assert answer.status_code == 200
        shown: dict[str, Any] = answer.json()
        return shown


@pytest.fixture
async def office(gateway: TestGateway) -> Office:
    return await Office.open(gateway)


def token(gateway: TestGateway, partner: Partner) -> dict[str, str]:
    issued = gateway.context.identity.tokens.issue(partner.system.code, partner.certificate.kid, now=gateway.now)
    return {"Authorization": f"Bearer {issued}"}


async def test_a_resource_lives_from_draft_to_withdrawal(gateway: TestGateway, office: Office) -> None:
    made = await office.register()
    assert made.status_code == 201
    shown = made.json()
    assert shown["code"] == f"{CLASSIFICATION}/000001"
    assert shown["provider"]["name"] == "提供局"
    assert (shown["system"], shown["share_type"], shown["status"]) == ("provider", 1, "draft")
    assert not {"version", "schema_digest", "status_reason", "share_condition"} & shown.keys()
    identifier = shown["id"]

    path = f"/v1/resources/{identifier}/draft"
    edited = await gateway.client.put(path, json={"items": list(MORE_ITEMS)}, headers=office.editor)
    assert edited.status_code == 200
    described = {**METADATA, "system": "provider", "name": "新名"}
    renamed = await gateway.client.put(path, json={"description": described}, headers=office.editor)
    assert renamed.json()["name"] == "新名"

    assert (await office.edits(identifier, "submit")).json()["status"] == "submitted"
    returned = await office.clears(identifier, "return", reason="补充")
    assert (returned.json()["status"], returned.json()["status_reason"]) == ("draft", "补充")
    assert (await office.reviews(identifier, "publish")).status_code == 409
    await office.edits(identifier, "submit")
    assert (await office.reviews(identifier, "publish")).status_code == 409
    assert (await office.clears(identifier)).json()["verdict"] == "approved"
    live = (await office.reviews(identifier, "publish")).json()
    assert (live["status"], live["version"]) == ("published", 1)
    assert live["schema_digest"].startswith("sha-256:")
    assert (await office.reviews(identifier, "suspend", reason="核查")).json()["status"] == "suspended"
    assert (await office.reviews(identifier, "resume")).json()["status"] == "published"
    assert (await office.reviews(identifier, "withdraw", reason="停办")).json()["status"] == "withdrawn"
    assert (await office.reviews(identifier, "resume")).status_code == 409


async def test_a_successor_is_prepared_beside_the_live_version_which_ends_when_asked(
    gateway: TestGateway, office: Office
) -> None:
    first = await office.published()
    identifier = first["id"]
    begun = await office.edits(identifier, "versions", items=list(MORE_ITEMS))
    assert (begun.status_code, begun.json()["version"]) == (201, 1)
    await office.edits(identifier, "submit")
    await office.clears(identifier)
    live = (await office.reviews(identifier, "publish")).json()
    assert live["version"] == 2
    ended = await office.reviews(identifier, "versions/1/end")
    assert ended.status_code == 200
    listed = (await gateway.client.get(f"/v1/resources/{identifier}/versions", headers=office.editor)).json()
    assert [(item["version"], item["state"]) for item in listed["items"]] == [(1, "ended"), (2, "published")]
    assert listed["items"][1]["items"][2]["field_name"] == "phone"
    assert (await office.reviews(identifier, "versions/9/end")).status_code == 404


async def test_the_schema_as_served_has_the_digest_that_the_resource_shows(
    gateway: TestGateway, office: Office
) -> None:
    shown = await office.published()
    for path in (shown["id"], shown["code"], shown["code"].replace("/", "%2F")):
        answer = await gateway.client.get(f"/v1/resources/{path}/schema", headers=office.editor)
        assert digest(answer.content) == shown["schema_digest"]
        assert answer.headers["etag"] == f'"{shown["schema_digest"]}"'
        assert answer.headers["content-type"] == "application/schema+json"
    same = await gateway.client.get(f"/v1/resources/{shown['id']}/schema?ver=1", headers=office.editor)
    assert same.content == answer.content
    for wrong, status in (("2", 404), ("0", 422), ("x", 422), (str(2**31), 422)):
        path = f"/v1/resources/{shown['id']}/schema?ver={wrong}"
        assert (await gateway.client.get(path, headers=office.editor)).status_code == status


async def test_a_partner_reads_what_was_published_and_learns_nothing_of_drafts(
    gateway: TestGateway, office: Office
) -> None:
    reader = token(gateway, await gateway.partner("reader"))
    live = await office.published()
    waiting = (await office.register()).json()
    await office.edits(live["id"], "versions", items=list(MORE_ITEMS))
    client = gateway.client
    listed = (await client.get("/v1/resources", headers=reader)).json()
    assert [item["id"] for item in listed["items"]] == [live["id"]]
    shown = listed["items"][0]
    assert shown == live | {name: shown[name] for name in ("updated_at", "expected_at", "overdue")}
    assert (await client.get(f"/v1/resources/{live['code']}", headers=reader)).json() == listed["items"][0]
    versions = (await client.get(f"/v1/resources/{live['id']}/versions", headers=reader)).json()
    assert [item["version"] for item in versions["items"]] == [1]
    assert (await client.get(f"/v1/resources/{live['id']}/schema?ver=1", headers=reader)).status_code == 200
    nowhere = (await client.get("/v1/resources/306001000001/999999", headers=reader)).json()
    for hidden in ("", "/schema", "/versions", "/schema?ver=1"):
        answer = await client.get(f"/v1/resources/{waiting['id']}{hidden}", headers=reader)
        assert answer.status_code == 404
        assert answer.json()["title"] == nowhere["title"]
    assert (await client.get(f"/v1/resources/{live['id']}/schema?ver=2", headers=reader)).status_code == 404
    assert (await client.get(f"/v1/resources?code={waiting['code']}", headers=reader)).status_code == 404
    assert (await client.post(f"/v1/resources/{live['id']}/submit", headers=reader)).status_code == 401


async def test_resources_page_by_code_and_are_found_by_it(gateway: TestGateway, office: Office) -> None:
    made = [(await office.register()).json() for _ in range(3)]
    client = gateway.client
    first = (await client.get("/v1/resources?limit=2", headers=office.reviewer)).json()
    rest = (await client.get(f"/v1/resources?limit=2&cursor={first['next']}", headers=office.reviewer)).json()
    assert first["items"] + rest["items"] == made
    assert rest["next"] is None
    one = (await client.get(f"/v1/resources?code={made[1]['code']}", headers=office.reviewer)).json()
    assert one == {"items": [made[1]], "next": None}
    assert (await client.get("/v1/resources?cursor=abc", headers=office.reviewer)).status_code == 422


async def test_every_fault_of_a_registration_is_named_by_its_pointer(office: Office) -> None:
    items = await office.register(items=[{"field_name": "A B", "name": "甲", "data_type": "C"}])
    assert items.status_code == 422
    assert all(error["pointer"].startswith("/items/0") for error in items.json()["errors"])
    rule = await office.register(share_type=3)
    assert "/no_share_basis" in {error["pointer"] for error in rule.json()["errors"]}
    form = await office.register(share_type=7)
    assert form.json()["errors"][0]["pointer"] == "/share_type"
    system = await office.register(system="nobody")
    assert system.status_code == 404
    prefix = await office.register(classification="999")
    assert prefix.json()["errors"][0]["pointer"] == "/classification"


async def test_all_violations_of_a_registration_and_of_an_edit_are_told_at_once_with_their_rules(
    office: Office,
) -> None:
    items = [{"field_name": "A B", "name": "甲", "data_type": "C", "secret": True}]
    wrong: dict[str, Any] = {"share_type": 2, "share_mode_type": "file", "is_secret": True}
    told = {
        ("/share_condition", "CAT-02"),
        ("/share_mode_type", "CAT-05"),
        ("/is_secret", "CAT-07"),
        ("/items/0/field_name", "item-field-name"),
        ("/items/0/secret", "CAT-07"),
        ("/items/0/length", "item-length"),
    }
    refused = await office.register(classification="399", items=items, **wrong)
    found = {(error["pointer"], error["rule"]) for error in refused.json()["errors"] if error["detail"]}
    assert found == {*told, ("/classification", "CODE")}
    made = (await office.register()).json()
    description = {name: value for name, value in NEW.items() if name not in ("classification", "items", "provider")}
    body = {"description": description | wrong, "items": items}
    edited = await office.client.put(f"/v1/resources/{made['id']}/draft", json=body, headers=office.editor)
    assert {(error["pointer"], error["rule"]) for error in edited.json()["errors"]} == told


async def test_an_editor_works_for_the_own_organisation_only(gateway: TestGateway, office: Office) -> None:
    async with gateway.context.transaction() as session:
        other = await make_organisation(session, "别的局", now=gateway.now)
    assert (await office.register(provider=str(other.id))).status_code == 403
    shown = await office.published()
    stranger = bearer(await gateway.staff("editor.sun", Role.EDITOR, organisation="第三局"))
    path = f"/v1/resources/{shown['id']}"
    assert (await gateway.client.post(f"{path}/versions", json={}, headers=stranger)).status_code == 403
    await office.edits(shown["id"], "versions")
    assert (await gateway.client.put(f"{path}/draft", json={}, headers=stranger)).status_code == 403
    assert (await gateway.client.post(f"{path}/submit", headers=stranger)).status_code == 403


async def test_a_reviewer_registers_nothing_and_an_editor_publishes_nothing(
    gateway: TestGateway, office: Office
) -> None:
    assert (await gateway.client.post("/v1/resources", json=NEW, headers=office.reviewer)).status_code == 403
    made = (await office.register()).json()
    await office.edits(made["id"], "submit")
    assert (await office.edits(made["id"], "publish")).status_code == 403


async def test_an_editor_of_the_provider_who_also_reviews_does_not_review_its_resources(gateway: TestGateway) -> None:
    await gateway.partner("provider")
    both = bearer(await gateway.staff("both.qian", Role.EDITOR, Role.REVIEWER, organisation="提供局"))
    made = (await gateway.client.post("/v1/resources", json=NEW, headers=both)).json()
    async with gateway.context.transaction() as session:  # a colleague's act, not their own
        act = {"actor": EDITOR, "recorder": gateway.context.recorder, "now": gateway.now}
        await service.submit(session, UUID(made["id"]), **act)  # type: ignore[arg-type]
    for step in ("publish", "return"):
        body = {"reason": "改"} if step == "return" else {}
        answer = await gateway.client.post(f"/v1/resources/{made['id']}/{step}", json=body, headers=both)
        assert answer.status_code == 403
