"""Asking for access: a request travels to its grant with its deadlines; and an error that a consumer reports is corrected."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.cli import demo_data
from hub.cli.demo.county import County
from hub.client.partner import batches

RESOURCE, PROVIDER = "supervision_tasks", "lintao-government-office"
"""Shared on a condition: 仅用于督查督办和考核通报."""

CONSUMER, CONSUMER_OFFICE = "lintao-reform-office", "lintao-reform-office"
"""The system that asks, and whose it is."""

REVIEW_RULE = "D9"
"""The compliance review within two working days: a rule for reference, so the authority adopts it."""

GUIDE, STEP = "XJ-JZ-02", 4
"""The step of a guide that says it comes two working days after the appraisal, while the notice before it lasts ten."""

REPORTER_OFFICE, GUIDE_OFFICE = "lintao-government-office", "lintao-service-centre"
"""Whose subsite shows the guide, and who wrote it."""


def ask(county: County) -> None:
    """A request, its return and its second hand-in, the review, the decision, and the data that follow."""
    county.narrator.step(
        "共享申请：使用方写明依据、场景、用途、时限，主管部门审查，提供方审批；每一步的时限都看得见",
        "asking for access: basis, scene, purpose and period; the authority reviews, the provider decides; each with its deadline",
    )
    applicant, decider = county.staff_of[CONSUMER_OFFICE], county.staff_of[PROVIDER]
    county.call("reviewer", "POST", f"/v1/duty-rules/{REVIEW_RULE}/adopt", {})
    asked = _asked()
    ends = {"consumer": CONSUMER, "resource": county.resources[RESOURCE]["code"]}
    made = county.call(applicant, "POST", "/v1/access-requests", {**ends, **asked})
    at = f"/v1/access-requests/{made['id']}"
    _tell(county, made)
    _tell(county, county.call("reviewer", "POST", f"{at}/review", {"verdict": "return", "opinion": "请写明每月用量"}))
    _tell(county, county.call(applicant, "PUT", at, {**asked, "frequency": {"average": 1, "peak": 30}}))
    _tell(county, county.call("reviewer", "POST", f"{at}/review", {"verdict": "pass", "opinion": "符合共享条件"}))
    _tell(county, county.call(decider, "POST", f"{at}/decide", {"verdict": "grant", "opinion": "同意"}))
    county.narrator.same("shuniu request add …; shuniu request review ID --pass; shuniu request decide ID --grant")
    _publish(county)


def correct_what_is_reported(county: County, wrong: str, publish: Callable[[], str]) -> None:
    """The subsite's office reports the step that contradicts its guide; `publish` sends the correction.

    `wrong` is the exchange that carried the step; `publish` returns the one that corrects it.
    """
    county.narrator.step(
        "校核：子站发现指南自相矛盾，向提供方提出；提供方在时限内更正，取走过错误数据的各方都被告知",
        "a report: the subsite finds that a guide contradicts itself; the provider corrects it in time, and all who had it are told",
    )
    reporter, provider = county.staff_of[REPORTER_OFFICE], county.staff_of[GUIDE_OFFICE]
    report = {
        "exchange": wrong,
        "pointers": [f"/records/{_place()}/{name}" for name in ("deadline_text", "deadline_anchor")],
        "believed": "公示须先满10个工作日，提交审核的2个工作日应自公示结束起算",
    }
    made = county.call(reporter, "POST", "/v1/corrections", report)
    at = f"/v1/corrections/{made['id']}"
    county.narrator.done(f"校核 / report {made['id']}：{'、'.join(made['pointers'])}")
    _tell_duties(county, made)
    county.call(provider, "POST", f"{at}/take")
    county.narrator.same("shuniu correction add --exchange ID --at /records/N/ITEM --believed …")
    fixed = county.call(provider, "POST", f"{at}/correct", {"exchange": publish()})
    county.narrator.done(f"{fixed['state']}：{fixed['exchange']} → {fixed['correcting']}")
    _tell_duties(county, fixed)
    county.narrator.same("shuniu correction correct ID --exchange ID")


def _asked() -> dict[str, Any]:
    """What the office asks for; basis and condition are those of the documents."""
    grant = next(one for one in demo_data.load_grants() if one.resource == RESOURCE)
    return {
        "basis": grant.basis,
        "scene": "县审改办对各部门权力事项办理进度的考核通报",
        "purpose": "考核通报",
        "valid_to": (datetime.now(UTC) + timedelta(days=365)).isoformat(),
    }


def _publish(county: County) -> None:
    """The provider publishes, and who was granted it has it."""
    described = next(one for one in demo_data.load_resources() if one.key == RESOURCE)
    provider, consumer = county.partners[described.system], county.partners[CONSUMER]
    for part in batches(demo_data.load_records(RESOURCE)):
        receipt = provider.publish(county.resources[RESOURCE]["code"], part)
    items = [item for item in consumer.inbox(limit=500) if item.exchange == receipt.exchange]
    if not items:
        raise AssertionError(f"{CONSUMER} was granted {RESOURCE} and does not get it")
    consumer.acknowledge(items)
    county.narrator.done(
        f"{CONSUMER} 收到 {sum(len(item.records) for item in items)} 条 / records, exchange {receipt.exchange}"
    )


def _tell(county: County, request: Mapping[str, Any]) -> None:
    step = request["steps"][-1]
    told = f"（{step['opinion']}）" if "opinion" in step else ""
    county.narrator.done(f"{step['act']:11} → {request['state']}{told}")
    _tell_duties(county, request)


def _tell_duties(county: County, shown: Mapping[str, Any]) -> None:
    for duty in shown["duties"]:
        rule = duty["rule"]
        county.narrator.detail(f"{rule['code']:4}{duty['title']['zh']}：{duty['due_on']} 前 / due, {duty['state']}")


def _place() -> int:
    """Where the step stands among the records of its exchange."""
    steps = demo_data.load_records("guide_steps")
    return next(n for n, one in enumerate(steps) if (one["guide_code"], one["step_no"]) == (GUIDE, STEP))
