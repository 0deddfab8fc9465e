"""The hub's side of the processes that read and write workbooks (`catalog.sheets.clerk`): has them made, talks to them, ends them.

A process for each order: what a workbook does to it ends with it. While it works this process does other things. They are forked
from one that has loaded what they need (`hub.publishing.imports.office`).
"""

import asyncio
import atexit
import itertools
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson

from catalog.child import environment
from catalog.sheets.clerk import BYTES, HEAD, JSON
from hub.publishing.imports.office import DISMISS, HIRE, NUMBER

SILENCE_S = 120.0
"""Without a word for so long it hangs: reading the largest workbook takes a tenth of that on a busy machine."""


START_S = 60.0
"""The process that clerks come from has loaded everything by then, or never will."""


class ClerkLost(Exception):
    """The process died, by its limits or by somebody's hand, or fell silent."""


@dataclass(frozen=True, slots=True)
class Clerk:
    """One process, as it is spoken to."""

    heard: asyncio.StreamReader
    said: asyncio.StreamWriter

    async def say(self, message: Mapping[str, Any]) -> None:
        """Send one message. Raises ClerkLost."""
        await self._send(JSON, orjson.dumps(message))

    async def say_raw(self, message: bytes) -> None:
        """Send a message that is JSON already. Raises ClerkLost."""
        await self._send(JSON, message)

    async def hand(self, data: bytes) -> None:
        """Send bytes. Raises ClerkLost."""
        await self._send(BYTES, data)

    async def hear(self, timeout_s: float = SILENCE_S) -> Any:
        """The next message, read as JSON, or the next bytes. Raises ClerkLost."""
        data = await self.hear_raw(timeout_s)
        return data if isinstance(data, bytes) else orjson.loads(data)

    async def hear_raw(self, timeout_s: float = SILENCE_S) -> bytes | memoryview:
        """The same, a message as the JSON that it is written in (a memoryview), to be read later."""
        try:
            async with asyncio.timeout(timeout_s):
                kind, length = HEAD.unpack(await self.heard.readexactly(HEAD.size))
                data = await self.heard.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionResetError, TimeoutError) as fault:
            raise ClerkLost from fault
        return memoryview(data) if kind == JSON else data

    async def _send(self, kind: bytes, data: bytes) -> None:
        try:
            self.said.write(HEAD.pack(kind, len(data)) + data)
            await self.said.drain()
        except (BrokenPipeError, ConnectionResetError) as fault:
            raise ClerkLost from fault


class Office:
    """The process that clerks come from (`hub.publishing.imports.office`), started when one is needed and there is none.

    Like the helper that judges schemas it belongs to its process, not to an event loop; its methods block for a moment, and
    for the length of a start. All may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._desk: socket.socket | None = None
        self._owner = 0

    def hire(self, number: int, theirs: socket.socket) -> None:
        """Have a clerk do the order which comes over `theirs`; `number` is for its dismissal. Raises ClerkLost."""
        with self._lock:
            if self._owner != os.getpid():  # after a fork it is the parent's
                self._process, self._desk, self._owner = None, None, os.getpid()
            for _ in range(2):  # one that has just ended for want of work is met with once
                if self._desk is None:
                    self._start()
                if self._ask(HIRE, number, theirs):
                    return
            raise ClerkLost

    def dismiss(self, number: int) -> None:
        """End the clerk of that number, whatever it is doing, if there is one."""
        with self._lock:
            if self._owner == os.getpid() and self._desk is not None:
                self._ask(DISMISS, number)

    def close(self) -> None:
        """End the process, if there is one; clerks that work end when their sockets are closed."""
        with self._lock:
            if self._owner == os.getpid():
                self._end()

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "hub.publishing.imports.office", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        ours.settimeout(START_S)
        self._desk = ours

    def _ask(self, what: bytes, number: int, *handed: socket.socket) -> bool:
        """Whether it was done: not, when there is nobody any more."""
        assert self._desk is not None
        message = NUMBER.pack(number)
        try:
            socket.send_fds(self._desk, [what + message], [one.fileno() for one in handed])
            done = self._desk.recv(len(message)) == message
        except OSError:  # a timeout is one
            done = False
        if not done:
            self._end()
        return done

    def _end(self) -> None:
        if self._desk is not None:
            self._desk.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process, self._desk = None, None


OFFICE: Final = Office()
atexit.register(OFFICE.close)

_numbers = itertools.count(1)


@asynccontextmanager
async def hired() -> AsyncIterator[Clerk]:
    """A clerk for the length of the block; whatever it is doing then ends. Raises ClerkLost."""
    number = next(_numbers)
    ours, theirs = socket.socketpair()
    with theirs:
        heard, said = await asyncio.open_unix_connection(sock=ours)
        try:
            await asyncio.to_thread(OFFICE.hire, number, theirs)
            theirs.close()
            yield Clerk(heard, said)
        finally:
            said.transport.abort()
            await asyncio.to_thread(OFFICE.dismiss, number)
