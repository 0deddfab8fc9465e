"""What the commands start: set-up, listening, the doctor, and the processes of `up`."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from hub.app import run
from hub.app.wiring import open_context
from hub.errors import SetupError
from hub.settings import Settings
from tests.support.embedded import is_alive
from tests.support.harness import Process, free_port
from tests.support.postgres import TestServer


def settings(directory: Path, dsn: str, **more: object) -> Settings:
    return Settings(data=directory, database_url=dsn, **more)  # type: ignore[arg-type]


def test_a_hub_is_initialised_once_and_its_passwords_are_told_once(tmp_path: Path, database_dsn: str) -> None:
    given = settings(tmp_path / "data", database_dsn)
    made = run.initialise(given)
    assert set(made.passwords) == {"sysadmin", "secadmin", "auditadmin"}
    assert all(len(told) >= 12 for told in made.passwords.values())
    assert given.master_key_path.stat().st_mode & 0o077 == 0
    with pytest.raises(SetupError):
        run.initialise(given)


async def test_a_gateway_does_not_open_a_database_that_was_never_migrated(tmp_path: Path, postgres: TestServer) -> None:
    dsn = postgres.create(template="template0")
    try:
        with pytest.raises(SetupError, match="shuniu init"):
            async with open_context(settings(tmp_path, dsn), dsn):
                pytest.fail("opened")
    finally:
        postgres.drop(dsn)


async def test_a_gateway_does_not_start_without_the_master_key(tmp_path: Path, database_dsn: str) -> None:
    with pytest.raises(SetupError):
        async with open_context(settings(tmp_path, database_dsn), database_dsn):
            pytest.fail("opened")


def test_the_doctor_names_every_check(tmp_path: Path, database_dsn: str) -> None:
    found = {check.name: check.holds for check in run.doctor(settings(tmp_path, database_dsn))}
    assert {"server_version", "fsync", "full_page_writes", "synchronous_commit", "clock_offset_s", "fsync_us"} <= set(
        found
    )
    assert all(found.values())


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=str(port)):
            run.listen(Settings(data=tmp_path, port=port), shared=False)


def test_gateways_may_share_a_port(tmp_path: Path) -> None:
    with run.listen(Settings(data=tmp_path, port=0), shared=True) as first:
        port = first.getsockname()[1]
        run.listen(Settings(data=tmp_path, port=port), shared=True).close()


def test_ipv6_addresses_are_listened_on(tmp_path: Path) -> None:
    with run.listen(Settings(data=tmp_path, host="::1", port=0), shared=False) as listener:
        assert listener.family == socket.AF_INET6


def test_settings_reach_the_processes_that_are_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings(data=tmp_path, database_url="postgresql://secret@/x", max_queue=7)  # type: ignore[arg-type]
    for name, value in run.environment(given).items():
        monkeypatch.setenv(name, value)
    assert Settings() == given


def test_the_host_acts_under_its_users_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.host_actor().id.startswith("host:")

    def nameless() -> str:
        raise KeyError(os.getuid())

    monkeypatch.setattr("getpass.getuser", nameless)
    assert run.host_actor().id == f"host:uid-{os.getuid()}"


@pytest.mark.process
async def test_up_starts_what_dies_again_and_ends_everything_with_0(tmp_path: Path, database_dsn: str) -> None:
    given = settings(tmp_path, database_dsn)
    await asyncio.to_thread(run.initialise, given)
    port = free_port()
    environment = {"SHUNIU_DATA": str(tmp_path), "SHUNIU_DATABASE_URL": database_dsn}
    process = Process(["up", "--port", str(port)], environment, tmp_path / "up.log", port=port)
    process.start()
    try:
        await process.ready()
        first = await children(process.pid, 2)
        for child in first:
            os.kill(child, signal.SIGKILL)
        await process.ready()
        second = await children(process.pid, 2)
        assert not first & second
        process.terminate()
        assert await process.ended() == 0
        assert not any(is_alive(child) for child in second)
    finally:
        if process.is_running:
            process.kill()


async def children(pid: int, count: int) -> set[int]:
    """The processes that `pid` has started, once there are `count`."""
    while True:
        alive = children_now(pid)
        if len(alive) == count:
            return alive
        await asyncio.sleep(0.05)


def children_now(pid: int) -> set[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(child) for child in text.split() if b"hub" in Path(f"/proc/{child}/cmdline").read_bytes()}
