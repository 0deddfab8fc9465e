"""`/v1/resources/imports` over HTTP: tried first, then written whole, by a worker that takes it up."""

import io
from uuid import UUID

import orjson
import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlmodel import col

from catalog.models import Resource, ResourceVersion
from catalog.sheets.limits import MAX_FILE_BYTES, MAX_ROWS
from hub.identity.models import Staff
from hub.identity.roles import Role
from hub.publishing.imports import handing
from tests.support.gateway import TestGateway, bearer
from tests.support.office import IMPORTS, XLSX, Office, workbook
from tests.support.workbooks import ITEM, RESOURCE, filled, marked_cells, where

BAD = RESOURCE | {"信息资源名称": "有误的资源", "共享类型": "有条件共享"}
GOOD = RESOURCE | {"信息资源名称": "办件信息"}


@pytest.fixture
async def office(gateway: TestGateway) -> Office:
    return await Office.open(gateway)


async def test_an_upload_is_tried_and_written_when_that_is_ordered_as_the_steps_of_the_catalogue_write(
    office: Office,
) -> None:
    found = await office.tried(workbook(RESOURCE, GOOD))
    assert (found["state"], found["counts"]["new"], found["counts"]["faults"]) == ("judged", 2, 0)
    assert (found["done"], found["total"]) == (2, 2)
    assert await office.resources() == []
    assert marked_cells(await office.answer(found["id"])) == set()
    assert (await office.orders(found["id"])).json()["state"] == "committing"
    assert await office.importer.take_up()
    found = await office.look(found["id"])
    assert (found["state"], found["counts"]["new"]) == ("committed", 2)
    shown = await office.resources()
    assert [(one["code"], one["name"], one["status"]) for one in shown] == [
        ("306001000001/000001", "办事指南", "draft"),
        ("306001000001/000002", "办件信息", "draft"),
    ]
    book = load_workbook(io.BytesIO(await office.answer(found["id"])))
    assert [book["目录"][f"A{row}"].value for row in (2, 3)] == [one["code"] for one in shown]
    assert await office.events() == {"import.uploaded": 1, "resource.registered": 2, "import.committed": 1}
    assert not await office.importer.take_up()
    async with office.gateway.context.database.session() as session:
        resource = (await session.scalars(select(Resource).order_by(col(Resource.code)))).all()[0]
        version = await session.get_one(ResourceVersion, (resource.id, 1))
    assert version.payload_schema["x-resource"] == {"code": resource.code, "version": 1}
    assert (resource.name, resource.share_type, version.state) == ("办事指南", 1, "draft")
    path = f"/v1/resources/{resource.code}"
    changed = {"items": [*version.items, {"field_name": "x", "name": "某项", "data_type": "I"}]}
    answer = await office.client.put(f"{path}/draft", json=changed, headers=office.editor)
    assert answer.status_code == 200, answer.text
    async with office.gateway.context.acquire() as connection:
        leaves = await connection.fetch(
            "SELECT event, leaf FROM log_entry WHERE event LIKE 'resource.%' ORDER BY occurred_at, ctid"
        )
    told = [orjson.loads(row["leaf"]) for row in leaves]
    registered, edited = (one for one in told if one["object"]["id"] == resource.code)
    assert edited["before"] == registered["after"]
    assert registered["details"]["schema_digest"] == version.schema_digest
    assert registered["actor"]["role"] == "editor"


async def test_all_or_nothing_unless_the_good_rows_are_asked_for(office: Office) -> None:
    found = await office.tried(workbook(RESOURCE, BAD))
    assert (found["counts"]["new"], found["counts"]["bad"]) == (1, 1)
    assert found["faults"][0] | {"zh": "", "en": ""} == {
        **dict(zip(("sheet", "cell"), where("共享条件", 3), strict=True)),
        "column": "共享条件",
        "rule": "CAT-02",
        "zh": "",
        "en": "",
    }
    assert marked_cells(await office.answer(found["id"])) == {where("共享条件", 3)}
    refused = await office.orders(found["id"])
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")
    assert not await office.importer.take_up()
    assert await office.resources() == []
    assert (await office.orders(found["id"], good_rows=True)).status_code == 200
    await office.importer.take_up()
    found = await office.look(found["id"])
    assert (found["state"], found["counts"]["new"], found["counts"]["bad"]) == ("committed", 1, 1)
    assert [one["name"] for one in await office.resources()] == ["办事指南"]
    assert marked_cells(await office.answer(found["id"])) == {where("共享条件", 3)}


