"""What the demo does when something is not as it should be; that it tells its story is tested with the pages."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.cli import demo
from hub.db.embedded.layout import Layout, open_private, try_lock
from hub.errors import SetupError
from hub.settings import Settings

pytestmark = pytest.mark.process


@pytest.fixture
def gateway() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A process that lives as long as the test."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield [process]
    process.communicate()


def asking(*statuses: int) -> httpx.Client:
    """What `/readyz` answers in turn; 0 for no answer."""
    left = iter(statuses)

    def answer(_: httpx.Request) -> httpx.Response:
        if (status := next(left)) == 0:
            raise httpx.ConnectError("refused")
        return httpx.Response(status)

    return httpx.Client(base_url="http://hub.test", transport=httpx.MockTransport(answer))


def test_a_gateway_that_is_not_ready_yet_is_asked_again_after_a_pause(
    gateway: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("hub.cli.demo.time.sleep", pauses.append)
    with asking(0, 503, 503, 200) as http:
        demo._wait_until_ready(http, gateway, tmp_path)
    assert pauses == [0.1] * 3


def test_a_gateway_that_ended_is_told_with_the_place_of_its_log(
    gateway: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    gateway[0].communicate(b"\n")
    with asking() as http, pytest.raises(SetupError, match=r"gateway\.log"):
        demo._wait_until_ready(http, gateway, tmp_path)


def test_a_folder_that_no_demo_made_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(SetupError, match="nothing is overwritten"):
        demo._make_folder(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_a_demo_leaves_the_folder_of_one_that_runs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / demo.MARKER).write_text("{}")
    (folder / "outbox").mkdir()
    monkeypatch.setattr(demo, "SERVER_GONE_WITHIN_S", 0.3)
    lock = open_private(Layout(folder).supervisor, os.O_RDWR)  # as the supervisor of a running server has it
    assert try_lock(lock, fcntl.LOCK_EX)
    with pytest.raises(SetupError, match="a database runs in the folder"):
        demo._make_folder(folder)
    assert {path.name for path in folder.iterdir()} >= {demo.MARKER, "outbox"}
    os.close(lock)
    demo._make_folder(folder)
    assert [path.name for path in folder.iterdir()] == [demo.UNFINISHED]


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with (
        demo._alone_in(folder),
        pytest.raises(SetupError, match="another demo uses the folder"),
        demo._alone_in(folder),
    ):
        pass
    with demo._alone_in(folder):
        assert list(folder.iterdir()) == []


def test_a_demo_needs_a_port_that_it_can_tell(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="--port"):
        demo.run(Settings(data=tmp_path / "demo", port=0), exit_after=True)
    assert not (tmp_path / "demo").exists()
