"""Pushing from the command line: targets by security, lanes and dead letters by the operator."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.town import Town

pytestmark = pytest.mark.process

SETTINGS = {"url": "https://receiver.example/push", "networks": ["10.1.0.0/16"]}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(SETTINGS))
    return file


def test_a_target_is_set_shown_paused_and_resumed(town: Town, main_job: tuple[Path, Path, str], settings: Path) -> None:
    officer = town.user("secadmin")
    done = officer.types("push-target", "set", "lintao-subsite", settings, "--policy", "park", "--json").json
    assert (done["settings"], done["policy"], done["state"]) == (SETTINGS, "park", "active")
    assert "receiver.example" in officer.types("push-target", "show", "lintao-subsite").out
    paused = officer.types("push-target", "pause", "lintao-subsite", "--reason", "对方检修", "--json").json
    assert (paused["state"], paused["state_reason"]) == ("paused", "对方检修")
    assert officer.types("push-target", "resume", "lintao-subsite", "--json").json["state"] == "active"


def test_settings_that_are_no_json_are_refused(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text("url=https://receiver.example")
    refused = town.user("secadmin").types("push-target", "set", "lintao-subsite", file)
    assert refused.code == 1
    assert "JSON" in refused.err


def test_secrets_are_read_from_a_file_of_its_owner_alone(town: Town, settings: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.json"
    secrets.write_text('{"password": "hunter2"}')
    secrets.chmod(0o640)
    officer = town.user("secadmin")
    refused = officer.types("push-target", "set", "lintao-subsite", settings, "--secrets", secrets)
    assert (refused.code, "chmod 600" in refused.err) == (1, True)
    secrets.chmod(0o600)
    unknown = officer.types("push-target", "set", "lintao-subsite", settings, "--secrets", secrets)
    assert (unknown.code, "/secrets/password" in unknown.err) == (1, True), "http takes none"
    secrets.write_text('{"password": "hunter2"')
    broken = officer.types("push-target", "set", "lintao-subsite", settings, "--secrets", secrets)
    assert (broken.code, "1:23" in broken.err) == (1, True)
    assert all("hunter2" not in done.out + done.err for done in (refused, unknown, broken))


def test_a_lane_is_listed_paused_and_resumed(town: Town) -> None:
    res = town.resource("lintao-approval", "推送的办事指南")
    granted = town.user("decider").types(
        *("grant", "add", "--consumer", "lintao-subsite", "--resource", res, "--purpose", "推送展示"),
        *("--basis", "示例依据", "--valid-to", "2099-01-01T00:00:00+08:00", "--mode", "push", "--json"),
    )
    lane = granted.json["lane"]
    operator = town.user("sysadmin")
    assert lane in [shown["id"] for shown in operator.types("lane", "list", "--json").json]
    assert operator.types("lane", "pause", lane, "--reason", "核对").code == 0
    shown = next(found for found in operator.types("lane", "list", "--json").json if found["id"] == lane)
    assert (shown["state"], shown["reason"]) == ("paused", "核对")
    assert operator.types("lane", "resume", lane).code == 0
    assert operator.types("lane", "resume", lane).code == 1


def test_a_selection_larger_than_one_replay_takes_is_replayed_to_its_end(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, expected = 25, []

    def answer(method: str, path: str, *, body: Any = None, query: Any = None) -> dict[str, int]:
        nonlocal left
        if method == "GET":
            return {"count": left}
        expected.append(body["expected"])
        taken = min(10, left)
        left -= taken
        return {"replayed": taken, "left": left}

    monkeypatch.setattr("hub.cli.deliveries.api.call", answer)
    done = town.user("sysadmin").types("dead-letter", "replay", "--reason", "rejected", "--yes")
    assert (done.code, expected) == (0, [25, 15, 5])
    assert done.out.splitlines()[-1] == "已重投 5 条，还有 0 条 / replayed 5, 0 left"


def test_dead_letters_are_listed_and_replayed_by_selection_or_by_id(town: Town) -> None:
    operator = town.user("sysadmin")
    assert operator.types("dead-letter", "list", "--json").json == []
    assert operator.types("dead-letter", "replay").code == 2
    assert operator.types("dead-letter", "replay", uuid4(), "--reason", "x").code == 2
    nothing = operator.types("dead-letter", "replay", "--consumer", "lintao-subsite")
    assert (nothing.code, "没有符合" in nothing.out) == (0, True)
    assert operator.types("dead-letter", "replay", uuid4()).code == 1
