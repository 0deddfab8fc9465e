"""Duties, their rules and the days off, at staff's terminals against a real gateway."""

import json
from datetime import date
from pathlib import Path

import pytest

from hub.duties.calendar import announced
from hub.duties.notices import ALWAYS_OFF
from tests.support.town import ORGANISATION, Town

pytestmark = pytest.mark.process


def test_what_is_declared_is_on_the_list_of_who_owes_it_until_it_is_done(town: Town) -> None:
    officer, reviewer, editor = town.user("secadmin"), town.user("reviewer"), town.user("editor")
    code = officer.types("org", "show", ORGANISATION, "--json").json["code"]
    words = ("duty", "declare", "catalogue.outdated", "--org", code, "--json")
    (owed,) = reviewer.types(*words, "--subject", "resource/one", "--duty", "update-catalogue").json
    (overdue,) = reviewer.types(*words, "--subject", "resource/two", "--at", "2026-01-05T09:00:00+08:00").json
    todo = editor.types("todo")
    assert "two" in todo.out
    assert "one" not in todo.out
    assert {one["id"] for one in editor.types("todo", "--all", "--json").json} == {owed["id"], overdue["id"]}
    assert [one["id"] for one in editor.types("duty", "list", "--standing", "overdue", "--json").json] == [
        overdue["id"]
    ]
    assert len(reviewer.types("duty", "list", "--scope", "all", "--json").json) >= 2
    assert reviewer.types("duty", "extend", overdue["id"], "--basis", "批准").code == 1
    longer = reviewer.types("duty", "extend", owed["id"], "--basis", "批准", "--amount", "2", "--json").json
    assert longer["extension"]["amount"] == 2
    assert editor.types("duty", "done", overdue["id"], "--json").json["closed_late"] is True
    assert reviewer.types("duty", "cancel", owed["id"], "--reason", "误报", "--json").json["state"] == "cancelled"
    assert editor.types("duty", "show", owed["id"], "--json").json["closed_reason"] == "误报"
    assert editor.types("todo", "--json").json == []


def test_rules_are_shown_set_and_adopted(town: Town, tmp_path: Path) -> None:
    reviewer = town.user("reviewer")
    plain = reviewer.types("duty", "rules", "--duty", "restore-power-item")
    assert "L5-lanzhou" in plain.out
    adopted = reviewer.types("duty", "adopt", "L5-lanzhou", "--from", "2026-01-01", "--json").json
    found = reviewer.types("duty", "rules", "--duty", "restore-power-item", "--in-force", "true", "--json").json
    assert [one["code"] for one in found] == ["L5-lanzhou"]
    form = tmp_path / "rule.json"
    kept = ("duty", "title", "trigger", "declared", "role", "unit", "issuer", "basis")
    new = {name: adopted[name] for name in kept} | {"code": "GS-5", "amount": 3, "valid_from": "2026-02-01"}
    form.write_text(json.dumps(new, ensure_ascii=False))
    assert reviewer.types("duty", "set-rule", form, "--json").json["version"] == adopted["version"] + 1
    form.write_text(json.dumps(new | {"amount": 0}, ensure_ascii=False))
    refused = reviewer.types("duty", "set-rule", form)
    assert refused.code == 1
    assert "/amount" in refused.err
    assert reviewer.types("duty", "adopt", "D9").code == 0


def test_an_operator_adds_the_notice_of_a_year(town: Town, tmp_path: Path) -> None:
    year = max(announced().years) + 1
    operator, form = town.user("sysadmin"), tmp_path / "notice.json"
    off = [date(year, month, day).isoformat() for month, day in ALWAYS_OFF]
    form.write_text(json.dumps({"year": year, "days_off": off, "days_worked": [], "basis": "通知"}, ensure_ascii=False))
    assert operator.types("holiday", "add", form, "--json").json["year"] == year
    assert operator.types("holiday", "list", "--limit", "1", "--json").json[0]["source"] == "notice"
    assert town.user("reviewer").types("holiday", "add", form).code == 1
