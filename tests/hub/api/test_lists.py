"""`/v1/lists` over HTTP: a list is declared, loaded, online, changed with an explanation, and renewed."""

from datetime import date, timedelta
from typing import Any

import pytest

from hub.duties.calendar import beijing_date
from tests.support.gateway import TestGateway
from tests.support.lists import Department, samples

POVERTY = "poverty-projects"


@pytest.fixture
async def department(gateway: TestGateway) -> Department:
    return await Department.open(gateway)


def today(department: Department) -> date:
    return beijing_date(department.gateway.now)


async def declares(department: Department, code: str, **body: Any) -> dict[str, Any]:
    return await department.done(department.editor, "POST", f"/v1/lists/{code}/publications", body)


async def test_a_list_is_declared_loaded_and_confirmed_online_for_a_year(department: Department) -> None:
    code = await department.publishes(POVERTY)
    site = department.token(department.site)
    before = await department.done(site, "GET", f"/v1/lists/{code}")
    assert "publication" not in before
    exchange = await department.sends(code, samples(POVERTY))
    first = await declares(department, code, kind="whole", exchange=exchange)
    assert (first["number"], first["period_from"]) == (1, today(department).isoformat())
    assert date.fromisoformat(first["period_to"]).year == today(department).year + 1
    assert "explanation" not in first
    at = f"/v1/lists/{code}/publications/1"
    loaded = await department.done(site, "POST", f"{at}/loaded")
    assert loaded["exchange"]["id"] == exchange
    assert loaded["exchange"]["digest"].startswith("sha-256:")
    assert (await department.done(site, "POST", f"{at}/loaded"))["loaded"] == loaded["loaded"]
    url = {"url": "https://lintao.example/lists/poverty"}
    shown = await department.done(site, "POST", f"{at}/online", url)
    assert shown["loaded"][0]["url"] == url["url"]
    again = await department.done(site, "POST", f"{at}/online", url)
    assert again["loaded"] == shown["loaded"]
    moved = await department.done(site, "POST", f"{at}/online", {"url": "https://lintao.example/other"})
    assert moved["loaded"][0]["online_at"] == shown["loaded"][0]["online_at"]
    (found,) = (await department.done(department.editor, "GET", "/v1/lists"))["items"]
    assert found["publication"]["loaded"][0]["system"] == "sub-site"
    assert [one["duty"] for one in found["owed"]] == ["renew-relief-list"]
    assert found["owed"][0]["due_at"].startswith(f"{today(department).year + 1}-01-31")


async def test_every_further_publication_explains_what_changed_and_the_deadline_of_a_change_runs(
    department: Department,
) -> None:
    code = await department.publishes(POVERTY)
    site = department.token(department.site)
    exchange = await department.sends(code, samples(POVERTY))
    await declares(department, code, kind="whole", exchange=exchange)
    path = f"/v1/lists/{code}/publications"
    silent = await department.call(department.editor, "POST", path, {"kind": "change"})
    assert silent.status_code == 422
    assert silent.json()["errors"][0]["pointer"] == "/explanation"
    changed = await declares(
        department,
        code,
        kind="change",
        explanation="投资额度调整，依据示例〔2026〕4号",
        occurred_on=(today(department) - timedelta(days=1)).isoformat(),
    )
    assert changed["period_from"] == today(department).isoformat()
    assert "exchange" not in changed
    shown = await department.done(site, "GET", f"/v1/lists/{code}")
    assert [one["duty"] for one in shown["owed"]] == ["update-relief-project"]
    assert (await department.call(site, "POST", f"{path}/2/loaded")).status_code == 409
    second = await department.sends(code, samples(POVERTY)[:1])
    named = await department.done(department.editor, "POST", f"{path}/2/exchange", {"exchange": second})
    assert named["exchange"]["id"] == second
    assert "第 2 次" in (await department.call(site, "POST", f"{path}/1/loaded")).json()["detail"]
    early = await department.call(site, "POST", f"{path}/2/online", {"url": "https://lintao.example/"})
    assert early.status_code == 409
    await department.done(site, "POST", f"{path}/2/loaded")
    await department.done(site, "POST", f"{path}/2/online", {"url": "https://lintao.example/"})
    shown = await department.done(site, "GET", f"/v1/lists/{code}")
    assert [one["duty"] for one in shown["owed"]] == ["renew-relief-list"], (
        "the first was superseded before it was online"
    )
    listed = (await department.done(site, "GET", f"{path}?limit=1"))["items"]
    assert [one["number"] for one in listed] == [1]
    page = await department.done(site, "GET", f"{path}?limit=1")
    rest = await department.done(site, "GET", f"{path}?limit=1&cursor={page['next']}")
    assert [one["explanation"] for one in rest["items"]] == ["投资额度调整，依据示例〔2026〕4号"]


