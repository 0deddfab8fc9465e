"""What the demo does when something is not as it should be; that it tells its story is tested with the pages."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.cli import demo
from hub.errors import SetupError

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
