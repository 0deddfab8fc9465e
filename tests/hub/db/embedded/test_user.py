"""One server shared by many processes: started once, for all, and stopped after the last."""

import fcntl
import os
import shutil
import signal
import socket
import stat
import threading
import time
from pathlib import Path

import asyncpg
import pytest

from hub.db.embedded.layout import Layout, is_still_at
from hub.db.errors import DatabaseUnavailable
from tests.support.embedded import (
    IS_ROOT,
    ask,
    embedded,
    finish,
    is_alive,
    kill,
    pid_of,
    user,
    wait_until,
)

pytestmark = pytest.mark.process


def test_a_new_server_is_what_the_product_insists_on(directory: Path) -> None:
    with embedded(directory) as server:
        expected = {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "server_encoding": "UTF8",
            "listen_addresses": "",
            "TimeZone": "UTC",
            "log_error_verbosity": "terse",
        }
        found = {name: ask(server.dsn, "SELECT current_setting($1)", name) for name in expected}
        assert found == expected
        assert ask(server.dsn, "SELECT current_user || ' ' || current_database()") == "shuniu shuniu"
        assert ask(server.dsn, "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user") is False
        assert ask(server.dsn, "SELECT upper('ä') = 'Ä' AND '查' ~ '[[:alpha:]]'"), "knows letters beyond ASCII"
        assert ask(server.dsn, "SELECT 'Z' < 'a' AND 'a' < 'ä'"), "sorts by code point"


