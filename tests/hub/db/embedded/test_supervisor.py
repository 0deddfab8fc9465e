"""Whatever is killed, the server comes back with its data: the essay at the top of the supervisor, tried."""

import contextlib
import fcntl
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from hub.db.embedded.layout import Layout, try_lock
from hub.db.embedded.leftovers import FAST_SHUTDOWN_S
from hub.db.embedded.processes import processes_of
from tests.support.embedded import (
    LOAD,
    ask,
    embedded,
    is_alive,
    kill,
    pid_of,
    run_as_server_account,
    start,
    user,
    wait_until,
)
from tests.support.postgres import binaries

pytestmark = pytest.mark.process


def _has_grown(file: Path) -> bool:
    return file.stat().st_size > 2000


def _answers(address: str) -> bool:
    try:
        return bool(ask(address, "SELECT true"))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


@pytest.fixture
def innocent() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of the server's account that must survive everything we do."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    survived = [process.poll() is None for process in processes]
    for process in processes:
        process.kill()
        process.wait()
    assert all(survived)


def test_a_killed_postmaster_is_started_again_for_those_who_use_it(directory: Path) -> None:
    with embedded(directory) as server:
        ask(server.dsn, "CREATE TABLE kept AS SELECT 42 AS id")
        killed, supervisor = pid_of(directory, "postmaster"), pid_of(directory, "supervisor")
        os.kill(killed, signal.SIGKILL)
        assert wait_until(lambda: not is_alive(killed))
        assert wait_until(lambda: _answers(server.dsn))
        assert ask(server.dsn, "SELECT id FROM kept") == 42
        assert pid_of(directory, "postmaster") != killed
        assert pid_of(directory, "supervisor") == supervisor


def test_a_killed_backend_costs_the_connections_and_nothing_else(directory: Path) -> None:
    with embedded(directory) as server:
        postmaster = pid_of(directory, "postmaster")
        member = next(process for process in processes_of(Layout(directory).cluster) if process.pid != postmaster)
        os.kill(member.pid, signal.SIGKILL)
        assert wait_until(lambda: _answers(server.dsn))
        assert pid_of(directory, "postmaster") == postmaster


def test_a_killed_supervisor_takes_the_postmaster_with_it_and_its_users_get_another(directory: Path) -> None:
    with embedded(directory) as server:
        ask(server.dsn, "CREATE TABLE kept AS SELECT 42 AS id")
        postmaster, supervisor = pid_of(directory, "postmaster"), pid_of(directory, "supervisor")
        os.kill(supervisor, signal.SIGKILL)
        assert wait_until(lambda: not is_alive(postmaster)), "the kernel tells the postmaster to shut down"
        assert wait_until(lambda: _answers(server.dsn))
        assert pid_of(directory, "supervisor") != supervisor
        assert ask(server.dsn, "SELECT id FROM kept") == 42
    assert server.wait_until_stopped()


def test_a_killed_user_and_supervisor_leave_no_server_behind(directory: Path) -> None:
    lonely = user(directory)
    assert lonely.stdout is not None
    lonely.stdout.readline()
    postmaster, supervisor = pid_of(directory, "postmaster"), pid_of(directory, "supervisor")
    kill(lonely)
    os.kill(supervisor, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(postmaster))


def test_a_postmaster_that_outlived_its_supervisor_is_ended_before_a_new_one_starts(directory: Path) -> None:
    """A stopped (SIGSTOP) postmaster does not hear what the kernel tells it."""
    first = user(directory)
    assert first.stdout is not None
    address = first.stdout.readline().strip()
    ask(address, "CREATE TABLE kept AS SELECT 42 AS id")
    postmaster, supervisor = pid_of(directory, "postmaster"), pid_of(directory, "supervisor")
    os.kill(postmaster, signal.SIGSTOP)
    os.kill(supervisor, signal.SIGKILL)
    kill(first)
    os.kill(postmaster, signal.SIGCONT)
    with embedded(directory) as server:
        assert not is_alive(postmaster)
        assert ask(server.dsn, "SELECT id FROM kept") == 42


