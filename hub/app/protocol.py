"""HTTP/1.1 as uvicorn speaks it, with bounds on the head of a request, and an express lane for posted envelopes.

A connection that says nothing, or says it a byte at a time, costs one socket and is closed after `HEAD_TIMEOUT_S`.

The express lane. A posted envelope is one small message with one small answer; a task, an event, a scope and five ASGI
messages for it cost as much as checking its signature. Where the application has a `posting` door, a plain POST of known
length to `EXPRESS_PATH` is gathered here and handed over whole, and the answer is written in one piece. A stand-in
takes the place of uvicorn's request cycle meanwhile, so that keep-alive, pipelining, disconnection and shutdown go on as
uvicorn does them. Whatever is not plain (no length, too long, `Expect`, an upgrade, a request pipelined behind another)
goes the ordinary way.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

EXPRESS_PATH = b"/v1/exchanges"

MAX_HEAD_BYTES = 32 << 10
"""Request line and headers: ours need less than 1 KiB; common servers allow 8 to 64."""

HEAD_TIMEOUT_S = 10.0
"""From the opening of a connection, or the first byte of a later request, to the end of its head."""

BODY_TIMEOUT_S = 35.0
"""From the end of the head to that of the body. A little more than the doors wait, so that they can say what is wrong."""

END_OF_HEAD = b"\r\n\r\n"

TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 49\r\nconnection: close\r\n\r\nthe request head exceeds 32 KiB; send less in it\n"
)


BODY_TIMEOUT_S = 30.0
"""From the end of the head to the end of the body."""

Headers = Iterable[tuple[bytes, bytes]]


class Door(Protocol):
    """Takes messages that have arrived whole; calls `answer` once."""

    @property
    def max_bytes(self) -> int:
        """Bytes of the largest body that is worth gathering."""

    def express(
        self,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        address: str,
        answer: Callable[[int, Headers, bytes], None],
    ) -> None:
        """Take one message."""


class _Posted:
    """Stands in for uvicorn's request cycle while an envelope is in the express lane."""

    __slots__ = ("chunks", "disconnected", "headers", "keep_alive", "message_event", "response_complete")

    def __init__(self, headers: list[tuple[bytes, bytes]], keep_alive: bool) -> None:
        self.headers = headers
        self.keep_alive = keep_alive
        self.chunks: list[bytes] = []
        self.disconnected = False
        self.response_complete = False
        self.message_event = _NOBODY_WAITS


class _NobodyWaits:
    def set(self) -> None:
        """Nobody waits."""


_NOBODY_WAITS = _NobodyWaits()


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._door: Door | None = getattr(self.app, "posting", None)
        self._posted: _Posted | None = None
        self._head_bytes = 0
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_at_most(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._stop_waiting()
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
        if self._posted is not None and self._timer is None:
            self._wait_at_most(BODY_TIMEOUT_S)

    def on_message_begin(self) -> None:
        """A request begins: its head has a time to end in."""
        super().on_message_begin()
        if self._timer is None:
            self._wait_at_most(HEAD_TIMEOUT_S)

    def on_headers_complete(self) -> None:
        """The head is here: the express lane, or the ordinary way."""
        self._stop_waiting()
        self._in_head = False
        if self._door is not None and self.url == EXPRESS_PATH and self._is_plain(self._door.max_bytes):
            self._posted = self.cycle = _Posted(self.headers, self.parser.should_keep_alive())  # type: ignore[assignment]
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Gather the body of a posted envelope."""
        if self._posted is not None:
            self._posted.chunks.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand a posted envelope over; what follows is the head of the next request."""
        self._in_head = True
        self._head_bytes = 0
        posted, self._posted = self._posted, None
        if posted is None:
            super().on_message_complete()
            return
        self._stop_waiting()
        assert self._door is not None
        address = self.client[0] if self.client else ""
        body = posted.chunks[0] if len(posted.chunks) == 1 else b"".join(posted.chunks)
        self._door.express(posted.headers, body, address, partial(self._answer, posted))

    def _is_plain(self, max_bytes: int) -> bool:
        """Whether the request whose head has arrived may take the express lane."""
        if self.parser.get_method() != b"POST" or self.expect_100_continue or self.parser.should_upgrade():
            return False
        before: Any = self.cycle
        if self.parser.get_http_version() != "1.1" or not (before is None or before.response_complete):
            return False
        for name, value in self.headers:
            if name == b"content-length":
                return value.isdigit() and int(value) <= max_bytes
        return False

    def _answer(self, posted: _Posted, status: int, headers: Headers, body: bytes) -> None:
        """Write the whole response to a posted envelope in one piece, and be done with it."""
        posted.response_complete = True
        if posted.disconnected or self.transport.is_closing():
            return
        head = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *headers):
            head += (name, b": ", value, b"\r\n")
        head.append(b"content-length: %d\r\n" % len(body))
        head.append(b"\r\n" if posted.keep_alive else b"connection: close\r\n\r\n")
        head.append(body)
        self.transport.write(b"".join(head))
        if not posted.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _wait_at_most(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()
