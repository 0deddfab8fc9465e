"""A consumer's endpoint that takes every push at once and remembers what came when; a process of its own.

`python -m tools.bench.sink PORT`. It answers 200 to every POST, as a receiver does that stores first and works later. What
it had is asked for with GET: `/counts`, and `/arrivals?from=N`. It verifies nothing: whether a receiver can keep up
is not what is measured; `hub.client` does that part.
"""

import asyncio
import json
import re
import signal
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from tools.bench.errors import VoidRun
from tools.bench.servers import Program

HOST = "127.0.0.1"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
ASK_S = 30.0

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ITEM = re.compile(rb'"delivery":"([0-9a-f-]{36})".*?"digest":"sha-256:([0-9a-f]{64})"')


@dataclass(slots=True)
class Memory:
    """What came: the moment (monotonic clock of the machine, seconds) of each push, its delivery ids and digests."""

    pushes: list[tuple[float, int]] = field(default_factory=list)
    items: list[tuple[str, str, float]] = field(default_factory=list)

    def keep(self, body: bytes) -> None:
        """Remember one push."""
        now = time.monotonic()
        found = [(delivery.decode(), digest.decode(), now) for delivery, digest in _ITEM.findall(body)]
        self.items += found
        self.pushes.append((now, len(found)))

    def told(self, target: str) -> object:
        """The answer to a question."""
        path, _, query = target.partition("?from=")
        if path == "/arrivals":
            return self.items[int(query or 0) :]
        return {
            "items": len(self.items),
            "pushes": len(self.pushes),
            "last": self.pushes[-1][0] if self.pushes else None,
        }


class _Connection(asyncio.Protocol):
    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._data = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._data[:end])
            length = _LENGTH.search(head)
            until = end + 4 + (int(length[1]) if length else 0)
            if len(self._data) < until:
                return
            body = bytes(self._data[end + 4 : until])
            del self._data[:until]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        assert self._transport is not None
        method, target = head.split(b" ", 2)[:2]
        if method == b"POST":
            self._memory.keep(body)
            self._transport.write(ANSWER)
            return
        told = json.dumps(self._memory.told(target.decode())).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(told) + told)
        self._transport.close()


async def serve(port: int) -> None:
    """Take pushes until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    memory = Memory()
    server = await loop.create_server(lambda: _Connection(memory), HOST, port)
    print("sink ready", flush=True)
    await stop.wait()
    server.close()


@dataclass(frozen=True, slots=True)
class Sink:
    """A sink as the bench sees it."""

    port: int

    @property
    def program(self) -> Program:
        """What to start."""
        return Program("sink", ("-m", "tools.bench.sink", str(self.port)), "sink ready")

    @property
    def url(self) -> str:
        """Where to push to."""
        return f"http://{HOST}:{self.port}/push"

    def items(self) -> int:
        """How many items have come."""
        return int(self._ask("/counts")["items"])

    def last(self) -> float | None:
        """When the last push came (monotonic clock, seconds)."""
        found: float | None = self._ask("/counts")["last"]
        return found

    def arrivals(self, first: int) -> list[tuple[str, str, float]]:
        """Delivery id, digest (hex) and moment of each item from the `first` on."""
        return [(delivery, digest, moment) for delivery, digest, moment in self._ask(f"/arrivals?from={first}")]

    def _ask(self, target: str) -> Any:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}{target}", timeout=ASK_S) as answer:
                return json.loads(answer.read())
        except OSError as fault:
            raise VoidRun(f"接收端没有回答：{fault}", f"the sink did not answer: {fault}") from fault


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
