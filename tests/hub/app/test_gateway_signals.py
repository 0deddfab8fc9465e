"""A gateway that is told to stop ends, whenever it is told."""

import os
import signal
from collections.abc import Iterator

import pytest
import uvicorn

from hub.app.gateway import _end_when_told


@pytest.fixture
def _handlers() -> Iterator[None]:
    """The handlers of this process stay its own."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_before_the_server_listens_for_it_is_not_lost(number: signal.Signals) -> None:
    server = uvicorn.Server(uvicorn.Config(lambda: None))
    _end_when_told(server)
    os.kill(os.getpid(), number)
    assert server.should_exit
