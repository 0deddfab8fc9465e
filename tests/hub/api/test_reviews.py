"""Reviews over HTTP: steps by the hands of those who hold them, chains, classes, upstream codes, notices, freshness."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from hub.identity.roles import Role
from tests.hub.api.test_resources import NEW, token
from tests.support.gateway import TestGateway, bearer
from tests.support.publishing import CLASSIFICATION, ITEMS, MORE_ITEMS, items_of
from tests.support.registry import Partner

FEWER = [dict(ITEMS[0])]


@dataclass
class Hall:
    """A provider, a body whose approval is needed, and everybody who takes a step; each by a name."""

    gateway: TestGateway
    staff: dict[str, dict[str, str]]
    provider: Partner

    async def ask(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """One call in that person's name."""
        return await self.gateway.client.request(method, path, json=body, headers=self.staff[who])

    async def get(self, who: str, path: str) -> Any:
        """What the call answers, which must succeed."""
        answer = await self.ask(who, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, who: str, path: str, body: Any = None) -> int:
        """The status of the answer."""
        return (await self.ask(who, "POST", path, body)).status_code

    async def submitted(self, **changed: Any) -> str:
        """The path of a resource that waits in review."""
        if "list_type" in changed:
            changed["items"] = list(items_of(changed["list_type"]))
        made = (await self.ask("editor", "POST", "/v1/resources", NEW | changed)).json()
        assert await self.post("editor", f"/v1/resources/{made['id']}/submit") == 200
        return f"/v1/resources/{made['id']}"

    async def published(self, **changed: Any) -> str:
        """The path of a resource that is live."""
        at = await self.submitted(**changed)
        assert await self.post("secrecy", f"{at}/approve") == 200
        assert await self.post("reviewer", f"{at}/publish") == 200
        return at

    async def waiting(self, who: str) -> list[str]:
        """What waits for them: kinds of steps, longest waiting first."""
        return [item["kind"] for item in (await self.get(who, "/v1/reviews?mine=true"))["items"]]


@pytest.fixture
async def hall(gateway: TestGateway) -> Hall:
    provider = await gateway.partner("provider")
    people = {
        "editor": await gateway.staff("editor.li", Role.EDITOR, organisation="提供局"),
        "secrecy": await gateway.staff("secrecy.wu", Role.SECRECY),
        "finance": await gateway.staff("finance.zhou", Role.REVIEWER, organisation="财政局"),
        "reviewer": await gateway.staff("reviewer.zhao", Role.REVIEWER),
    }
    decider = await gateway.staff("decider.wang", Role.DECIDER, organisation="别的局")
    return Hall(
        gateway, {name: bearer(opened) for name, opened in people.items()} | {"decider": bearer(decider)}, provider
    )


async def test_a_review_is_walked_by_those_who_hold_its_steps_and_tells_what_it_found(hall: Hall) -> None:
    steps = [{"organisation": "财政局", "basis": "示例依据"}]
    chain = await hall.ask("reviewer", "PUT", "/v1/approval-chains/approval-items", {"steps": steps})
    assert chain.status_code == 200
    assert [(s["position"], s["role"], s["organisation"]["name"]) for s in chain.json()["steps"]] == [
        (1, "reviewer", "财政局")
    ]
    assert (await hall.get("editor", "/v1/approval-chains"))["items"] == [chain.json()]
    assert await hall.get("editor", "/v1/approval-chains/approval-items") == chain.json()
    at = await hall.submitted(list_type="approval-items")

    for who, kind in (("secrecy", "secrecy"), ("finance", "chain"), ("reviewer", "publication")):
        holders = [name for name in hall.staff if await hall.waiting(name)]
        assert (holders, await hall.waiting(who)) == ([who], [kind])
        for other in set(hall.staff) - {who}:
            assert await hall.post(other, f"{at}/return", {"reason": "改"}) == 403, (kind, other)
            if kind != "publication":
                assert await hall.post(other, f"{at}/approve") in (403, 409), (kind, other)
        if kind == "publication":
            assert await hall.post(who, f"{at}/approve") == 409
            assert await hall.post(who, f"{at}/publish") == 200
        else:
            assert await hall.post("reviewer", f"{at}/publish") == 409
            answer = await hall.ask(who, "POST", f"{at}/approve", {"opinion": "同意"})
            assert (answer.json()["verdict"], answer.json()["opinion"]) == ("approved", "同意")
    shown = (await hall.get("editor", f"{at}/reviews"))["items"]
    assert [(s["round"], s["position"], s["kind"], s["verdict"]) for s in shown] == [
        (1, 1, "secrecy", "approved"),
        (1, 2, "chain", "approved"),
        (1, 3, "publication", "approved"),
    ]
    assert shown[1]["organisation"]["name"] == "财政局"
    assert shown[1]["basis"] == "示例依据"
    every = await hall.get("reviewer", "/v1/reviews")
    assert every == {"items": [], "next": None}


