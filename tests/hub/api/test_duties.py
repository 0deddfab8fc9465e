"""Duties, their rules and the days off, over the API."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from hub.api.duty_forms import EXAMPLE
from hub.duties import notices
from hub.duties.calendar import BEIJING, WorkCalendar, announced, beijing_date
from hub.duties.notices import ALWAYS_OFF
from hub.duties.profiles import in_force, shipped
from hub.duties.rule import CAVEAT
from hub.duties.service import Debtor, Subject, owe
from hub.duties.terms import deadline
from hub.identity.roles import Role
from tests.support.gateway import TestGateway, bearer

SUBJECT = {"kind": "resource", "id": "306001000001/000042"}
NOBODY = "00000000-0000-7000-8000-000000000000"


class Office:
    """The people who act on duties, each with their headers."""

    def __init__(self, gateway: TestGateway, headers: dict[str, dict[str, str]], organisation: str) -> None:
        self.gateway, self.headers, self.organisation = gateway, headers, organisation

    async def asks(self, who: str, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The answer, which must have that status."""
        answer = await self.gateway.client.request(method, path, json=body, headers=self.headers[who])
        assert answer.status_code == status, answer.text
        return answer.json()

    async def declares(self, event: str = "catalogue.outdated", **more: Any) -> list[dict[str, Any]]:
        """What the authority makes the organisation owe."""
        body = {"event": event, "subject": SUBJECT, "organisation": self.organisation} | more
        items: list[dict[str, Any]] = (await self.asks("reviewer", "POST", "/v1/duties/declare", body, status=201))[
            "items"
        ]
        return items


@pytest.fixture
async def office(gateway: TestGateway) -> Office:
    editor = await gateway.staff("editor", Role.EDITOR, organisation="甲局")
    people = {
        "editor": editor,
        "other": await gateway.staff("other", Role.EDITOR, Role.DECIDER, organisation="乙局"),
        "reviewer": await gateway.staff("reviewer", Role.REVIEWER),
        "operator": await gateway.staff("operator", Role.OPERATOR),
        "inspector": await gateway.staff("inspector", Role.INSPECTOR),
    }
    return Office(gateway, {who: bearer(opened) for who, opened in people.items()}, str(editor.caller.organisation_id))


async def test_what_is_declared_is_found_put_off_and_done(office: Office) -> None:
    (owed,) = await office.declares()
    rule = in_force("update-catalogue", date.today())  # noqa: DTZ011
    assert rule is not None
    assert owed["title"] == {"zh": rule.title_zh, "en": rule.title_en}
    assert (owed["state"], owed["declared"], owed["subject"]) == ("open", True, SUBJECT)
    assert owed["debtor"] == {"role": "provider", "organisation": {"id": office.organisation, "name": "甲局"}}
    assert owed["rule"] == {
        "code": "D5",
        "version": 1,
        "issuer": "国务院",
        "basis": {"document": rule.basis.document, "article": "", "text": rule.basis.text},
        "verified": False,
        "caveat": CAVEAT,
    }
    assert (await office.asks("editor", "GET", "/v1/duties"))["items"] == [owed]
    assert (await office.asks("editor", "GET", f"/v1/duties/{owed['id']}")) == owed
    later = await office.asks("reviewer", "POST", f"/v1/duties/{owed['id']}/extend", {"basis": "已批准", "amount": 1})
    assert later["due_at"] > owed["due_at"] == later["extension"]["first_due_at"]
    assert (later["extension"]["basis"], later["extension"]["amount"]) == ("已批准", 1)
    closed = await office.asks("editor", "POST", f"/v1/duties/{owed['id']}/done")
    assert (closed["state"], closed["closed_late"], "standing" in closed) == ("done", False, False)
    assert (await office.asks("editor", "GET", "/v1/duties"))["items"] == []
    assert (await office.asks("editor", "GET", "/v1/duties?closed=true"))["items"] == [closed]
    (again,) = await office.declares()
    body = {"reason": "误报"}
    cancelled = await office.asks("reviewer", "POST", f"/v1/duties/{again['id']}/cancel", body)
    assert (cancelled["state"], cancelled["closed_reason"]) == ("cancelled", "误报")


async def test_who_does_not_owe_it_does_not_know_of_it_but_who_oversees_does(office: Office) -> None:
    (owed,) = await office.declares()
    at = f"/v1/duties/{owed['id']}"
    for who in ("other", "operator"):
        assert (await office.asks(who, "GET", "/v1/duties"))["items"] == []
        await office.asks(who, "GET", at, status=404)
        await office.asks(who, "POST", f"{at}/done", status=404)
        await office.asks(who, "GET", "/v1/duties?scope=all", status=403)
    for who in ("reviewer", "inspector"):
        assert (await office.asks(who, "GET", "/v1/duties"))["items"] == []
        assert (await office.asks(who, "GET", "/v1/duties?scope=all"))["items"] == [owed]
        assert await office.asks(who, "GET", at) == owed
    await office.asks("inspector", "POST", f"{at}/done", status=403)
    await office.asks("editor", "POST", f"{at}/extend", {"basis": "x"}, status=403)
    await office.asks("reviewer", "GET", f"/v1/duties/{NOBODY}", status=404)


