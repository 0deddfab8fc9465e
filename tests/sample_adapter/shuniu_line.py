"""`line`: pushes over TCP to systems that read JSON lines.

One connection for each batch. We write a greeting `{"password", "fence", "count"}` and a line for each item; the other side
answers with one line: `ok`, `ack <ack+jws>`, or `no <reason>`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, ClassVar

from pydantic import Field, SecretStr

from adapters.errors import (
    AdapterError,
    AnswerUnusable,
    Rejected,
    Stale,
    TimedOut,
    Unavailable,
    Unreachable,
    WrongCredentials,
)
from adapters.protocol import AdapterSecrets, AdapterSettings, Batch, Capability, Outcome, Pushed, Surroundings

REFUSALS: dict[str, tuple[type[AdapterError], str, str]] = {
    "password": (WrongCredentials, "口令不对", "wrong password"),
    "items": (Rejected, "拒收", "the items are not taken"),
    "busy": (Unavailable, "暂时不能接收", "not now"),
    "stale": (Stale, "已有更高的栅栏号", "a higher fence was seen"),
}


class LineSettings(AdapterSettings):
    """Where the system listens."""

    host: Annotated[str, Field(description="主机 / host")]
    port: Annotated[int, Field(ge=1, le=65535, description="端口 / port")]


class LineSecrets(AdapterSecrets):
    """What the system knows us by."""

    password: Annotated[SecretStr, Field(description="口令 / password")]


class LineAdapter:
    """Pushes JSON lines."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.PUSH})
    settings_type: ClassVar[type[AdapterSettings]] = LineSettings
    secrets_type: ClassVar[type[AdapterSecrets]] = LineSecrets

    def __init__(self, surroundings: Surroundings[LineSettings, LineSecrets]) -> None:
        self._given = surroundings

    async def push(self, batch: Batch) -> Pushed:
        """Write the batch and read one line."""
        left_s = (batch.expires - self._given.clock()).total_seconds()
        if left_s <= 0:
            raise Stale(reason="lease-over", zh="租约已到期", en="the lease is over")
        try:
            async with asyncio.timeout(min(self._given.limits.call_s, left_s)):
                line = await self._exchange(batch)
        except TimeoutError:
            raise TimedOut(reason="timed-out", zh="超时", en="no answer in time") from None
        except OSError:
            raise Unreachable(reason="no-connection", zh="连接不上或中断", en="no connection, or it broke") from None
        return _outcome(line)

    async def close(self) -> None:
        """Each batch closes its own connection."""

    async def _exchange(self, batch: Batch) -> bytes:
        settings, limit = self._given.settings, self._given.limits.acknowledgement_bytes
        reader, writer = await asyncio.open_connection(settings.host, settings.port, limit=limit)
        try:
            writer.write(self._greeting(batch) + b"".join(map(_line, batch.items)))
            await writer.drain()
            return await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            kept = await reader.read(512)
            if kept.startswith(b"ok"):
                return b"ok"
            raise AnswerUnusable(
                reason="answer-too-large", zh="应答过大", en="the answer is too large", answer=kept
            ) from error
        except asyncio.IncompleteReadError:
            raise ConnectionResetError from None
        finally:
            writer.close()

    def _greeting(self, batch: Batch) -> bytes:
        password = self._given.secrets.password.get_secret_value()
        return _json({"password": password, "fence": batch.fence, "count": len(batch.items)})


def _outcome(line: bytes) -> Pushed:
    word, _, rest = line.strip().partition(b" ")
    if word == b"ok":
        return Pushed(Outcome.TRANSPORT_CONFIRMED, answer=line[:512])
    if word == b"ack":
        return Pushed(Outcome.ACKNOWLEDGED, acknowledgement=rest, answer=line[:512])
    kind, zh, en = REFUSALS[rest.decode()]
    raise kind(reason=rest.decode(), zh=zh, en=en, answer=line)


def _line(item: Any) -> bytes:
    members = ("delivery", "sequence", "digest", "envelope")
    return _json({name: str(getattr(item, name)) for name in members})


def _json(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"