async def test_what_waits_pages_and_a_foreign_cursor_is_refused(hall: Hall) -> None:
    made = [await hall.submitted() for _ in range(3)]
    first = await hall.get("secrecy", "/v1/reviews?mine=true&limit=2")
    rest = await hall.get("secrecy", f"/v1/reviews?mine=true&limit=2&cursor={first['next']}")
    found = [f"/v1/resources/{item['resource']['id']}" for item in (*first["items"], *rest["items"])]
    assert (sorted(found), rest["next"]) == (sorted(made), None)
    assert first["items"][0]["provider"]["name"] == "提供局"
    classes = await hall.get("secrecy", "/v1/classifications?limit=1")
    assert (await hall.ask("secrecy", "GET", f"/v1/reviews?cursor={classes['next']}")).status_code == 422
    assert (
        await hall.ask("secrecy", "GET", "/v1/reviews?cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsIngiXQ")
    ).status_code == 422


async def test_breaks_are_told_in_words_and_the_old_version_lives_on_until_its_end(hall: Hall) -> None:
    at = await hall.published()
    assert await hall.post("editor", f"{at}/versions", {"items": FEWER}) == 201
    assert await hall.post("editor", f"{at}/submit") == 200
    shown = await hall.get("reviewer", f"{at}/reviews")
    assert (shown["version"], shown["against"]) == (2, 1)
    assert [(c["field"], c["kind"], c["effect"]) for c in shown["changes"]] == [
        ("/items/item_name", "removed", "breaking")
    ]
    await hall.post("secrecy", f"{at}/approve")
    refused = await hall.ask("reviewer", "POST", f"{at}/publish", {})
    assert refused.status_code == 409
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/items/item_name"]
    soon = (hall.gateway.now + timedelta(seconds=60)).isoformat()
    body = {"confirm_breaking": True, "replaced_ends_at": soon}
    assert await hall.post("reviewer", f"{at}/publish", body) == 200

    versions = (await hall.get("editor", f"{at}/versions"))["items"]
    assert [(v["version"], v["state"], "ends_at" in v) for v in versions] == [
        (1, "published", True),
        (2, "published", False),
    ]
    hall.gateway.later(61)
    ended = (await hall.get("editor", f"{at}/versions"))["items"][0]
    assert (ended["state"], ended["ended_at"]) == ("ended", ended["ends_at"])


