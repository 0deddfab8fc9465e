"""`/v1/organisation-changes` over HTTP, and what a change of organisations means for an exchange that goes on meanwhile."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography import x509

from certs.csr import make_csr
from hub.access import service as access
from hub.access.service import NewGrant
from hub.identity.roles import Role
from hub.registry.certificates import issue_certificate
from hub.registry.models import Organisation
from hub.reorganisation.history import RENEW_WITHIN
from tests.support.gateway import HUB, TestGateway, bearer
from tests.support.publishing import published
from tests.support.registry import OFFICER, RECORDER, Partner, example_code, make_organisation, make_partner
from tests.support.reorganisation import BASIS
from tests.support.world import TestSystem

JOSE = {"Content-Type": "application/jose"}
RENAMED = "丙局（新）"


@dataclass
class Town:
    """Two bodies that provide, one that takes over, a fourth whose system consumes; staff who propose, confirm, look."""

    gateway: TestGateway
    bodies: dict[str, Organisation] = field(default_factory=dict)
    partners: dict[str, Partner] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    staff: dict[str, dict[str, str]] = field(default_factory=dict)
    posted: int = 0

    async def ask(self, who: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.gateway.client.request(method, path, json=body, headers=self.staff[who])
        assert answer.status_code == status, answer.text
        return answer.json()

    def asked(self, kind: str, sources: str, targets: str = "", **more: Any) -> dict[str, Any]:
        """A change of the bodies of these names, effective on the gateway's day."""
        whole = {"kind": kind, "basis": BASIS, "effective_on": self.gateway.now.date().isoformat(), **more}
        return whole | {
            "from": [str(self.bodies[name].id) for name in sources],
            "to": [str(self.bodies[name].id) for name in targets],
        }

    async def change(self, body: dict[str, Any]) -> dict[str, Any]:
        """Proposed by security and confirmed by the reviewer."""
        proposed = await self.ask("security", "POST", "/v1/organisation-changes", body, 201)
        path = f"/v1/organisation-changes/{proposed['id']}/confirm"
        done: dict[str, Any] = await self.ask("reviewer", "POST", path, {"plan": proposed["plan"]})
        return done

    def signing(self, code: str) -> TestSystem:
        partner = self.partners[code]
        system = partner.system
        return TestSystem(system.id, code, partner.signer, partner.key, partner.certificate.der)

    async def post(self, code: str, resource: str) -> Any:
        """One more record of that resource, sent by that system."""
        self.posted += 1
        sent = self.signing(code).exchange(
            self.resources[resource],
            [{"item_code": f"{self.posted:06d}", "item_name": "示例事项"}],
            now=self.gateway.now,
            aud=HUB,
        )
        return await self.gateway.client.post("/v1/exchanges", content=sent, headers=JOSE)

    async def pull(self, code: str) -> list[dict[str, Any]]:
        kid = self.partners[code].certificate.kid
        token = self.gateway.context.identity.tokens.issue(code, kid, now=self.gateway.now)
        answer = await self.gateway.client.get("/v1/inbox", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
async def town(gateway: TestGateway) -> Town:
    """With grants of both resources to `subsite`, and of the second one to `office`, a system of the first body."""
    town, before = Town(gateway), gateway.now - timedelta(minutes=5)
    async with gateway.context.transaction() as session:
        for name, code in (("甲", "office"), ("乙", "funds"), ("丙", "heir-system"), ("丁", "subsite")):
            body = town.bodies[name] = await make_organisation(session, f"{name}局", now=before)
            ring = gateway.context.keyring
            town.partners[code] = await make_partner(session, ring, code, body, now=before)
        for name, code in (("甲", "office"), ("乙", "funds")):
            record = await published(session, town.bodies[name], town.partners[code].system, now=before)
            town.resources[name] = record.resource.code
        for consumer, name in (("subsite", "甲"), ("subsite", "乙"), ("office", "乙")):
            new = NewGrant(consumer, town.resources[name], "核对", "依据", before, before + timedelta(days=365))
            await access.create_grant(session, new, actor=OFFICER, recorder=RECORDER, now=before)
    await gateway.refresh()
    for who, role in (
        ("security", Role.SECURITY),
        ("reviewer", Role.REVIEWER),
        ("auditor", Role.AUDITOR),
        ("operator", Role.OPERATOR),
    ):
        town.staff[who] = bearer(await gateway.staff(f"{who}.one", role))
    return town


async def test_after_a_merger_the_exchange_goes_on_under_the_new_body_and_nothing_is_lost(town: Town) -> None:
    for code, resource in (("office", "甲"), ("funds", "乙"), ("funds", "乙")):
        assert (await town.post(code, resource)).status_code == 201
    numbered = {item["delivery"]: item["sequence"] for item in await town.pull("subsite")}
    assert sorted(numbered.values()) == [1, 1, 2]
    assert (await town.post("office", "甲")).status_code == 201

    heir = str(town.bodies["丙"].id)
    body = town.asked("merger", "甲乙", "丙", publishers={town.resources["乙"]: "heir-system"})
    done = await town.change(body)
    assert done["state"] == "confirmed"

    assert (await town.post("office", "甲")).status_code == 201
    refused = await town.post("funds", "乙")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-the-provider")
    assert (await town.post("heir-system", "乙")).status_code == 201

    items = await town.pull("subsite")
    assert {item["delivery"] for item in items} > numbered.keys()
    lanes: dict[str, list[int]] = {}
    for item in items:
        lanes.setdefault(item["lane"], []).append(item["sequence"])
        assert item["sequence"] == numbered.get(item["delivery"], item["sequence"])
    assert sorted(lanes.values()) == [[1, 2, 3], [1, 2, 3]]
    held = await town.pull("office")
    assert [item["sequence"] for item in held] == [1, 2, 3]
    acks = [(item["delivery"], item["digest"]) for item in items]
    signed = town.signing("subsite").ack(acks, aud=HUB)
    answer = await town.gateway.client.post("/v1/inbox/acks", content=signed, headers=JOSE)
    assert answer.json() == {"acknowledged": 6}

    async with town.gateway.context.acquire() as connection:
        rows = await connection.fetch(
            "SELECT leaf FROM log_entry WHERE event = 'exchange.accepted' ORDER BY occurred_at, ctid"
        )
    bodies = [orjson.loads(row["leaf"])["actor"]["organisation"] for row in rows]
    codes = {name: body.code for name, body in town.bodies.items()}
    assert bodies == [codes["甲"], codes["乙"], codes["乙"], codes["甲"], codes["丙"], codes["丙"]]
    system = await town.ask("security", "GET", "/v1/systems/office")
    assert system["organisation"]["id"] == heir
    resource = await town.ask("reviewer", "GET", f"/v1/resources/{town.resources['乙']}")
    assert (resource["provider"]["code"], resource["system"]) == (codes["丙"], "heir-system")


async def test_a_plan_is_shown_before_it_is_proposed_and_again_before_it_is_confirmed(town: Town) -> None:
    path, body = "/v1/organisation-changes", town.asked("merger", "甲", "丙")
    planned = await town.ask("security", "POST", f"{path}/plan", body)
    assert planned["ends"] == [str(town.bodies["甲"].id)]
    assert [move["what"] for move in planned["moves"]] == [
        *("system", "certificate", "resource"),
        *("grant-given", "grant-held"),
    ]
    assert [held["kid"] for held in planned["certificates"]] == [town.partners["office"].certificate.kid]
    assert planned["blockers"] == []
    assert (await town.ask("security", "GET", path))["items"] == []
    proposed = await town.ask("security", "POST", path, body, 201)
    assert (proposed["state"], proposed["plan"], proposed["from"]) == (
        "proposed",
        planned["digest"],
        [str(town.bodies["甲"].id)],
    )
    one = f"{path}/{proposed['id']}"
    assert await town.ask("reviewer", "GET", f"{one}/plan") == planned
    done = await town.ask("reviewer", "POST", f"{one}/confirm", {"plan": planned["digest"]})
    assert await town.ask("auditor", "GET", one) == done
    first = await town.ask("auditor", "GET", f"{one}/moves?limit=2")
    rest = await town.ask("auditor", "GET", f"{one}/moves?limit=9&cursor={first['next']}")
    assert [move["number"] for move in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    plain = [{name: value for name, value in move.items() if name != "number"} for move in first["items"]]
    assert plain == planned["moves"][:2]
    listed = await town.ask("auditor", "GET", f"{path}?state=confirmed&organisation={town.bodies['丙'].id}")
    assert [item["id"] for item in listed["items"]] == [proposed["id"]]
    again = await town.ask("reviewer", "POST", f"{one}/confirm", {"plan": planned["digest"]}, 409)
    assert again["type"] == "/problems/conflict"
    await town.ask("auditor", "GET", f"{one}/moves?cursor={proposed['id']}", status=422)


async def test_what_is_in_the_way_is_listed_in_the_callers_language_and_stops_the_proposal(town: Town) -> None:
    path, body = "/v1/organisation-changes", town.asked("split", "甲", "乙丙")
    escaped = town.resources["甲"].replace("/", "~1")
    planned = await town.ask("security", "POST", f"{path}/plan", body)
    assert "digest" not in planned
    assert {blocker["pointer"] for blocker in planned["blockers"]} == {"/systems/office", f"/resources/{escaped}"}
    town.staff["security"]["Accept-Language"] = "en"
    english = await town.ask("security", "POST", f"{path}/plan", body)
    assert all("not assigned" in blocker["detail"] for blocker in english["blockers"])
    refused = await town.ask("security", "POST", path, body, 409)
    assert {error["pointer"] for error in refused["errors"]} == {"/systems/office", f"/resources/{escaped}"}
    wrong = await town.ask("security", "POST", path, body | {"from": []}, 422)
    assert wrong["errors"][0]["pointer"] == "/from"
    unknown = await town.ask("security", "POST", path, body | {"moves": []}, 422)
    assert unknown["errors"][0]["pointer"] == "/moves"
    far = await town.ask(
        "security",
        "POST",
        path,
        town.asked("merger", "甲", "丙", staff={str(OFFICER.id): str(town.bodies["乙"].id)}),
        422,
    )
    assert far["errors"][0]["pointer"] == f"/staff/{OFFICER.id}"


async def test_two_people_are_needed_and_either_may_end_it(town: Town) -> None:
    path, body = "/v1/organisation-changes", town.asked("abolition", "丁")
    await town.ask("reviewer", "POST", path, body, 403)
    await town.ask("operator", "GET", path, status=403)
    ids = []
    for _ in range(2):
        made = await town.ask("security", "POST", path, town.asked("renaming", "丁", name="丁丁局"), 201)
        ids.append(made["id"])
        await town.ask("security", "POST", f"{path}/{made['id']}/confirm", {"plan": made["plan"]}, 403)
        await town.ask("auditor", "POST", f"{path}/{made['id']}/confirm", {"plan": made["plan"]}, 403)
    refused = await town.ask("reviewer", "POST", f"{path}/{ids[0]}/refuse", {"reason": "依据未附"})
    assert (refused["state"], refused["state_reason"]) == ("refused", "依据未附")
    await town.ask("reviewer", "POST", f"{path}/{ids[1]}/withdraw", {"reason": "误"}, 403)
    withdrawn = await town.ask("security", "POST", f"{path}/{ids[1]}/withdraw", {"reason": "误"})
    assert withdrawn["state"] == "withdrawn"
    await town.ask("reviewer", "GET", f"{path}/{ids[1]}/plan", status=409)
    await town.ask("reviewer", "GET", f"{path}/{town.bodies['丁'].id}", status=404)


async def test_an_auditor_is_told_who_had_what_when_and_by_what_name(town: Town) -> None:
    path, started = "/v1/organisation-changes/owner", town.gateway.now
    kid = town.partners["office"].certificate.kid
    town.gateway.later(60)
    first = await town.change(town.asked("merger", "甲", "丙"))
    town.gateway.later(60)
    second = await town.change(
        town.asked("split", "丙", "乙丁", resources={town.resources["甲"]: str(town.bodies["丁"].id)})
        | {"systems": {code: str(town.bodies["丁"].id) for code in ("office", "heir-system")}}
    )
    town.gateway.later(60)
    await town.change(town.asked("renaming", "丁", name=RENAMED))
    moments = [started, *(change["decided_at"] for change in (first, second))]
    for what, named in (("resource", town.resources["甲"]), ("system", "office"), ("certificate", kid)):
        owners = []
        for moment in moments:
            at = str(moment).replace("+", "%2B")
            found = await town.ask("auditor", "GET", f"{path}?what={what}&object={named}&at={at}")
            owners.append((found["organisation"]["id"], found["named"]["name"], found.get("change")))
        assert owners == [
            (str(town.bodies["甲"].id), "甲局", None),
            (str(town.bodies["丙"].id), "丙局", first["id"]),
            (str(town.bodies["丁"].id), "丁局", second["id"]),
        ]
        now = await town.ask("auditor", "GET", f"{path}?what={what}&object={named}")
        assert (now["named"]["name"], now["organisation"]["name"]) == (RENAMED, RENAMED)
        early = await town.ask(
            "auditor", "GET", f"{path}?what={what}&object={named}&at=2020-01-01T00:00:00Z", status=404
        )
        assert early["type"] == "/problems/not-found"
    await town.ask("auditor", "GET", f"{path}?what=system&object=nobody", status=404)


async def test_an_old_code_and_a_body_that_ended_lead_to_what_is_there_now(town: Town) -> None:
    body, code = town.bodies["甲"], example_code()
    await town.change(town.asked("renaming", "甲", name="甲甲局", code=code))
    listed = await town.ask("operator", "GET", f"/v1/organisations?code={body.code}")
    assert [(item["id"], item["code"], item["former_code"]) for item in listed["items"]] == [
        (str(body.id), code, body.code)
    ]
    present = await town.ask("operator", "GET", f"/v1/organisations?code={code}")
    assert "former_code" not in present["items"][0]
    names = await town.ask("auditor", "GET", f"/v1/organisations/{body.id}/names")
    assert [(item["name"], item["code"], "to" in item) for item in names["items"]] == [
        ("甲局", body.code, True),
        ("甲甲局", code, False),
    ]
    town.gateway.later(1)
    done = await town.change(town.asked("merger", "甲", "丙"))
    ended = await town.ask("operator", "GET", f"/v1/organisations/{body.id}")
    assert (ended["state"], ended["ended_at"]) == ("ended", done["decided_at"])
    assert ended["ended_by"] == {"change": done["id"], "kind": "merger"}
    heir = town.bodies["丙"]
    assert ended["successors"] == [{"id": str(heir.id), "code": heir.code, "name": "丙局"}]
    for state, names_there in (("ended", {"甲甲局"}), ("active", {"乙局", "丙局", "丁局"})):
        found = await town.ask("operator", "GET", f"/v1/organisations?state={state}")
        assert {item["name"] for item in found["items"]} == names_there


async def test_certificates_that_name_a_body_of_before_are_listed_with_a_term_until_they_are_replaced(
    town: Town,
) -> None:
    path = "/v1/organisation-changes/certificates"
    assert (await town.ask("security", "GET", path))["items"] == []
    done = await town.change(town.asked("merger", "甲", "丙"))
    assert (await town.post("office", "甲")).status_code == 201
    (listed,) = (await town.ask("security", "GET", path))["items"]
    assert (listed["system"], listed["organisation"], listed["overdue"]) == ("office", "丙局", False)
    assert "甲局" in listed["subject"]
    assert listed["renew_by"] > done["decided_at"]
    town.gateway.later((RENEW_WITHIN + timedelta(days=1)).total_seconds())
    late = bearer(await town.gateway.staff("security.two", Role.SECURITY))
    overdue = (await town.gateway.client.get(path, headers=late)).json()["items"]
    assert [item["overdue"] for item in overdue] == [True]
    async with town.gateway.context.transaction() as session:
        again = await make_partner_certificate(town, session)
    assert "O=丙局" in again.subject.rfc4514_string()
    body = {"reason": "affiliationChanged"}
    kid = town.partners["office"].certificate.kid
    assert (
        await town.gateway.client.post(f"/v1/certificates/{kid}/revoke", json=body, headers=late)
    ).status_code == 200
    assert (await town.gateway.client.get(path, headers=late)).json()["items"] == []


async def make_partner_certificate(town: Town, session: Any) -> x509.Certificate:
    """A new certificate for `office`, as its present body's."""
    partner = town.partners["office"]
    issued = await issue_certificate(
        session,
        town.gateway.context.keyring,
        system_code="office",
        csr_pem=make_csr(partner.key, "office"),
        actor=OFFICER,
        recorder=RECORDER,
        now=town.gateway.now,
    )
    return x509.load_der_x509_certificate(issued.certificate.der)


async def test_every_call_has_an_example_of_its_answer(gateway: TestGateway) -> None:
    description = gateway.app.openapi()
    calls = [
        (path, method, operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        if path.startswith(("/v1/organisations", "/v1/organisation-changes"))
    ]
    assert len(calls) >= 20
    for path, method, operation in calls:
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert any("example" in answer["content"]["application/json"] for answer in answers), (method, path)
