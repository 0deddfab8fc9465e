"""`/v1/power-suspensions` over HTTP: a power is suspended and restored, and its record stays published all the while."""

from typing import Any

import orjson
import pytest
from sqlalchemy import text

from hub.identity.roles import Role
from tests.support.gateway import TestGateway, bearer
from tests.support.lists import Department, samples

CODE = "SL-QZ-0001"
DOCUMENT = "示例审改办〔2026〕1号"
SUSPENDED = {
    "power_status": "暂停",
    "suspension_ground": "三年以上未发生办件",
    "suspended_on": "2026-03-02",
    "suspension_document": DOCUMENT,
}


@pytest.fixture
async def department(gateway: TestGateway) -> Department:
    return await Department.open(gateway)


async def applies(department: Department, code: str, **changed: Any) -> dict[str, Any]:
    body = {"resource": code, "power_code": CODE, "ground": "no-case-for-three-years"} | changed
    return await department.done(department.editor, "POST", "/v1/power-suspensions", body)


async def owed(department: Department, identifier: str) -> list[tuple[str, str, str]]:
    """What is owed for the suspension, with its state and the rule that says by when."""
    async with department.gateway.context.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT duty.duty, state, terms FROM duty JOIN duty_rule r ON r.id = rule_id"
                " WHERE subject_kind = 'power-suspension' AND subject_id = :id"
            ),
            {"id": identifier},
        )
        return [(row.duty, row.state, f"{row.terms['code']} {row.terms['amount']} {row.terms['unit']}") for row in rows]


async def test_a_power_is_suspended_and_restored_by_the_records_that_its_department_sends(
    department: Department,
) -> None:
    code = await department.publishes("power-list")
    exercised = samples("power-list")[0]
    await department.sends(code, samples("power-list"))
    made = await applies(department, code)
    at = f"/v1/power-suspensions/{made['id']}"
    assert (made["state"], made["power_code"]) == ("applied", CODE)

    approved = await department.done(department.reform, "POST", f"{at}/approve", {"document": DOCUMENT})
    assert (approved["state"], approved["document"]) == ("suspended", DOCUMENT)
    carried = await department.sends(code, [exercised | SUSPENDED])
    shown = await department.done(department.editor, "POST", f"{at}/exchange", {"exchange": carried})
    assert (shown["state"], shown["suspended_in"]) == ("suspended", carried)

    asked = await department.done(department.editor, "POST", f"{at}/resume", {"reason": "重新办理"})
    assert asked["state"] == "resuming"
    assert await owed(department, made["id"]) == []
    confirmed = await department.done(department.reform, "POST", f"{at}/confirm", {"document": "示例审改办〔2026〕9号"})
    assert confirmed["state"] == "confirmed"
    assert await owed(department, made["id"]) == [("restore-power-item", "open", "L5 2 working-day")]

    back = await department.sends(code, [exercised | {"resumed_on": "2026-04-01"}])
    restored = await department.done(department.editor, "POST", f"{at}/exchange", {"exchange": back})
    assert (restored["state"], restored["restored_in"]) == ("restored", back)
    assert await owed(department, made["id"]) == [("restore-power-item", "done", "L5 2 working-day")]
    resource = await department.done(department.editor, "GET", f"/v1/resources/{code}")
    assert resource["status"] == "published"
    found = await department.done(department.editor, "GET", f"/v1/power-suspensions?resource={code}&state=restored")
    assert [one["id"] for one in found["items"]] == [made["id"]]
    await _check_log(department, made["id"])


@pytest.mark.parametrize("withdrawn", ["before", "after"])
async def test_the_power_of_a_list_that_is_withdrawn_is_restored_by_nobody(
    department: Department, withdrawn: str
) -> None:
    code = await department.publishes("power-list")
    made = await applies(department, code)
    at = f"/v1/power-suspensions/{made['id']}"
    await department.done(department.reform, "POST", f"{at}/approve", {"document": DOCUMENT})
    await department.done(department.editor, "POST", f"{at}/resume", {"reason": "重新办理"})
    steps = [
        (department.reform, f"{at}/confirm", {"document": DOCUMENT}),
        (department.reviewer, f"/v1/resources/{code}/withdraw", {"reason": "停办"}),
    ]
    for who, path, body in steps if withdrawn == "after" else reversed(steps):
        await department.done(who, "POST", path, body)
    states = [state for _, state, _ in await owed(department, made["id"])]
    assert states == (["cancelled"] if withdrawn == "after" else [])


