"""A light HTTP/1.1 client: one kept connection, one request at a time, bytes as they came. It knows nothing of the hub."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import orjson

WITHIN_S = 30.0
"""An answer that takes longer fails the test, whatever else is going on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and body of one answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return orjson.loads(self.body)

    @property
    def slug(self) -> str:
        """The slug of a problem document."""
        found: str = self.json()["type"].rpartition("/")[2]
        return found


class _Protocol(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = bytearray()
        self.waiting: asyncio.Future[Answer] | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.waiting is not None and (answer := self._take()) is not None:
            self._settle(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(exc or ConnectionResetError("closed without an answer"))

    def _settle(self, answer: Answer) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(answer)

    def _take(self) -> Answer | None:
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        status, *lines = bytes(self.received[:end]).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = end + 4 + int(headers.get("content-length", "0"))
        if len(self.received) < size:
            return None
        body = bytes(self.received[end + 4 : size])
        del self.received[:size]
        return Answer(int(status.split(" ")[1]), headers, body)


class Connection:
    """A connection to a port of this machine. Requests raise `OSError` when it breaks before the answer is complete."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._transport: asyncio.Transport | None = None
        self._protocol: _Protocol | None = None

    async def __aenter__(self) -> "Connection":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def open(self) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WITHIN_S):
            self._transport, self._protocol = await loop.create_connection(_Protocol, "127.0.0.1", self.port)

    def close(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self._transport is not None
        self._transport.write(data)

    async def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and wait for its answer."""
        lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)
        return await self.answer()

    async def post(self, envelope: bytes, path: str = "/v1/exchanges") -> Answer:
        """Post a signed message."""
        return await self.request("POST", path, envelope, {"content-type": "application/jose"})

    async def answer(self) -> Answer:
        """The next answer, parts of which may be here already."""
        assert self._protocol is not None
        if self._protocol.closed.done():
            raise ConnectionResetError("closed")
        self._protocol.waiting = asyncio.get_running_loop().create_future()
        self._protocol.data_received(b"")
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._protocol.waiting
        finally:
            self._protocol.waiting = None

    async def closed_by_peer(self, seconds: float) -> bool:
        """Whether the other side closes within `seconds`."""
        assert self._protocol is not None
        done, _ = await asyncio.wait([self._protocol.closed], timeout=seconds)
        return bool(done)

    @property
    def received(self) -> bytes:
        """What has come that belongs to no answer yet."""
        assert self._protocol is not None
        return bytes(self._protocol.received)
