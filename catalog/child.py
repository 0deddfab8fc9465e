"""The parent's side of the process that judges unknown schemas: starts it, asks it, kills it when it does not answer.

One helper lives as long as its parent and is started at first use, for starting costs a third of a second; a parent that has
loaded the helper's code and has one thread forks it instead. It gets next to no environment, so no secret; its limits are set by
itself (`judge`) before it reads the first schema.
"""

import atexit
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from catalog.schema import Schema

START_TIMEOUT_S: Final = 30.0  # imports on a busy two-core machine; not counted against the schema
BUSY: Final = 6
"""How many times as long as its processor time a question may take: a machine that has other work is no fault of the schema."""

_CHUNK: Final = 1 << 16

Refusal = dict[str, Any]

_LOST: Final[Refusal] = {
    "zh": "检查这个 Schema 超出了时间或内存限制；请简化格式（pattern）和值域",
    "en": "checking this schema took more time or memory than allowed; simplify its patterns and code lists",
    "field": None,
    "violations": [],
}


_NOT_STARTED: Final[Refusal] = {
    "zh": "检查 Schema 的辅助进程没有启动，不是 Schema 的问题；请管理员在服务器上运行 python -m catalog.judge 查看原因",
    "en": "the helper that checks schemas did not start, which is no fault of the schema; an operator sees why with"
    " python -m catalog.judge",
    "field": None,
    "violations": [],
}


class ChildLost(Exception):
    """The helper died or did not answer in time; it is gone now, the next question starts another."""


class ChildNotStarted(Exception):
    """The helper did not come up."""


class Forked:
    """A process that runs `work` as a copy of this one, which has one thread; spoken to and ended as a `Popen` is."""

    def __init__(self, work: Callable[[], None]) -> None:
        hears, asks = os.pipe()
        tells, answers = os.pipe()
        self.returncode: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            os.dup2(hears, 0)
            os.dup2(answers, 1)
            for descriptor in (hears, asks, tells, answers):
                os.close(descriptor)
            try:
                work()
            finally:
                os._exit(0)
        os.close(hears)
        os.close(answers)
        self.stdin = os.fdopen(asks, "wb")
        self.stdout = os.fdopen(tells, "rb", buffering=0)

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None and os.waitpid(self._pid, os.WNOHANG) != (0, 0):
            self.returncode = -1
        return self.returncode

    def kill(self) -> None:
        """End it."""
        if self.poll() is None:
            os.kill(self._pid, signal.SIGKILL)

    def communicate(self) -> None:
        """Close the pipes and wait for its end."""
        with suppress(OSError):
            self.stdin.close()
        self.stdout.close()
        if self.returncode is None:
            os.waitpid(self._pid, 0)
            self.returncode = -1


class JudgeProcess:
    """One helper process and the lock that makes its questions take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._owner = 0

    def adopt(self, helper: Forked) -> None:
        """Have a helper that is there already answer; it has not said yet that it is ready. Raises ChildLost if it never does."""
        with self._lock:
            self._end()
            _read_line(helper, START_TIMEOUT_S)
            self._process, self._owner = helper, os.getpid()

    def ask(self, question: bytes, timeout_s: float) -> bytes:
        """Return the helper's answer to one line; raises ChildLost if it dies or `timeout_s` seconds pass.

        Raises ChildNotStarted if there is none to be had.
        """
        with self._lock:
            process = self._running()
            try:
                _write_line(process, question)
                return _read_line(process, timeout_s)
            except (ChildLost, OSError) as error:
                self._end()
                raise ChildLost from error

    def close(self) -> None:
        """End the helper, if there is one."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes] | Forked:
        if self._owner != os.getpid():  # after a fork the helper is the parent's, with the parent's pipes
            self._process, self._owner = None, os.getpid()
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = _start()
        return self._process

    def _end(self) -> None:
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.communicate()
        self._process = None


def judge_schema(schema: Schema, *, timeout_s: float, memory_bytes: int) -> Refusal | None:
    """Return why the helper refuses the schema (zh, en, field, violations), or None if it accepts it.

    `timeout_s` are seconds of the processor, which the helper sees to itself.
    """
    question = orjson.dumps({"schema": schema, "timeout_s": timeout_s, "memory_bytes": memory_bytes})
    try:
        answer: Refusal | None = orjson.loads(JUDGE.ask(question, BUSY * timeout_s))
    except ChildLost:
        return _LOST
    except ChildNotStarted:
        return _NOT_STARTED
    return answer


def _start() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "catalog.judge"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,  # a terminal's Ctrl-C is for the parent, whose end closes our stdin
    )
    try:
        _read_line(process, START_TIMEOUT_S)
    except ChildLost as error:
        process.kill()
        process.communicate()
        raise ChildNotStarted from error
    return process


def environment() -> dict[str, str]:
    """Return what the interpreter needs to find its libraries and this package, and nothing else."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return kept | {"PYTHONPATH": str(Path(__file__).parent.parent)}


def _write_line(process: subprocess.Popen[bytes] | Forked, line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line + b"\n")
    process.stdin.flush()


def _read_line(process: subprocess.Popen[bytes] | Forked, timeout_s: float) -> bytes:
    assert process.stdout is not None
    deadline = time.monotonic() + timeout_s
    descriptor = process.stdout.fileno()
    line = b""
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(descriptor, _CHUNK) if readable else b""
        if not chunk:
            raise ChildLost
        line += chunk
    return line


JUDGE: Final = JudgeProcess()
atexit.register(JUDGE.close)