async def test_lists_are_narrowed_and_paged(office: Office) -> None:
    now = office.gateway.now
    await office.declares()
    (overdue,) = await office.declares(subject=SUBJECT | {"id": "old"}, at=(now - timedelta(days=90)).isoformat())
    assert overdue["standing"] == "overdue"

    async def ids(query: str) -> list[str]:
        found = await office.asks("editor", "GET", f"/v1/duties?{query}")
        return [one["subject"]["id"] for one in found["items"]]

    assert await ids("standing=overdue") == await ids("standing=todo") == ["old"]
    assert await ids("standing=upcoming") == [SUBJECT["id"]]
    assert await ids("standing=due") == await ids("standing=due-soon") == []
    assert await ids("subject=resource/old") == ["old"]
    page = await office.asks("editor", "GET", "/v1/duties?limit=1")
    assert page["items"][0]["subject"]["id"] == "old"
    following = await office.asks("editor", "GET", f"/v1/duties?limit=1&cursor={page['next']}")
    assert (following["items"][0]["subject"], following["next"]) == (SUBJECT, None)
    for wrong in ("cursor=x", "subject=Resource", "standing=late"):
        await office.asks("editor", "GET", f"/v1/duties?{wrong}", status=422)
    foreign = await office.asks("editor", "GET", "/v1/duty-rules?limit=1")
    await office.asks("editor", "GET", f"/v1/duties?cursor={foreign['next']}", status=422)


async def test_refusals_name_the_field(office: Office) -> None:
    for body, status, pointer in (
        ({"event": "catalogue.outdated", "subject": SUBJECT}, 422, "/organisation"),
        ({"event": "catalogue.outdated", "subject": SUBJECT, "organisation": NOBODY}, 404, None),
        ({"event": "catalogue.outdated", "subject": SUBJECT | {"id": "张三"}}, 422, "/subject/id"),
        ({"event": "catalogue.outdated", "subject": SUBJECT, "organisation": "11621124MB0000000U"}, 404, None),
        ({"event": "catalogue.outdated", "subject": SUBJECT, "organisation": "\0"}, 422, "/organisation"),
        ({"event": "nothing.happened", "subject": SUBJECT}, 409, None),
    ):
        answer = await office.asks("reviewer", "POST", "/v1/duties/declare", body, status=status)
        assert [error["pointer"] for error in answer.get("errors", [])] == ([pointer] if pointer else [])
    async with office.gateway.context.transaction() as session:
        row = await owe(
            session,
            "publish-catalogue",
            Subject("resource", "1"),
            debtor=Debtor(),
            anchored_at=office.gateway.now,
            actor=(await _caller(office)).actor,
            recorder=office.gateway.context.recorder,
            now=office.gateway.now,
        )
    await office.asks("reviewer", "POST", f"/v1/duties/{row.id}/done", status=409)


async def _caller(office: Office) -> Any:
    return (await office.gateway.staff("second", Role.REVIEWER)).caller


NEW_RULE = {
    "code": "GS-12",
    "duty": "update-catalogue",
    "title": {"zh": "更新目录", "en": "update the catalogue"},
    "trigger": "catalogue.outdated",
    "declared": True,
    "role": "provider",
    "amount": 8,
    "unit": "working-day",
    "cap": 10,
    "extension": {"amount": 2},
    "basis": {"document": "甘肃省政务数据共享管理办法", "article": "第十二条", "text": "应当在8个工作日内更新目录"},
    "issuer": "甘肃省人民政府",
    "valid_from": "2026-01-01",
    "verified": True,
    "note": {"zh": "省级规定", "en": "of the province"},
}


