"""HTTP/1.1 as uvicorn speaks it, with bounds on what a request takes to arrive, and an express lane for posted envelopes.

A connection that says nothing, or says it a byte at a time, costs one socket and is closed after `HEAD_TIMEOUT_S`; one
whose body does not come to its end is closed after `BODY_TIMEOUT_S`, whatever its request was answered meanwhile.

The express lane. A posted envelope is one small message with one small answer; a task, an event, a scope and five ASGI
messages for it cost as much as checking its signature. Where the application has a `posting` door, a plain POST of known
length to `EXPRESS_PATH` is gathered here and handed over whole, and the answer is written in one piece. A stand-in
takes the place of uvicorn's request cycle meanwhile, so that keep-alive, pipelining, disconnection and shutdown go on as
uvicorn does them. Whatever is not plain (no length, too long, `Expect`, a request pipelined behind another, a client that
does not read its answers) goes the ordinary way.

An offer to go on in another protocol (`Upgrade: h2c`, as `curl --http2` makes it) is passed over, as RFC 9110 §7.8 lets a
server do. The parser believes that HTTP ends with the head of such a request, and would read its body as the next
request; so the head is given once more, without the offer, to a new parser, which then reads on.

Behind a reverse proxy that the application was told of, the address of a request is the one that the proxy has seen.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hub.api.problems import problem
from hub.api.requests import english_wanted, request_id_from
from hub.app.proxies import Proxies
from hub.errors import Refused

EXPRESS_PATH = b"/v1/exchanges"

MAX_HEAD_BYTES = 32 << 10
"""Request line and headers: ours need less than 1 KiB; common servers allow 8 to 64."""

HEAD_TIMEOUT_S = 10.0
"""From the opening of a connection, or the first byte of a later request, to the end of its head."""

BODY_TIMEOUT_S = 35.0
"""From the end of the head to that of the body. A little more than the doors wait, so that they can say what is wrong."""

MAX_EXPRESS_BYTES = 64 << 10
"""Largest body of the express lane: what uvicorn, too, holds of a body before anybody asks for it."""

END_OF_HEAD = b"\r\n\r\n"

TOO_LARGE = Refused(
    f"请求行与头部共超过 {MAX_HEAD_BYTES >> 10} KiB；请减少其中的内容",
    f"request line and headers exceed {MAX_HEAD_BYTES >> 10} KiB; send less in them",
    slug="head-too-large",
)

MALFORMED = Refused(
    "请求不合 HTTP/1.1，读不下去；请检查请求行、头部、Content-Length 和分块",
    "the request is not HTTP/1.1 and cannot be read on; check request line, headers, Content-Length and chunks",
    slug="malformed-request",
)

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
        self._proxies: Proxies = getattr(self.app, "proxies", Proxies())
        self._proxy: str | None = None
        self._posted: _Posted | None = None
        self._head_bytes = 0
        self._head_tail = b""
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if self.client is not None and self._proxies.trust(self.client[0]):
            self._proxy = self.client[0]
        self._wait_at_most(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to the head, hand it on, and see to it that what is not here yet has its time."""
        if self._in_head and self._is_too_large(data):
            self._break_off(TOO_LARGE)
            return
        self._parse(data)
        if self._timer is not None or self.transport.is_closing():
            return
        if not self._in_head:
            self._wait_at_most(BODY_TIMEOUT_S)
        elif self._is_idle:
            self._wait_at_most(HEAD_TIMEOUT_S)  # uvicorn's own timer ended with the first byte

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes after a chunked body is none."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is here: the express lane, or the ordinary way."""
        if self.parser.should_upgrade():
            return  # it comes once more, without the offer
        self._stop_waiting()
        self._in_head = False
        if self._proxy is not None:
            self.scope["client"] = (self._proxies.caller(self._proxy, self.headers), 0)
        if (
            self._door is not None
            and self.url == EXPRESS_PATH
            and self._is_plain(min(self._door.max_bytes, MAX_EXPRESS_BYTES))
        ):
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
        if self.parser.should_upgrade():
            return
        self._stop_waiting()
        self._in_head = True
        self._head_bytes, self._head_tail = 0, b""
        posted, self._posted = self._posted, None
        if posted is None:
            super().on_message_complete()
            return
        assert self._door is not None
        client = self.scope["client"]
        address = client[0] if client else ""
        body = posted.chunks[0] if len(posted.chunks) == 1 else b"".join(posted.chunks)
        self._door.express(posted.headers, body, address, partial(self._answer, posted))

    def _parse(self, data: bytes) -> None:
        """Let the parser read; a head that offers an upgrade is read again without the offer, and what follows it after it."""
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        try:
            while True:
                try:
                    self.parser.feed_data(rest)
                    return
                except httptools.HttpParserUpgrade as offer:
                    rest = rest[offer.args[0] :]
                    self._read_again()
        except httptools.HttpParserError:
            self.logger.warning("what arrived is no HTTP request")
            self._break_off(MALFORMED)

    def _break_off(self, refusal: Refused) -> None:
        """End the connection, for where the next request begins is not known; an answer that is pending is given before that.

        What is refused here would be taken for it: an envelope would seem to be refused that was accepted.
        """
        cycle: Any = self.cycle
        in_own_body = not self._in_head and not getattr(cycle, "response_started", False)
        if not self.pipeline and (self._is_idle or in_own_body):
            self._refuse(refusal)
        elif self._in_head:
            self.flow.pause_reading()
            cycle.keep_alive = False  # the last request that came whole: those before it are answered first
        else:
            self.transport.close()

    def _refuse(self, refusal: Refused) -> None:
        """Answer what no application was asked, and end the connection."""
        seen = self.headers or []
        response = problem(refusal, request_id=request_id_from(seen), english=english_wanted(seen))
        head = [STATUS_LINE[response.status_code]]
        for name, value in (*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")):
            head += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join([*head, b"\r\n", bytes(response.body)]))
        self.transport.close()

    def _read_again(self) -> None:
        """Give the head that has just been read to a new parser, without the offer of another protocol."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise httptools.HttpParserInvalidMethodError("there is nothing to connect to")
        head = [b"%s %s HTTP/%s\r\n" % (method, self.url, version.encode())]
        head += [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(b"".join(head) + b"\r\n")

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete

    def _is_too_large(self, data: bytes) -> bool:
        """Whether the head, so far, is beyond its bound; a body that arrives together with its head is not counted."""
        self._head_bytes += len(data)
        if self._head_bytes <= MAX_HEAD_BYTES:
            self._head_tail = (self._head_tail + data[-len(END_OF_HEAD) :])[-len(END_OF_HEAD) :]
            return False
        # the mark of the head's end may have come in pieces
        return END_OF_HEAD not in self._head_tail + data[: MAX_HEAD_BYTES + len(END_OF_HEAD)]

    def _is_plain(self, max_bytes: int) -> bool:
        """Whether the request whose head has arrived may take the express lane."""
        if self.parser.get_method() != b"POST" or self.expect_100_continue:
            return False
        if self.parser.get_http_version() != "1.1" or not self._is_idle or self.flow.write_paused:
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
