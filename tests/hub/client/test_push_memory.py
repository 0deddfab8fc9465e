"""What a receiver of pushes still knows after a restart, a failure half-way, and a kill at each of its steps."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from certs.digests import digest
from hub.client import DurablePushGuard, FolderError, Push, PushItem, Verdict
from tests.docs.pages import ROOT
from tests.support.client_side import NOW, RES, Clock
from tests.vectors.partner.pushes import memory

LANE = "0199c1f2-0000-7000-8000-000000000001"
EXPIRES = NOW + timedelta(seconds=30)


def make_push(*deliveries: str, fence: int = 1, lane: str = LANE, expires: datetime = EXPIRES) -> Push:
    items = tuple(
        PushItem(found, found, RES, 3, lane, place, digest(b""), b"", NOW) for place, found in enumerate(deliveries, 1)
    )
    return Push(lane, 1, fence, expires, items)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pushes.sqlite3"


@pytest.fixture
def guard(path: Path, clock: Clock) -> Iterator[DurablePushGuard]:
    with DurablePushGuard(path, clock=clock) as opened:
        yield opened


def test_a_receivers_day_is_judged_the_same_when_it_restarts_after_every_push(path: Path, clock: Clock) -> None:
    for step in memory():
        clock.now = datetime.fromisoformat(step["now"])
        expires = datetime.fromisoformat(step["expires"])
        push = make_push(*step["deliveries"], fence=step["fence"], lane=step["lane"], expires=expires)
        with DurablePushGuard(path, clock=clock) as guard, guard.receiving(push) as judged:
            found = (judged.verdict, judged.status, [item.delivery for item in judged.items])
        assert found == (step["verdict"], step["status"], step["act_on"])


def test_what_is_not_stored_is_not_remembered_and_what_the_block_wrote_is_undone(guard: DurablePushGuard) -> None:
    guard.database.execute("CREATE TABLE mine (delivery)")
    push = make_push("a", "b", fence=5)

    def fail_half_way() -> None:
        with guard.receiving(push) as judged:
            guard.database.execute("INSERT INTO mine VALUES (?)", (judged.items[0].delivery,))
            raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        fail_half_way()
    assert guard.database.execute("SELECT * FROM mine").fetchall() == []
    with guard.receiving(make_push("c", fence=4)) as judged:
        assert judged.verdict is Verdict.STALE  # the fence was seen all the same
    with guard.receiving(push) as judged:
        assert judged.items == push.items


def test_a_disk_that_is_full_is_an_error_and_later_the_push_is_new(guard: DurablePushGuard) -> None:
    guard.database.execute("CREATE TABLE mine (body)")
    (pages,) = guard.database.execute("PRAGMA page_count").fetchone()
    guard.database.execute(f"PRAGMA max_page_count = {pages + 1}")
    push = make_push("a")
    with pytest.raises(sqlite3.Error), guard.receiving(push):
        guard.database.execute("INSERT INTO mine VALUES (randomblob(100000))")
    guard.database.execute("PRAGMA max_page_count = 1000000")
    with guard.receiving(push) as judged:
        guard.database.execute("INSERT INTO mine VALUES (randomblob(100000))")
        assert judged.items == push.items
    assert guard.database.execute("SELECT count(*) FROM mine").fetchone() == (1,)
    with guard.receiving(push) as judged:
        assert judged.verdict is Verdict.ALREADY_HAD


def test_a_transaction_that_was_left_open_is_undone_before_the_next_push(guard: DurablePushGuard) -> None:
    guard.database.execute("CREATE TABLE mine (body)")
    guard.database.execute("BEGIN")
    guard.database.execute("INSERT INTO mine VALUES (1)")
    with guard.receiving(make_push("a")) as judged:
        assert judged.verdict is Verdict.ACCEPT
    assert guard.database.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_time_is_read_when_it_is_the_pushs_turn(guard: DurablePushGuard, clock: Clock) -> None:
    """One that expires while it waits for another is stale."""
    verdicts = []

    def second() -> None:
        with guard.receiving(make_push("b", lane="another")) as judged:
            verdicts.append(judged.verdict)

    waiting = threading.Thread(target=second)
    with guard.receiving(make_push("a")):
        waiting.start()
        waiting.join(0.1)
        clock.now = EXPIRES
    waiting.join()
    assert verdicts == [Verdict.STALE]


def test_two_processes_with_one_file_act_once(path: Path, guard: DurablePushGuard, clock: Clock) -> None:
    push = make_push("a")
    with DurablePushGuard(path, clock=clock) as other:
        with guard.receiving(push) as judged:
            assert judged.verdict is Verdict.ACCEPT
            other.database.execute("PRAGMA busy_timeout = 10")
            with pytest.raises(sqlite3.OperationalError, match="locked"), other.receiving(push):
                raise AssertionError("both act")
        with other.receiving(push) as judged:
            assert judged.verdict is Verdict.ALREADY_HAD


def test_the_last_ids_are_remembered_up_to_the_bound(path: Path, clock: Clock) -> None:
    with DurablePushGuard(path, remembered=2, clock=clock) as guard:
        for delivery in ("a", "b", "c"):
            with guard.receiving(make_push(delivery)):
                pass
        assert guard.database.execute("SELECT delivery FROM push_had").fetchall() == [("b",), ("c",)]


def test_the_file_is_its_owners_alone_and_every_commit_is_forced_to_disk(guard: DurablePushGuard, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert guard.database.execute("PRAGMA synchronous").fetchone() == (2,)
    assert guard.database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_is_something_else_or_cannot_be_is_reported(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to look at" * 30)
    for name in ("text", "no/such/folder"):
        with pytest.raises(FolderError, match="memory of pushes") as caught:
            DurablePushGuard(tmp_path / name)
        held = {str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}
        assert str(tmp_path / name) not in held, caught


KILLED = """
import os, signal, sys
from pathlib import Path
from hub.client import DurablePushGuard
from tests.hub.client.test_push_memory import Clock, make_push

