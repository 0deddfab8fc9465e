"""The clerk's side of the conversation, order by order, and what it makes of drafts."""

import io
import resource
import sys
from typing import Any
from uuid import UUID

import orjson
import pytest
from openpyxl import load_workbook

from catalog.schema import digest_of
from catalog.sheets import clerk
from catalog.sheets.clerk import BYTES, HEAD, JSON, Channel, serve
from catalog.sheets.known import Existing
from catalog.sheets.preparing import DRAFTED, EDITED, REGISTERED, Prepared, Reserved, needed, prepare
from tests.support.publishing import ITEMS, METADATA
from tests.support.workbooks import (
    ITEM,
    OWN,
    RESOURCE,
    examined,
    existing,
    filled,
    known,
    marked_cells,
    where,
)

NEW = RESOURCE | {"信息资源名称": "新的"}
BAD = RESOURCE | {"信息资源名称": "有误", "共享类型": "有条件共享"}
IDS = [UUID(int=number) for number in range(1, 4)]


def workbook(*lines: dict[str, Any]) -> bytes:
    return filled(
        lines, [ITEM | {"信息资源名称": line["信息资源名称"]} for line in lines if "信息资源代码" not in line]
    )


def conversation(*said: Any) -> list[Any]:
    """What the clerk says to one who says all this."""
    frames = [(BYTES, one) if isinstance(one, bytes) else (JSON, orjson.dumps(one)) for one in said]
    incoming = io.BytesIO(b"".join(HEAD.pack(kind, len(data)) + data for kind, data in frames))
    outgoing = io.BytesIO()
    serve(Channel(incoming, outgoing))
    heard = Channel(io.BytesIO(outgoing.getvalue()), io.BytesIO())
    found = []
    while True:
        try:
            found.append(heard.hear())
        except EOFError:
            return found


def order(kind: str, **more: Any) -> dict[str, Any]:
    return {"order": kind, "options": {"own_only": False, "system": None}, "provider": OWN.id} | more


def told(*there: Existing) -> Any:
    return known(*there).model_dump(mode="json")


def test_trying_tells_how_far_it_is_asks_what_is_known_and_ends_with_verdict_and_workbook() -> None:
    found = conversation(order("import"), workbook(NEW, BAD), told())
    assert [next(iter(one)) for one in found[:-1]] == ["told", "wanted", "told", "verdict"]
    assert found[0] == {"told": [0, 2]}
    assert found[1]["wanted"]["names"] == ["新的", "有误"]
    assert (found[3]["verdict"]["counts"]["new"], found[3]["writes"]) == (1, False)
    assert marked_cells(found[-1]) == {where("共享条件", 3)}


@pytest.mark.parametrize("odd", ["_xD800_", "_x0000_"])
def test_what_no_database_holds_is_not_asked_for_and_is_faulted(odd: str) -> None:
    line = NEW | {"信息资源名称": f"新{odd}的", "信息资源提供方": f"局{odd}", "发布系统": f"sys{odd}"}
    found = conversation(order("import"), workbook(line), told())
    assert [next(iter(one)) for one in found[:-1]] == ["told", "wanted", "told", "verdict"]
    assert [found[1]["wanted"][key] for key in ("names", "provider_names", "systems")] == [[], [], []]
    assert marked_cells(found[-1]) >= {where(name, 2) for name in ("信息资源名称", "信息资源提供方", "发布系统")}


def test_what_cannot_be_read_is_refused_in_words() -> None:
    (refused,) = conversation(order("import"), b"no workbook")
    assert refused["refused"]["rule"] == "sheet-form"


def test_writing_stops_at_the_verdict_where_something_is_bad_unless_the_good_rows_are_wanted() -> None:
    found = conversation(order("write", good_rows=False), workbook(NEW, BAD), told())
    assert (found[-2]["writes"], type(found[-1])) == (False, bytes)
    reserved = {"first": {"306001000001": 7}, "ids": [str(IDS[0])]}
    found = conversation(order("write", good_rows=True), workbook(NEW, BAD), told(), reserved)
    assert [next(iter(one)) for one in found[:-1]][3:] == ["verdict", "reserve", "prepared", "done"]
    assert found[4] == {"reserve": {"306001000001": 1}}
    (prepared,) = found[5]["prepared"]
    assert (prepared["code"], prepared["step"]) == ("306001000001/000007", REGISTERED)
    assert load_workbook(io.BytesIO(found[-1]))["目录"]["A2"].value == "306001000001/000007"


