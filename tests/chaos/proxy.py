"""A TCP proxy that cuts connections at any byte, delays what passes, and lets requests arrive long after their sender gave up."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

CUT, HELD, DELAYED = 0.10, 0.02, 0.05
"""How often: a connection is cut somewhere; a piece is held back while its sender is cut off; a piece is delayed."""

SHORTEST, LONGEST = 1, 200_000
"""Bytes after which a connection is cut, on a logarithmic scale: in a head as often as in a body."""

LONGEST_DELAY_S = 0.3
LONGEST_HELD_S = 6.0
"""Longer than the lease of the runs."""

PIECE = 1 << 16
QUIET_S = 0.1
"""Nothing for so long: what was being sent is all there."""


class _Cut(Exception):
    """The connection ends here."""


@dataclass(slots=True)
class Proxy:
    """Listens on `port` (once started) and passes on to `target`; harmless while `calm`.

    `hold_next` pieces are held for longest. What comes back from the target waits until `answers` is set.
    """

    target: int
    moments: random.Random
    port: int = 0
    calm: bool = False
    hold_next: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    done: Counter[str] = field(default_factory=Counter)
    _held: set[asyncio.Event] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.answers.set()

    async def drained(self) -> None:
        """Return when nothing is held back any more."""
        for over in list(self._held):
            await over.wait()

    async def close(self) -> None:
        """End every connection."""
        assert self._server is not None
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to pass on; whatever ends that, before its first step too, ends the connection."""
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._open.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._open.discard(done)
            writer.transport.abort()

        task.add_done_callback(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # closed by us: there is nobody to tell
            await self._pass(reader, writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream, downstream = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return
        there = asyncio.create_task(self._pump(reader, downstream, writer))
        back = asyncio.create_task(self._pump(upstream, writer, None))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            if there.done() and there.exception() is None and not back.done():
                await asyncio.wait({back}, timeout=1.0)
        finally:
            downstream.transport.abort()  # before anything is waited for: the waiting may be cut off
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sender: asyncio.StreamWriter | None
    ) -> None:
        """Pass on what comes; `sender` is who is cut off when a request is held back."""
        left = self._until_cut()
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if not self.calm and self.moments.random() < DELAYED:
                    self.done["delayed"] += 1
                    await asyncio.sleep(self.moments.uniform(0, LONGEST_DELAY_S))
                if sender is not None and self._is_to_be_held():
                    await self._hold(reader, piece, writer, sender)
                    return
                if sender is None:
                    await self.answers.wait()
                if len(piece) > left and not self.calm:
                    self.done["cut"] += 1
                    writer.write(piece[:left])
                    await writer.drain()
                    raise _Cut
                left -= len(piece)
                writer.write(piece)
                await writer.drain()

    def _is_to_be_held(self) -> bool:
        return self.hold_next > 0 or (not self.calm and self.moments.random() < HELD)

    def _until_cut(self) -> int:
        if self.moments.random() >= CUT:
            return 1 << 62
        return int(SHORTEST * (LONGEST / SHORTEST) ** self.moments.random())

    async def _hold(
        self, reader: asyncio.StreamReader, piece: bytes, writer: asyncio.StreamWriter, sender: asyncio.StreamWriter
    ) -> None:
        """Cut the sender off and deliver what it sent later, to whoever may think that it is new."""
        self.done["held"] += 1
        seconds = LONGEST_HELD_S if self.hold_next > 0 else self.moments.uniform(0, LONGEST_HELD_S)
        self.hold_next = max(0, self.hold_next - 1)
        over = asyncio.Event()
        self._held.add(over)
        try:
            held = bytearray(piece)
            with suppress(TimeoutError):
                while more := await asyncio.wait_for(reader.read(PIECE), QUIET_S):
                    held += more
            sender.transport.abort()
            await asyncio.sleep(seconds)
            writer.write(held)
            await writer.drain()
            await asyncio.sleep(QUIET_S)
        finally:
            over.set()
            self._held.discard(over)
