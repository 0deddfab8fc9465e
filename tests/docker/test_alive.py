"""docker/alive.py: whether the gateway in a container lives."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.docker.deployment import DOCKER

pytestmark = pytest.mark.process


@contextmanager
def gateway(status: int) -> Iterator[int]:
    """Something that answers `/livez` with this status; its port."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def exit_code(port: int, **environment: str) -> int:
    """The check's verdict on that port."""
    given = {**os.environ, "SHUNIU_PORT": str(port), **environment}
    return subprocess.run([sys.executable, "-I", DOCKER / "alive.py"], env=given, timeout=60).returncode


def test_a_gateway_that_answers_is_alive_whatever_proxy_the_environment_names() -> None:
    proxies = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    with gateway(200) as port:  # asked again, as the image does: the answer of a machine that pauses may take too long
        assert any(exit_code(port, **proxies) == 0 for _ in range(3))


def test_a_gateway_that_answers_with_an_error_is_not() -> None:
    with gateway(503) as port:
        assert exit_code(port) == 1


def test_where_nobody_listens_nobody_is_alive() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert exit_code(taken.getsockname()[1]) == 1