def test_prepared_resources_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clerk, "AT_ONCE", 2)
    lines = [RESOURCE | {"信息资源名称": f"资源{number}"} for number in range(3)]
    reserved = {"first": {"306001000001": 1}, "ids": [str(one) for one in IDS]}
    found = conversation(order("write", good_rows=False), workbook(*lines), told(), reserved)
    assert [len(one["prepared"]) for one in found[:-1] if "prepared" in one] == [2, 1]


def test_exports_and_templates_are_made_to_order() -> None:
    (template,) = conversation({"order": "template"})
    assert load_workbook(io.BytesIO(template)).sheetnames == ["说明", "目录", "信息项", "字典"]
    shown = {
        "code": "306001000001/000001",
        "provider_name": OWN.name,
        "provider_code": None,
        "system": "lintao-finance",
        "said": METADATA,
        "items": ITEMS,
    }
    (made,) = conversation({"order": "export"}, {"resources": [shown]}, {"resources": []}, {"end": True})
    assert load_workbook(io.BytesIO(made))["目录"]["A2"].value == "306001000001/000001"


def test_the_process_has_limits_before_it_reads_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    frame = orjson.dumps({"order": "template"})
    answers = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HEAD.pack(JSON, len(frame)) + frame)))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(answers))
    clerk.main()
    assert limits[resource.RLIMIT_AS][0] == clerk.MEMORY_BYTES
    assert limits[resource.RLIMIT_CPU][0] == clerk.CPU_S
    assert limits[resource.RLIMIT_CORE] == (0, 0)
    assert answers.getvalue()[5:7] == b"PK"


def prepared(*there: Existing, lines: list[dict[str, Any]]) -> list[Prepared]:
    items = [ITEM | {"信息资源名称": line["信息资源名称"]} for line in lines if "信息资源代码" not in line]
    found = examined(filled(lines, items), known(*there))
    assert found.is_clean, found.faults()
    counts = needed(found.judged)
    reserved = Reserved(first=dict.fromkeys(counts, 5), ids=IDS)
    return [one for _, one in prepare(found.judged, reserved, UUID(OWN.id))]


def changed(code: str) -> dict[str, Any]:
    return RESOURCE | {"信息资源代码": code, "信息资源摘要": "改过的摘要"}


def test_a_new_resource_is_a_row_with_its_first_draft() -> None:
    (one,) = prepared(lines=[NEW])
    assert (one.step, one.code, one.resource_id, one.fence, one.before) == (
        REGISTERED,
        "306001000001/000005",
        IDS[0],
        None,
        None,
    )
    assert (one.resource["status"], one.resource["name"], one.number) == ("draft", "新的", 1)
    assert one.payload_schema["x-resource"] == {"code": one.code, "version": 1}
    assert one.schema_digest == digest_of(one.payload_schema)
    assert "created_at" not in one.resource


def test_a_draft_is_edited_where_it_is_and_a_published_resource_gets_a_successor() -> None:
    draft = existing(1, said=METADATA, items=ITEMS)
    live = existing(2, said=METADATA, items=ITEMS, state="published")
    both = existing(3, said=METADATA, items=ITEMS, live=METADATA)
    edited, begun, successor = prepared(draft, live, both, lines=[changed(one.code) for one in (draft, live, both)])
    assert (edited.step, edited.number, edited.resource["summary"]) == (EDITED, 1, "改过的摘要")
    assert (begun.step, begun.number, begun.resource) == (DRAFTED, 2, {})
    assert (successor.step, successor.number, successor.resource) == (
        EDITED,
        2,
        {},
    )  # what is shown is the live version's
    assert all(one.before != one.after for one in (edited, begun, successor))
    assert all(str(one.fence) == "2026-07-01 08:00:00+00:00" for one in (edited, begun, successor))


def test_a_draft_takes_its_new_system_along_and_changed_ones_come_in_the_order_of_their_ids() -> None:
    there = [existing(number, said=METADATA, items=ITEMS) for number in (2, 1)]
    lines = [changed(one.code) for one in there]
    lines[0]["发布系统"] = "other-system"
    told_more = known(*there).model_copy(update={"systems": {"lintao-finance": "x", "other-system": str(IDS[2])}})
    found = examined(filled(lines, ()), told_more)
    assert found.is_clean, found.faults()
    made = [one for _, one in prepare(found.judged, Reserved(first={}, ids=[]), UUID(OWN.id))]
    assert [one.code[-1] for one in made] == ["1", "2"]
    assert made[1].resource["system_id"] == str(IDS[2])
    assert "system_id" not in made[0].resource
