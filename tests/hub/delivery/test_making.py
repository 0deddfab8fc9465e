"""The adapters of a worker, and a push through the real HTTP adapter to a real receiver on the loopback interface."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from adapters import registry
from adapters.errors import SettingsInvalid
from adapters.protocol import AdapterSettings, Batch, Capability, NoSecrets, Pushed
from certs.http_signature import HttpSigner, SignedRequest, verify_request
from certs.keys import generate_key
from certs.suites import KeySigner, Verifier
from hub.db.clock import DatabaseClock
from hub.delivery import making
from hub.delivery.claiming import PushLane
from hub.delivery.making import Adapters
from hub.delivery.settling import Settled
from tests.hub.delivery.conftest import Post

KEY = generate_key("ES256")
KID = "A" * 43
SIGNER = HttpSigner(KeySigner(KEY, KID))


def lane(url: str = "http://127.0.0.1:9/deliveries") -> PushLane:
    settings = {"url": url, "networks": ["127.0.0.0/8"]}
    return PushLane(uuid4(), uuid4(), "consumer-b", "621124", "r", uuid4(), "http", settings, "park", 3)


@dataclass
class Sink:
    """A receiver that believes nothing unsigned; it keeps what it got."""

    clock: DatabaseClock
    status: int = 200
    port: int = 0
    bodies: list[Any] = field(default_factory=list)
    signed: list[SignedRequest] = field(default_factory=list)
    fences: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/deliveries"

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.signed.append(
            verify_request(
                request.method,
                self.url,
                dict(request.headers),
                body,
                verifier_for=lambda kid: Verifier(KEY.public_key()) if kid == KID else None,
                now=self.clock(),
            )
        )
        self.bodies.append(await request.json())
        self.fences.append(request.headers["shuniu-fence"])
        return web.Response(status=self.status, text="示例")


@asynccontextmanager
async def listening(sink: Sink) -> AsyncIterator[Sink]:
    app = web.Application()
    app.router.add_post("/deliveries", sink.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.port = runner.addresses[0][1]
    try:
        yield sink
    finally:
        await runner.cleanup()


async def test_a_batch_crosses_the_wire_signed_and_is_confirmed(post: Post) -> None:
    sent = await post.publish(3)
    adapters = Adapters(SIGNER, post.clock)
    pusher = post.pusher()
    pusher.adapter_for = adapters
    async with listening(Sink(post.clock)) as sink:
        await post.connection.execute(
            "UPDATE push_target SET settings = $1", {"url": sink.url, "networks": ["127.0.0.0/8"]}
        )
        assert await pusher.push(post.lane) is Settled.DELIVERED
        assert [item["envelope"].encode() for item in sink.bodies[0]["items"]] == sent
        assert sink.fences == [str(fence) for fence in await post.values("SELECT fence FROM attempt")]
        assert (await post.values("SELECT answer FROM attempt"))[0].decode() == "示例"
        expiry = await post.values("SELECT expires_at FROM attempt")
        assert 0 <= (expiry[0] - sink.signed[0].expires).total_seconds() < 1
        sink.status = 400
        await post.publish(1)
        assert await pusher.push(post.lane) is Settled.PARKED
    await post.publish(1)
    await post.due_now()
    assert await pusher.push(post.lane) is Settled.FAILED
    assert (await post.values("SELECT reason FROM attempt ORDER BY fence"))[-1] == "no-connection"
    await adapters.close()


async def test_an_adapter_is_made_once_for_a_system_and_anew_when_its_target_changes() -> None:
    adapters = Adapters(SIGNER, DatabaseClock())
    one = lane()
    first = adapters(one)
    assert adapters(replace(one, id=uuid4())) is first
    changed = adapters(replace(one, settings={**one.settings, "connections": 2}))
    assert changed is not first
    assert adapters(lane()) is not changed
    await adapters.close()


async def test_an_adapter_that_was_replaced_is_closed_once_no_call_can_be_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed: list[int] = []

    class Counted:
        capabilities = frozenset({Capability.PUSH})
        made = 0

        def __init__(self) -> None:
            Counted.made += 1
            self.number = Counted.made

        async def push(self, batch: Batch) -> Pushed:
            raise AssertionError

        async def close(self) -> None:
            closed.append(self.number)
            if self.number == 2:
                raise ConnectionResetError

    monkeypatch.setattr(registry, "build", lambda *_, **__: Counted())
    monkeypatch.setattr(making, "CALL_S", 0.05)
    adapters = Adapters(SIGNER, DatabaseClock())
    one = lane()
    for connections in (1, 2, 3):
        adapters(replace(one, settings={"connections": connections}))
    assert closed == []
    while adapters._replaced:  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0.01)
    assert closed == [1, 2]
    assert [r.getMessage() for r in caplog.records] == ["an adapter does not close"]
    monkeypatch.setattr(making, "CALL_S", 60.0)
    adapters(replace(one, settings={"connections": 4}))
    replaced = list(adapters._replaced)
    await adapters.close()
    await asyncio.wait(replaced)
    assert closed == [1, 2, 3, 4]


async def test_an_adapter_that_does_not_close_keeps_no_other_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed: list[int] = []

    class Failing:
        capabilities = frozenset({Capability.PUSH})

        async def push(self, batch: Batch) -> Pushed:
            raise AssertionError

        async def close(self) -> None:
            closed.append(1)
            raise ConnectionResetError

    monkeypatch.setattr(registry, "build", lambda *_, **__: Failing())
    adapters = Adapters(SIGNER, DatabaseClock())
    for _ in range(3):
        adapters(lane())
    await adapters.close()
    assert closed == [1, 1, 1]
    assert [r.getMessage() for r in caplog.records] == ["an adapter does not close"] * 3


async def test_a_target_that_cannot_be_made_says_why() -> None:
    adapters = Adapters(SIGNER, DatabaseClock())
    with pytest.raises(SettingsInvalid):
        adapters(replace(lane(), settings={}))


async def test_an_adapter_that_cannot_push_is_not_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    class PullOnly:
        capabilities = frozenset({Capability.PULL})
        settings_type = AdapterSettings
        secrets_type = NoSecrets
        closed = 0

        async def close(self) -> None:
            PullOnly.closed += 1

    monkeypatch.setattr(registry, "build", lambda *_, **__: PullOnly())
    adapters = Adapters(SIGNER, DatabaseClock())
    with pytest.raises(SettingsInvalid) as caught:
        adapters(lane())
    assert caught.value.reason == "cannot-push"
    await adapters.close()
    assert PullOnly.closed == 1