path, point = Path(sys.argv[1]), 0
for point in range(1, 40):
    child = os.fork()
    if child == 0:
        guard, passed = DurablePushGuard(path, clock=Clock()), 0

        def count(statement):
            global passed
            passed += 1
            if passed == point:
                os.kill(os.getpid(), signal.SIGKILL)

        guard.database.set_trace_callback(count)
        with guard.receiving(make_push(f"first-{point}", f"second-{point}", fence=point)) as judged:
            for item in judged.items:
                guard.database.execute("INSERT INTO mine VALUES (?)", (item.delivery,))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(point, os.WIFSIGNALED(status) and os.WTERMSIG(status))
    if status == 0:
        break
"""


@pytest.mark.process
def test_killed_at_any_statement_it_stores_and_remembers_both_or_neither(path: Path, clock: Clock) -> None:
    with DurablePushGuard(path, clock=clock) as guard:
        guard.database.execute("CREATE TABLE mine (delivery)")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    points = [line.split() for line in done.stdout.splitlines()]
    assert [how for _, how in points[:-1]] == [str(int(signal.SIGKILL))] * (len(points) - 1)
    assert len(points) > 8
    acted = 0
    with DurablePushGuard(path, clock=clock) as guard:
        for point, _ in points:
            pushed = make_push(f"first-{point}", f"second-{point}", fence=len(points) + 1)
            stored = guard.database.execute(
                "SELECT count(*) FROM mine WHERE delivery LIKE ?", (f"%-{point}",)
            ).fetchone()
            with guard.receiving(pushed) as judged:
                assert (len(judged.items), stored) in {(0, (2,)), (2, (0,))}, f"killed at statement {point}"
                acted += len(judged.items)
    assert acted > 0
    assert os.path.lexists(path)
