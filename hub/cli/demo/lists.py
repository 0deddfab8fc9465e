"""A power is suspended and restored while its record stays published; a list goes online, and its change is explained."""

from datetime import UTC, datetime
from typing import Any

from hub.cli import demo_data
from hub.cli.demo.county import County
from hub.cli.demo.receipts import described_as, last_sent
from hub.duties.calendar import beijing_date

OFFICE = "lintao-reform-office"
"""审改办, which decides on suspended powers."""

SITE, CITY = "lintao-subsite", "dingxi-exchange"
POWERS, POWER = "duty_list", "SL-QZ-0002"
LIST = "poverty_projects"
APPROVAL, CONFIRMATION = "示例审改办〔2026〕2号", "示例审改办〔2026〕3号"
URL = "https://lintao.example/lists/poverty"


def suspend_and_restore(county: County) -> None:
    """Apply, approve, publish the suspended record, see it whole; then the same back, within the two working days."""
    narrator = county.narrator
    narrator.step(
        "暂停一项权力：部门申请，审改办批准，记录照常公布，静态信息全部公开；恢复在确认后2个工作日内",
        "a power is suspended: applied for, approved; its record stays published, whole; restored within 2 working days",
    )
    editor = county.staff_of[described_as(POWERS).provider]
    code = county.resources[POWERS]["code"]
    asked = {"resource": code, "power_code": POWER, "ground": "periodic", "reason": "示例：两次办理周期之间"}
    at = f"/v1/power-suspensions/{county.call(editor, 'POST', '/v1/power-suspensions', asked)['id']}"
    office = county.reviewers[OFFICE]
    county.call(office, "POST", f"{at}/approve", {"document": APPROVAL})
    narrator.same(f"shuniu power-suspension apply …; shuniu power-suspension approve ID --document {APPROVAL}")
    today = beijing_date(datetime.now(UTC)).isoformat()
    record = next(one for one in demo_data.load_records(POWERS) if one["power_code"] == POWER)
    state: demo_data.Record = {
        "power_status": "暂停",
        "suspension_ground": "周期性办理",
        "suspended_on": today,
        "suspension_document": APPROVAL,
    }
    suspended = _send(county, POWERS, record | state)
    county.call(editor, "POST", f"{at}/exchange", {"exchange": suspended})
    shown = _received(county, suspended)
    if not record.items() - {("power_status", "行使")} <= shown.items():
        raise AssertionError("the static information of a suspended power is not whole")
    narrator.done(f"{POWER} 暂停，{SITE} 收到的记录有 {len(shown)} 项，静态信息齐全 / suspended, and still whole")

    county.call(editor, "POST", f"{at}/resume", {"reason": "示例：新的办理周期开始"})
    county.call(office, "POST", f"{at}/confirm", {"document": CONFIRMATION})
    due = [one for one in _duties(county, editor) if one["subject"]["kind"] == "power-suspension"]
    narrator.detail(f"审改办确认，恢复期限 / confirmed, to be restored by: {due[0]['due_at']}")
    restored = _send(county, POWERS, record | {"resumed_on": today})
    done = county.call(editor, "POST", f"{at}/exchange", {"exchange": restored})
    if done["state"] != "restored" or _received(county, restored)["power_status"] != "行使":
        raise AssertionError(f"not restored: {done}")
    narrator.done(f"{POWER} 恢复行使，期限办结 / exercised again, the duty is done")
    narrator.same(
        "shuniu power-suspension resume …; confirm …; shuniu send …; shuniu power-suspension exchange ID EXCHANGE"
    )


def put_online(county: County) -> None:
    """Declare a list, load it, confirm it online; change it, explain, and the same again."""
    narrator = county.narrator
    narrator.step(
        "清单上网：提供方登记发布，子站登记加载、确认上线；变更要说明，公告期一年",
        "a list goes online: declared, loaded, confirmed; a change is explained, the period is a year",
    )
    editor = county.staff_of[described_as(LIST).provider]
    path = f"/v1/lists/{county.resources[LIST]['code']}/publications"
    first = county.call(editor, "POST", path, {"kind": "whole", "exchange": last_sent(county, LIST).exchange})
    _load(county, first["number"])
    narrator.done(f"第 1 次发布，公告期 / period {first['period_from']} – {first['period_to']}，{URL}")
    narrator.same("shuniu published-list declare CODE --kind whole --exchange ID; shuniu site-list loaded …; online …")
    record = demo_data.load_records(LIST)[0] | {"investment": "190.00"}
    exchange = _send(county, LIST, record)
    explanation = "示例：投资额度调整为 190.00 万元，依据示例〔2026〕4号"
    change = county.call(editor, "POST", path, {"kind": "change", "explanation": explanation, "exchange": exchange})
    _received(county, exchange)
    _load(county, change["number"])
    narrator.done(f"第 {change['number']} 次发布，变更说明 / a change, explained: {explanation}")
    seen = next(one for one in county.partners[SITE].lists() if one["code"] == county.resources[LIST]["code"])
    if seen["publication"]["explanation"] != explanation or "url" not in seen["publication"]["loaded"][0]:
        raise AssertionError(f"the sub-site does not read what was explained: {seen}")
    owed = "、".join(f"{one['duty']} {one['due_at']}" for one in seen["owed"])
    narrator.detail(f"尚待办理 / still owed: {owed}")


def _send(county: County, resource: str, record: demo_data.Record) -> str:
    """The exchange that carries that one record."""
    partner = county.partners[described_as(resource).system]
    return partner.publish(county.resources[resource]["code"], [record]).exchange


def _received(county: County, exchange: str) -> demo_data.Record:
    """The record as the sub-site got it; the city, which may be granted it too, pulls and acknowledges it as well."""
    found = {}
    for consumer in (SITE, CITY):
        items = [item for item in county.partners[consumer].inbox(limit=500) if item.exchange == exchange]
        county.partners[consumer].acknowledge(items)
        found[consumer] = [record for item in items for record in item.records]
    (record,) = found[SITE]
    return record


def _load(county: County, number: int) -> None:
    code, site = county.resources[LIST]["code"], county.partners[SITE]
    site.list_loaded(code, number)
    site.list_online(code, number, URL)


def _duties(county: County, user: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = county.call(user, "GET", "/v1/duties?limit=500")["items"]
    return found
