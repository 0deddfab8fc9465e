"""Commands on the hub's own machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hub.db.embedded.processes import identify, wait_until_gone
from tests.support.commands import Outcome
from tests.support.harness import free_port
from tests.support.town import Town, await_ready

pytestmark = pytest.mark.process


def hosted(town: Town, *words: str) -> Outcome:
    """A command on the hub's own machine."""
    done = subprocess.run(
        [sys.executable, "-m", "hub", *words], env=town.environment, capture_output=True, timeout=60, check=False
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_the_hub_is_examined_and_migrated(town: Town, tmp_path: Path) -> None:
    said = tmp_path / "worker.log"
    with said.open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "hub", "worker"], env=town.environment, stderr=log, start_new_session=True
        )
    try:
        while "worker ready" not in said.read_text(encoding="utf-8"):  # before, SIGTERM just ends it
            assert worker.poll() is None, said.read_text(encoding="utf-8")
            time.sleep(0.05)
        # what was logged before has waited for a worker longer than receipts promise
        for _ in range(20):
            # until then the doctor ends with 1, and says the same of all the rest
            found = json.loads(hosted(town, "doctor", "--json").out)
            checks = {check["name"]: check["ok"] for check in found}
            if checks["receipts_overdue"]:
                break
    finally:
        worker.terminate()
        assert worker.wait(60) == 0
    assert checks["fsync"] is True
    assert checks["receipts_overdue"] is True
    (calendar,) = [check for check in found if check["name"] == "days_off_known_to"]
    assert (calendar["ok"], calendar["advises"]) == (True, "shuniu holiday add" in calendar["zh"])
    plain = hosted(town, "doctor")
    assert ("! " in plain.out) is calendar["advises"] is ("shuniu holiday add" in plain.err)
    assert (plain.code, "✓" in plain.out) == (0, True)
    assert hosted(town, "migrate", "--json").json == {"migrations": []}
    assert "nothing to do" in hosted(town, "migrate").out


def test_a_hub_is_not_initialised_twice(town: Town) -> None:
    done = hosted(town, "init")
    assert done.code == 3
    assert done.out == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_up_runs_gateway_and_worker_until_told_to_stop(town: Town, number: signal.Signals) -> None:
    port = free_port()
    without_nohup = ["env", "--default-signal=HUP"]
    process = subprocess.Popen(
        [*without_nohup, sys.executable, "-m", "hub", "up", "--port", str(port)],
        env=town.environment,
        start_new_session=True,
    )
    try:
        await_ready(f"http://127.0.0.1:{port}", process)
        process.send_signal(number)
        assert process.wait(60) == 0
    finally:
        process.kill()  # what it started ends with it
    with socket.create_server(("127.0.0.1", port)):
        pass  # nobody listens any more


def test_what_up_started_ends_with_it_after_kill_9(town: Town) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "hub", "up", "--port", str(port)], env=town.environment, start_new_session=True
    )
    try:
        await_ready(f"http://127.0.0.1:{port}", process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        started = [found for pid in children if (found := identify(int(pid))) is not None]
        assert len(started) == 2
    finally:
        process.kill()
        process.wait()
    left = wait_until_gone(started, 60)
    for one in left:
        one.send(signal.SIGKILL)
    assert not left


def test_up_does_not_begin_with_settings_that_no_gateway_could_start_with(town: Town) -> None:
    done = hosted(replace(town, environment=town.environment | {"SHUNIU_HUB_ID": "other-hub"}), "up")
    assert (done.code, "SHUNIU_HUB_ID" in done.err) == (3, True)


@pytest.mark.parametrize("command", ["doctor", "migrate"])
def test_a_mistyped_folder_is_told_and_not_made(tmp_path: Path, command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SHUNIU_DATABASE_URL"}
    words = [sys.executable, "-m", "hub", command, "--data", str(tmp_path / "typo")]
    done = subprocess.run(words, env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, b"shuniu init" in done.stderr) == (3, True)
    assert not (tmp_path / "typo").exists()
