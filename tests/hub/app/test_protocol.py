"""One connection, without a socket: what arrives in which pieces, and what is written when."""

import asyncio
import shutil
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
import uvicorn
from uvicorn.server import ServerState

from hub.app import protocol
from hub.app.protocol import MAX_EXPRESS_BYTES, MAX_HEAD_BYTES, BoundedProtocol
from hub.app.proxies import Proxies

Answer = Callable[[int, Iterable[tuple[bytes, bytes]], bytes], None]


class Line:
    """The other end of a connection: keeps what was written and whether it was closed."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str) -> object:
        return {"peername": ("192.0.2.7", 4711), "sockname": ("192.0.2.1", 8640)}.get(name)

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Nothing to pause."""

    def resume_reading(self) -> None:
        """Nothing to resume."""


def problem_in(answer: bytes) -> dict[str, Any]:
    """The problem document that an answer of the connection's own has, whole and of the length it says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/problem+json" in lines
    assert b"content-length: %d" % len(body) in lines
    assert b"connection: close" in lines
    found: dict[str, Any] = orjson.loads(body)
    return found


@dataclass
class App:
    """Answers every ordinary request with its path and the size of its body; keeps posted messages for the test."""

    max_bytes: int = 4 << 20
    posted: list[tuple[bytes, str, Answer]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    slow: asyncio.Event | None = None
    proxies: Proxies = field(default_factory=Proxies)
    callers: list[str] = field(default_factory=list)

    @property
    def posting(self) -> "App":
        return self

    def express(self, headers: Any, body: bytes, address: str, answer: Answer) -> None:
        self.posted.append((body, address, answer))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        self.callers.append(scope["client"][0])
        if self.slow is not None:
            await self.slow.wait()
        size = 0
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        body = f"{scope['path']} {size}".encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Peer:
    """A connection under test."""

    app: App
    line: Line
    connection: BoundedProtocol

    def sends(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.data_received(piece)


def connected(*proxies: str) -> Peer:
    app, line = App(proxies=Proxies(tuple(ip_network(proxy) for proxy in proxies))), Line()
    config = uvicorn.Config(app, http=BoundedProtocol, lifespan="off", log_config=None, proxy_headers=False)
    connection = BoundedProtocol(config=config, server_state=ServerState(), app_state={})
    connection.connection_made(line)
    return Peer(app, line, connection)


@pytest.fixture
async def peer() -> Peer:
    return connected()


def post(body: bytes, *lines: bytes, version: bytes = b"1.1") -> bytes:
    head = [b"POST /v1/exchanges HTTP/" + version, b"content-length: %d" % len(body), *lines]
    return b"\r\n".join([*head, b"", b""]) + body


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_envelope_is_handed_over_whole_and_answered_in_one_piece(peer: Peer) -> None:
    whole = post(b"envelope")
    peer.sends(whole[:10], whole[10:-4], whole[-4:])
    ((body, address, answer),) = peer.app.posted
    assert (body, address) == (b"envelope", "192.0.2.7")
    answer(201, [(b"x-request-id", b"r1")], b"receipt")
    assert peer.line.written.startswith(b"HTTP/1.1 201 Created\r\n")
    assert peer.line.written.endswith(b"x-request-id: r1\r\ncontent-length: 7\r\n\r\nreceipt")
    assert not peer.line.closed
    peer.sends(post(b"again"))
    assert [body for body, _, _ in peer.app.posted] == [b"envelope", b"again"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"x" * (MAX_EXPRESS_BYTES + 1)),
        post(b"x", b"expect: 100-continue"),
        post(b"x", version=b"1.0"),
        b"POST /v1/exchanges HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        b"PUT /v1/exchanges HTTP/1.1\r\ncontent-length: 1\r\n\r\nx",
        b"POST /v1/exchanges/ HTTP/1.1\r\ncontent-length: 1\r\n\r\nx",
    ],
    ids=["long", "expect", "http 1.0", "chunked", "put", "elsewhere"],
)
async def test_what_is_not_plain_goes_the_ordinary_way(peer: Peer, request_bytes: bytes) -> None:
    peer.sends(request_bytes)
    await settle()
    assert peer.app.posted == []
    assert len(peer.app.asked) == 1
    assert b" 200 OK" in peer.line.written


OFFER = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAoAAAAAIAAAAA")
HIDDEN = b"GET /hidden HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_an_offered_upgrade_is_passed_over(peer: Peer, size: int) -> None:
    whole = post(b"envelope", *OFFER) + HIDDEN
    peer.sends(*(whole[at : at + size] for at in range(0, len(whole), size)))
    ((body, _, answer),) = peer.app.posted
    answer(201, [], b"receipt")
    await settle()
    assert (body, peer.app.asked) == (b"envelope", ["/hidden"])
    assert not peer.line.closed


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"content-length: %d" % len(HIDDEN), HIDDEN),
        (b"transfer-encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
    ],
    ids=["length", "chunked"],
)
async def test_the_body_of_a_request_that_offers_an_upgrade_is_no_request(
    peer: Peer, framing: bytes, body: bytes
) -> None:
    peer.sends(b"\r\n".join([b"POST /v1/session HTTP/1.1", *OFFER, framing, b"", b""]))
    await settle()
    peer.sends(body)
    await settle()
    assert peer.app.asked == ["/v1/session"]
    assert peer.line.written.endswith(b"/v1/session %d" % len(HIDDEN))


async def test_what_follows_a_chunked_body_is_no_header(peer: Peer) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        seen.extend(scope["headers"])

    peer.connection.app = reading
    framing = (b"transfer-encoding", b"chunked")
    peer.sends(b"POST /v1/session HTTP/1.1\r\n%b: %b\r\n\r\n" % framing, b"0\r\nauthorization: Bearer t\r\n\r\n")
    await settle()
    assert seen == [framing]


async def test_nobody_is_connected_to_elsewhere(peer: Peer) -> None:
    peer.sends(b"CONNECT hub:443 HTTP/1.1\r\n\r\n" + HIDDEN)
    await settle()
    assert peer.line.written.startswith(b"HTTP/1.1 400 ")
    assert problem_in(peer.line.written)["type"] == "/problems/malformed-request"
    assert (peer.line.closed, peer.app.asked) == (True, [])


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01",  # TLS
        b"GET / HTTP/1.1\r\nx-request-id: mine\r\naccept-language: en\r\naccept: */*\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_with_a_problem_document(peer: Peer, sent: bytes) -> None:
    peer.sends(sent)
    await settle()
    answer = problem_in(peer.line.written)
    assert (answer["type"], answer["status"]) == ("/problems/malformed-request", 400)
    if b"mine" in sent:
        assert (answer["request_id"], answer["title"]) == ("mine", "Malformed request")
    assert (peer.line.closed, peer.app.asked) == (True, [])


async def test_an_envelope_has_its_answer_though_what_follows_is_no_http(peer: Peer) -> None:
    peer.sends(post(b"envelope") + b"\x00garbage\r\n\r\n")
    await settle()
    assert (peer.line.written, peer.line.closed) == (b"", False)
    peer.app.posted[0][2](201, [], b"receipt")
    assert peer.line.written.startswith(b"HTTP/1.1 201 ")
    assert peer.line.written.endswith(b"\r\n\r\nreceipt")
    assert peer.line.closed


async def test_each_request_that_came_whole_has_its_answer_though_what_follows_is_no_http(peer: Peer) -> None:
    peer.sends(post(b"envelope") + b"GET /livez HTTP/1.1\r\n\r\n" + b"\x00garbage\r\n\r\n")
    await settle()
    assert (peer.line.written, peer.line.closed) == (b"", False)
    peer.app.posted[0][2](201, [], b"receipt")
    await settle()
    assert peer.line.written.index(b"receipt") < peer.line.written.index(b"/livez 0")
    assert b"HTTP/1.1 400" not in peer.line.written
    assert peer.line.closed


async def test_an_ordinary_request_has_its_answer_though_what_follows_is_no_http(peer: Peer) -> None:
    peer.app.slow = asyncio.Event()
    peer.sends(b"GET /livez HTTP/1.1\r\n\r\n" + b"\x00garbage\r\n\r\n")
    await settle()
    assert (peer.line.written, peer.line.closed) == (b"", False)
    peer.app.slow.set()
    await settle()
    assert peer.line.written.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400" not in peer.line.written
    assert peer.line.closed


async def test_a_body_in_broken_pieces_is_refused(peer: Peer) -> None:
    peer.sends(b"POST /v1/session HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"not a length\r\n")
    await settle()
    assert problem_in(peer.line.written)["type"] == "/problems/malformed-request"
    assert peer.line.closed


@pytest.mark.sockets
async def test_curl_that_offers_http_2_is_answered() -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed (Debian: apt install curl)")
    app = App()
    config = uvicorn.Config(app, http=BoundedProtocol, lifespan="off", log_config=None, proxy_headers=False, ws="none")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        offer = [part for line in OFFER for part in ("-H", line.decode())]
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/session"
        asking = await asyncio.create_subprocess_exec(
            curl, "-sS", "--retry", "5", "--retry-connrefused", *offer, "-d", HIDDEN.decode(), address, stdout=-1
        )
        said, _ = await asking.communicate()
        server.should_exit = True
        await serving
    assert (said, app.asked) == (b"/v1/session %d" % len(HIDDEN), ["/v1/session"])


async def test_what_is_longer_than_the_door_takes_is_not_gathered(peer: Peer) -> None:
    peer.app.max_bytes = 10
    peer.sends(post(b"x" * 11))
    await settle()
    assert peer.app.posted == []


async def test_a_request_behind_an_envelope_waits_for_its_answer(peer: Peer) -> None:
    peer.sends(post(b"first") + post(b"second") + b"GET /livez HTTP/1.1\r\n\r\n")
    await settle()
    assert (len(peer.app.posted), peer.app.asked) == (1, [])
    peer.app.posted[0][2](201, [], b"receipt")
    await settle()
    assert peer.app.asked == ["/v1/exchanges", "/livez"]
    assert peer.line.written.index(b"receipt") < peer.line.written.index(b"/v1/exchanges 6")
    assert peer.line.written.endswith(b"/livez 0")


async def test_a_client_that_does_not_read_is_answered_the_ordinary_way(peer: Peer) -> None:
    peer.connection.pause_writing()
    peer.sends(post(b"envelope"))
    await settle()
    assert (peer.app.posted, peer.line.written) == ([], b"")
    peer.connection.resume_writing()
    await settle()
    assert peer.line.written.endswith(b"/v1/exchanges 8")


async def test_a_client_that_wants_to_close_is_answered_and_closed(peer: Peer) -> None:
    peer.sends(post(b"envelope", b"connection: close"))
    peer.app.posted[0][2](201, [], b"receipt")
    assert peer.line.written.endswith(b"connection: close\r\n\r\nreceipt")
    assert peer.line.closed


async def test_a_client_that_went_away_is_not_answered(peer: Peer) -> None:
    peer.sends(post(b"envelope"))
    peer.connection.connection_lost(None)
    peer.app.posted[0][2](201, [], b"receipt")
    assert peer.line.written == b""


async def test_shutdown_lets_an_envelope_be_answered_and_closes_then(peer: Peer) -> None:
    peer.sends(post(b"envelope"))
    peer.connection.shutdown()
    assert not peer.line.closed
    peer.app.posted[0][2](201, [], b"receipt")
    assert peer.line.written.endswith(b"connection: close\r\n\r\nreceipt")
    assert peer.line.closed


async def test_shutdown_closes_a_connection_that_waits_for_nothing(peer: Peer) -> None:
    peer.connection.shutdown()
    assert peer.line.closed


async def test_a_head_beyond_its_bound_is_refused(peer: Peer) -> None:
    peer.sends(b"GET /livez HTTP/1.1\r\nx-filler: ")
    for _ in range(MAX_HEAD_BYTES // 1024):
        peer.sends(b"x" * 1024)
    assert peer.line.written.startswith(b"HTTP/1.1 431 ")
    assert problem_in(peer.line.written)["type"] == "/problems/head-too-large"
    assert peer.line.closed
    assert peer.app.asked == []


@pytest.mark.parametrize("missing", [1, 2, 3, 4])
async def test_a_body_that_comes_with_the_end_of_its_head_does_not_count_as_head(peer: Peer, missing: int) -> None:
    body = b"x" * (2 * MAX_HEAD_BYTES)
    whole = post(body)
    end = len(whole) - len(body)
    peer.sends(whole[: end - missing], whole[end - missing :])
    await settle()
    assert not peer.line.closed
    assert len(peer.app.asked) + len(peer.app.posted) == 1


async def pass_by(seconds: float) -> None:
    """Let that much time pass for the event loop's timers."""
    loop = asyncio.get_running_loop()
    real = loop.time
    loop.time = lambda: real() + seconds  # type: ignore[method-assign]
    await settle()


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"GET /livez HTTP/1.1\r\nhost:"],
        [post(b"envelope")[:-1]],
        [b"POST /v1/session HTTP/1.1\r\ncontent-length: 5\r\n\r\n", b"{"],
        [b"GET /livez HTTP/1.1\r\n\r\n", b"\r\n"],
        [b"GET /livez HTTP/1.1\r\n\r\n", b"GET /li"],
    ],
    ids=["nothing", "half a head", "half an envelope", "half a body", "an empty line", "half a second head"],
)
async def test_what_comes_to_no_end_is_closed(pieces: list[bytes]) -> None:
    peer = connected()
    for piece in pieces:
        peer.sends(piece)
        await settle()
    assert not peer.line.is_closing()
    await pass_by(protocol.BODY_TIMEOUT_S)
    assert peer.line.is_closing()
    peer.connection.connection_lost(None)