async def test_what_was_superseded_is_not_owed_once_the_last_is_online(department: Department) -> None:
    for key in ("special-funds", POVERTY):
        code = await department.publishes(key)
        site, path = department.token(department.site), f"/v1/lists/{code}/publications"
        exchange = await department.sends(code, samples(key)[:1])
        for number, kind in enumerate(("whole", "change", "change", "whole"), start=1):
            said = {} if number == 1 else {"explanation": "调整"}
            await declares(department, code, kind=kind, exchange=exchange, **said)
            if number % 2 == 0:
                await department.done(site, "POST", f"{path}/{number}/loaded")
                await department.done(site, "POST", f"{path}/{number}/online", {"url": "https://lintao.example/"})
                owed = (await department.done(site, "GET", f"/v1/lists/{code}")).get("owed", [])
                assert [one["duty"] for one in owed] == (["renew-relief-list"] if key == POVERTY else [])


async def test_what_a_sub_site_never_received_it_did_not_load(department: Department) -> None:
    code = await department.publishes(POVERTY)
    site, at = department.token(department.site), f"/v1/lists/{code}/publications/1"
    exchange = await department.sends(code, samples(POVERTY), pulled=False)
    await declares(department, code, kind="whole", exchange=exchange)
    assert (await department.call(site, "POST", f"{at}/loaded")).status_code == 409
    await department.done(site, "GET", "/v1/inbox")
    await department.done(site, "POST", f"{at}/loaded")
    other = await department.sends(code, samples(POVERTY)[:1])
    named = await department.done(department.editor, "POST", f"{at}/exchange", {"exchange": other})
    assert not named.get("loaded")
    assert (await department.call(site, "POST", f"{at}/online", {"url": "https://lintao.example/"})).status_code == 409
    await department.done(site, "POST", f"{at}/loaded")
    again = await department.done(department.editor, "POST", f"{at}/exchange", {"exchange": other})
    assert again["loaded"], "naming it once more changes nothing"


async def test_a_whole_publication_of_the_next_year_is_the_renewal_that_was_owed(department: Department) -> None:
    code = await department.publishes(POVERTY)
    site = department.token(department.site)
    year = today(department).year
    for number, begins in ((1, f"{year}-01-05"), (2, f"{year}-06-01"), (3, f"{year + 1}-01-05")):
        exchange = await department.sends(code, samples(POVERTY))
        await declares(
            department,
            code,
            kind="whole",
            explanation=None if number == 1 else "整体更新",
            period_from=begins,
            exchange=exchange,
        )
        at = f"/v1/lists/{code}/publications/{number}"
        await department.done(site, "POST", f"{at}/loaded")
        await department.done(site, "POST", f"{at}/online", {"url": "https://lintao.example/"})
        (owed,) = (await department.done(site, "GET", f"/v1/lists/{code}"))["owed"]
        due = year + 1 if number < 3 else year + 2
        assert owed["due_at"].startswith(f"{due}-01-31")


async def test_a_period_that_is_over_is_seen_and_special_funds_are_due_after_the_budget(department: Department) -> None:
    code = await department.publishes("special-funds")
    await declares(department, code, kind="whole", occurred_on="2010-03-02")  # no rule was in force
    assert "owed" not in await department.done(department.editor, "GET", f"/v1/lists/{code}")
    await declares(
        department,
        code,
        kind="whole",
        explanation="新的预算年度",
        occurred_on="2020-03-02",
        period_from="2020-03-02",
        period_to="2021-03-02",
    )
    shown = await department.done(department.editor, "GET", f"/v1/lists/{code}")
    assert shown["period_over"] is True
    assert [(one["duty"], one["standing"]) for one in shown["owed"]] == [("publish-budget", "overdue")]


