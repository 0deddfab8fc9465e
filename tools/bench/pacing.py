"""A load of so many requests a second, evenly spaced, whatever the answers take: what latency at a given rate needs."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from tools.bench.errors import VoidRun
from tools.bench.requests import RequestFile

CONNECTIONS = 16
DRAIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Paced:
    """Digest (hex) of each envelope that was accepted, with the moment (monotonic clock, seconds) at which it was due to be sent."""

    due: dict[str, float]


@dataclass(slots=True)
class _Sender(asyncio.Protocol):
    """One connection with one request at a time."""

    free: "asyncio.Queue[_Sender]"
    failed: list[str]
    transport: asyncio.Transport | None = None
    data: bytearray = field(default_factory=bytearray)
    answers: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.free.put_nowait(self)

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, mark, rest = bytes(self.data).partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        if not head.startswith(b"HTTP/1.1 201"):
            self.failed.append(f"{head[:40]!r} {rest[:200]!r}")
        self.data.clear()
        self.answers += 1
        self.free.put_nowait(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.failed.append(type(exc).__name__)

    def send(self, request: bytes) -> None:
        assert self.transport is not None
        self.transport.write(request)


async def post_at(port: int, file: RequestFile, per_second: int, seconds: int) -> Paced:
    """Post the file's requests at that rate. Raises VoidRun for any answer that is no 201.

    A request whose turn has come waits for a free connection; its time is counted from its turn.
    """
    requests = _read(file, per_second * seconds)
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[_Sender] = asyncio.Queue()
    failed: list[str] = []
    made = [await loop.create_connection(lambda: _Sender(free, failed), "127.0.0.1", port) for _ in range(CONNECTIONS)]
    due: dict[str, float] = {}
    began = time.monotonic()
    for number, request in enumerate(requests):
        turn = began + number / per_second
        if (wait := turn - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        sender = await asyncio.wait_for(free.get(), DRAIN_S)
        due[sha256(request.partition(b"\r\n\r\n")[2]).hexdigest()] = turn
        sender.send(request)
    for _ in range(CONNECTIONS):
        await asyncio.wait_for(free.get(), DRAIN_S)
    for transport, _ in made:
        transport.close()
    if failed:
        raise VoidRun(
            f"有 {len(failed)} 个回答不是 201：{failed[0]}", f"{len(failed)} answers were no 201, such as {failed[0]}"
        )
    return Paced(due)


def _read(file: RequestFile, count: int) -> Sequence[bytes]:
    with file.path.open("rb") as requests:
        return [requests.read(file.size) for _ in range(min(count, file.count))]
