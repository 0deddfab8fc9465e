"""HTTP/1.1 as uvicorn speaks it, with bounds on the head of a request, and a way to answer in one write.

A connection that says nothing, or says it a byte at a time, costs one socket and is closed after `HEAD_TIMEOUT_S`.

A scope carries `shuniu.answer`: an application that has its whole answer at hand gives it there instead of sending two
ASGI messages. uvicorn writes head and body separately, which on a small answer is one system call, and one waking of the
client, too many.
"""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_BYTES = 32 << 10
"""Request line and headers: ours need less than 1 KiB; common servers allow 8 to 64."""

HEAD_TIMEOUT_S = 10.0
"""From the opening of a connection, or the first byte of a later request, to the end of its head."""

TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 49\r\nconnection: close\r\n\r\nthe request head exceeds 32 KiB; send less in it\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    _in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to the head; hand it on."""
        if self._in_head:
            self._head_bytes += len(data)
            # a body that arrives with its head is counted too: a chunk is at most 256 KiB, so look at what follows it
            if self._head_bytes > MAX_HEAD_BYTES and b"\r\n\r\n" not in data[: MAX_HEAD_BYTES + 4]:
                self.transport.write(TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins: its head has a time to end in."""
        super().on_message_begin()
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._stop_timer()
        self._in_head = False
        super().on_headers_complete()
        self.scope["shuniu.answer"] = partial(self._answer, self.cycle)  # type: ignore[typeddict-unknown-key]

    def on_message_complete(self) -> None:
        """What follows is the head of the next request."""
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def _answer(
        self, cycle: RequestResponseCycle, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> None:
        """Write the whole response of `cycle`: head, length and body in one piece, and be done with it."""
        if cycle.disconnected or cycle.response_started:
            return
        cycle.response_started = cycle.response_complete = True
        head = [STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            head += (name, b": ", value, b"\r\n")
        head.append(b"content-length: %d\r\n" % len(body))
        head.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        head.append(body)
        self.transport.write(b"".join(head))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        self.transport.close()
