"""How processes are found and ended: the right ones, and harder only when they do not listen."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.db.embedded import cluster as cluster_module
from hub.db.embedded import leftovers
from hub.db.embedded.cluster import Cluster
from hub.db.embedded.layout import Layout
from hub.db.embedded.processes import Process, identify, processes_of, wait_until_gone
from hub.db.errors import DatabaseUnavailable
from tests.support.embedded import server_account


def _hear_all_signals() -> None:
    """Undo what a shell does to its background jobs, should the tests be one: they ignore SIGINT and SIGQUIT."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def deaf(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ignores the signals named."""
    script = f"trap '' {request.param}; echo; while :; do sleep 0.02; done"
    process = subprocess.Popen(
        ["/bin/sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=_hear_all_signals,  # noqa: PLW1509
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize(
    ("deaf", "ended_by", "fast_s", "immediate_s"),
    [("HUP", "SIGINT", 60, 60), ("INT", "SIGQUIT", 0.3, 60), ("INT QUIT", "SIGKILL", 0.3, 0.3)],
    indirect=["deaf"],
)
def test_a_postmaster_that_does_not_stop_is_ended_harder(
    deaf: subprocess.Popen[bytes],
    ended_by: str,
    fast_s: float,
    immediate_s: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_module, "FAST_SHUTDOWN_S", fast_s)
    monkeypatch.setattr(cluster_module, "IMMEDIATE_SHUTDOWN_S", immediate_s)
    Cluster(Layout(tmp_path), server_account(), tmp_path, tmp_path).stop(deaf)
    assert deaf.returncode == -signal.Signals[ended_by]


@pytest.mark.parametrize(
    ("deaf", "ends", "fast_s", "immediate_s"),
    [("HUP", True, 60, 60), ("INT", True, 0.3, 60), ("INT QUIT", False, 0.3, 0.3)],
    indirect=["deaf"],
)
def test_a_postmaster_without_supervisor_is_asked_twice(
    deaf: subprocess.Popen[bytes], ends: bool, fast_s: float, immediate_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "FAST_SHUTDOWN_S", fast_s)
    monkeypatch.setattr(leftovers, "IMMEDIATE_SHUTDOWN_S", immediate_s)
    leftovers._shut_down(identify(deaf.pid))
    time.sleep(0.05)
    assert (deaf.poll() is not None) == ends


def test_processes_that_do_not_even_end_when_killed_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "KILLED_GONE_S", 0.1)
    (tmp_path / "postmaster.pid").write_text("1\n")
    with (tmp_path / "lock").open("w") as theirs, (tmp_path / "lock").open("w") as ours:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with pytest.raises(DatabaseUnavailable, match="check the disk"):
            leftovers.clear_leftovers(tmp_path, tmp_path, ours.fileno())
        assert (tmp_path / "postmaster.pid").exists(), "whoever it is may still need it"
        fcntl.flock(theirs, fcntl.LOCK_UN)
        leftovers.clear_leftovers(tmp_path, tmp_path, ours.fileno())
        assert not (tmp_path / "postmaster.pid").exists()


def test_a_process_that_holds_the_server_lock_unseen_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just forked, it is no `postgres` yet and not in the cluster's folder; what it inherited gives it away."""
    with (tmp_path / "lock").open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        unseen = subprocess.Popen(["sleep", "0.5"], pass_fds=[theirs.fileno()])
    with (tmp_path / "lock").open("w") as ours:
        leftovers.clear_leftovers(tmp_path, tmp_path, ours.fileno())
        assert unseen.poll() is not None or not Process(unseen.pid, "").is_alive()
    unseen.wait()


def test_a_process_is_its_number_and_its_start() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        known = identify(process.pid)
        assert known is not None
        stranger = Process(process.pid, "1")
        assert known.is_alive()
        assert not stranger.is_alive()
        stranger.send(signal.SIGKILL)
        assert wait_until_gone([known], 0.1) == [known]
        known.send(signal.SIGKILL)
        assert wait_until_gone([known], 60) == [], "a zombie has gone"
        assert identify(process.pid) is None
    finally:
        process.wait()
    assert identify(process.pid) is None
    known.send(signal.SIGKILL)


def test_only_postgres_in_that_very_folder_belongs_to_a_cluster(tmp_path: Path) -> None:
    cluster, other = tmp_path / "cluster", tmp_path / "other"
    cluster.mkdir()
    other.mkdir()
    (tmp_path / "postgres").symlink_to("/bin/sleep")
    started = [
        subprocess.Popen([str(tmp_path / "postgres"), "60"], cwd=cluster),
        subprocess.Popen([str(tmp_path / "postgres"), "60"], cwd=other),
        subprocess.Popen(["sleep", "60"], cwd=cluster),
    ]
    try:
        assert [process.pid for process in processes_of(cluster)] == [started[0].pid]
        (tmp_path / "link").symlink_to(cluster)
        assert [process.pid for process in processes_of(tmp_path / "link")] == [started[0].pid]
        assert processes_of(tmp_path / "missing") == []
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.parametrize("content", ["", "\n", "nonsense\n", "999999999\n", "{ours}\n"])
def test_a_pid_file_that_names_no_postmaster_of_ours_names_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "postmaster.pid").write_text(content.format(ours=os.getpid()))
    assert leftovers._postmaster(tmp_path) is None
