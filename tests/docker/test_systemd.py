"""docker/systemd: units that systemd accepts, shut in as far as the hub allows, with commands and settings that exist."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hub.app.gateway import GRACE_S
from hub.settings import Settings
from tests.docker.deployment import SETTINGS, SYSTEMD, insist_on_command, unit, variables_of

UNITS = sorted(path.name for path in SYSTEMD.iterdir() if path.suffix in {".service", ".target"})
SERVICES = [name for name in UNITS if name.endswith(".service")]
PROGRAM = "/opt/shuniu/bin/shuniu"

MOST_EXPOSED = 15
"""Tenths, of 100: what `systemd-analyze security` gives us is 14. Below lies what a server on a network cannot have."""


def systemd_analyze() -> str:
    """The program; skips where there is none."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt install systemd)")
    return found


def test_there_is_a_unit_for_each_part_and_one_for_all_together() -> None:
    assert UNITS == [
        "shuniu-gateway@.service",
        "shuniu-migrate.service",
        "shuniu-worker@.service",
        "shuniu.service",
        "shuniu.target",
    ]


@pytest.mark.process
def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    program = systemd_analyze()
    for name in UNITS:  # what is not installed here cannot be executed: that it is ours is the next test's matter
        text = (SYSTEMD / name).read_text(encoding="utf-8").replace(PROGRAM, "/bin/true")
        (tmp_path / name.replace("@.", "@8641.")).write_text(text, encoding="utf-8")
    files = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run([program, "verify", "--man=no", *files], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.process
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_shut_in(name: str) -> None:
    command = [systemd_analyze(), "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager"]
    done = subprocess.run([*command, SYSTEMD / name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_services_are_shut_in_alike_and_none_can_gain_a_privilege() -> None:
    own = {"Description", "After", "Wants", "PartOf", "Conflicts", "WantedBy", "Type", "RemainAfterExit", "RestartSec"}
    own |= {"ExecStart", "ExecStop", "TimeoutStartSec", "TimeoutStopSec", "StateDirectory", "StateDirectoryMode"}
    guards = {name: {key: value for key, value in unit(name).items() if key not in own} for name in SERVICES}
    embedded = guards.pop("shuniu.service")
    first, *others = guards.values()
    assert all(guard == first for guard in others)
    differing = {key for key in embedded.keys() | first.keys() if embedded.get(key) != first.get(key)}
    assert differing == {"PrivateTmp", "ReadWritePaths"}
    assert (first["NoNewPrivileges"], first["CapabilityBoundingSet"]) == (["yes"], [""])
    assert first["SystemCallFilter"] == ["@system-service", "~@privileged"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_a_command_that_exists_as_its_own_user_and_comes_back(name: str) -> None:
    settings = unit(name)
    program, *words = settings["ExecStart"][0].split()
    assert program == PROGRAM
    insist_on_command(words)
    assert (settings["User"], settings["Group"]) == (["shuniu"], ["shuniu"])
    assert settings["Restart"] == ["on-failure"]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert settings["EnvironmentFile"] == ["/etc/shuniu/shuniu.env"]


@pytest.mark.parametrize("name", ["shuniu-gateway@.service", "shuniu-worker@.service", "shuniu.service"])
def test_a_service_has_the_time_that_it_takes_to_finish_what_is_under_way(name: str) -> None:
    assert int(unit(name)["TimeoutStopSec"][0]) > GRACE_S


@pytest.mark.parametrize("name", ["shuniu-gateway@.service", "shuniu-worker@.service", "shuniu-migrate.service"])
def test_only_the_service_with_the_embedded_database_writes_files(name: str) -> None:
    assert unit(name)["ProtectSystem"] == ["strict"]
    assert not {"StateDirectory", "ReadWritePaths"} & unit(name).keys()
    assert unit("shuniu.service")["StateDirectory"] == ["shuniu"]
    assert unit("shuniu.service")["StateDirectoryMode"] == ["0700"]


def test_the_target_brings_two_gateways_and_two_workers_which_stop_with_it() -> None:
    wanted = re.findall(r"shuniu-(\w+)@(\w+)\.service", " ".join(unit("shuniu.target")["Wants"]))
    assert wanted == [("gateway", "8641"), ("gateway", "8642"), ("worker", "1"), ("worker", "2")]
    for name in ("gateway@", "worker@", "migrate"):
        assert unit(f"shuniu-{name}.service")["PartOf"] == ["shuniu.target"]
    for name in ("gateway@", "worker@"):
        assert "shuniu-migrate.service" in unit(f"shuniu-{name}.service")["After"][0].split()


def test_the_example_of_variables_has_settings_that_exist_and_no_password() -> None:
    given = variables_of((SYSTEMD / "shuniu.env").read_text(encoding="utf-8"))
    assert set(given) <= SETTINGS
    Settings.model_validate({name.removeprefix("SHUNIU_").lower(): value for name, value in given.items()})
    assert given["SHUNIU_DATABASE_URL"] == "postgresql://shuniu@/shuniu?host=/run/postgresql"
    assert given["SHUNIU_DATA"] == f"/var/lib/{unit('shuniu.service')['StateDirectory'][0]}"
