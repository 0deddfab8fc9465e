"""The hub's side of the process that reads and writes workbooks (`catalog.sheets.clerk`): starts it, talks to it, ends it.

A process for each order: what a workbook does to it ends with it. While it works this process does other things.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from catalog.child import environment
from catalog.sheets.clerk import BYTES, HEAD, JSON

SILENCE_S = 120.0
"""Without a word for so long it hangs: reading the largest workbook takes a tenth of that on a busy machine."""


class ClerkLost(Exception):
    """The process died, by its limits or by somebody's hand, or fell silent."""


@dataclass(frozen=True, slots=True)
class Clerk:
    """One process with its pipes."""

    process: asyncio.subprocess.Process

    async def say(self, message: Mapping[str, Any]) -> None:
        """Send one message. Raises ClerkLost."""
        await self._send(JSON, orjson.dumps(message))

    async def say_raw(self, message: bytes) -> None:
        """Send a message that is JSON already. Raises ClerkLost."""
        await self._send(JSON, message)

    async def hand(self, data: bytes) -> None:
        """Send bytes. Raises ClerkLost."""
        await self._send(BYTES, data)

    async def hear(self, timeout_s: float = SILENCE_S) -> Any:
        """The next message, read as JSON, or the next bytes. Raises ClerkLost."""
        data = await self.hear_raw(timeout_s)
        return data if isinstance(data, bytes) else orjson.loads(data)

    async def hear_raw(self, timeout_s: float = SILENCE_S) -> bytes | memoryview:
        """The same, a message as the JSON that it is written in (a memoryview), to be read later."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                kind, length = HEAD.unpack(await self.process.stdout.readexactly(HEAD.size))
                data = await self.process.stdout.readexactly(length)
        except (asyncio.IncompleteReadError, TimeoutError) as fault:
            raise ClerkLost from fault
        return memoryview(data) if kind == JSON else data

    async def _send(self, kind: bytes, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(HEAD.pack(kind, len(data)) + data)
            await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as fault:
            raise ClerkLost from fault


@asynccontextmanager
async def hired() -> AsyncIterator[Clerk]:
    """A clerk for the length of the block; whatever it is doing then ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "catalog.sheets.clerk",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    try:
        yield Clerk(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
