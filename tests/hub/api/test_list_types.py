"""`/v1/list-types` over HTTP: each list of the policy documents is one call away."""

import pytest
from sqlalchemy import text

from catalog.lists import list_types
from tests.support.gateway import TestGateway
from tests.support.lists import Department, samples


@pytest.fixture
async def department(gateway: TestGateway) -> Department:
    return await Department.open(gateway)


async def test_every_type_registers_and_publishes_and_takes_its_samples(department: Department) -> None:
    listed = await department.done(department.editor, "GET", "/v1/list-types")
    assert [one["key"] for one in listed["items"]] == [one.key for one in list_types()]
    for described in list_types():
        shown = await department.done(department.editor, "GET", f"/v1/list-types/{described.key}")
        assert shown["samples"] == list(described.samples)
        assert shown["basis"][0]["quote"] == described.basis[0].quote
        code = await department.publishes(described.key)
        assert code.startswith(described.classification)
        await department.sends(code, shown["samples"])
    found = await department.done(department.token(department.site), "GET", "/v1/lists")
    assert {one["list_type"] for one in found["items"]} == {one.key for one in list_types()}


SHIPPED = "DELETE FROM classification WHERE changed_by = 'test'"
"""Leaves the classes that a hub begins with."""


async def test_on_a_new_hub_one_call_of_the_authority_adds_the_classes_of_all_lists(department: Department) -> None:
    async with department.gateway.context.transaction() as session:
        await session.execute(text(SHIPPED))
    path = "/v1/list-types/power-list/resources"
    refused = await department.call(department.editor, "POST", path, {"system": "provider"})
    assert (refused.status_code, "shuniu classification add-lists" in refused.text) == (422, True)
    classes = "/v1/classifications/lists"
    assert (await department.call(department.editor, "POST", classes, {})).status_code == 403
    some = await department.done(department.reviewer, "POST", classes, {"list_types": ["power-list"]})
    assert [(one["code"], one["name"]) for one in some["items"]] == [
        ("306", "政务服务和政务公开"),
        ("306002", "权责清单"),
        ("306002000001", "权责清单"),
    ]
    rest = await department.done(department.reviewer, "POST", classes, {})
    assert not {one["code"] for one in some["items"]} & {one["code"] for one in rest["items"]}
    for described in list_types():
        at = f"/v1/list-types/{described.key}/resources"
        made = await department.done(department.editor, "POST", at, {"system": "provider"})
        assert made["code"] == f"{described.classification}/000001"
    assert (await department.done(department.reviewer, "POST", classes, {}))["items"] == []
    unknown = await department.call(department.reviewer, "POST", classes, {"list_types": ["nothing"]})
    assert (unknown.status_code, "nothing" in unknown.text) == (422, True)


async def test_a_list_takes_another_name_and_further_items_but_none_of_another_form(department: Department) -> None:
    path = "/v1/list-types/poverty-projects/resources"
    more = {"field_name": "village", "name": "所在村", "data_type": "C", "length": 50}
    body = {
        "system": "provider",
        "items": [more],
        "description": {"name": "2026年扶贫项目清单"},
        "classification": "306001000001",
    }
    made = await department.done(department.editor, "POST", path, body)
    assert (made["name"], made["code"]) == ("2026年扶贫项目清单", "306001000001/000001")
    schema = await department.done(department.editor, "GET", f"/v1/resources/{made['id']}/schema?ver=1")
    assert {"village", "approval_number"} <= schema["$defs"]["record"]["properties"].keys()
    assert schema["$defs"]["record"]["properties"]["investment"]["x-unit"] == "万元"
    twice = body | {"items": [more | {"field_name": "investment"}]}
    assert (await department.call(department.editor, "POST", path, twice)).status_code == 422
    unknown = body | {"description": {"nam": "x"}}
    assert (await department.call(department.editor, "POST", path, unknown)).status_code == 422


async def test_an_edit_that_takes_a_prescribed_item_out_is_refused(department: Department) -> None:
    path = "/v1/list-types/poverty-projects/resources"
    made = await department.done(department.editor, "POST", path, {"system": "provider"})
    versions = await department.done(department.editor, "GET", f"/v1/resources/{made['id']}/versions")
    kept = [item for item in versions["items"][0]["items"] if item["field_name"] != "approval_number"]
    answer = await department.call(department.editor, "PUT", f"/v1/resources/{made['id']}/draft", {"items": kept})
    assert answer.status_code == 422
    assert "审批文号" in answer.text


async def test_who_edits_for_nobody_names_a_provider_and_no_type_is_made_up(department: Department) -> None:
    assert (await department.call(department.editor, "GET", "/v1/list-types/nothing")).status_code == 404
    path = "/v1/list-types/nothing/resources"
    assert (await department.call(department.editor, "POST", path, {"system": "provider"})).status_code == 404
    foreign = {"system": "provider", "provider": str(department.site.organisation.id)}
    path = "/v1/list-types/filing/resources"
    assert (await department.call(department.editor, "POST", path, foreign)).status_code == 403


async def test_a_suspended_power_without_its_ground_is_refused_at_the_door(department: Department) -> None:
    code = await department.publishes("power-list")
    broken = samples("power-list")[-1]
    del broken["suspension_ground"]
    with pytest.raises(AssertionError, match="schema-violation"):
        await department.sends(code, [broken])
