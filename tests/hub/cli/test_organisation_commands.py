"""`shuniu org` against a real gateway: bodies that change, and the people who answer for them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.commands import Outcome, User
from tests.support.registry import example_code
from tests.support.town import Town

pytestmark = pytest.mark.process

BASIS = "临机编发〔2026〕12号"
GROUNDS = ("--basis", BASIS, "--effective", (datetime.now(UTC) - timedelta(days=1)).date().isoformat())


@pytest.fixture
def officer(town: Town) -> User:
    return town.user("secadmin")


def register(officer: User, name: str, number: int) -> str:
    words = ("org", "add", name, "--region", "621124", "--code", example_code(number), "--example", "--json")
    identifier: str = officer.types(*words).json["id"]
    return identifier


def confirmed(town: Town, proposed: Outcome) -> str:
    """The id of the change, confirmed by the reviewer with the plan that they were shown."""
    change = proposed.json
    assert change["plan"] in town.user("reviewer").types("org", "change", change["id"]).out
    shown = town.user("reviewer").types("org", "change", change["id"], "--json").json
    done = town.user("reviewer").types(
        "org", "confirm", change["id"], "--plan", shown["present_plan"]["digest"], "--json"
    )
    assert done.json["state"] == "confirmed"
    identifier: str = change["id"]
    return identifier


def test_a_renaming_is_planned_proposed_confirmed_and_found_by_the_old_code(town: Town, officer: User) -> None:
    body = register(officer, "更名前局", 701)
    new, old = example_code(702), example_code(701)
    words = ("org", "rename", "更名前局", "--name", "更名后局", "--name-en", "After", "--code", new, *GROUNDS)
    plan = officer.types(*words, "--dry-run")
    assert (plan.code, "renaming" in plan.out) == (0, True)
    assert officer.types(*words, "--dry-run", "--json").json["blockers"] == []
    change = confirmed(town, officer.types(*words, "--json"))
    for named in (old, new, "更名后局", body):
        assert officer.types("org", "show", named, "--json").json["id"] == body
    names = officer.types("org", "names", body, "--json").json
    assert [item["name"] for item in names] == ["更名前局", "更名后局"]
    assert "更名前局" in officer.types("org", "names", body).out
    assert officer.types("org", "list", "--code", old, "--json").json[0]["former_code"] == old
    assert change in officer.types("org", "changes", "--org", body, "--state", "confirmed").out


def test_a_merger_and_a_split_move_what_is_there_and_the_owner_of_then_is_told(town: Town, officer: User) -> None:
    for number, name in ((711, "并入局"), (712, "承接局"), (713, "分出局")):
        register(officer, name, number)
    town.partner("merge-one", "并入局")
    plan = officer.types("org", "merge", "并入局", "--into", "承接局", *GROUNDS, "--dry-run")
    assert "merge-one" in plan.out
    assert "certificate" in plan.out
    merged = confirmed(town, officer.types("org", "merge", "并入局", "--into", "承接局", *GROUNDS, "--json"))
    shown = town.user("reviewer").types("org", "change", merged)
    assert (shown.code, "merge-one" in shown.out) == (0, True)
    assert officer.types("system", "show", "merge-one", "--json").json["organisation"]["name"] == "承接局"
    assert officer.types("org", "show", "并入局", "--json").json["successors"][0]["name"] == "承接局"
    assert "merge-one" in officer.types("org", "renewals").out
    assert officer.types("org", "renewals", "--json").json[0]["overdue"] is False

    split = ("org", "split", "承接局", "--into", "承接局", "--into", "分出局", *GROUNDS)
    blocked = officer.types(*split, "--dry-run")
    assert (blocked.code, "/systems/merge-one" in blocked.out) == (0, True)
    refused = officer.types(*split)
    assert (refused.code, "/systems/merge-one" in refused.err) == (1, True)
    assert officer.types(*split, "--system", "merge-one").code == 2
    confirmed(town, officer.types(*split, "--system", "merge-one=分出局", "--json"))
    owner = town.user("auditadmin").types("org", "owner", "system", "merge-one", "--json").json
    assert owner["organisation"]["name"] == "分出局"
    early = ("org", "owner", "system", "merge-one", "--at", "2020-01-01T00:00:00+08:00")
    assert town.user("auditadmin").types(*early).code == 1


def test_duties_are_transferred_an_account_with_them_and_a_proposal_is_refused_or_taken_back(
    town: Town, officer: User
) -> None:
    source, _ = register(officer, "移出局", 721), register(officer, "移入局", 722)
    town.partner("transfer-one", "移出局")
    town.opens_account("mover", "editor", org=source)
    child = ("org", "add", "移出局下属", "--region", "621124", "--parent", "移出局", "--json")
    assert officer.types(*child).code == 0
    words = ("org", "transfer", "移出局", "--to", "移入局", *GROUNDS)
    assert officer.types(*words).code == 1
    whole = (*words, "--system", "transfer-one", "--staff", "mover", "--child", "移出局下属")
    first = officer.types(*whole, "--json").json["id"]
    refused = town.user("reviewer").types("org", "refuse", first, "--reason", "依据未附", "--json")
    assert refused.json["state"] == "refused"
    second = officer.types(*whole, "--json").json["id"]
    assert officer.types("org", "withdraw", second, "--reason", "误", "--json").json["state"] == "withdrawn"
    assert "withdrawn" in town.user("reviewer").types("org", "change", second).out
    confirmed(town, officer.types(*whole, "--json"))
    accounts = {item["login"]: item for item in officer.types("staff", "list", "--json").json}
    assert accounts["mover"]["state"] == "proposed"
    assert town.user("mover").types("whoami").code == 1
    gone = officer.types("org", "abolish", "移出局", *GROUNDS, "--json")
    confirmed(town, gone)
    assert officer.types("org", "show", source, "--json").json["state"] == "ended"
    listed = json.dumps(officer.types("org", "changes", "--json").json, ensure_ascii=False)
    assert BASIS in listed


def test_people_are_named_handed_over_and_relieved(town: Town, officer: User) -> None:
    register(officer, "责任局", 731)
    lacking = officer.types("org", "lacking-people", "--region", "621124")
    assert (lacking.code, "责任局" in lacking.out) == (0, True)
    words = ("org", "appoint", "责任局", "--role", "leader", "--name", "示例人员甲", "--phone", "0932-0000001")
    first = officer.types(*words, "--json")
    handed = officer.types(
        *("org", "handover", "责任局", first.json["id"], "--name", "示例人员乙", "--note", "账户已移交", "--json")
    ).json
    assert (handed["follows"], handed["from"]) == (first.json["id"], first.json["from"])
    shown = officer.types("org", "people", "责任局")
    assert ("示例人员乙" in shown.out, "示例人员甲" in shown.out) == (True, False)
    assert len(officer.types("org", "people", "责任局", "--history", "--json").json) == 2
    relieved = officer.types("org", "relieve", "责任局", handed["id"], "--note", "退休", "--json").json
    assert relieved["note"] == "退休"
    assert officer.types("org", "people", "责任局", "--json").json == []
    gaps = officer.types("org", "lacking-people", "--json").json
    assert next(gap["labels"] for gap in gaps if gap["organisation"]["name"] == "责任局") == [
        "分管领导",
        "主管股室",
        "专人",
    ]
