"""Classes, chains, reviews, upstream codes and notices from the command line, against a real gateway."""

import json
from pathlib import Path

import pytest

from tests.support.publishing import METADATA, items_of
from tests.support.town import ITEMS, ORGANISATION, OTHER_ORGANISATION, Town

pytestmark = pytest.mark.process

EXTRA = {"field_name": "extra_note", "name": "示例附注", "data_type": "C", "length": 50}


@pytest.fixture(scope="module")
def chained(town: Town) -> Town:
    """The town with a list that another body approves."""
    town.opens_account("approver", "reviewer", org=town.organisations[OTHER_ORGANISATION])
    file = town.base / "chain.json"
    file.write_text(json.dumps({"steps": [{"organisation": ORGANISATION, "basis": "示例依据"}]}))
    assert town.user("reviewer").types("approval-chain", "set", "approval-items", file, "--json").code == 0
    file.write_text(
        json.dumps({"steps": [{"organisation": town.organisations[OTHER_ORGANISATION], "basis": "示例依据"}]})
    )
    made = town.user("reviewer").types("approval-chain", "set", "approval-items", file, "--json").json
    assert [step["organisation"]["name"] for step in made["steps"]] == [OTHER_ORGANISATION]
    return town


def draft(town: Town, tmp_path: Path, **changed: object) -> str:
    """The code of a registered resource."""
    file = tmp_path / "resource.json"
    items = [*items_of(str(changed["list_type"])), EXTRA] if "list_type" in changed else ITEMS
    described = {**METADATA, "system": "lintao-approval", "classification": "306001000001", "items": items}
    file.write_text(json.dumps(described | changed, ensure_ascii=False))
    code: str = town.user("editor").types("resource", "add", file, "--json").json["code"]
    return code


def test_classes_are_added_renamed_ended_and_reopened(town: Town) -> None:
    reviewer = town.user("reviewer")
    assert reviewer.types("classification", "add", "309", "示例部门", "--json").json["parent"] == "3"
    assert reviewer.types("classification", "rename", "309", "改名的部门", "--json").json["name"] == "改名的部门"
    assert reviewer.types("classification", "end", "309", "--json").json["state"] == "ended"
    assert reviewer.types("classification", "reopen", "309", "--json").json["state"] == "active"
    listed = reviewer.types("classification", "list", "--parent", "3")
    assert "改名的部门" in listed.out
    assert town.user("editor").types("classification", "end", "309").code == 1


def test_a_review_is_walked_from_the_command_line(chained: Town, tmp_path: Path) -> None:
    assert "approval-items" in chained.user("editor").types("approval-chain", "list").out
    assert chained.user("editor").types("approval-chain", "list", "--json").json[0]["list_type"] == "approval-items"
    code = draft(chained, tmp_path, list_type="approval-items")
    chained.user("editor").types("resource", "submit", code)
    for login, kind in (("secrecy", "secrecy"), ("approver", "chain")):
        waiting = chained.user(login).types("review", "list", "--mine", "--json").json
        assert [(item["resource"]["code"], item["kind"]) for item in waiting] == [(code, kind)]
        assert code in chained.user(login).types("review", "list").out
        assert code in chained.user(login).types("todo").out
        done = chained.user(login).types("resource", "approve", code, "--opinion", "同意", "--json").json
        assert (done["verdict"], done["opinion"]) == ("approved", "同意")
    assert chained.user("reviewer").types("resource", "publish", code, "--json").json["status"] == "published"
    shown = chained.user("editor").types("resource", "reviews", code)
    assert OTHER_ORGANISATION in shown.out

    file = tmp_path / "fewer.json"
    file.write_text(json.dumps({"items": list(items_of("approval-items"))}))
    chained.user("editor").types("resource", "new-version", code, "--items", file)
    chained.user("editor").types("resource", "submit", code)
    assert "[breaking] 信息项“示例附注”" in chained.user("reviewer").types("resource", "reviews", code).out
    gone = "信息项“示例附注”：删除（字段名 extra_note）"
    assert f"[差别 difference] {gone}" in chained.user("reviewer").types("resource", "reviews", code).out
    said = chained.user("editor").types("resource", "differences", code).out
    assert said.splitlines()[0] == "版本 / version 1 → 2"
    assert gone in said
    back = chained.user("editor").types("resource", "differences", code, "--from", "2", "--to", "1", "--json").json
    assert back["items"][0]["zh"].startswith("信息项“示例附注”：新增")
    for login in ("secrecy", "approver"):
        assert chained.user(login).types("resource", "approve", code).code == 0
    refused = chained.user("reviewer").types("resource", "publish", code)
    assert (refused.code, "confirm_breaking" in refused.err) == (1, True)
    words = ("resource", "publish", code, "--confirm-breaking", "--replaced-ends-at", "2099-01-01T00:00:00+08:00")
    assert chained.user("reviewer").types(*words).code == 1  # further off than a replaced version may live
    live = chained.user("reviewer").types(*words[:4], "--json").json
    assert live["version"] == 2

    told = chained.user("editor").types("notices", "list", "--unread", "--json").json
    assert told[0]["kind"] == "version-published"
    assert chained.user("editor").types("notices", "read", told[0]["id"], "--json").json["read_at"]
    assert told[0]["id"] in chained.user("editor").types("notices", "list").out
    assert told[0]["id"] not in chained.user("editor").types("notices", "list", "--unread").out


def test_upstream_codes_are_recorded_and_late_data_are_listed(town: Town, tmp_path: Path) -> None:
    code = town.resource("lintao-approval", "上报示例")
    reviewer = town.user("reviewer")
    words = ("resource", "record-upstream", code, "--catalogue", "gansu-catalogue", "--state")
    assert reviewer.types(*words, "pending", "--json").json["state"] == "pending"
    assert reviewer.types(*words, "accepted").code == 1
    receipt = ("--receipt", "118号", "--receipt-digest", "sha-256:" + "a" * 64)
    whole = (
        *words,
        "accepted",
        "--upstream-code",
        "306001/4711",
        *receipt,
        "--receipt-at",
        "2026-03-05T16:00:00+08:00",
    )
    assert reviewer.types(*whole, "--json").json["upstream_code"] == "306001/4711"
    assert [row["state"] for row in reviewer.types("resource", "upstream", code, "--json").json] == [
        "pending",
        "accepted",
    ]
    assert "306001/4711" in reviewer.types("resource", "upstream", code).out
    assert reviewer.types("resource", "overdue", "--json").json == []
    assert "expected_at" in reviewer.types("resource", "overdue").out
