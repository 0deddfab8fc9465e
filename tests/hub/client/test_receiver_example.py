"""docs/examples/receiver.py as a process: what it answers to whom, and what it still knows after a kill."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from certs import envelope
from certs.authority import HubKeyRole
from certs.header import ACK
from certs.http_signature import HttpSigner, content_digest
from certs.suites import Verifier
from hub.client.push import MEDIA_TYPE
from tests.docs.pages import ROOT
from tests.support.client_side import Clock, County, HubDouble, make_county, pem, signer_of
from tests.support.harness import free_port

pytestmark = pytest.mark.process

EXAMPLE = ROOT / "docs/examples/receiver.py"
LANE = "0199c1f2-0000-7000-8000-000000000001"
LISTENS_WITHIN_S = 30.0


class RealClock(Clock):
    """The receiver is a process with a clock of its own."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Post:
    """A receiver, how to start it, and a hub that pushes to it."""

    county: County
    hub: HubDouble
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/shuniu"

    def start(self) -> None:
        """Run the example until it listens."""
        words = [sys.executable, str(EXAMPLE), str(self.folder), self.url, str(self.port)]
        self.process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + LISTENS_WITHIN_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None
            time.sleep(0.05)
        raise AssertionError("the receiver does not listen")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def items(self, count: int) -> list[dict[str, Any]]:
        """Deliveries of the lane, in order."""
        sender = self.county.systems["civil-affairs"]
        return [self.hub.deliver(sender, item={"lane": LANE, "sequence": n}) for n in range(1, count + 1)]

    def push(
        self,
        items: list[dict[str, Any]],
        *,
        fence: int = 1,
        lasts_s: float = 40,
        changed: Mapping[str, str] = MappingProxyType({}),
    ) -> httpx.Response:
        """Sign and send one request; `changed` are made to its fields after signing."""
        body = json.dumps({"items": items}).encode()
        now = datetime.now(UTC)
        fields = {
            "content-digest": content_digest(body),
            "content-type": MEDIA_TYPE,
            "shuniu-lane": LANE,
            "shuniu-sequence": "1",
            "shuniu-fence": str(fence),
        }
        signer = HttpSigner(signer_of(self.county.hub_keys[HubKeyRole.PUSHES]))
        signed = signer.sign_request(
            method="POST",
            target_uri=self.url,
            headers=fields,
            created=now - timedelta(seconds=60),
            expires=now + timedelta(seconds=lasts_s),
        )
        return httpx.post(self.url, content=body, headers={**fields, **signed, **changed}, timeout=30, trust_env=False)

    def stored(self) -> list[tuple[str, int]]:
        """Delivery and number of rows, as the receiver's own table has them."""
        with sqlite3.connect(self.folder / "pushes.sqlite3") as database:
            return database.execute("SELECT delivery, count(*) FROM received GROUP BY delivery").fetchall()


def serving(hub: HubDouble) -> ThreadingHTTPServer:
    """The hub's other end, over HTTP: the receiver fetches certificates there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = hub(httpx.Request("GET", f"http://hub.test{self.path}"))
            self.send_response(answer.status_code)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    now = datetime.now(UTC)
    county = make_county(tmp_path, now)
    hub = HubDouble(county, RealClock())
    folder = county.system("lintao-subsite", now=now)
    county.system("civil-affairs", now=now)
    (tmp_path / "trust/push.pem").write_bytes(pem(county.hub_keys[HubKeyRole.PUSHES].certificate))
    (tmp_path / "trust/ca.pem").write_bytes(pem(county.root.certificate, county.issuing.certificate))
    server = serving(hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = json.loads((folder / "partner.json").read_text())
    profile["url"] = f"http://127.0.0.1:{server.server_address[1]}"
    (folder / "partner.json").write_text(json.dumps(profile))
    made = Post(county, hub, folder, free_port())
    made.start()
    yield made
    made.kill()
    server.shutdown()
    server.server_close()


def test_the_example_believes_stores_once_and_signs_and_a_kill_changes_nothing_of_that(post: Post) -> None:
    items = post.items(3)
    answer = post.push(items)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jose")
    opened = envelope.read(answer.content, max_bytes=1 << 16, allowed_types=frozenset({ACK}))
    envelope.verify(opened, Verifier(post.county.systems["lintao-subsite"].certificate.public_key()))
    named = [one["id"] for one in json.loads(opened.payload_bytes)["deliveries"]]
    assert named == [item["delivery"] for item in items]
    everything = sorted((delivery, 1) for delivery in named)
    assert sorted(post.stored()) == everything

    post.kill()
    post.start()
    again = post.push(items, fence=2)
    assert (again.status_code, again.headers["content-type"]) == (200, "application/jose")
    assert sorted(post.stored()) == everything
    assert post.push(items, fence=1).status_code == 409
    assert post.push([*items, *post.items(4)[3:]], fence=2).status_code == 200
    assert len(post.stored()) == 4


def test_the_example_refuses_what_is_forged_late_or_not_to_be_opened(post: Post) -> None:
    items = post.items(1)
    assert post.push(items, changed={"shuniu-fence": "9"}).status_code == 401
    assert httpx.post(post.url, content=b"{}", timeout=30, trust_env=False).status_code == 401
    assert post.push(items, lasts_s=-1).status_code == 409
    assert post.push([items[0] | {"sequence": 2}]).status_code == 400
    for length in ("x", "-1", str(1 << 40)):
        with socket.create_connection(("127.0.0.1", post.port), timeout=30) as connection:
            connection.sendall(f"POST /shuniu HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
            assert connection.recv(100).split()[1] == b"413"
    stranger = post.hub.deliver(post.county.hub_keys[HubKeyRole.PUSHES], item={"lane": LANE, "sequence": 1})
    assert post.push([stranger]).status_code == 422
    assert post.stored() == []
    assert post.push(items).status_code == 200


def test_the_example_does_not_confirm_what_it_cannot_store_or_check(post: Post) -> None:
    items = post.items(1)
    post.hub.faults.append(lambda _: httpx.Response(404, content=b"{}"))
    assert post.push(items).status_code == 503  # no certificate to check the envelope with
    post.hub.faults.clear()
    with sqlite3.connect(post.folder / "pushes.sqlite3") as database:
        database.execute("ALTER TABLE received RENAME TO elsewhere")
    assert post.push(items, fence=2).status_code == 503
    with sqlite3.connect(post.folder / "pushes.sqlite3") as database:
        database.execute("ALTER TABLE elsewhere RENAME TO received")
    assert post.push(items, fence=3).status_code == 200
    assert post.stored() == [(items[0]["delivery"], 1)]