def test_a_backend_that_outlived_everybody_is_killed_and_nobody_else_who_works_in_the_folder(
    directory: Path, innocent: list[subprocess.Popen[bytes]]
) -> None:
    """Stopped, it cannot notice its postmaster's death, and stays attached to the old shared memory."""
    first = user(directory)
    assert first.stdout is not None
    first.stdout.readline()
    postmaster, supervisor = pid_of(directory, "postmaster"), pid_of(directory, "supervisor")
    orphan = next(process for process in processes_of(Layout(directory).cluster) if process.pid != postmaster)
    os.kill(orphan.pid, signal.SIGSTOP)
    innocent.append(run_as_server_account(["sleep", "60"], cwd=Layout(directory).cluster))
    for pid in (supervisor, postmaster):
        os.kill(pid, signal.SIGKILL)
    kill(first)
    assert wait_until(lambda: not is_alive(postmaster))
    assert orphan.is_alive()
    with Layout(directory).server.open() as lock:
        assert not try_lock(lock.fileno(), fcntl.LOCK_EX), "what the server's processes inherit gives the orphan away"
    began = time.monotonic()
    with embedded(directory) as server:
        assert time.monotonic() - began < FAST_SHUTDOWN_S, "nobody waited for the orphan to shut down"
        assert not orphan.is_alive()
        assert ask(server.dsn, "SELECT 1") == 1


def test_a_number_in_the_pid_file_that_belongs_to_somebody_else_is_no_obstacle_and_no_victim(
    directory: Path, innocent: list[subprocess.Popen[bytes]]
) -> None:
    with embedded(directory) as server:
        lines = (Layout(directory).cluster / "postmaster.pid").read_text().splitlines()
    assert server.wait_until_stopped()
    innocent.append(run_as_server_account(["sleep", "60"], cwd="/"))
    lines[0] = str(innocent[0].pid)
    (Layout(directory).cluster / "postmaster.pid").write_text("\n".join(lines) + "\n")
    with server:
        assert ask(server.dsn, "SELECT 1") == 1


def test_a_server_that_dies_again_and_again_is_given_up_with_the_reason(directory: Path) -> None:
    with embedded(directory) as server:
        # Read at each start, and not by us: a restart meets it, the running server does not.
        (Layout(directory).cluster / "postgresql.auto.conf").write_text("shared_buffers = 'nonsense'\n")
        os.kill(pid_of(directory, "postmaster"), signal.SIGKILL)
        assert wait_until(lambda: Layout(directory).read_state().get("status") == "failed")
        state = Layout(directory).read_state()
        assert "ended 5 times within a minute" in str(state["en"])
        with pytest.raises(asyncpg.PostgresError if _answers(server.dsn) else OSError):
            ask(server.dsn, "SELECT 1")


def test_a_log_that_has_grown_large_is_put_aside(directory: Path) -> None:
    with (directory / "postgres.log").open("wb") as file:
        file.truncate(17 << 20)
    with embedded(directory):
        assert Layout(directory).log.stat().st_size < 1 << 20
        assert (directory / "postgres.log.1").stat().st_size == 17 << 20


@pytest.mark.timeout(200)
def test_everything_killed_in_any_order_under_load_starts_again_and_has_what_was_committed(directory: Path) -> None:
    with embedded(directory) as server:
        ask(server.dsn, "CREATE TABLE load (id bigserial PRIMARY KEY, writer integer NOT NULL)")
    order = random.Random(20261121)
    told = 0
    for round_number in range(5):
        output = directory / f"load-{round_number}"
        with output.open("ab") as file:
            writers = [
                start(LOAD, directory, binaries() or "", number, stdout=file, stderr=subprocess.DEVNULL)
                for number in range(3)
            ]
            assert wait_until(partial(_has_grown, output))
        victims = [pid_of(directory, "postmaster"), pid_of(directory, "supervisor"), *(w.pid for w in writers)]
        order.shuffle(victims)
        for pid in victims:
            time.sleep(order.random() * 0.05)
            with contextlib.suppress(ProcessLookupError):  # a postmaster ends with its supervisor
                os.kill(pid, signal.SIGKILL)
        for writer in writers:
            kill(writer)
        began = time.monotonic()
        with embedded(directory) as server:
            assert time.monotonic() - began < FAST_SHUTDOWN_S
            committed = {int(line) for line in output.read_text().splitlines() if line.isdigit()}
            told += len(committed)
            found = ask(server.dsn, "SELECT count(*) FROM load WHERE id = ANY($1::bigint[])", sorted(committed))
            assert found == len(committed) > 0
    assert told > 500
