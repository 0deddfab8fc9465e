"""A receiver of pushes as a process of its own: it believes what the contract lets it believe, and writes down everything.

`python -m tests.chaos.sink CONFIG.json`. Each push is one line, written by one call before the answer goes out: what a killed
process had written stays, and a line that its death cut short had no answer. After a restart the sink remembers what the
file says. Until the file `calm` appears it misbehaves now and then: it is busy, slow, goes away without an answer, or (where
`rejects` says so) will not take an item.
"""

import asyncio
import base64
import hashlib
import json
import os
import random
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs import envelope
from certs.suites import KeySigner
from hub.client.push import MAX_PUSH_BYTES, Push, PushRefused, PushTrust, verify_push
from hub.client.push_guard import Judgement, PushGuard, Verdict
from tests.chaos.records import Arrival, Item

BUSY, SLOW, SILENT, REJECTING = 0.03, 0.03, 0.03, 0.05
"""How often, of all pushes, a sink is busy, slow, silent, or rejects what it was sent."""

LONGEST_S = 4.0
"""The slowest answer: longer than a call may take."""


@dataclass
class Sink:
    """One process's memory: its guard, its file, and when it misbehaves."""

    config: dict[str, Any]
    trust: PushTrust
    moods: random.Random
    guard: PushGuard = field(default_factory=PushGuard)
    file: int = -1

    @classmethod
    def open(cls, config: dict[str, Any]) -> "Sink":
        """The sink as its file remembers it."""
        path = Path(config["record"])
        trust = PushTrust.load(Path(config["trust"]), hub=config["hub"])
        sink = cls(config, trust, random.Random(config["seed"]))
        fences: dict[str, int] = {}
        had: list[str] = []
        if path.exists():
            for text in path.read_text(encoding="utf-8").split("\n"):
                with suppress(ValueError):
                    line = json.loads(text)
                    if "items" in line and line["verdict"] != Verdict.STALE:
                        fences[line["lane"]] = max(line["fence"], fences.get(line["lane"], 0))
                        had += line["kept"]
        sink.guard = PushGuard.restored({"fences": fences, "had": had})
        sink.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(sink.file, b"\n")  # what follows a line that was cut short is a line of its own
        return sink

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Judge one push, write it down, answer."""
        body = await request.read()
        url = self.config["base"] + request.path
        now = datetime.now(UTC)
        try:
            push = verify_push(request.method, url, list(request.headers.items()), body, trust=self.trust, now=now)
        except PushRefused as refused:
            self.write({"at": now.timestamp(), "url": url, "verdict": refused.reason, "status": refused.status})
            return web.Response(status=refused.status)
        judgement, verdict, status = self.judge(push, request.path, now)
        kept = judgement.items if status == judgement.status else ()
        self.guard.keep(kept)
        self.note(push, url, now.timestamp(), verdict, status, [item.delivery for item in kept], request.headers)
        await self.dawdle(request)
        if 200 <= status < 300 and request.path in self.config["signs"]:
            return web.Response(body=self.acknowledge(push), content_type="application/jose")
        return web.Response(status=status)

    def judge(self, push: Push, path: str, now: datetime) -> tuple[Judgement, str, int]:
        """The guard's judgement, unless the sink is in a mood; verdict and status are those of the answer."""
        judgement = self.guard.judge(push, now=now)
        if judgement.verdict is Verdict.ACCEPT and not self.is_calm:
            mood = self.moods.random()
            if mood < BUSY:
                return judgement, "busy", 503
            if path in self.config["rejects"] and mood < BUSY + REJECTING:
                return judgement, "rejected", 422
        return judgement, judgement.verdict.value, judgement.status

    @property
    def is_calm(self) -> bool:
        """Whether the run is over and all shall settle."""
        return Path(self.config["calm"]).exists()

    async def dawdle(self, request: web.Request) -> None:
        """Take long over an answer, or go away without one."""
        mood = self.moods.random()
        if self.is_calm or mood > SLOW + SILENT:
            return
        if mood < SLOW:
            await asyncio.sleep(self.moods.uniform(0.1, LONGEST_S))
        elif request.transport is not None:
            request.transport.abort()

    def note(self, push: Push, url: str, at: float, verdict: str, status: int, kept: list[str], headers: Any) -> None:
        """Write an arrival down."""
        items = tuple(_item(one.delivery, one.sequence, one.exchange, one.envelope) for one in push.items)
        arrival = Arrival(
            at, url, push.lane, push.fence, push.sequence, _created(headers["signature-input"]),
            push.expires.timestamp(), verdict, status, frozenset(kept), items,
        )  # fmt: skip
        line = {name: getattr(arrival, name) for name in Arrival.__slots__}
        self.write(line | {"kept": kept, "items": [[getattr(i, name) for name in Item.__slots__] for i in items]})

    def write(self, line: dict[str, Any]) -> None:
        """One line by one call."""
        os.write(self.file, json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def acknowledge(self, push: Push) -> bytes:
        """A signed acknowledgement of every item."""
        signs = self.config["signer"]
        body = {"deliveries": [{"id": item.delivery, "digest": item.digest} for item in push.items]}
        return envelope.seal(
            KeySigner(load_pem_private_key(signs["key"].encode(), None), signs["kid"]),  # type: ignore[arg-type]
            typ="ack+jws",
            iss=signs["code"],
            aud=self.config["hub"],
            iat=int(time.time()),
            jti=os.urandom(12).hex(),
            payload=json.dumps(body).encode(),
        )


def _item(delivery: str, sequence: int, exchange: str, compact: bytes) -> Item:
    """What the checker is told of an item; the digest is of the bytes that came, whatever the push says of them."""
    part = compact.split(b".")[0]
    header = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    digest = f"sha-256:{hashlib.sha256(compact).hexdigest()}"
    return Item(delivery, sequence, exchange, digest, header["iss"], header["jti"], header["kid"])


def _created(signature_input: str) -> float:
    """`created` of a signature that was verified."""
    return float(signature_input.split(";created=")[1].split(";")[0])


def main() -> None:
    """Serve until SIGTERM."""
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    app = web.Application(client_max_size=MAX_PUSH_BYTES)
    app.router.add_post("/{name:.*}", Sink.open(config).take)
    web.run_app(app, host="127.0.0.1", port=config["port"], print=None, access_log=None, shutdown_timeout=1.0)


if __name__ == "__main__":
    main()
