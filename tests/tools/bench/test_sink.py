"""The sink keeps count of what is pushed to it, by delivery and digest, however it arrives."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.harness import free_port
from tools.bench.errors import VoidRun
from tools.bench.servers import CHECKOUT
from tools.bench.sink import Memory, Sink

pytestmark = pytest.mark.sockets

ITEM = (
    '{"delivery":"0198f0c2-6a00-7cc3-98c4-%012d","exchange":"x","sequence":1,"digest":"sha-256:%064d","envelope":"e"}'
)


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink(free_port())
    process = subprocess.Popen(
        [sys.executable, *found.program.arguments], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == found.program.says
        yield found
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()


def body(*numbers: int) -> bytes:
    return ('{"items":[' + ",".join(ITEM % (number, number) for number in numbers) + "]}").encode()


def test_a_sink_remembers_what_came_in_pieces_too(sink: Sink) -> None:
    async def push() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
        for content in (body(1, 2), body(3)):
            writer.write(b"POST /push HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(content))
            for piece in (content[:50], content[50:]):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()

    assert (sink.items(), sink.last()) == (0, None)
    asyncio.run(push())
    assert sink.items() == 3
    arrived = sink.arrivals(1)
    assert [(delivery[-1], digest[-1]) for delivery, digest, _ in arrived] == [("2", "2"), ("3", "3")]
    assert arrived[-1][2] == sink.last()


def test_an_item_is_known_by_delivery_and_digest() -> None:
    memory = Memory()
    memory.keep(body(7))
    memory.keep(b"{}")
    assert [count for _, count in memory.pushes] == [1, 0]
    assert [item[:2] for item in memory.items] == [("0198f0c2-6a00-7cc3-98c4-000000000007", f"{7:064d}")]


def test_a_sink_that_is_not_there_voids_the_run() -> None:
    with pytest.raises(VoidRun, match="did not answer"):
        Sink(free_port()).items()