async def test_what_each_step_answers_is_what_its_example_shows(department: Department) -> None:
    code = await department.publishes("power-list")
    exercised = samples("power-list")[0]
    calls = department.gateway.app.openapi()["paths"]

    def shown(verb: str) -> list[dict[str, Any]]:
        content = calls["/v1/power-suspensions" + (verb and f"/{{id}}/{verb}")]["post"]["responses"]
        (one,) = (answer["content"]["application/json"] for status, answer in content.items() if status[0] == "2")
        return [one["example"]] if "example" in one else [each["value"] for each in one["examples"].values()]

    async def step(who: dict[str, str], verb: str, body: dict[str, Any], example: dict[str, Any]) -> None:
        answered = await department.done(who, "POST", f"/v1/power-suspensions/{identifier}/{verb}", body)
        assert answered["state"] == example["state"], verb
        assert answered.keys() == example.keys(), verb

    first = await applies(department, code)
    assert (first.keys(), first["state"]) == (shown("")[0].keys(), shown("")[0]["state"])
    identifier = first["id"]
    await step(department.reform, "refuse", {"reason": "x"}, *shown("refuse"))
    identifier = (await applies(department, code))["id"]
    await step(department.reform, "approve", {"document": DOCUMENT}, *shown("approve"))
    carrying, restoring = shown("exchange")
    sent = await department.sends(code, [exercised | SUSPENDED])
    await step(department.editor, "exchange", {"exchange": sent}, carrying)
    await step(department.editor, "resume", {"reason": "x"}, *shown("resume"))
    await step(department.reform, "decline", {"reason": "x"}, *shown("decline"))
    await step(department.editor, "resume", {"reason": "x"}, *shown("resume"))
    await step(department.reform, "confirm", {"document": DOCUMENT}, *shown("confirm"))
    back = await department.sends(code, [exercised | {"resumed_on": "2026-04-01"}])
    await step(department.editor, "exchange", {"exchange": back}, restoring)


async def test_the_office_is_told_that_it_is_asked_and_the_department_what_was_decided(department: Department) -> None:
    code = await department.publishes("power-list")
    told: list[str] = []

    async def told_since(headers: dict[str, str]) -> list[tuple[str, str]]:
        found = (await department.done(headers, "GET", "/v1/notices"))["items"]
        new = [one for one in reversed(found) if one["kind"].startswith("power-") and one["id"] not in told]
        told.extend(one["id"] for one in new)
        assert all(one["details"]["resource"] == code for one in new)
        return [(one["kind"], one["details"]["power_code"]) for one in new]

    first = await applies(department, code)
    assert await told_since(department.reform) == [("power-suspension-requested", CODE)]
    await department.done(department.reform, "POST", f"/v1/power-suspensions/{first['id']}/refuse", {"reason": "x"})
    assert await told_since(department.editor) == [("power-suspension-refused", CODE)]
    at = f"/v1/power-suspensions/{(await applies(department, code))['id']}"
    await told_since(department.reform)
    for who, verb, body, whom, kind in (
        (department.reform, "approve", {"document": DOCUMENT}, department.editor, "power-suspension-approved"),
        (department.editor, "resume", {"reason": "x"}, department.reform, "power-resumption-requested"),
        (department.reform, "decline", {"reason": "x"}, department.editor, "power-resumption-declined"),
        (department.editor, "resume", {"reason": "x"}, department.reform, "power-resumption-requested"),
        (department.reform, "confirm", {"document": DOCUMENT}, department.editor, "power-resumption-confirmed"),
    ):
        await department.done(who, "POST", f"{at}/{verb}", body)
        assert await told_since(whom) == [(kind, CODE)]


