"""Requests, objections, corrections and renewals at staff's terminals against a real gateway."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.commands import User
from tests.support.publishing import METADATA
from tests.support.town import ITEMS, OTHER_ORGANISATION, Town

pytestmark = pytest.mark.process

UNTIL, LATER = [(datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (300, 700)]
"""A request names an end within the years that may be asked for, a renewal a later one."""


@pytest.fixture(scope="module")
def provider(town: Town) -> str:
    """Another organisation with a system, an editor and a decider; its conditional resource."""
    owner = town.organisations[OTHER_ORGANISATION]
    town.opens_account("other.editor", "editor", org=owner)
    town.opens_account("other.decider", "decider", org=owner)
    town.partner("dingxi-office", OTHER_ORGANISATION)
    form = town.base / "conditional.json"
    description = {
        **METADATA,
        "name": "有条件资源",
        "system": "dingxi-office",
        "classification": "306001000001",
        "share_type": 2,
        "share_condition": "仅用于办事",
        "items": ITEMS,
    }
    form.write_text(json.dumps(description, ensure_ascii=False))
    code: str = town.user("other.editor").types("resource", "add", form, "--json").json["code"]
    town.user("other.editor").types("resource", "submit", code, "--json").json["id"]
    town.user("secrecy").types("resource", "approve", code, "--json").json["verdict"]
    town.user("reviewer").types("resource", "publish", code, "--json").json["id"]
    return code


def words(resource: str, purpose: str = "办事指南展示") -> tuple[str, ...]:
    """The words of a request."""
    return (
        *("request", "add", "--consumer", "lintao-subsite", "--resource", resource, "--basis", "管理办法"),
        *("--scene", "子站页面", "--purpose", purpose, "--valid-to", UNTIL, "--json"),
    )


def test_a_request_is_handed_in_returned_reviewed_decided_and_its_grant_renewed(
    town: Town, provider: str, tmp_path: Path
) -> None:
    editor, reviewer, decider = town.user("editor"), town.user("reviewer"), town.user("other.decider")
    letter, scope = tmp_path / "申请函.ofd", tmp_path / "scope.json"
    letter.write_bytes(b"PK example")
    scope.write_text(json.dumps({"items": ["item_code"]}))
    made = editor.types(*words(provider), "--average", "1", "--peak", "9", "--attachment", letter).json
    assert (made["state"], made["attachment"]["media_type"]) == ("in-review", "application/ofd")
    named = made["id"]
    assert editor.types("request", "attachment", named, "--out", tmp_path / "copy.ofd").code == 0
    assert (tmp_path / "copy.ofd").read_bytes() == letter.read_bytes()
    assert named in reviewer.types("request", "list", "--box", "to-review").out
    assert reviewer.types("request", "review", named, "--return", "--opinion", "请写明场景").code == 0
    changed = ("--basis", "管理办法", "--scene", "每日更新", "--purpose", "办事指南展示", "--valid-to", UNTIL)
    again = editor.types("request", "resubmit", named, *changed, "--scope", scope, "--json").json
    assert (again["scope"], again["scene"]) == ({"items": ["item_code"]}, "每日更新")
    assert reviewer.types("request", "review", named, "--return", "--opinion", "须全部信息项").code == 0
    editor.types("request", "resubmit", named, *changed, "--json").json["id"]
    assert reviewer.types("request", "review", named, "--pass", "--json").json["state"] == "with-provider"
    granted = decider.types("request", "decide", named, "--grant", "--opinion", "同意", "--json").json
    assert granted["grant"]["state"] == "active"
    served = decider.types("grant", "schema", granted["grant"]["id"], "--version", "1").json
    assert served == decider.types("resource", "schema", provider).json
    assert decider.types("grant", "schema", granted["grant"]["id"], "--version", "9").code == 1
    renewed = decider.types(
        *("grant", "renew", granted["grant"]["id"], "--valid-to", LATER),
        *("--reason", "继续", "--average", "2", "--peak", "20", "--json"),
    ).json
    assert (renewed["frequency"]["peak"], renewed["renewal_reason"]) == (20, "继续")
    assert "granted" in editor.types("request", "show", named).out


def test_a_request_is_refused_by_code_and_text_or_withdrawn(town: Town, provider: str) -> None:
    editor, decider = town.user("editor"), town.user("other.decider")
    named = editor.types(*words(provider, "数据校核")).json["id"]
    town.user("reviewer").types("request", "review", named, "--pass", "--json").json["id"]
    refused = decider.types("request", "decide", named, "--refuse", "--code", "2", "--text", "在市局", "--json").json
    assert refused["refusal"]["text"] == "在市局"
    assert decider.types("request", "decide", named, "--grant").code == 1
    other = editor.types(*words(provider, "统计分析")).json["id"]
    assert editor.types("request", "withdraw", other, "--reason", "不再需要", "--json").json["state"] == "withdrawn"
    assert editor.types(*words(provider, "存档"), "--peak", "9").code == 2
    assert editor.types("grant", "renew", other, "--valid-to", UNTIL, "--reason", "x", "--peak", "9").code == 2


def test_an_objection_is_raised_answered_and_rated(town: Town, provider: str) -> None:
    editor, reviewer = town.user("editor"), town.user("reviewer")
    raised = ("objection", "add", "--kind", "catalogue", "--text", "更新周期有误", "--json")
    assert editor.types(*raised).code == 2
    assert editor.types(*raised, "--resource", provider, "--grant", "x").code == 2
    made = editor.types(*raised, "--resource", provider).json
    assert made["kind"]["type"] == 1
    assert made["id"] in reviewer.types("objection", "list", "--box", "to-answer").out
    assert reviewer.types("objection", "take", made["id"], "--json").json["state"] == "handling"
    assert (
        reviewer.types("objection", "answer", made["id"], "--text", "已督促更正", "--json").json["answer"]
        == "已督促更正"
    )
    assert editor.types("objection", "rate", made["id"], "5", "--json").json["rating"] == 5
    assert "5" in editor.types("objection", "show", made["id"]).out
    request = editor.types(*words(provider, "异议示例")).json["id"]
    about = ("objection", "add", "--kind", "approval", "--detail", "duration", "--request", request, "--text", "超期")
    second = editor.types(*about, "--json").json
    assert editor.types("objection", "withdraw", second["id"], "--json").json["state"] == "withdrawn"
    editor.types("request", "withdraw", request, "--reason", "示例", "--json").json["id"]


def test_an_error_is_reported_and_corrected(town: Town, provider: str, anyone: User, tmp_path: Path) -> None:
    editor, decider = town.user("editor"), town.user("other.decider")
    named = editor.types(*words(provider, "校核示例")).json["id"]
    town.user("reviewer").types("request", "review", named, "--pass", "--json").json["id"]
    decider.types("request", "decide", named, "--grant", "--json").json["id"]
    folder, records = town.base / "partners" / "dingxi-office", tmp_path / "records.json"
    records.write_text(json.dumps([{"item_code": "A", "item_name": "误"}], ensure_ascii=False))
    sent = anyone.types("send", "--partner", folder, "--res", provider, records, "--json").json
    assert anyone.types("inbox", "--partner", town.base / "partners" / "lintao-subsite", "--ack").code == 0
    report = (
        "correction",
        "add",
        "--exchange",
        sent["exchange"],
        "--at",
        "/records/0/item_name",
        "--believed",
        "正确名称",
    )
    first = editor.types(*report, "--json").json
    assert editor.types("correction", "withdraw", first["id"], "--json").json["state"] == "withdrawn"
    second = editor.types(*report, "--json").json
    assert decider.types("correction", "take", second["id"], "--json").json["state"] == "verifying"
    assert decider.types("correction", "correct", second["id"], "--exchange", sent["exchange"]).code == 1
    records.write_text(json.dumps([{"item_code": "A", "item_name": "正确名称"}], ensure_ascii=False))
    again = ("send", "--partner", folder, "--res", provider, "--ref", sent["jti"], records, "--json")
    right = anyone.types(*again).json["exchange"]
    fixed = decider.types("correction", "correct", second["id"], "--exchange", right, "--json").json
    assert (fixed["state"], fixed["correcting"]) == ("corrected", right)
    third = editor.types(*report, "--json").json
    told = decider.types("correction", "reject", third["id"], "--reason", "已更正", "--json").json
    assert (told["state"], told["reason"]) == ("rejected", "已更正")
    assert second["id"] in editor.types("correction", "list", "--box", "mine").out
    assert "rejected" in editor.types("correction", "show", third["id"]).out
