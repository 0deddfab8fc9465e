"""Lists from the command line: a type becomes a resource with samples, a power is suspended, a publication goes online."""

import json
from pathlib import Path

import pytest

from tests.support.commands import User
from tests.support.town import ORGANISATION, Town

DOCUMENT = "示例审改办〔2026〕1号"
CODE = "SL-QZ-0001"


@pytest.mark.process
def test_a_list_is_one_command_away_and_lives_its_life_by_commands(town: Town, anyone: User, tmp_path: Path) -> None:
    provider, site = town.partner("lintao-powers"), town.base / "partners" / "lintao-subsite"
    editor, reviewer = town.user("editor"), town.user("reviewer")
    rows, chain = tmp_path / "samples.json", tmp_path / "chain.json"
    chain.write_text(json.dumps({"steps": [{"basis": "示例依据"}]}, ensure_ascii=False), encoding="utf-8")
    assert reviewer.types("approval-chain", "set", "power-list", chain).code == 0
    made = editor.types(
        *("resource", "add-list", "power-list", "--system", "lintao-powers", "--samples", rows),
        *("--name", "示例权责清单", "--example", "--json"),
    ).json
    res = made["code"]
    assert (made["name"], made["is_example"]) == ("示例权责清单", True)
    editor.types("resource", "submit", res)
    for login in ("secrecy", "decider"):
        town.user(login).types("resource", "approve", res)
    reviewer.types("resource", "publish", res)
    town.grant("lintao-subsite", res)
    (receipt,) = anyone.types("send", "--partner", provider, "--res", res, rows, "--json").lines
    assert "权责清单" in editor.types("list-type", "list").out
    assert editor.types("list-type", "show", "power-list", "--json").json["samples"]

    declared = editor.types(
        *("published-list", "declare", res, "--kind", "whole", "--occurred-on", "2026-03-02", "--json"),
    ).json
    assert (declared["number"], declared["occurred_on"]) == (1, "2026-03-02")
    named = editor.types("published-list", "exchange", res, "1", receipt["exchange"], "--json").json
    assert named["exchange"]["id"] == receipt["exchange"]
    assert res in anyone.types("site-list", "list", "--partner", site).out
    assert anyone.types("inbox", "--partner", site, "--limit", "500", "--json").lines
    assert anyone.types("site-list", "loaded", "--partner", site, res, "1", "--json").json["loaded"]
    online = anyone.types("site-list", "online", "--partner", site, res, "1", "https://lintao.example/", "--json").json
    assert online["loaded"][0]["url"] == "https://lintao.example/"
    assert res in [one["code"] for one in anyone.types("site-list", "list", "--partner", site, "--json").json]
    assert "whole" in editor.types("published-list", "publications", res).out
    assert editor.types("published-list", "show", res, "--json").json["publication"]["number"] == 1
    silent = editor.types("published-list", "declare", res, "--kind", "change")
    assert (silent.code, "explanation" in silent.err) == (1, True)

    office = _reform_office(town, tmp_path)
    asked = editor.types(
        *("power-suspension", "apply", "--resource", res, "--power-code", CODE, "--ground", "periodic", "--json"),
    ).json
    at = asked["id"]
    told = reviewer.types("power-suspension", "approve", at, "--document", DOCUMENT)
    assert (told.code, "县审改办" in told.err) == (1, True)
    assert (
        office.types("power-suspension", "approve", at, "--document", DOCUMENT, "--json").json["document"] == DOCUMENT
    )
    record = json.loads(rows.read_text(encoding="utf-8"))["records"][0] | {
        "power_status": "暂停",
        "suspension_ground": "周期性办理",
        "suspended_on": "2026-03-02",
        "suspension_document": DOCUMENT,
    }
    state = json.dumps([record], ensure_ascii=False).encode()
    sent = ("send", "--partner", provider, "--res", res, "--ref", receipt["jti"], "-", "--json")
    (carried,) = anyone.types(*sent, stdin=state).lines
    shown = editor.types("power-suspension", "exchange", at, carried["exchange"], "--json").json
    assert shown["suspended_in"] == carried["exchange"]
    items = anyone.types("inbox", "--partner", site, "--limit", "500", "--json").lines
    assert receipt["jti"] in [item.get("ref") for item in items]
    assert editor.types("power-suspension", "resume", at, "--reason", "下一周期", "--json").json["state"] == "resuming"
    done = office.types("power-suspension", "confirm", at, "--document", DOCUMENT, "--json")
    assert done.json["state"] == "confirmed"
    assert at in editor.types("power-suspension", "list", "--state", "confirmed").out


def _reform_office(town: Town, folder: Path) -> User:
    """A reviewer of the organisation that the chain names."""
    words = ("org", "add", "县审改办", "--region", "621124", "--parent", ORGANISATION, "--example", "--json")
    office = town.user("secadmin").types(*words).json["id"]
    town.opens_account("reform", "reviewer", org=office)
    chain = folder / "office.json"
    steps = [{"organisation": "县审改办", "basis": "示例依据"}]
    chain.write_text(json.dumps({"steps": steps}, ensure_ascii=False), encoding="utf-8")
    assert town.user("reviewer").types("approval-chain", "set", "power-suspension", chain).code == 0
    return town.user("reform")


@pytest.mark.process
def test_the_classes_of_lists_are_one_command_away(town: Town) -> None:
    reviewer = town.user("reviewer")
    reviewer.types("classification", "add-lists", "poverty-projects")
    assert reviewer.types("classification", "add-lists", "--json").json == []  # nothing is added twice
    assert "308001000001" in reviewer.types("classification", "list", "--parent", "308001").out
    assert town.user("editor").types("classification", "add-lists").code == 1


def test_samples_and_checks_of_whole_lists_need_no_hub(anyone: User, tmp_path: Path) -> None:
    printed = anyone.types("list-type", "samples", "flow-nodes")
    payload = printed.json
    assert (payload["op"], len(payload["records"])) == ("upsert", 3)
    whole = tmp_path / "nodes.json"
    whole.write_text(printed.out, encoding="utf-8")
    assert anyone.types("list-type", "check", "flow-nodes", whole).out.startswith("3 条符合")
    payload["records"][0]["limit_days"] = 9
    payload["records"][0]["remark"] = "另加的信息项"
    whole.write_text(json.dumps(payload["records"], ensure_ascii=False), encoding="utf-8")
    over = anyone.types("list-type", "check", "flow-nodes", whole)
    assert (over.code, "超过承诺期限" in over.err) == (1, True)
    del payload["records"][0]["promised_days"]
    whole.write_text(json.dumps(payload), encoding="utf-8")
    faulty = anyone.types("list-type", "check", "flow-nodes", whole)
    assert (faulty.code, "/records/0/promised_days" in faulty.err) == (1, True)
    assert anyone.types("list-type", "check", "flow-nodes", "-", stdin=b'{"records": 1}').code == 2
    assert anyone.types("list-type", "samples", "nothing").code == 2
    annex = anyone.types("list-type", "samples", "power-list-annex7").out.encode()
    checked = anyone.types("list-type", "check", "power-list-annex7", "-", stdin=annex)
    assert "still for people" in checked.out
