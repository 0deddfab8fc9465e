"""A real receiver of pushes on loopback: aiohttp's server, which believes what `hub.client` believes and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.testing import Arrived, Behaviour
from certs.authority import HubKeyRole, Issued, create_issuing, create_root, issue_hub_key
from certs.envelope import kid_of
from certs.http_signature import HttpSigner
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.client import PushRefused, PushTrust, verify_push

HUB = "lintao-hub"
JOSE = "application/jose"


@cache
def authority() -> tuple[Issued, Issued]:
    """Root and issuing certificate of this test process."""
    now = datetime.now(UTC)
    root = create_root("测试根", now)
    return root, create_issuing(root, "测试签发", now)


@cache
def push_key() -> Issued:
    """The hub's push key, Ed25519 as the gateway makes it."""
    key = generate_key("EdDSA")
    issuing = authority()[1]
    return Issued(key, issue_hub_key(issuing, key.public_key(), HUB, HubKeyRole.PUSHES, datetime.now(UTC), 30))


def hub_signer() -> HttpSigner:
    """Signs requests as the hub does."""
    issued = push_key()
    return HttpSigner(KeySigner(issued.key, kid_of(issued.certificate.public_bytes(Encoding.DER))))


def trust() -> PushTrust:
    """What the receiver believes: one root, and a hub's certificates that lead to it."""
    root, issuing = authority()
    return PushTrust(HUB, [root.certificate], lambda _: [push_key().certificate, issuing.certificate])


class HttpReceiver:
    """Judges each POST before it behaves as it was told; `requests` keeps what came; `cut` is set when an endless answer ends."""

    def __init__(self) -> None:
        self.behaviour = Behaviour.CONFIRM
        self.arrived: list[Arrived] = []
        self.acknowledgement = b"eyJhbGciOiJFUzI1NiJ9.eyJkZWxpdmVyaWVzIjpbXX0.c2lnbmF0dXJl"
        self.reached = asyncio.Event()
        self.cut = asyncio.Event()
        self.requests: list[web.BaseRequest] = []
        self.answers: list[web.Response] = []
        self.refused: list[PushRefused] = []
        self.url = ""
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)

    async def start(self) -> None:
        """Listen on a port of its own."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"{site.name}/push"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        self.reached.set()
        if self.answers:
            return self.answers.pop(0)
        now = datetime.now(UTC)
        body = await request.read()
        url = self.url.removesuffix("/push") + request.raw_path
        try:
            push = verify_push(request.method, url, request.headers.items(), body, trust=trust(), now=now)
        except PushRefused as refused:
            self.refused.append(refused)
            return web.Response(status=refused.status, text=refused.reason)
        arrived = [
            Arrived(UUID(item.delivery), item.sequence, push.fence, item.digest, item.envelope.decode())
            for item in push.items
        ]
        return await self._behave(request, arrived)

    async def _behave(self, request: web.BaseRequest, arrived: list[Arrived]) -> web.StreamResponse:
        match self.behaviour:
            case Behaviour.CONFIRM:
                self.arrived += arrived
                return web.Response(text="收到 / received")
            case Behaviour.ACKNOWLEDGE:
                self.arrived += arrived
                return web.Response(body=self.acknowledgement, content_type=JOSE)
            case Behaviour.BREAK:
                self.arrived += arrived[: len(arrived) // 2]
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case Behaviour.HANG:
                await asyncio.sleep(60)
                return web.Response()
            case Behaviour.HUGE_ANSWER:
                return await self._endless(request, "text/plain")
            case Behaviour.HUGE_ACKNOWLEDGEMENT:
                return await self._endless(request, JOSE)
            case Behaviour.DISBELIEVE:
                return web.Response(status=401)
            case Behaviour.REJECT:
                return web.Response(status=422, text="不收 / not taken")
            case Behaviour.BUSY:
                return web.Response(status=503, headers={"Retry-After": "7"})
            case Behaviour.STALE:
                return web.Response(status=409)

    async def _endless(self, request: web.BaseRequest, content_type: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        try:
            while True:
                await response.write(b"a" * 65536)
        finally:
            self.cut.set()


@asynccontextmanager
async def receiving() -> AsyncIterator[HttpReceiver]:
    """A receiver that listens."""
    receiver = HttpReceiver()
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.stop()
