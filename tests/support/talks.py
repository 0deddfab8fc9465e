"""A server of streams for the length of a block, after which nothing of it is open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(talk: Talk, path: Path | None = None, *, finished: bool = False) -> AsyncIterator[int]:
    """Hold `talk` with each caller, at the socket `path` or at a free port of 127.0.0.1, which is yielded (0 at a path).

    When the block ends, talks that go on are ended, or waited for with `finished`, and every connection is cut off,
    with what is unsent in it: one that is only closed stays open while its peer does not read. A fault in a talk that
    had ended by then, or was waited for, is raised.
    """
    talks: set[asyncio.Task[None]] = set()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(hold(reader, writer))
        task.add_done_callback(lambda _: writer.close())
        writers.append(writer)
        talks.add(task)

    writers: list[asyncio.StreamWriter] = []
    if path is None:
        server = await asyncio.start_server(begin, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
    else:
        server, port = await asyncio.start_unix_server(begin, path), 0
    try:
        yield port
        if finished:
            await asyncio.gather(*talks)
    finally:
        server.close()
        over = [task for task in talks if task.done()]
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
    for task in over:
        task.result()
