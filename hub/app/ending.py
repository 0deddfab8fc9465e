"""What asks a process to finish what it has and end: signals, and the end of the command that started it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

T = TypeVar("T")

_STDIN = 0
_READ_BYTES = 1024


def ending_signals() -> tuple[signal.Signals, ...]:
    """SIGTERM, SIGINT, and the SIGHUP of a closed terminal, but where it is ignored, as under `nohup`."""
    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return signal.SIGTERM, signal.SIGINT, *hung_up


@asynccontextmanager
async def bounded_after(told: asyncio.Event, seconds: float) -> AsyncIterator[asyncio.Timeout]:
    """Once this process is `told` to end, what is done in the block has so many seconds, then it is broken off.

    Raises TimeoutError, which is ours when the timeout that it yields has expired.
    """

    async def limit() -> None:
        await told.wait()
        bounds.reschedule(asyncio.get_running_loop().time() + seconds)

    limiting: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(None) as bounds:
            limiting = asyncio.create_task(limit())
            yield bounds
    finally:
        if limiting is not None:
            limiting.cancel()


async def open_unless(told: asyncio.Event, stack: AsyncExitStack, opening: AbstractAsyncContextManager[T]) -> T | None:
    """What `opening` gives, to be closed by the stack; None when this process is `told` to end before: nobody waits for it then.

    The database may be one that says nothing. Raises what `opening` raises.
    """
    bounds: asyncio.Timeout | None = None
    try:
        async with bounded_after(told, 0.0) as bounds:
            return await stack.enter_async_context(opening)
    except TimeoutError:
        if bounds is None or not bounds.expired():
            raise
        return None


def when_starter_ends(ended: Callable[[], None]) -> None:
    """Call `ended` from the running loop when standard input ends, which whoever started this process holds open while it lives.

    However that was ended, by kill -9 too: what it left would serve on, with the port and the database, and nobody to end it.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not os.read(_STDIN, _READ_BYTES):
            loop.remove_reader(_STDIN)
            ended()

    loop.add_reader(_STDIN, read)
