"""The load generator's word is read strictly: one answer that is no 201, one broken connection, and the run is void."""

import contextlib
import shutil
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.bench.errors import VoidRun
from tools.bench.load import post, read_answer
from tools.bench.requests import RequestFile

SAID = {
    "created": "5000",
    "others": "0",
    "exhausted": "0",
    "duration_us": "2000000",
    "p50_us": "7500",
    "p99_us": "20250",
    "broken": "0",
    "sample": "",
}


def text(**changes: str) -> str:
    lines = "\n".join(f"{name}\t{value}" for name, value in (SAID | changes).items())
    return f"Running 2s test\n  Latency   7.50ms\n{lines}\n"


def test_figures_are_those_that_the_script_printed() -> None:
    load = read_answer(text())
    assert (load.created, load.per_second, load.p50_ms, load.p99_ms) == (5000, 2500.0, 7.5, 20.25)
    assert not load.exhausted
    assert str(load) == "2,500/s, p50 7.5 ms, p99 20.2 ms"


def test_another_answer_voids_the_run_and_is_shown() -> None:
    with pytest.raises(VoidRun, match="503 the hub is busy"):
        read_answer(text(others="1", sample="503 the hub is busy"))


def test_a_broken_connection_voids_the_run() -> None:
    with pytest.raises(VoidRun, match="3 connections"):
        read_answer(text(broken="3"))


def test_no_word_from_the_script_voids_the_run() -> None:
    with pytest.raises(VoidRun, match="unable to connect"):
        read_answer("unable to connect to 127.0.0.1:1 Connection refused")


REQUEST = b"POST /v1/exchanges HTTP/1.1\r\nHost: hub\r\nContent-Length: 4\r\n\r\n%04d"


class Echo(socketserver.ThreadingTCPServer):
    """A server that answers every request with one status, and keeps their bodies."""

    request_queue_size = 128

    def __init__(self, status: str) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.answer = f"HTTP/1.1 {status}\r\nContent-Length: 6\r\n\r\nanswer".encode()
        self.bodies: list[bytes] = []


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        assert isinstance(self.server, Echo)
        with contextlib.suppress(ConnectionError):
            while line := self.rfile.readline():
                while self.rfile.readline() not in {b"\r\n", b""}:
                    pass
                if line.startswith(b"POST"):
                    self.server.bodies.append(self.rfile.read(4))
                self.wfile.write(self.server.answer)


@contextmanager
def answering(status: str) -> Iterator[tuple[int, Echo]]:
    """The server in a thread of its own; yields its port."""
    with Echo(status) as echo:
        thread = threading.Thread(target=echo.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield echo.server_address[1], echo
        finally:
            echo.shutdown()
            thread.join()


def numbered(path: Path, count: int) -> RequestFile:
    whole = [REQUEST % number for number in range(count)]
    path.write_bytes(b"".join(whole))
    return RequestFile(path, count, len(whole[0]))


wants_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@wants_wrk
@pytest.mark.process
def test_each_request_of_the_file_is_sent_once_and_each_201_counted(tmp_path: Path) -> None:
    file = numbered(tmp_path / "post.requests", 500)
    with answering("201 Created") as (port, echo):
        load = post(port, file, 20, may_run_out=True)
    assert load.exhausted
    assert load.seconds < 15
    assert len(set(echo.bodies)) == len(echo.bodies)
    assert 500 - 64 <= load.created <= len(echo.bodies) < 500  # wrk looks at the first request and drops it


@wants_wrk
@pytest.mark.process
def test_requests_that_run_out_void_a_run(tmp_path: Path) -> None:
    with answering("201 Created") as (port, _), pytest.raises(VoidRun, match="ran out"):
        post(port, numbered(tmp_path / "post.requests", 100), 20)


@wants_wrk
@pytest.mark.process
@pytest.mark.parametrize("status", ["200 OK", "503 Service Unavailable"])
def test_an_answer_that_is_no_201_voids_a_run(tmp_path: Path, status: str) -> None:
    with answering(status) as (port, _), pytest.raises(VoidRun, match=f"{status[:3]} answer"):
        post(port, numbered(tmp_path / "post.requests", 300), 20, may_run_out=True)


@wants_wrk
@pytest.mark.process
def test_nobody_there_voids_a_run(tmp_path: Path) -> None:
    with pytest.raises(VoidRun, match="wrk"):
        post(1, numbered(tmp_path / "post.requests", 10), 1)