async def _check_log(department: Department, identifier: str) -> None:
    async with department.gateway.context.transaction() as session:
        rows = await session.execute(
            text("SELECT event, leaf FROM log_entry WHERE object_type = 'power-item' ORDER BY occurred_at, ctid")
        )
        entries = [(row.event, orjson.loads(row.leaf)) for row in rows]
    assert [event for event, _ in entries] == [
        "power-item.suspension-requested",
        "power-item.suspended",
        "power-item.state-published",
        "power-item.restoration-requested",
        "power-item.restoration-confirmed",
        "power-item.restored",
    ]
    for _, leaf in entries:
        assert leaf["object"]["id"] == identifier
        assert DOCUMENT not in str(leaf)
        assert "重新办理" not in str(leaf)


OTHERWISE: list[tuple[dict[str, Any], str]] = [
    (samples("power-list")[1], "没有职权编码"),
    (samples("power-list")[0], "power_status=暂停"),
    (samples("power-list")[0] | SUSPENDED | {"suspension_document": "别的文件"}, "suspension_document="),
    (samples("power-list")[0] | SUSPENDED | {"suspension_ground": "周期性办理"}, "suspension_ground="),
]


async def test_an_exchange_that_does_not_carry_the_record_as_decided_does_not_count(department: Department) -> None:
    code = await department.publishes("power-list")
    made = await applies(department, code)
    at = f"/v1/power-suspensions/{made['id']}"
    early = await department.sends(code, [samples("power-list")[0] | SUSPENDED])
    department.gateway.later(2)
    await department.done(department.reform, "POST", f"{at}/approve", {"document": DOCUMENT})
    answer = await department.call(department.editor, "POST", f"{at}/exchange", {"exchange": early})
    assert "早于" in answer.json()["detail"]
    for record, word in OTHERWISE:
        carried = await department.sends(code, [record])
        answer = await department.call(department.editor, "POST", f"{at}/exchange", {"exchange": carried})
        assert answer.status_code == 422
        assert word in answer.json()["detail"]


async def test_steps_out_of_turn_and_a_second_open_suspension_are_refused(department: Department) -> None:
    code = await department.publishes("power-list")
    made = await applies(department, code, ground="other", reason="办法正在修订")
    at = f"/v1/power-suspensions/{made['id']}"
    body = {"resource": code, "power_code": CODE, "ground": "periodic"}
    assert (await department.call(department.editor, "POST", "/v1/power-suspensions", body)).status_code == 409
    early = await department.call(department.editor, "POST", f"{at}/resume", {"reason": "x"})
    assert early.status_code == 409
    refused = await department.done(department.reform, "POST", f"{at}/refuse", {"reason": "理由不足"})
    assert (refused["state"], refused["refusal"]) == ("refused", "理由不足")
    again = await applies(department, code, ground="periodic")
    at = f"/v1/power-suspensions/{again['id']}"
    await department.done(department.reform, "POST", f"{at}/approve", {"document": DOCUMENT})
    await department.done(department.editor, "POST", f"{at}/resume", {"reason": "x"})
    declined = await department.done(department.reform, "POST", f"{at}/decline", {"reason": "周期未到"})
    assert (declined["state"], declined["refusal"]) == ("suspended", "周期未到")
    assert (await department.done(department.editor, "GET", at))["state"] == "suspended"
    unknown = "/v1/power-suspensions/00000000-0000-7000-8000-000000000000"
    for verb, headers, body in (
        ("approve", department.reform, {"document": "x"}),
        ("exchange", department.editor, {"exchange": "00000000-0000-7000-8000-000000000000"}),
    ):
        assert (await department.call(headers, "POST", f"{unknown}/{verb}", body)).status_code == 404
    page = await department.done(department.editor, "GET", "/v1/power-suspensions?limit=1")
    rest = await department.done(department.editor, "GET", f"/v1/power-suspensions?limit=1&cursor={page['next']}")
    assert [one["id"] for one in rest["items"]] == [again["id"]]
    assert (await department.done(department.editor, "GET", "/v1/power-suspensions?power_code=X"))["items"] == []


