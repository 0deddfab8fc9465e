"""Pushes over HTTP against a real receiver on loopback."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters import addresses
from adapters.addresses import AllowedAddresses
from adapters.errors import (
    AdapterError,
    AnswerUnusable,
    NoPlace,
    NotAllowed,
    Rejected,
    SettingsInvalid,
    Stale,
    Unavailable,
    Unreachable,
)
from adapters.http import HttpAdapter, HttpSettings, encode
from adapters.protocol import Limits, NoSecrets, Outcome, Surroundings
from adapters.registry import build
from adapters.testing import Behaviour, PushContract, Receiver, make_batch
from tests.adapters import tls_files
from tests.adapters.http_receiver import HttpReceiver, hub_signer, receiving
from tests.support.talks import served

pytestmark = pytest.mark.sockets

LOOPBACK = ["127.0.0.0/8"]


def now() -> datetime:
    return datetime.now(UTC)


def make_adapter(url: str, *, lookup: Any = None, limits: Limits | None = None, **settings: Any) -> HttpAdapter:
    checked = HttpSettings.model_validate({"url": url, "networks": LOOPBACK} | settings)
    given = {} if lookup is None else {"lookup": lookup}
    return HttpAdapter(Surroundings(checked, NoSecrets(), hub_signer(), now, limits or Limits()), **given)


class TestHttp(PushContract):
    def receiver(self) -> AbstractAsyncContextManager[Receiver]:
        return receiving()

    def adapter(self, receiver: Receiver, limits: Limits) -> HttpAdapter:
        assert isinstance(receiver, HttpReceiver)
        return make_adapter(receiver.url, limits=limits)


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with receiving() as found:
        yield found


@asynccontextmanager
async def pushing(url: str, **settings: Any) -> AsyncIterator[HttpAdapter]:
    adapter = make_adapter(url, **settings)
    try:
        yield adapter
    finally:
        await adapter.close()


async def test_a_push_carries_lane_first_sequence_fence_and_media_type(receiver: HttpReceiver) -> None:
    batch = make_batch(3, first=41, fence=7)
    async with pushing(receiver.url) as adapter:
        await adapter.push(batch)
    request = receiver.requests[0]
    assert request.method == "POST"
    assert request.content_type == "application/vnd.shuniu.deliveries+json"
    shown = {name: request.headers[f"shuniu-{name}"] for name in ("lane", "sequence", "fence")}
    assert shown == {"lane": str(batch.lane), "sequence": "41", "fence": "7"}
    assert not receiver.refused


async def test_one_connection_carries_push_after_push(receiver: HttpReceiver) -> None:
    async with pushing(receiver.url) as adapter:
        for _ in range(3):
            await adapter.push(make_batch())
    assert len({id(request.protocol) for request in receiver.requests}) == 1


async def test_no_more_connections_are_open_than_allowed(receiver: HttpReceiver) -> None:
    async with pushing(receiver.url, connections=2) as adapter:
        await asyncio.gather(*(adapter.push(make_batch()) for _ in range(10)))
    assert len({id(request.protocol) for request in receiver.requests}) <= 2


async def test_the_registered_url_reaches_the_receiver_as_it_was_signed(receiver: HttpReceiver) -> None:
    url = receiver.url + "/a%2Fb?x=%20y&z=1"
    async with pushing(url) as adapter:
        await adapter.push(make_batch())
    assert receiver.requests[0].raw_path == "/push/a%2Fb?x=%20y&z=1"
    assert not receiver.refused


async def test_a_name_leads_only_to_the_address_that_was_checked(receiver: HttpReceiver) -> None:
    asked = []

    async def lookup(host: str, port: int, family: object) -> Sequence[str]:
        asked.append(host)
        return ["203.0.113.9", "127.0.0.1"]

    url = receiver.url.replace("127.0.0.1", "receiver.example")
    async with pushing(url, lookup=lookup) as adapter:
        receiver.url = url
        await adapter.push(make_batch())
    assert receiver.requests[0].host.startswith("receiver.example:")
    assert asked == ["receiver.example"]


async def test_a_name_that_resolves_outside_the_networks_is_not_connected_to(receiver: HttpReceiver) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")
    async with pushing(url, networks=["10.0.0.0/8"]) as adapter:
        with pytest.raises(NotAllowed) as caught:
            await adapter.push(make_batch())
    assert caught.value.reason == "address-not-allowed"
    assert not receiver.requests


async def test_each_new_connection_is_checked_anew(receiver: HttpReceiver) -> None:
    answers = [["127.0.0.1"], ["203.0.113.9"]]

    async def lookup(host: str, port: int, family: object) -> Sequence[str]:
        return answers.pop(0)

    url = receiver.url.replace("127.0.0.1", "receiver.example")
    receiver.answers = [web.Response(headers={"Connection": "close"}) for _ in range(2)]
    async with pushing(url, lookup=lookup) as adapter:
        await adapter.push(make_batch())
        with pytest.raises(NotAllowed):
            await adapter.push(make_batch())
    assert len(receiver.requests) == 1


async def test_an_ipv4_address_written_as_ipv6_counts_as_what_it_is(receiver: HttpReceiver) -> None:
    async def lookup(host: str, port: int, family: object) -> Sequence[str]:
        return ["::ffff:127.0.0.1"]

    url = receiver.url.replace("127.0.0.1", "receiver.example")
    receiver.answers = [web.Response()]
    async with pushing(url, lookup=lookup, networks=["::/0"]) as adapter:
        with pytest.raises(NotAllowed):
            await adapter.push(make_batch())
    async with pushing(url, lookup=lookup) as adapter:
        pushed = await adapter.push(make_batch())
    assert pushed.outcome is Outcome.TRANSPORT_CONFIRMED


async def test_a_name_without_an_address_is_unreachable() -> None:
    async def lookup(host: str, port: int, family: object) -> Sequence[str]:
        raise OSError("no such name")

    async with pushing("http://receiver.example/push", lookup=lookup) as adapter:
        with pytest.raises(Unreachable) as caught:
            await adapter.push(make_batch())
    assert caught.value.reason == "no-connection"


async def test_proxy_variables_are_not_asked(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.delenv("no_proxy", raising=False)
    async with pushing(receiver.url) as adapter:
        await adapter.push(make_batch())
    assert receiver.arrived


async def test_a_redirect_is_not_followed(receiver: HttpReceiver) -> None:
    receiver.answers = [web.Response(status=307, headers={"Location": receiver.url})]
    async with pushing(receiver.url) as adapter:
        with pytest.raises(NotAllowed) as caught:
            await adapter.push(make_batch())
    assert caught.value.reason == "redirected"
    assert caught.value.retryable
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, Rejected, False),
        (413, Rejected, False),
        (422, Rejected, False),
        (404, Unavailable, True),
        (405, Unavailable, True),
        (415, Unavailable, True),
        (408, Unavailable, True),
        (425, Unavailable, True),
        (429, Unavailable, True),
        (500, Unavailable, True),
        (504, Unavailable, True),
        (409, Stale, True),
    ],
)
async def test_a_status_says_whether_to_try_again(
    receiver: HttpReceiver, status: int, kind: type[AdapterError], retryable: bool
) -> None:
    receiver.answers = [web.Response(status=status, text="为什么 / why" * 200)]
    async with pushing(receiver.url) as adapter:
        with pytest.raises(kind) as caught:
            await adapter.push(make_batch())
    assert caught.value.retryable is retryable
    assert caught.value.answer.startswith("为什么".encode())
    assert len(caught.value.answer) == 512


@pytest.mark.parametrize(("given", "seconds"), [("7", 7), ("", None), ("soon", None), ("9" * 30, None), ("-1", None)])
async def test_what_a_busy_receiver_asks_for_is_handed_on(
    receiver: HttpReceiver, given: str, seconds: int | None
) -> None:
    receiver.answers = [web.Response(status=429, headers={"Retry-After": given})]
    async with pushing(receiver.url) as adapter:
        with pytest.raises(Unavailable) as caught:
            await adapter.push(make_batch())
    assert caught.value.retry_after_s == seconds


async def test_an_acknowledgement_may_fill_its_bound_and_no_more(receiver: HttpReceiver) -> None:
    limits = Limits(acknowledgement_bytes=1000)
    receiver.answers = [web.Response(body=b"a" * size, content_type="application/jose") for size in (1000, 1001, 0)]
    async with pushing(receiver.url, limits=limits) as adapter:
        pushed = await adapter.push(make_batch())
        assert pushed.acknowledgement == b"a" * 1000
        assert pushed.answer == b"a" * 512
        for reason in ("answer-too-large", "answer-malformed"):
            with pytest.raises(AnswerUnusable) as caught:
                await adapter.push(make_batch())
            assert caught.value.reason == reason


async def test_an_answer_that_is_packed_is_kept_as_it_is(receiver: HttpReceiver) -> None:
    receiver.answers = [web.Response(body=b"not gzip at all", headers={"Content-Encoding": "gzip"})]
    async with pushing(receiver.url) as adapter:
        pushed = await adapter.push(make_batch())
    assert pushed.answer == b"not gzip at all"


async def test_an_answer_that_is_not_read_to_its_end_closes_its_connection(receiver: HttpReceiver) -> None:
    receiver.behaviour = Behaviour.HUGE_ANSWER
    async with pushing(receiver.url) as adapter:
        await adapter.push(make_batch())
        async with asyncio.timeout(30):
            await receiver.cut.wait()
        receiver.behaviour = Behaviour.CONFIRM
        await adapter.push(make_batch())


async def test_an_answer_that_stalls_after_what_is_kept_is_not_waited_for() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"a" * 512)
        await reader.read()

    begun = time.monotonic()
    async with (
        served(serve, finished=True) as port,
        pushing(f"http://127.0.0.1:{port}/", limits=Limits(call_s=30)) as adapter,
    ):
        pushed = await adapter.push(make_batch())
    assert pushed.answer == b"a" * 512
    assert time.monotonic() - begun < 15


async def test_a_lease_is_not_rounded_up(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    call_at, timers = loop.call_at, []

    def recorded(when: float, *arguments: Any, **named: Any) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *arguments, **named)

    monkeypatch.setattr(loop, "call_at", recorded)
    late = []
    async with pushing(receiver.url) as adapter:
        for _ in range(5):  # a pause between a look at the clock and its timer makes one late; rounding up makes all
            timers.clear()
            begun = loop.time()
            # So that rounding up, wherever in a second we are, would be by four tenths or more.
            lease_s = math.ceil(begun + 7) - begun + 0.3
            await adapter.push(make_batch(lease_s=lease_s))
            ends = [when - begun for when in timers if 6 < when - begun < 9.5]  # ten seconds are the wait for a place
            late.append(max(ends, default=math.inf) - lease_s)
            if late[-1] <= 0.2:
                break
    assert late[-1] <= 0.2, late


async def test_a_cookie_is_not_sent_back(receiver: HttpReceiver) -> None:
    receiver.answers = [web.Response(headers={"Set-Cookie": "a=b; Path=/"})]
    async with pushing(receiver.url.replace("127.0.0.1", "localhost")) as adapter:
        for _ in range(2):
            receiver.answers.append(web.Response())
            await adapter.push(make_batch())
    assert "Cookie" not in receiver.requests[1].headers


async def test_an_answer_with_a_head_beyond_all_bounds_is_unusable(receiver: HttpReceiver) -> None:
    receiver.answers = [web.Response(headers={"X-Long": "a" * 100_000})]
    async with pushing(receiver.url) as adapter:
        with pytest.raises(AnswerUnusable):
            await adapter.push(make_batch())


async def test_a_receiver_whose_certificate_is_not_trusted_gets_nothing(tmp_path: Path) -> None:
    files = tls_files.make(tmp_path, "receiver.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.chain, files.key)
    got: list[bytes] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        got.append(await request.read())
        return web.Response()

    async def lookup(host: str, port: int, family: object) -> Sequence[str]:
        return ["127.0.0.1"]

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        port = site.name.rpartition(":")[2]
        async with pushing(f"https://receiver.example:{port}/", lookup=lookup) as adapter:
            with pytest.raises(Unreachable) as caught:
                await adapter.push(make_batch())
            assert caught.value.reason == "tls-failed"
        async with pushing(f"https://other.example:{port}/", lookup=lookup, ca_pem=files.ca) as adapter:
            with pytest.raises(Unreachable):
                await adapter.push(make_batch())
        assert not got
        async with pushing(f"https://receiver.example:{port}/", lookup=lookup, ca_pem=files.ca) as adapter:
            await adapter.push(make_batch())
        assert len(got) == 1
    finally:
        await runner.cleanup()


async def test_a_connection_that_does_not_open_in_time_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    begun = time.monotonic()
    async with pushing("http://127.0.0.1:9/", connect_s=0.2) as adapter:
        with pytest.raises(Unreachable) as caught:
            await adapter.push(make_batch())
    assert time.monotonic() - begun < 30
    assert caught.value.reason == "connect-timeout"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http://127.0.0.1",
        "http://127.0.0.1:80/",
        "http://user@127.0.0.1/",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1/#part",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/a/../b",
        "http://LOCALHOST/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://127.1/",
        "http://2130706433/",
        "http:///push",
        "push",
        "http://例.cn/",
        "http://a..example/",
        f"http://{'a' * 64}.example/",
    ],
)
def test_a_url_that_is_not_canonical_or_not_allowed_is_no_setting(url: str) -> None:
    with pytest.raises(SettingsInvalid):
        build("http", settings={"url": url, "networks": LOOPBACK}, secrets={}, signer=hub_signer(), clock=now)


@pytest.mark.parametrize(
    "settings",
    [
        {"networks": []},
        {"networks": ["127.0.0.1/8"]},
        {"connections": 0},
        {"connect_s": 0},
        {"ca_pem": "not a certificate"},
        {"ca_pem": ""},
        {"ca_pem": "\n"},
        {"ca_pem": "# 示例县签发机构\n-----BEGIN CERTIFICATE-----"},
        {"ca_pem": "-" * 70_000},
        {"verify": False},
    ],
)
def test_a_setting_beyond_its_bounds_is_refused(settings: dict[str, Any]) -> None:
    given = {"url": "http://127.0.0.1/", "networks": LOOPBACK} | settings
    with pytest.raises(SettingsInvalid):
        build("http", settings=given, secrets={}, signer=hub_signer(), clock=now)


async def test_what_finds_no_connection_free_was_not_sent_and_says_so() -> None:
    reached: list[str] = []
    let_go = asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.Response:
        await request.read()
        reached.append(request.headers["shuniu-lane"])
        await let_go.wait()
        return web.Response()

    runner = web.ServerRunner(web.Server(slow), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    batches = [make_batch(1) for _ in range(8)]
    async with pushing(f"{site.name}/", connections=2, limits=Limits(call_s=9)) as adapter:
        pushes = [asyncio.create_task(adapter.push(batch)) for batch in batches]
        await asyncio.wait(pushes[2:])
        let_go.set()
        results = await asyncio.gather(*pushes, return_exceptions=True)
    await runner.cleanup()
    turned_away = [
        str(batch.lane) for batch, result in zip(batches, results, strict=True) if isinstance(result, NoPlace)
    ]
    assert len(reached) == 2
    assert sorted([*reached, *turned_away]) == sorted(str(batch.lane) for batch in batches)


async def until(condition: Callable[[], object]) -> None:
    """Return when it holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_name_that_nobody_answers_for_keeps_no_other_name_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    let_go = threading.Event()
    passed_s = 0.0

    def silent(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        if host == "dead.example":
            let_go.wait(200)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setattr(addresses, "LOOKUP_S", 1000.0)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: time.monotonic() + passed_s)
    dead, living = (AllowedAddresses([ip_network("127.0.0.0/8")]) for _ in range(2))
    waiting = [asyncio.create_task(dead.resolve("dead.example", 443)) for _ in range(100)]
    try:
        await until(lambda: asked)
        (found,) = await living.resolve("living.example", 443)
        assert (found["host"], [task for task in waiting if task.done()]) == ("127.0.0.1", [])
        passed_s = 1000.0
        faults = await asyncio.gather(*waiting, return_exceptions=True)
        assert {(type(fault), getattr(fault, "reason", "")) for fault in faults} == {(Unreachable, "no-address")}
        assert asked == ["dead.example", "living.example"]
    finally:
        let_go.set()
    await until(lambda: not dead._asking)
    with pytest.raises(socket.gaierror):
        await dead.resolve("dead.example", 443)
    assert asked[2:] == ["dead.example"], "an answer is not kept"


async def test_nobody_waits_for_a_name_once_the_adapter_is_closed() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def lookup(host: str, port: int, family: object) -> Sequence[str]:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return []

    adapter = make_adapter("http://receiver.example/push", lookup=lookup)
    push = asyncio.create_task(adapter.push(make_batch()))
    await begun.wait()
    push.cancel()
    await adapter.close()
    await asyncio.wait_for(cancelled.wait(), 30)
    with pytest.raises(asyncio.CancelledError):
        await push


def test_an_item_reads_as_in_the_inbox() -> None:
    batch = make_batch(1)
    item = batch.items[0]
    body = encode(batch).decode()
    members = ("delivery", "exchange", "res", "ver", "lane", "sequence", "digest", "envelope", "accepted_at")
    assert [body.find(f'"{name}":') for name in members] == sorted(body.find(f'"{name}":') for name in members)
    assert body.startswith(f'{{"items":[{{"delivery":"{item.delivery}"')


def test_behaviours_of_the_receiver_are_all_tried() -> None:
    assert not TestHttp.beyond
    assert len(Behaviour) == 10
