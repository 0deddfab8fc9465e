"""A paced load sends when it is time, whatever the answers take, and tells what was sent when."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.talks import served
from tools.bench.errors import VoidRun
from tools.bench.pacing import CONNECTIONS, post_at
from tools.bench.requests import RequestFile

pytestmark = pytest.mark.sockets

Answer = Callable[[bytes], Awaitable[bytes]]
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def hub(answer: Answer, got: list[tuple[float, bytes]]) -> AsyncIterator[int]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            while (line := await reader.readline()) != b"\r\n":
                head += line
            body = await reader.readexactly(4)
            got.append((asyncio.get_running_loop().time(), body))
            writer.write(await answer(body))

    async with served(talk, finished=True) as port:
        yield port


def requests(folder: Path, count: int) -> RequestFile:
    each = [b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n%04d" % number for number in range(count)]
    (folder / "requests").write_bytes(b"".join(each))
    return RequestFile(folder / "requests", count, len(each[0]))


async def test_requests_are_spread_over_the_time_and_named_by_digest(tmp_path: Path) -> None:
    got: list[tuple[float, bytes]] = []
    all_busy = asyncio.Event()

    async def slow(_: bytes) -> bytes:
        if len(got) == CONNECTIONS:
            all_busy.set()
        await all_busy.wait()  # one that waited for the answer before it sent the next would wait for ever
        return CREATED

    async with hub(slow, got) as port:
        paced = await post_at(port, requests(tmp_path, 40), 40, 1)
    assert paced.due.keys() == {sha256(b"%04d" % number).hexdigest() for number in range(40)}
    assert min(moment - paced.due[sha256(body).hexdigest()] for moment, body in got) > -0.001, "none before its turn"
    due = sorted(paced.due.values())
    assert due[-1] - due[0] == pytest.approx(39 / 40)


async def test_an_answer_that_is_no_201_voids_the_run(tmp_path: Path) -> None:
    async def refuse(body: bytes) -> bytes:
        return CREATED if body != b"0003" else b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"

    async with hub(refuse, []) as port:
        with pytest.raises(VoidRun, match=r"1 answers were no 201.*503"):
            await post_at(port, requests(tmp_path, 10), 100, 1)
