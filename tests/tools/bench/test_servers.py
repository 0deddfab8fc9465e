"""Processes under test must start, live, and end in order; whatever else happens voids the run."""

from pathlib import Path

import pytest

from hub.settings import Settings
from tools.bench.errors import VoidRun
from tools.bench.servers import Program, free_port, running

SLEEPER = "import sys, time; sys.stderr.write('here I am'); sys.stderr.flush(); time.sleep(60)"
POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); " + SLEEPER


def program(text: str) -> Program:
    return Program("thing", ("-c", text), "here I am")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, port=1234)


@pytest.mark.process
def test_they_run_for_the_length_of_the_block(settings: Settings, tmp_path: Path) -> None:
    with running(settings, tmp_path, program(POLITE), program(POLITE)) as servers:
        servers.check_alive()
        assert len(set(servers.pids)) == 2
        assert servers.largest_resident_mib(program(POLITE)) > 1
    assert [process.returncode for process in servers.processes] == [0, 0]


@pytest.mark.process
def test_one_that_does_not_start_voids_the_run_and_shows_its_log(settings: Settings, tmp_path: Path) -> None:
    with (
        pytest.raises(VoidRun, match="cannot go on"),
        running(settings, tmp_path, program("raise SystemExit('cannot go on')")),
    ):
        pass


@pytest.mark.process
def test_one_that_dies_voids_the_run(settings: Settings, tmp_path: Path) -> None:
    def run() -> None:
        with running(settings, tmp_path, program(POLITE)) as servers:
            servers.processes[0].kill()
            servers.processes[0].wait()

    with pytest.raises(VoidRun, match="has ended"):
        run()


@pytest.mark.process
def test_one_that_ends_with_an_error_voids_the_run(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(VoidRun, match="did not end in order"), running(settings, tmp_path, program(SLEEPER)):
        pass


@pytest.mark.process
def test_they_get_the_bench_settings_and_none_of_the_callers(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHUNIU_DATABASE_URL", "postgresql://somebody-elses")
    show = "import os, sys; sys.stderr.write(str({n: v for n, v in os.environ.items() if 'SHUNIU' in n})); "
    with running(settings, tmp_path, program(show + POLITE)):
        said = (tmp_path / "thing-0.log").read_text()
    assert "'SHUNIU_PORT': '1234'" in said
    assert "somebody-elses" not in said


@pytest.mark.process
def test_a_free_port_can_be_listened_on() -> None:
    assert 1024 < free_port() < 65536