async def test_an_export_comes_back_unchanged_edits_drafts_and_begins_successors(office: Office) -> None:
    await office.written(workbook(RESOURCE, GOOD))
    codes = [one["code"] for one in await office.resources()]
    await office.publish(codes[1])
    exported = await office.client.get("/v1/resources/export.xlsx", headers=office.reviewer)
    assert exported.status_code == 200
    found = await office.written(exported.content)
    assert (found["state"], found["counts"]["unchanged"]) == ("committed", 2)
    book = load_workbook(io.BytesIO(exported.content))
    for row in (2, 3):
        book["目录"][where("信息资源摘要", row)[1]] = f"改过的摘要{row}"
    out = io.BytesIO()
    book.save(out)
    before = await office.events()
    found = await office.written(out.getvalue())
    assert (found["state"], found["counts"]["changed"]) == ("committed", 2)
    told = {"import.uploaded": 1, "resource.edited": 1, "resource.drafted": 1, "import.committed": 1}
    assert await office.events() - before == told
    shown = {one["code"]: one for one in await office.resources()}
    assert shown[codes[0]]["summary"] == "改过的摘要2"
    assert (shown[codes[1]]["summary"], shown[codes[1]]["version"]) == (GOOD["信息资源摘要"], 1)  # live stays live (I7)
    versions = (await office.client.get(f"/v1/resources/{codes[1]}/versions", headers=office.editor)).json()["items"]
    assert [(one["version"], one["state"]) for one in versions] == [(1, "published"), (2, "draft")]
    await office.publish(codes[1])
    own = await office.client.get(
        "/v1/resources/export.xlsx", params={"provider": shown[codes[0]]["provider"]["code"]}, headers=office.editor
    )
    assert len(list(load_workbook(io.BytesIO(own.content))["目录"].iter_rows())) == 3
    for provider in (str(UUID(int=0)), "11000000000000000X"):
        query = {"provider": provider}
        answer = await office.client.get("/v1/resources/export.xlsx", params=query, headers=office.editor)
        assert answer.status_code == 404


