"""Clients under load that keep every answer: they post, resend the same bytes until somebody answers, ask again for what they
have a receipt for, send the same bytes to two gateways at once, and two envelopes under one `jti`."""

import asyncio
import base64
import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TextIO

from tests.support.wire import Answer, Connection
from tests.support.world import TestSystem, new_jti, record

AGAIN_S = 0.05
PATIENCE_S = 6.0
"""How long a client waits for an answer before it asks again on another connection."""

REPEATED, TWICE, RIVALLED = 0.05, 0.05, 0.03
"""How often: an old envelope again; the same bytes to two gateways at once; two envelopes under one `jti` at once."""

REMEMBERED = 200


@dataclass(slots=True)
class Posting:
    """What one client posts: a system's envelopes for a resource. `ends` is set once its system may no longer send."""

    system: TestSystem
    res: str
    ended: bool = False


@dataclass(slots=True)
class Clients:
    """As `async with`: clients of the gateways at `ports`, one for each of `postings`, writing to `path`."""

    ports: Sequence[int]
    postings: Sequence[Posting]
    path: Path
    moments: random.Random
    pause_s: float
    receipts: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    resent: int = 0
    _stop: bool = False
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _file: TextIO | None = None

    async def __aenter__(self) -> "Clients":
        self._file = self.path.open("w", encoding="utf-8")
        self._tasks = [asyncio.create_task(self._post_all(posting)) for posting in self.postings]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.finish()
        assert self._file is not None
        self._file.close()

    async def finish(self) -> None:
        """Let each client come to the end of what it is at."""
        self._stop = True
        await asyncio.gather(*self._tasks)

    async def _post_all(self, posting: Posting) -> None:
        old: list[bytes] = []
        while not (self._stop or posting.ended):
            draw = self.moments.random()
            if draw < REPEATED and old:
                await self._post(posting, self.moments.choice(old))
            elif draw < REPEATED + TWICE:
                envelope = self._envelope(posting)
                await asyncio.gather(self._post(posting, envelope), self._post(posting, envelope))
            elif draw < REPEATED + TWICE + RIVALLED:
                jti = new_jti()
                await asyncio.gather(*(self._post(posting, self._envelope(posting, jti)) for _ in range(2)))
            else:
                envelope = self._envelope(posting)
                if await self._post(posting, envelope):
                    old = [*old[-REMEMBERED:], envelope]
            await asyncio.sleep(self.pause_s)

    def _envelope(self, posting: Posting, jti: str | None = None) -> bytes:
        return posting.system.exchange(posting.res, [record(next(self._numbers))], jti=jti)

    async def _post(self, posting: Posting, envelope: bytes) -> bool:
        """Send these bytes until there is an answer; whether it is a receipt."""
        posted_at = time.monotonic()
        while True:
            answer = await self._ask(envelope)
            if answer is not None and answer.status != 503:
                break
            self.resent += 1
            await asyncio.sleep(AGAIN_S)
        has_receipt = answer.status in (200, 201)
        self._write(envelope, answer, posted_at, has_receipt)
        if has_receipt:
            self.receipts += 1
        else:
            self.refused[answer.slug] += 1
            posting.ended = posting.ended or answer.slug == "certificate-revoked"
        return has_receipt

    async def _ask(self, envelope: bytes) -> Answer | None:
        """One try on one connection, with any gateway."""
        try:
            async with asyncio.timeout(PATIENCE_S), Connection(self.moments.choice(self.ports)) as connection:
                return await connection.post(envelope)
        except OSError:
            return None

    def _write(self, envelope: bytes, answer: Answer, posted_at: float, has_receipt: bool) -> None:
        header = json.loads(_decoded(envelope.split(b".")[0]))
        line = {
            "sender": header["iss"],
            "jti": header["jti"],
            "digest": f"sha-256:{hashlib.sha256(envelope).hexdigest()}",
            "posted_at": posted_at,
            "answered_at": time.monotonic(),
            "status": answer.status,
            "receipt": answer.body.decode() if has_receipt else "",
        }
        assert self._file is not None
        self._file.write(json.dumps(line) + "\n")


def _decoded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
