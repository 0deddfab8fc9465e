"""Command lines as a user types them, each user with a configuration folder of their own."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub import cli


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command line left: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON; a failure shows what the command said."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as one JSON value for each line."""
        assert self.code == 0, self.err
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody at a terminal."""

    home: Path

    def types(self, *words: object, stdin: bytes = b"") -> Outcome:
        """Run one command line in this process."""
        out, err = _stream(), _stream()
        entered = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        with (
            _environment(XDG_CONFIG_HOME=str(self.home)),
            _standard_input(entered),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = cli.run([str(word) for word in words])
        return Outcome(code, _written(out), _written(err))

    def signs_in(self, url: str, login: str, password: str) -> Outcome:
        """Open a session with a password from standard input."""
        return self.types(
            "login", "--url", url, "--user", login, "--password-file", "-", "--json", stdin=password.encode()
        )


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    data = stream.buffer
    assert isinstance(data, io.BytesIO)
    return data.getvalue().decode()


@contextlib.contextmanager
def _standard_input(stream: io.TextIOWrapper) -> Iterator[None]:
    before, sys.stdin = sys.stdin, stream
    try:
        yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def _environment(**changes: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