async def test_nothing_is_owed_about_a_list_that_is_withdrawn(department: Department) -> None:
    code = await department.publishes(POVERTY)
    site = department.token(department.site)
    exchange = await department.sends(code, samples(POVERTY))
    await declares(department, code, kind="whole", exchange=exchange)
    await department.done(site, "POST", f"/v1/lists/{code}/publications/1/loaded")
    await department.done(
        site, "POST", f"/v1/lists/{code}/publications/1/online", {"url": "https://lintao.example/lists/poverty"}
    )
    await declares(department, code, kind="change", explanation="新增一项", exchange=exchange)
    owed = (await department.done(department.editor, "GET", "/v1/duties"))["items"]
    assert {one["duty"] for one in owed} == {"renew-relief-list", "update-relief-project"}
    await department.done(department.reviewer, "POST", f"/v1/resources/{code}/withdraw", {"reason": "停办"})
    assert (await department.done(department.editor, "GET", "/v1/duties"))["items"] == []
    again = await department.call(department.editor, "POST", f"/v1/lists/{code}/publications", {"kind": "whole"})
    assert again.status_code == 404


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"kind": "change", "explanation": "x"}, "/kind"),
    ({"kind": "whole", "occurred_on": "2999-01-01"}, "/occurred_on"),
    ({"kind": "whole", "period_from": "2026-03-02", "period_to": "2026-03-02"}, "/period_to"),
    ({"kind": "whole", "occurred_on": "0001-01-01"}, "/occurred_on"),
    ({"kind": "whole", "period_from": "9999-12-31"}, "/period_from"),
    ({"kind": "whole", "period_to": "9999-12-31"}, "/period_to"),
    ({"kind": "whole", "exchange": "00000000-0000-7000-8000-000000000000"}, "/exchange"),
    ({"kind": "whole", "explanation": "  "}, "/explanation"),
]


async def test_a_declaration_that_makes_no_sense_is_refused_with_its_field(department: Department) -> None:
    code = await department.publishes(POVERTY)
    for body, pointer in NONSENSE:
        answer = await department.call(department.editor, "POST", f"/v1/lists/{code}/publications", body)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    marked = {"kind": "whole", "explanation": "机密★10年"}
    answer = await department.call(department.editor, "POST", f"/v1/lists/{code}/publications", marked)
    assert answer.json()["type"] == "/problems/classified-content"


async def test_who_is_not_concerned_declares_and_loads_nothing(department: Department, gateway: TestGateway) -> None:
    code = await department.publishes(POVERTY)
    other = await department.publishes("special-funds")
    exchange = await department.sends(code, samples(POVERTY))
    foreign = await department.call(
        department.editor, "POST", f"/v1/lists/{other}/publications", {"kind": "whole", "exchange": exchange}
    )
    assert foreign.status_code == 422
    await declares(department, code, kind="whole", exchange=exchange)
    change = {"kind": "change", "explanation": "x", "period_from": "2026-01-01"}
    assert (
        await department.call(department.editor, "POST", f"/v1/lists/{code}/publications", change)
    ).status_code == 422
    stranger = department.token(await gateway.partner("stranger"))
    path = f"/v1/lists/{code}/publications/1"
    assert (await department.call(stranger, "POST", f"{path}/loaded")).status_code == 409
    assert "exchange" not in (await department.done(stranger, "GET", f"/v1/lists/{code}"))["publication"]
    site = department.token(department.site)
    assert (await department.call(site, "POST", f"/v1/lists/{code}/publications/9/loaded")).status_code == 404
    beyond = await department.call(site, "POST", f"/v1/lists/{code}/publications/99999999999/loaded")
    assert beyond.status_code == 422
    for url in ("lintao.example", "ftp://lintao.example", "http://", "https://user@lintao.example", "http://[x"):
        refused = await department.call(site, "POST", f"{path}/online", {"url": url})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/url")
    assert (await department.call(department.editor, "GET", "/v1/lists/306001000001/000099")).status_code == 404
    made = await department.done(department.editor, "POST", "/v1/list-types/filing/resources", {"system": "provider"})
    assert (await department.call(department.editor, "GET", f"/v1/lists/{made['code']}")).status_code == 404
    pages = await department.done(department.editor, "GET", "/v1/lists?limit=1")
    assert pages["next"] is not None
    following = await department.done(department.editor, "GET", f"/v1/lists?limit=1&cursor={pages['next']}")
    assert len(pages["items"]) == len(following["items"]) == 1
    bad = await department.call(department.editor, "GET", f"/v1/lists/{code}/publications?cursor={pages['next']}")
    assert bad.status_code == 422
    await department.done(department.reviewer, "POST", f"/v1/resources/{other}/withdraw", {"reason": "停办"})
    assert (await department.call(department.editor, "GET", f"/v1/lists/{other}")).status_code == 404
    assert [one["code"] for one in (await department.done(site, "GET", "/v1/lists"))["items"]] == [code]
