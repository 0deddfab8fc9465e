"""The city is pushed to at an endpoint of its own, which believes the hub's signature and nothing else; it dies, and returns."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hub.cli import demo_data
from hub.cli.demo.county import County
from hub.client import PushGuard, PushRefused, PushTrust, verify_push

CITY, RESOURCE = "dingxi-exchange", "special_funds"
WITHIN_S = 60.0
PURPOSE = "专项资金汇总（推送）"


@dataclass
class Endpoint:
    """A receiver as the city would write it: verify, judge, keep, answer. `received` are delivery ids in order."""

    trust: PushTrust
    url: str = ""
    port: int = 0
    guard: PushGuard = field(default_factory=PushGuard)
    received: list[str] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Listen on loopback, on the same port each time."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self.port = server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/shuniu"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def take(self, headers: list[tuple[str, str]], body: bytes) -> int:
        """The status for one POST."""
        now = datetime.now(UTC)
        try:
            push = verify_push("POST", self.url, headers, body, trust=self.trust, now=now)
        except PushRefused as refused:
            return refused.status
        judgement = self.guard.judge(push, now=now)
        self.received += [item.delivery for item in judgement.items]
        self.guard.keep(judgement.items)
        return judgement.status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(endpoint.take(list(self.headers.items()), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: the demo tells the story."""

        return Handler


def push(county: County) -> None:
    """Set the target, grant, publish, see it arrive; then let the endpoint die, park, come back, and replay."""
    narrator = county.narrator
    narrator.step(
        "推送：枢纽把数据送到市平台自己的接口，每个请求按 RFC 9421 签名，由市平台核验",
        "push: the hub hands over at the city's own endpoint; each request is signed (RFC 9421) and the city checks it",
    )
    endpoint = Endpoint(PushTrust.load(county.data / "trust", hub=county.hub_id))
    with endpoint.open():
        settings = {"url": endpoint.url, "networks": ["127.0.0.0/8"]}
        target = {"settings": settings, "policy": "park", "max_attempts": 1}
        county.call("secadmin", "PUT", f"/v1/systems/{CITY}/push-target", target)
        narrator.same(f"shuniu push-target set {CITY} settings.json --policy park --max-attempts 1")
        lane = grant_pushes(county, CITY, RESOURCE, PURPOSE)
        narrator.done(f"推送授权 / a grant that pushes, lane {lane}")
        publish_again(county, RESOURCE, 3)
        await_that(lambda: len(endpoint.received) == 3, "three pushes")
        narrator.done(f"{CITY} 收到并核验 3 项 / received and verified 3 items at {endpoint.url}")
        unsigned = endpoint.take([("content-type", "application/json")], b"{}")
        narrator.refused(f"伪造的推送 / a forged push → {unsigned}")
    publish_again(county, RESOURCE, 1)
    await_that(lambda: _count(county) == 1, "a dead letter")
    narrator.refused("接收端停机，到次数上限后搁置 / the endpoint is down; parked at the limit of attempts")
    narrator.same(f"shuniu dead-letter list --consumer {CITY}")
    with endpoint.open():
        done = county.call("sysadmin", "POST", "/v1/dead-letters/replay", {"consumer": CITY, "expected": 1})
        await_that(lambda: len(endpoint.received) == 4, "the replay")
    narrator.done(f"接收端恢复，重投 {done['replayed']} 项并送达 / the endpoint is back; replayed and delivered")
    narrator.same(f"shuniu dead-letter replay --consumer {CITY}")


def grant_pushes(county: County, consumer: str, resource: str, purpose: str) -> str:
    """A grant that pushes, decided by the provider; returns its lane."""
    provider = next(described.provider for described in demo_data.load_resources() if described.key == resource)
    grant = demo_data.Grant(consumer, resource, purpose, "《甘肃省政务数据共享管理办法》（示例）", "push")
    lane: str = county.grant(grant, provider)["lane"]
    return lane


def publish_again(county: County, resource: str, count: int) -> None:
    """The first record of a resource, in `count` envelopes."""
    described = next(described for described in demo_data.load_resources() if described.key == resource)
    record = demo_data.load_records(resource)[0]
    for _ in range(count):
        county.partners[described.system].publish(county.resources[resource]["code"], [record])


def await_that(holds: Callable[[], bool], what: str) -> None:
    """Return when it holds; the demo fails when it does not come in time."""
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come in time; see worker.log")
        time.sleep(0.1)


def _count(county: County) -> int:
    found: int = county.call("sysadmin", "GET", f"/v1/dead-letters/count?consumer={CITY}")["count"]
    return found
