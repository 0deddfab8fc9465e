"""Clerks: each a process of its own, forked from one that has loaded what they need."""

import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from hub.publishing.imports import clerk, office
from hub.publishing.imports.clerk import ClerkLost, Office, hired

pytestmark = pytest.mark.process


def children_of(pid: int) -> set[int]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"\nPPid:\t{pid}\n" in (folder / "status").read_text():
                found.add(int(folder.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def place() -> int:
    """The process that clerks come from."""
    assert clerk.OFFICE._process is not None
    return clerk.OFFICE._process.pid


async def test_what_ends_a_clerk_ends_no_other_and_with_its_order_each_has_ended() -> None:
    async with hired() as first:
        (one,) = children_of(place())
        async with hired() as second:
            (other,) = children_of(place()) - {one}
            os.kill(one, signal.SIGKILL)
            await second.say({"order": "template"})
            assert (await second.hear()).startswith(b"PK")
        with pytest.raises(ClerkLost):
            await first.hear()
        assert not children_of(place()) - {one}
    assert other not in children_of(place())
    assert not children_of(place())


async def test_where_clerks_come_from_is_started_anew_when_it_was_killed() -> None:
    async with hired():
        before = place()
    os.kill(before, signal.SIGKILL)
    async with hired() as found:
        await found.say({"order": "template"})
        assert (await found.hear()).startswith(b"PK")
    assert place() != before


async def test_no_clerk_sees_the_environment_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUNIU_DATABASE_URL", "postgresql://secret@localhost/x")
    clerk.OFFICE.close()
    async with hired():
        for pid in {place(), *children_of(place())}:
            assert b"secret" not in environment_of(pid)


def test_a_place_that_does_not_come_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    found = Office()
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ClerkLost):
        found.hire(1, theirs)
    found.dismiss(1)
    found.close()


def test_the_place_of_a_parent_is_left_to_it() -> None:
    found = Office()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found.hire(1, theirs)
        parents, desk = found._process, found._desk
        assert parents is not None
        assert desk is not None
        found._owner = -1  # as after a fork
        found.dismiss(1)
        found.close()
        assert parents.poll() is None
        found.hire(2, theirs)
        assert found._process is not parents
        found.close()
        desk.close()
        parents.wait(60)


def test_nobody_asks_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "IDLE_S", 0.0)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        assert office.serve(theirs) is None


def test_whoever_asked_has_ended() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    with theirs:
        assert office.serve(theirs) is None


def test_it_ends_with_whoever_started_it() -> None:
    script = """
import asyncio, os
from hub.publishing.imports import clerk
async def go():
    async with clerk.hired() as found:
        print(clerk.OFFICE._process.pid, flush=True)
        os.kill(os.getpid(), 9)
asyncio.run(go())
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    pid = int(told.stdout)
    with suppress(ProcessLookupError):  # it has ended already
        ending = os.pidfd_open(pid)
        assert select.select([ending], [], [], 60)[0]
        os.close(ending)