async def test_the_authority_puts_rules_in_force_and_everybody_reads_them(office: Office) -> None:
    everything = await office.asks("editor", "GET", "/v1/duty-rules?limit=500")
    assert [one["code"] for one in everything["items"]] == [rule.code for rule in shipped()]
    assert everything["items"][0]["caveat"] == CAVEAT
    paged: list[str] = []
    cursor = ""
    while True:
        page = await office.asks("editor", "GET", f"/v1/duty-rules?limit=50{cursor}")
        paged += [one["code"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert paged == [rule.code for rule in shipped()]
    created = await office.asks("reviewer", "POST", "/v1/duty-rules", NEW_RULE, status=201)
    assert (created["version"], created["in_force"], created["profile"], "caveat" in created) == (1, True, "own", False)
    adopted = await office.asks("reviewer", "POST", "/v1/duty-rules/D8/adopt", {"valid_from": "2026-02-01"}, status=201)
    assert (adopted["version"], adopted["amount"], adopted["valid_from"]) == (2, 15, "2026-02-01")
    found = await office.asks("editor", "GET", "/v1/duty-rules?duty=update-catalogue&in_force=true")
    assert [(one["code"], one["origin"], one["version"]) for one in found["items"]] == [("D8", "set", 2)]
    today = (await office.asks("reviewer", "POST", "/v1/duty-rules/D9/adopt", {}, status=201))["valid_from"]
    assert today == office.gateway.now.astimezone(BEIJING).date().isoformat()
    await office.asks("reviewer", "POST", "/v1/duty-rules/D99/adopt", {}, status=404)
    wrong = NEW_RULE | {"amount": 0, "trigger": "outdated", "title": {"zh": "", "en": "x"}}
    refused = await office.asks("reviewer", "POST", "/v1/duty-rules", wrong, status=422)
    assert [error["pointer"] for error in refused["errors"]] == ["/trigger", "/title/zh", "/amount"]
    await office.asks("editor", "POST", "/v1/duty-rules", NEW_RULE, status=403)
    (owed,) = await office.declares()
    assert (owed["rule"]["code"], "caveat" in owed["rule"]) == ("D8", True)


def with_one_more_day_off(day: date) -> dict[str, Any]:
    """The notice of the day's year as it is known, and that day off besides."""
    off = (
        {one for one in announced().off if one.year == day.year} | {date(day.year, *one) for one in ALWAYS_OFF} | {day}
    )
    worked = sorted(one for one in announced().worked if one.year == day.year)
    return {
        "year": day.year,
        "days_off": [one.isoformat() for one in sorted(off)],
        "days_worked": [one.isoformat() for one in worked],
        "basis": "国务院办公厅通知",
    }


async def test_an_operator_adds_the_notice_of_a_year_and_everybody_sees_which_years_are_known(office: Office) -> None:
    known = await office.asks("editor", "GET", "/v1/holiday-notices")
    assert known["items"][0]["year"] == max(announced().years)
    (owed,) = await office.declares()
    last = date.fromisoformat(owed["due_on"])
    new = with_one_more_day_off(last)
    added = await office.asks("operator", "POST", "/v1/holiday-notices", new, status=201)
    assert (added["moved"], added["source"], added["in_force"]) == (1, "notice", True)
    assert (await office.asks("editor", "GET", f"/v1/duties/{owed['id']}"))["due_on"] > owed["due_on"]
    page = await office.asks("editor", "GET", "/v1/holiday-notices?limit=2")
    following = await office.asks("editor", "GET", f"/v1/holiday-notices?cursor={page['next']}")
    assert [one["basis"] for one in page["items"] if one["source"] == "notice"] == ["国务院办公厅通知"]
    assert len(page["items"]) + len(following["items"]) == len(known["items"]) + 1
    refused = await office.asks("operator", "POST", "/v1/holiday-notices", new | {"days_off": []}, status=422)
    assert [error["pointer"] for error in refused["errors"]] == ["/days_off"] * 3
    await office.asks("reviewer", "POST", "/v1/holiday-notices", new, status=403)


async def test_a_year_whose_days_off_are_not_known_is_told_until_its_notice_is_added(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "announced", lambda: WorkCalendar(frozenset(), frozenset(), frozenset({2004})))
    year = beijing_date(office.gateway.now).year
    for path in ("/v1/duties", "/v1/holiday-notices"):
        told = (await office.asks("editor", "GET", path))["warnings"]
        assert told[0]["year"] == year
        assert f"{year} 年的放假和调休安排" in told[0]["zh"]
    for missing in (year, year + 1):
        new = with_one_more_day_off(date(missing, 1, 1)) | {"days_worked": []}
        await office.asks("operator", "POST", "/v1/holiday-notices", new, status=201)
    for path in ("/v1/duties", "/v1/holiday-notices"):
        assert "warnings" not in await office.asks("editor", "GET", path)


def test_the_example_of_the_api_is_what_the_rule_gives() -> None:
    rule = in_force("answer-conditional", date(2026, 2, 10))
    assert rule is not None
    found = deadline(rule.terms, datetime.fromisoformat(EXAMPLE["anchored_at"]), announced())
    assert found.due_at == datetime.fromisoformat(EXAMPLE["due_at"])
    assert found.soon_at == datetime.fromisoformat(EXAMPLE["soon_at"])
    assert EXAMPLE["rule"]["basis"]["text"] == rule.basis.text


async def test_every_call_about_duties_has_an_example(office: Office) -> None:
    document = (await office.gateway.client.get("/openapi.json")).json()
    paths = [path for path in document["paths"] if path.startswith(("/v1/dut", "/v1/holiday"))]
    assert len(paths) == 9
    for path in paths:
        for method, operation in document["paths"][path].items():
            answers = [answer for status, answer in operation["responses"].items() if status in ("200", "201")]
            assert all("example" in answer["content"]["application/json"] for answer in answers), (method, path)