def test_nothing_is_open_to_others(directory: Path) -> None:
    with embedded(directory) as server:
        modes = {
            path: stat.S_IMODE(path.stat().st_mode)
            for path in (directory, Layout(directory).cluster.resolve(), Path(server.socket_directory))
        }
        assert not any(mode & 0o007 for mode in modes.values()), modes
        assert modes[Path(server.socket_directory)] == modes[Layout(directory).cluster.resolve()] == 0o700
        for file in directory.glob("postgres.*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_the_rules_of_admission_trust_nobody(directory: Path) -> None:
    with embedded(directory) as server:
        rules = (Layout(directory).cluster / "pg_hba.conf").read_text().splitlines()
        assert {rule.split()[3] for rule in rules if not rule.startswith("#")} == {"peer", "reject"}
        assert all(rule.startswith(("#", "local")) for rule in rules)
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            ask(server.dsn.replace("user=shuniu", "user=nobody"), "SELECT 1")


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
def test_another_user_is_refused_even_at_an_open_socket(directory: Path) -> None:
    with embedded(directory) as server:
        folder = Path(server.socket_directory)
        folder.chmod(0o755)
        (folder / ".s.PGSQL.5432").chmod(0o777)
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(12345)
            os.setuid(12345)
            try:
                ask(server.dsn, "SELECT 1")
            except asyncpg.InvalidAuthorizationSpecificationError:
                os._exit(7)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_what_a_receipt_rests_on_cannot_be_set(directory: Path, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        embedded(directory, settings={name: "off"})


def test_what_a_receipt_rests_on_is_not_switched_off_from_inside(directory: Path) -> None:
    with embedded(directory) as server:
        ask(server.admin_dsn(), "ALTER SYSTEM SET fsync = off")
        ask(server.admin_dsn(), "ALTER SYSTEM SET listen_addresses = '*'")
    assert server.wait_until_stopped()
    with embedded(directory) as server:
        assert ask(server.dsn, "SELECT current_setting('fsync')") == "on"
        assert ask(server.dsn, "SELECT current_setting('listen_addresses')") == ""
        # systemd empties /dev/shm of what an account left there when it logs out
        assert ask(server.dsn, "SELECT current_setting('dynamic_shared_memory_type')") == "mmap"


def test_settings_of_the_operator_reach_the_server(directory: Path) -> None:
    with embedded(directory, settings={"shared_buffers": "32MB", "cluster_name": "it's"}) as server:
        assert ask(server.dsn, "SELECT current_setting('shared_buffers')") == "32MB"
        assert ask(server.dsn, "SELECT current_setting('cluster_name')") == "it's"


def test_data_stays_over_a_stop(directory: Path) -> None:
    with embedded(directory) as server:
        ask(server.dsn, "CREATE TABLE kept (id integer)")
        ask(server.dsn, "INSERT INTO kept VALUES (42)")
    assert server.wait_until_stopped()
    assert not Path(server.socket_directory).exists()
    with server:
        assert ask(server.dsn, "SELECT id FROM kept") == 42


def test_all_users_share_one_server_and_the_last_one_stops_it(directory: Path) -> None:
    first, second = embedded(directory), embedded(directory)
    assert first.acquire() == second.acquire() == first.acquire()
    postmaster = pid_of(directory, "postmaster")
    other = user(directory)
    assert other.stdout is not None
    assert other.stdout.readline().strip() == first.dsn
    first.release()
    second.release()
    time.sleep(0.6)
    assert is_alive(postmaster)
    assert ask(second.dsn, "SELECT 1") == 1
    finish(other)
    assert wait_until(lambda: not is_alive(postmaster))
    assert second.wait_until_stopped()


def test_many_that_start_at_the_same_moment_get_one_server(directory: Path) -> None:
    users = [user(directory) for _ in range(5)]
    addresses = set()
    for process in users:
        assert process.stdout is not None
        addresses.add(process.stdout.readline())
    log = Layout(directory).log.read_text()
    assert len(addresses) == 1
    assert log.count("starting PostgreSQL") == 1
    for process in users:
        finish(process)


GRACE_S = 6.0
"""The next command comes within it also when the machine stands still for seconds."""


def test_the_server_outlives_its_last_user_by_the_grace_period_for_the_next_command(directory: Path) -> None:
    first = user(directory, grace=GRACE_S)
    assert first.stdout is not None
    first.stdout.readline()
    postmaster = pid_of(directory, "postmaster")
    finish(first)
    time.sleep(0.5)
    with embedded(directory):
        assert pid_of(directory, "postmaster") == postmaster
        time.sleep(GRACE_S)
        assert is_alive(postmaster)
    assert wait_until(lambda: not is_alive(postmaster))


def test_a_killed_user_leaves_no_server_behind(directory: Path) -> None:
    lonely = user(directory)
    assert lonely.stdout is not None
    lonely.stdout.readline()
    postmaster, supervisor = pid_of(directory, "postmaster"), pid_of(directory, "supervisor")
    kill(lonely)
    assert wait_until(lambda: not is_alive(postmaster) and not is_alive(supervisor))
    assert "database system is shut down" in Layout(directory).log.read_text()


def test_ctrl_c_at_the_terminal_does_not_reach_the_server(directory: Path) -> None:
    with embedded(directory) as server:
        for who in ("supervisor", "postmaster"):
            assert os.getsid(pid_of(directory, who)) != os.getsid(0)
        os.kill(pid_of(directory, "supervisor"), signal.SIGINT)
        os.kill(pid_of(directory, "supervisor"), signal.SIGHUP)
        time.sleep(0.5)
        assert ask(server.dsn, "SELECT 1") == 1


def test_sigterm_makes_the_supervisor_stop_without_grace_but_not_before_the_last_user(directory: Path) -> None:
    with embedded(directory, grace_s=60.0) as server:
        postmaster = pid_of(directory, "postmaster")
        os.kill(pid_of(directory, "supervisor"), signal.SIGTERM)
        time.sleep(0.5)
        assert ask(server.dsn, "SELECT 1") == 1
    assert wait_until(lambda: not is_alive(postmaster))


def test_settings_that_postgresql_refuses_are_told_with_the_tail_of_its_log(directory: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not start") as caught:
        embedded(directory, settings={"shared_buffers": "nonsense"}).acquire()
    assert 'invalid value for parameter "shared_buffers": "nonsense"' in str(caught.value)
    assert str(Layout(directory).log) in str(caught.value)
    with embedded(directory) as server:
        assert ask(server.dsn, "SELECT 1") == 1


def test_data_of_another_release_is_refused_with_the_way_out(directory: Path) -> None:
    with embedded(directory) as server:
        pass
    assert server.wait_until_stopped()
    (Layout(directory).cluster / "PG_VERSION").write_text("14\n")
    with pytest.raises(DatabaseUnavailable, match=r"made by PostgreSQL 14.*back up with the old"):
        server.acquire()


def test_a_folder_with_something_else_in_its_place_is_left_alone(directory: Path) -> None:
    (directory / "postgres").mkdir()
    (directory / "postgres" / "letter.txt").write_text("dear")
    with pytest.raises(DatabaseUnavailable, match="holds something else"):
        embedded(directory).acquire()
    assert (directory / "postgres" / "letter.txt").read_text() == "dear"


def test_programs_that_do_not_exist_are_told(directory: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="/nowhere"):
        embedded(directory, binaries=Path("/nowhere")).acquire()


def test_a_server_that_does_not_come_in_time_is_told(directory: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="not ready within 0 s"):
        embedded(directory, start_s=0.0).acquire()


def test_a_half_made_cluster_of_a_killed_start_is_cleared_away(directory: Path) -> None:
    rest = directory / ".postgres-new-killed"
    rest.mkdir()
    (rest / "PG_VERSION").write_text("18\n")
    with embedded(directory) as server:
        assert ask(server.dsn, "SELECT 1") == 1
    assert not list(directory.glob(".postgres-new-*"))


def test_a_deleted_folder_stops_its_server_and_a_new_folder_gets_a_new_one(directory: Path) -> None:
    with embedded(directory) as old:
        ask(old.dsn, "CREATE TABLE gone ()")
        before = pid_of(directory, "postmaster")
        aside = directory.rename(directory.with_name(directory.name + "-aside"))
        with embedded(directory) as new:
            assert new.socket_directory != old.socket_directory
            assert wait_until(lambda: not is_alive(before))
            assert ask(new.dsn, "SELECT to_regclass('gone') IS NULL")
            assert wait_until(lambda: not Path(old.socket_directory).exists())
    shutil.rmtree(aside)


def test_a_folder_that_is_deleted_while_we_join_is_joined_anew(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False])
    real = is_still_at
    monkeypatch.setattr("hub.db.embedded.user.is_still_at", lambda *given: next(answers, None) is None and real(*given))
    with embedded(directory) as server:
        assert ask(server.dsn, "SELECT 1") == 1


def test_a_server_that_does_not_stop_is_told_to_who_wants_to_join(directory: Path) -> None:
    with (directory / "postgres.users").open("w") as stopping:
        fcntl.flock(stopping, fcntl.LOCK_EX)
        with pytest.raises(DatabaseUnavailable, match="does not end"):
            embedded(directory, start_s=0.1).acquire()


def test_waiting_for_a_server_in_use_to_stop_gives_up(directory: Path) -> None:
    with embedded(directory) as server:
        assert not server.wait_until_stopped(0.2)


def test_a_supervisor_that_ends_without_a_word_is_told(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(DatabaseUnavailable, match="supervisor ends unexpectedly"):
        embedded(directory).acquire()


def test_the_last_word_of_a_supervisor_that_is_being_killed_is_not_believed(directory: Path, tmp_path: Path) -> None:
    """Its lock is not yet free, its socket still accepts; a moment later both are gone."""
    layout = Layout(directory)
    with socket.socket(socket.AF_UNIX) as dying, layout.supervisor.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        dying.bind(str(tmp_path / ".s.PGSQL.5432"))
        dying.listen()
        layout.write_state({"status": "ready", "supervisor": 1, "host": str(tmp_path)})
        let_go = threading.Timer(0.03, fcntl.flock, (lock, fcntl.LOCK_UN))
        let_go.start()
        with embedded(directory) as server:
            assert server.socket_directory != str(tmp_path)
            assert ask(server.dsn, "SELECT 1") == 1
        let_go.join()