async def test_differences_between_any_two_versions_are_told_in_words(hall: Hall) -> None:
    at = await hall.published()
    alone = await hall.get("editor", f"{at}/differences")
    assert (alone["from"], alone["to"], alone["items"]) == (1, 1, [])
    assert await hall.post("editor", f"{at}/versions", {"items": FEWER}) == 201
    found = await hall.get("reviewer", f"{at}/differences")
    assert (found["from"], found["to"]) == (1, 2)
    assert [one["zh"] for one in found["items"]] == ["信息项“事项名称”：删除（字段名 item_name）"]
    back = await hall.get("reviewer", f"{at}/differences?from=2&to=1")
    assert [one["zh"][:14] for one in back["items"]] == ["信息项“事项名称”：新增（字"]
    assert (await hall.ask("reviewer", "GET", f"{at}/differences?from=1&to=3")).status_code == 404
    await hall.gateway.refresh()
    theirs = token(hall.gateway, hall.provider)
    seen = await hall.gateway.client.get(f"{at}/differences", headers=theirs)
    assert (seen.json()["from"], seen.json()["to"]) == (1, 1)
    assert (await hall.gateway.client.get(f"{at}/differences?from=1&to=2", headers=theirs)).status_code == 404


async def test_a_reviewer_is_shown_what_the_description_says_otherwise_too(hall: Hall) -> None:
    at = await hall.published()
    said = {name: value for name, value in NEW.items() if name not in ("items", "classification", "provider")}
    assert await hall.post("editor", f"{at}/versions", {"description": said | {"summary": "改过的摘要"}}) == 201
    shown = await hall.get("reviewer", f"{at}/reviews")
    assert shown["changes"] == []
    assert [(one["field"], one["zh"].endswith("“改过的摘要”")) for one in shown["differences"]] == [("/summary", True)]


async def test_the_organisations_concerned_are_told_and_say_that_they_read_it(hall: Hall) -> None:
    at = await hall.published()
    await hall.post("editor", f"{at}/versions", {"items": list(MORE_ITEMS)})
    await hall.post("editor", f"{at}/submit")
    await hall.post("secrecy", f"{at}/return", {"reason": "改"})
    await hall.post("editor", f"{at}/submit")
    await hall.post("secrecy", f"{at}/approve")
    await hall.post("reviewer", f"{at}/publish")
    told = (await hall.get("editor", "/v1/notices"))["items"]
    assert [notice["kind"] for notice in told] == ["version-published", "version-returned"]
    assert told[0]["details"]["replaced"] == 1
    page = await hall.get("editor", "/v1/notices?limit=1")
    assert (await hall.get("editor", f"/v1/notices?cursor={page['next']}"))["items"] == told[1:]

    read = await hall.ask("editor", "POST", f"/v1/notices/{told[0]['id']}/read")
    assert read.json()["read_at"]
    assert (await hall.get("editor", "/v1/notices?unread=true"))["items"] == told[1:]
    # A system reads what its own organisation was told, and marks nothing.
    system = token(hall.gateway, hall.provider)
    listed = await hall.gateway.client.get("/v1/notices", headers=system)
    assert [notice["kind"] for notice in listed.json()["items"]] == ["version-published"]
    own = listed.json()["items"][0]["id"]
    assert (await hall.gateway.client.post(f"/v1/notices/{own}/read", headers=system)).status_code == 401
    assert await hall.post("editor", f"/v1/notices/{own}/read") == 404
    assert (await hall.ask("secrecy", "GET", "/v1/notices")).status_code == 403


async def test_the_authority_maintains_the_classes(hall: Hall) -> None:
    assert await hall.post("editor", "/v1/classifications", {"code": "309", "name": "示例"}) == 403
    added = await hall.ask("reviewer", "POST", "/v1/classifications", {"code": "309", "name": "示例"})
    assert (added.status_code, added.json()["parent"], added.json()["state"]) == (201, "3", "active")
    assert await hall.post("reviewer", "/v1/classifications", {"code": "309", "name": "示例"}) == 409
    assert await hall.post("reviewer", "/v1/classifications", {"code": "4", "name": "示例"}) == 422
    renamed = await hall.ask("reviewer", "PUT", "/v1/classifications/309", {"name": "新名"})
    assert renamed.json()["name"] == "新名"
    assert await hall.post("reviewer", "/v1/classifications/309/end") == 200
    below = (await hall.get("editor", "/v1/classifications?parent=3"))["items"]
    assert {row["code"]: row["state"] for row in below}["309"] == "ended"
    refused = await hall.ask("editor", "POST", "/v1/resources", NEW | {"classification": "309"})
    assert refused.status_code == 422
    assert await hall.post("reviewer", "/v1/classifications/309/reopen") == 200
    assert await hall.post("reviewer", "/v1/classifications/399/end") == 404


