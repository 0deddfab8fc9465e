"""A process that has loaded the hub's code once, and from which gateways and workers are forked.

To load it takes a gateway two seconds of processor time, and tests that kill processes start hundreds. What comes out of a fork
runs `hub.cli.main`, as `python -m hub` does, with arguments, environment and log of its own; that the command itself starts is
shown by the tests of `shuniu up`, `gateway` and `worker`. The nursery has one thread and opens nothing before it forks.
"""

from __future__ import annotations

import atexit
import importlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import orjson

CHECKOUT = Path(__file__).resolve().parents[2]

LOADED = ("hub.cli", "hub.app.gateway", "hub.app.worker")

MAX_MESSAGE = 1 << 16

MEASURED = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
"""What has a process measure its coverage: twice the time to start and to answer, and nothing to show once it is killed."""


def unmeasured(own: Mapping[str, str]) -> dict[str, str]:
    """The environment with a process's own variables, and without those of `MEASURED`."""
    return {name: value for name, value in {**os.environ, **own}.items() if name not in MEASURED}


class Child:
    """A process of the nursery; used as a `Popen` is."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery

    def poll(self) -> int | None:
        """How it ended, as `Popen` says it; None while it runs."""
        return self._nursery.status(self.pid, 0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        status = self._nursery.status(self.pid, timeout)
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return status


class Nursery:
    """The test's side; one for each test process, started when it is first needed."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.nursery", str(theirs.fileno())],
                cwd=CHECKOUT,
                env=unmeasured({}),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._socket = ours
        self._ended: dict[int, int] = {}
        atexit.register(self._close)

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], changes: str, log: Path) -> Child:
        """Fork a process that runs `shuniu` with these arguments and writes to the end of `log`; does not wait for it."""
        message = orjson.dumps({"arguments": arguments, "environment": dict(environment), "changes": changes})
        assert len(message) < MAX_MESSAGE
        with log.open("ab") as file:
            socket.send_fds(self._socket, [message], [file.fileno()])
        while True:
            said = self._next(None)
            assert said is not None
            if "started" in said:
                self._ended.pop(said["started"], None)
                return Child(self, said["started"])

    def status(self, pid: int, timeout: float | None) -> int | None:
        """How the process ended; None when it has not within `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while pid not in self._ended:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if self._next(left) is None:
                break
        return self._ended.get(pid)

    def _next(self, timeout: float | None) -> dict[str, int] | None:
        """What the nursery says next, ends noted; None when it says nothing in time."""
        self._socket.settimeout(timeout)
        try:
            message = self._socket.recv(MAX_MESSAGE)
        except (TimeoutError, BlockingIOError):
            return None
        assert message, "the nursery has ended"
        said: dict[str, int] = orjson.loads(message)
        if "ended" in said:
            self._ended[said["ended"]] = said["status"]
        return said

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def nursery() -> Nursery:
    """That of this process."""
    return Nursery()


def apply(changes: str) -> None:
    """Give names of constants other values: `module.NAME=value`, separated by semicolons."""
    for change in filter(None, changes.split(";")):
        place, value = change.split("=")
        module, name = place.rsplit(".", 1)
        assert hasattr(importlib.import_module(module), name), place
        setattr(importlib.import_module(module), name, float(value) if "." in value else int(value))


def boot() -> None:
    """Run `shuniu` with the arguments of this process; the first of them are changes of constants."""
    apply(sys.argv.pop(1))
    from hub.cli import main  # after the changes

    main()


def _tend(channel: socket.socket) -> None:
    """Fork what is asked for and say what ended, until nobody asks any more; returns in each child, ready to begin."""
    assert threading.active_count() == 1
    selector = selectors.DefaultSelector()
    selector.register(channel, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                selector.unregister(key.fd)
                os.close(key.fd)
                _, status = os.waitpid(key.data, 0)
                channel.send(orjson.dumps({"ended": key.data, "status": os.waitstatus_to_exitcode(status)}))
                continue
            message, files, _, _ = socket.recv_fds(channel, MAX_MESSAGE, 1)
            if not message:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                kept = [key.fd for key in selector.get_map().values()]
                selector.close()
                for descriptor in kept:
                    os.close(descriptor)
                channel.detach()
                _become(orjson.loads(message), files[0])
                return
            os.close(files[0])
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
            channel.send(orjson.dumps({"started": pid}))


def _become(asked: dict[str, object], log: int) -> None:
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    environment, arguments, changes = asked["environment"], asked["arguments"], asked["changes"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    apply(str(changes))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: tests end their processes themselves
    for name in LOADED:
        importlib.import_module(name)
    _tend(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from hub.cli import main

    main()