async def test_a_request_that_has_arrived_may_take_longer_to_answer(peer: Peer) -> None:
    peer.app.slow = asyncio.Event()
    peer.sends(b"GET /v1/inbox HTTP/1.1\r\n\r\n", b"\r\n")
    await settle()
    await pass_by(protocol.BODY_TIMEOUT_S)
    assert not peer.line.closed
    peer.app.slow.set()
    await settle()
    assert peer.line.written.endswith(b"/v1/inbox 0")


async def test_a_body_that_goes_on_after_its_answer_has_its_time_too(peer: Peer) -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 415, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    peer.connection.app = refusing
    peer.sends(b"POST /v1/session HTTP/1.1\r\ncontent-length: 100\r\n\r\n")
    await settle()
    for _ in range(4):
        peer.sends(b"x")
        await pass_by(protocol.BODY_TIMEOUT_S / 3)
    assert b" 415 " in peer.line.written
    assert peer.line.closed


async def both_ways(peer: Peer) -> list[str]:
    """The addresses that the express lane and the ordinary way see, of callers that a header names."""
    peer.sends(post(b"envelope", b"x-forwarded-for: 203.0.113.1"))
    ((_, express, answer),) = peer.app.posted
    answer(201, [], b"receipt")
    peer.sends(b"GET /pki/ca.pem HTTP/1.1\r\nx-forwarded-for: 203.0.113.2\r\n\r\n")
    await settle()
    return [express, *peer.app.callers]


async def test_a_proxy_of_ours_says_who_calls_on_each_request() -> None:
    assert await both_ways(connected("192.0.2.0/24")) == ["203.0.113.1", "203.0.113.2"]


async def test_nobody_else_does(peer: Peer) -> None:
    assert await both_ways(peer) == ["192.0.2.7"] * 2
    assert await both_ways(connected("198.51.100.0/24")) == ["192.0.2.7"] * 2