async def test_what_is_said_above_is_kept_beside_the_code_and_changes_nothing(hall: Hall) -> None:
    at = await hall.published()
    before = await hall.get("editor", at)
    state = {"catalogue": "gansu-catalogue", "state": "pending"}
    assert await hall.post("editor", f"{at}/upstream", state) == 403
    assert await hall.post("reviewer", f"{at}/upstream", state) == 201
    bare = await hall.ask("reviewer", "POST", f"{at}/upstream", state | {"state": "accepted"})
    assert {error["pointer"] for error in bare.json()["errors"]} == {"/upstream_code", "/receipt"}
    receipt = {"reference": "118号", "digest": "sha-256:" + "a" * 64, "at": "2026-03-05T16:00:00+08:00"}
    accepted = state | {"state": "accepted", "upstream_code": "306001/004711", "receipt": receipt}
    assert await hall.post("reviewer", f"{at}/upstream", accepted) == 201
    assert await hall.post("reviewer", f"{at}/upstream", state) == 409
    history = (await hall.get("editor", f"{at}/upstream"))["items"]
    assert [(row["number"], row["state"]) for row in history] == [(1, "pending"), (2, "accepted")]
    after = await hall.get("editor", at)
    assert after == before | {"upstream": history[1:]}
    assert history[1]["receipt"]["at"] == "2026-03-05T08:00:00.000000+00:00"


async def test_late_data_are_seen_in_the_resource_and_listed_for_staff(hall: Hall) -> None:
    at = await hall.published(update_cycle=2)
    assert (await hall.get("editor", at))["overdue"] is False
    assert (await hall.get("editor", "/v1/resources?overdue=true"))["items"] == []
    # Later than its cycle, as the catalogue was told of it: a session would not outlive two days.
    async with hall.gateway.context.transaction() as session:
        await session.execute(
            text("INSERT INTO resource_freshness SELECT id, created_at - interval '3 days' FROM resource")
        )
    shown = await hall.get("editor", at)
    assert (shown["overdue"], shown["last_data_at"] < shown["expected_at"]) == (True, True)
    assert (await hall.get("reviewer", "/v1/resources?overdue=true"))["items"] == [
        {name: value for name, value in shown.items() if name != "upstream"}
    ]
    system = token(hall.gateway, hall.provider)
    assert (await hall.gateway.client.get("/v1/resources?overdue=true", headers=system)).status_code == 403


async def test_chains_are_refused_with_the_field_that_is_wrong(hall: Hall) -> None:
    for list_type, steps, status in (
        ("special-funds", [], 422),
        ("UPPER", [{"basis": "依据"}], 422),
        ("x-list", [{"organisation": "没有的局", "basis": "依据"}], 404),
        ("x-list", [{"organisation": "a\u0000", "basis": "依据"}], 422),
        ("x-list", [{"organisation": " ", "basis": "依据"}], 422),
    ):
        answer = await hall.ask("reviewer", "PUT", f"/v1/approval-chains/{list_type}", {"steps": steps})
        assert answer.status_code == status, (list_type, answer.text)
    assert (await hall.ask("reviewer", "GET", "/v1/approval-chains/x-list")).status_code == 404
    answer = await hall.ask(
        "editor", "POST", "/v1/resources", NEW | {"list_type": "power-list", "items": list(items_of("power-list"))}
    )
    submitted = await hall.ask("editor", "POST", f"/v1/resources/{answer.json()['id']}/submit")
    assert submitted.status_code == 409
    assert "审批链" in submitted.json()["detail"]
    assert CLASSIFICATION in answer.json()["code"]