@pytest.mark.parametrize("limit", ["MOST_ROWS", "MAX_FILE_BYTES"])
async def test_what_could_not_be_imported_again_is_not_exported(
    office: Office, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert handing.MOST_ROWS < MAX_ROWS  # which counts the heading
    await office.written(workbook(RESOURCE, GOOD))
    monkeypatch.setattr(handing, limit, 1)
    refused = await office.client.get("/v1/resources/export.xlsx", headers=office.reviewer)
    assert (refused.status_code, "provider" in refused.json()["detail"]) == (422, True)


async def test_what_changes_between_judging_and_writing_is_judged_once_more_and_may_have_become_bad(
    office: Office,
) -> None:
    await office.written(workbook(RESOURCE, GOOD))
    codes = [one["code"] for one in await office.resources()]
    lines = [
        line | {"信息资源代码": code, "信息资源摘要": "改"} for line, code in zip((RESOURCE, GOOD), codes, strict=True)
    ]
    new = RESOURCE | {"信息资源名称": "新的"}
    found = await office.tried(filled((*lines, new), [ITEM | {"信息资源名称": "新的"}]))
    assert (await office.orders(found["id"])).status_code == 200
    await office.execute(
        "CREATE FUNCTION moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" UPDATE resource SET updated_at = updated_at + interval '1 second' WHERE code = '{codes[1]}'; RETURN NULL; END $$;"
        "CREATE TRIGGER moved AFTER UPDATE ON resource_code_counter EXECUTE FUNCTION moved()"
    )
    assert await office.importer.take_up()
    assert (await office.look(found["id"]))["state"] == "committing"
    assert [one["summary"] for one in await office.resources()] == [RESOURCE["信息资源摘要"]] * 2
    await office.execute("DROP TRIGGER moved ON resource_code_counter")
    answer = await office.client.post(f"/v1/resources/{codes[1]}/submit", json={}, headers=office.editor)
    assert answer.status_code == 200
    assert await office.importer.take_up()
    found = await office.look(found["id"])
    assert (found["state"], found["faults"][0]["rule"]) == ("judged", "sheet-state")
    assert (await office.orders(found["id"], good_rows=True)).status_code == 200
    assert await office.importer.take_up()
    assert (await office.look(found["id"]))["state"] == "committed"
    shown = await office.resources()
    assert [one["summary"] for one in shown] == ["改", RESOURCE["信息资源摘要"], RESOURCE["信息资源摘要"]]
    assert shown[2]["code"] == "306001000001/000004"  # the number taken before the transaction that ended is nobody's


async def test_cancelling_ends_an_import_at_every_moment_before_it_is_written(office: Office) -> None:
    waiting = await office.upload(workbook(RESOURCE))
    assert (await office.orders(waiting["id"], "cancel")).json()["state"] == "cancelled"
    judged = await office.tried(workbook(RESOURCE))
    await office.orders(judged["id"])
    assert (await office.orders(judged["id"], "cancel")).status_code == 200
    assert not await office.importer.take_up()
    assert (await office.orders(judged["id"], "cancel")).status_code == 409
    assert (await office.orders(judged["id"])).status_code == 409
    assert (await office.look(judged["id"]))["state"] == "cancelled"
    assert await office.resources() == []
    done = await office.written(workbook(RESOURCE))
    assert (await office.orders(done["id"], "cancel")).status_code == 409
    assert (await office.events())["import.cancelled"] == 2


async def test_what_cannot_be_read_is_refused_with_its_reason_and_no_workbook(office: Office) -> None:
    found = await office.tried(b"PK\x03\x04 no workbook")
    assert (found["state"], found["reason"]["rule"]) == ("refused", "sheet-form")
    answer = await office.client.get(f"{IMPORTS}/{found['id']}/workbook", headers=office.editor)
    assert answer.status_code == 409
    assert (await office.client.post(IMPORTS, content=b"", headers=office.editor | XLSX)).status_code == 422
    found = await office.tried(b"PK" + bytes(MAX_FILE_BYTES))
    assert (found["state"], found["reason"]["rule"]) == ("refused", "sheet-size")


async def test_an_import_is_its_uploaders_own_business(office: Office) -> None:
    found = await office.tried(workbook(RESOURCE))
    other = bearer(await office.gateway.staff("editor.sun", Role.EDITOR, organisation="别的局"))
    for method, path in (("GET", ""), ("GET", "/workbook"), ("POST", "/commit"), ("POST", "/cancel")):
        answer = await office.client.request(method, f"{IMPORTS}/{found['id']}{path}", json={}, headers=other)
        assert answer.status_code == 404, path
    assert (await office.client.post(IMPORTS, content=b"x", headers=office.reviewer | XLSX)).status_code == 403


async def test_who_does_not_edit_any_more_writes_nothing(office: Office) -> None:
    found = await office.tried(workbook(RESOURCE))
    await office.orders(found["id"])
    async with office.gateway.context.database.session() as session, session.begin():
        (account,) = (await session.scalars(select(Staff).where(col(Staff.login) == "editor.li"))).all()
        account.state = "disabled"
    assert await office.importer.take_up()
    async with office.gateway.context.database.session() as session:
        row = (await session.execute(text("SELECT state, reason ->> 'rule', actor::text FROM catalogue_import"))).one()
        assert tuple(row) == ("failed", "sheet-editor", "{}")
        assert (await session.scalars(select(Resource))).all() == []


async def test_rows_of_others_are_left_out_if_the_importer_says_so(office: Office) -> None:
    await office.gateway.staff("editor.sun", Role.EDITOR, organisation="别的局")
    theirs = GOOD | {"信息资源提供方": "别的局"}
    found = await office.tried(workbook(RESOURCE, theirs))
    assert found["faults"][0]["rule"] == "sheet-provider"
    found = await office.written(workbook(RESOURCE, theirs), own_only=True, system="lintao-finance")
    assert (found["state"], found["counts"]["skipped"], found["own_only"]) == ("committed", 1, True)
    assert [one["name"] for one in await office.resources()] == ["办事指南"]


async def test_the_template_is_handed_out(office: Office) -> None:
    answer = await office.client.get("/v1/resources/template.xlsx", headers=office.reviewer)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert load_workbook(io.BytesIO(answer.content)).sheetnames == ["说明", "目录", "信息项", "字典"]