async def test_an_application_names_a_power_of_a_list_of_powers_and_another_reason_is_said(
    department: Department,
) -> None:
    code = await department.publishes("power-list")
    other = await department.publishes("special-funds")
    for body, status in (
        ({"resource": other, "power_code": CODE, "ground": "periodic"}, 409),
        ({"resource": code, "power_code": "  ", "ground": "periodic"}, 422),
        ({"resource": code, "power_code": CODE, "ground": "other"}, 422),
        ({"resource": code, "power_code": CODE, "ground": "tired"}, 422),
        ({"resource": code, "power_code": CODE, "ground": "other", "reason": "绝密★长期"}, 422),
        ({"resource": "306002000001/000099", "power_code": CODE, "ground": "periodic"}, 404),
    ):
        answer = await department.call(department.editor, "POST", "/v1/power-suspensions", body)
        assert answer.status_code == status, body


async def test_nobody_decides_on_their_own_application(department: Department, gateway: TestGateway) -> None:
    code = await department.publishes("power-list")
    made = await applies(department, code)
    async with gateway.context.transaction() as session:  # the editor is moved to the reform office
        await session.execute(text("UPDATE staff_role SET role = 'reviewer' WHERE role = 'editor'"))
        theirs = "(SELECT organisation_id FROM staff WHERE login = 'reform.zheng')"
        await session.execute(text(f"UPDATE staff SET organisation_id = {theirs} WHERE login = 'editor.li'"))
    at = f"/v1/power-suspensions/{made['id']}"
    answer = await department.call(department.editor, "POST", f"{at}/approve", {"document": DOCUMENT})
    assert (answer.status_code, "本人" in answer.json()["detail"]) == (403, True)
    stranger = bearer(await gateway.staff("editor.sun", Role.EDITOR, organisation="别的局"))
    body = {"resource": code, "power_code": "X", "ground": "periodic"}
    assert (await department.call(stranger, "POST", "/v1/power-suspensions", body)).status_code == 403
    assert (await department.call(stranger, "POST", f"{at}/resume", {"reason": "x"})).status_code == 403


DECISIONS = [
    ("approve", {"document": DOCUMENT}),
    ("refuse", {"reason": "x"}),
    ("confirm", {"document": DOCUMENT}),
    ("decline", {"reason": "x"}),
]


@pytest.mark.parametrize(("verb", "body"), DECISIONS)
async def test_only_the_reform_office_decides_on_a_suspended_power(
    department: Department, gateway: TestGateway, verb: str, body: dict[str, str]
) -> None:
    code = await department.publishes("power-list")
    at = f"/v1/power-suspensions/{(await applies(department, code))['id']}"
    if verb in ("confirm", "decline"):
        await department.done(department.reform, "POST", f"{at}/approve", {"document": DOCUMENT})
        await department.done(department.editor, "POST", f"{at}/resume", {"reason": "x"})
    legal = bearer(await gateway.staff("reviewer.han", Role.REVIEWER, organisation="县政府法制办公室"))
    for other in (department.reviewer, legal):
        answer = await department.call(other, "POST", f"{at}/{verb}", body)
        assert (answer.status_code, "县审改办" in answer.json()["detail"]) == (403, True)
    await department.done(department.reform, "POST", f"{at}/{verb}", body)


async def test_without_a_chain_of_its_own_the_first_reviewer_of_the_list_of_powers_decides(
    department: Department, gateway: TestGateway
) -> None:
    code = await department.publishes("power-list")
    at = f"/v1/power-suspensions/{(await applies(department, code))['id']}"
    chains = "/v1/approval-chains"
    own = await department.done(department.editor, "GET", f"{chains}/power-suspension")
    office = {"organisation": own["steps"][0]["organisation"]["id"], "basis": "示例依据"}
    await department.done(department.reviewer, "PUT", f"{chains}/power-suspension", {"steps": []})
    answer = await department.call(department.reform, "POST", f"{at}/approve", {"document": DOCUMENT})
    assert (answer.status_code, "power-suspension" in answer.json()["detail"]) == (409, True)
    await department.done(department.reviewer, "PUT", f"{chains}/power-list", {"steps": [{"basis": "示例"}, office]})
    approved = await department.done(department.reform, "POST", f"{at}/approve", {"document": DOCUMENT})
    assert approved["state"] == "suspended"
