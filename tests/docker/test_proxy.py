"""docker/haproxy.cfg, run: what callers see of two gateways behind it, and what gateways see of callers."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hub.app.gateway import GRACE_S, KEEP_ALIVE_S
from hub.exchange.inbox import MAX_WAIT_S
from hub.settings import Settings
from tests.docker.deployment import DOCKER, compose
from tests.support.harness import free_port

CONFIGURATION = (DOCKER / "haproxy.cfg").read_text(encoding="utf-8")
DEFAULTS = dict(re.findall(r'"\$\{(\w+)-([^}]*)\}', CONFIGURATION))
HOST = "hub.county.example"
READY_WITHIN_S = 60.0
MAX_BODY = 100_000


class Quiet(ThreadingHTTPServer):
    """Says nothing of connections that the proxy resets, as its checks do."""

    def handle_error(self, *_: object) -> None:
        return


@dataclass
class Gateway:
    """A stand-in for a gateway: ready or not, it notes what reaches it, and can hang up instead of answering."""

    name: str
    ready: bool = True
    hangs_up: int = 0
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    def server(self) -> ThreadingHTTPServer:
        """A server on a free port."""
        gateway = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.path == "/readyz" and self.headers["Host"] == "proxy":
                    self.answer(200 if gateway.ready else 503)
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                gateway.seen.append((self.command, self.path, headers))
                if gateway.hangs_up:
                    gateway.hangs_up -= 1
                    self.close_connection = True
                else:
                    self.answer(200)

            def do_POST(self) -> None:
                self.do_GET()

            def answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(gateway.name)))
                self.end_headers()
                self.wfile.write(gateway.name.encode())

            def log_message(self, *_: object) -> None:
                return

        server = Quiet(("127.0.0.1", 0), Door)
        server.daemon_threads = True
        self.port = server.server_port
        return server


@dataclass(frozen=True)
class Proxy:
    """The running proxy."""

    port: int
    alive: int
    gateways: tuple[Gateway, Gateway]

    def connect(self) -> http.client.HTTPSConnection:
        """A connection as a partner opens it; whose certificate it is, is not the matter here."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)

    def ask(
        self, method: str, path: str, body: bytes | None = None, more: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and text of the answer to one request on a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body, {"Host": HOST, **(more or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def running(folder: Path, *gateways: Gateway) -> Iterator[Proxy]:
    """The proxy as its configuration has it, on free ports, in front of these."""
    one, two = gateways
    make_certificate(folder / "tls.pem")
    with ExitStack() as stack:
        for gateway in gateways:
            server = stack.enter_context(gateway.server())
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            stack.callback(server.shutdown)
        port, alive = free_port(), free_port()
        environment = {
            **os.environ,
            "PROXY_LISTEN": f"127.0.0.1:{port}",
            "PROXY_ALIVE": f"127.0.0.1:{alive}",
            "PROXY_CERTIFICATE": str(folder / "tls.pem"),
            "PROXY_MAX_BODY": str(MAX_BODY),
            "GATEWAY_1": f"127.0.0.1:{one.port}",
            "GATEWAY_2": f"127.0.0.1:{two.port}",
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [haproxy(), "-db", "-f", DOCKER / "haproxy.cfg"], env=environment, stdout=log, stderr=log
            )
        try:
            proxy = Proxy(port, alive, (one, two))
            wait_until_settled(proxy, process, folder / "log")
            yield proxy
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def haproxy() -> str:
    """The program; skips where there is none."""
    found = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("haproxy is not installed (Debian: apt install haproxy)")
    return found


def make_certificate(path: Path) -> None:
    """A certificate with its key in one file."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    done = subprocess.run([*command, "-subj", f"/CN={HOST}", "-keyout", "-"], capture_output=True, check=True)
    path.write_bytes(done.stdout)


def wait_until_settled(proxy: Proxy, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return when the proxy serves and has found out which gateways are not ready."""
    unready = [gateway.name for gateway in proxy.gateways if not gateway.ready]
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text(encoding="utf-8")
        try:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=1):
                if all(f"{name} is DOWN" in said for name in unready):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy before two gateways that are ready."""
    with running(tmp_path_factory.mktemp("proxy"), Gateway("one"), Gateway("two")) as found:
        yield found


@pytest.mark.process
def test_requests_reach_both_gateways_and_answers_ask_for_https(proxy: Proxy) -> None:
    reached: set[str] = set()
    deadline = time.monotonic() + READY_WITHIN_S
    while reached < {"one", "two"}:  # one that did not answer the proxy's check, on a machine that paused, comes back
        assert time.monotonic() < deadline, reached
        reached.add(proxy.ask("GET", "/pki/ca.pem")[1])
    assert reached == {"one", "two"}
    connection = proxy.connect()
    connection.request("GET", "/pki/ca.pem")
    assert connection.getresponse().headers["Strict-Transport-Security"] == "max-age=31536000"
    connection.close()


@pytest.mark.process
def test_gateways_see_the_caller_s_address_and_nothing_that_the_caller_made_up(proxy: Proxy) -> None:
    forged = {
        "X-Forwarded-For": "10.9.9.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "elsewhere.example",
        "X-Real-IP": "10.9.9.9",
        "Forwarded": "for=10.9.9.9",
        "Proxy": "http://10.9.9.9",
        "X-Request-Id": "mine",
    }
    assert proxy.ask("GET", "/forged", more=forged)[0] == 200
    ((_, _, headers),) = [seen for gateway in proxy.gateways for seen in gateway.seen if seen[1] == "/forged"]
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert (headers["host"], headers["x-request-id"]) == (HOST, "mine")
    assert not {"x-forwarded-host", "x-real-ip", "forwarded", "proxy"} & headers.keys()


@pytest.mark.process
@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/readyz",
        "/livez",
        "/metrics/",
        "/metrics?x=1",
        "/%6detrics",
        "/%72%65adyz",
        "/livez%2f",
        f"https://{HOST}/metrics",
    ],
)
def test_the_operator_s_pages_are_not_public_however_they_are_spelt(proxy: Proxy, path: str) -> None:
    before = [len(gateway.seen) for gateway in proxy.gateways]
    assert proxy.ask("GET", path)[0] == 404
    assert [len(gateway.seen) for gateway in proxy.gateways] == before


@pytest.mark.process
def test_a_body_that_the_hub_takes_passes_and_a_far_larger_one_is_refused_before_it_is_sent(proxy: Proxy) -> None:
    assert proxy.ask("POST", "/v1/exchanges", bytes(MAX_BODY))[0] == 200
    connection = proxy.connect()
    connection.putrequest("POST", "/v1/exchanges")
    connection.putheader("Content-Length", str(MAX_BODY + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.process
def test_old_tls_is_refused(proxy: Proxy) -> None:
    def offered(version: str) -> str:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port}", version]
        done = subprocess.run([*command, "-cipher", "DEFAULT:@SECLEVEL=0"], input=b"", capture_output=True, timeout=20)
        return (done.stdout + done.stderr).decode(errors="replace")

    assert "alert protocol version" in offered("-tls1_1")
    assert "New, TLSv1.2, Cipher is ECDHE-" in offered("-tls1_2")


@pytest.mark.process
def test_the_container_s_own_check_is_answered_and_nothing_else_beside_it(proxy: Proxy) -> None:
    for path, status in (("/alive", 200), ("/", 404)):
        connection = http.client.HTTPConnection("127.0.0.1", proxy.alive, timeout=30)
        connection.request("GET", path)
        assert connection.getresponse().status == status
        connection.close()


@pytest.mark.process
def test_what_may_be_sent_twice_is_when_a_gateway_dies_and_nothing_else(proxy: Proxy) -> None:
    for method, path, tries in (("POST", "/v1/exchanges", 2), ("GET", "/v1/inbox", 2), ("POST", "/v1/grants", 1)):
        for gateway in proxy.gateways:
            gateway.seen.clear()
        one = proxy.gateways[0]
        one.hangs_up = 1
        statuses: list[int] = []
        deadline = time.monotonic() + READY_WITHIN_S
        while one.hangs_up:  # more or less in turn: one of the first meets the dying one
            assert time.monotonic() < deadline, statuses
            statuses.append(proxy.ask(method, path, b"{}")[0])
        assert statuses == [200] * (len(statuses) - 1) + [200 if tries == 2 else 502]
        assert sum(len(gateway.seen) for gateway in proxy.gateways) == len(statuses) - 1 + tries


@pytest.mark.process
def test_a_gateway_that_is_not_ready_is_sent_nothing(tmp_path: Path) -> None:
    unready = Gateway("gateway-2", ready=False)
    with running(tmp_path, Gateway("gateway-1"), unready) as proxy:
        assert [proxy.ask("GET", "/pki/ca.pem") for _ in range(6)] == [(200, "gateway-1")] * 6
    assert unready.seen == []


def requests_told(log: Path) -> list[str]:
    """What the log says of requests. A line is written after its answer, and a stop forgets what is not written yet."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        if lines or time.monotonic() > deadline:
            return lines
        time.sleep(0.05)


@pytest.mark.process
def test_the_log_has_the_caller_and_the_path_but_not_what_was_searched_for(tmp_path: Path) -> None:
    with running(tmp_path, Gateway("one"), Gateway("two")) as proxy:
        assert proxy.ask("GET", "/v1/resources?q=secret-words")[0] == 200
        lines = requests_told(tmp_path / "log")
    assert len(lines) == 1
    assert '"client":"127.0.0.1","method":"GET","path":"\\/v1\\/resources","status":200' in lines[0]
    assert "secret-words" not in lines[0]


def seconds(name: str) -> int:
    """A time-out of the configuration."""
    (found,) = re.findall(rf"^\s+timeout {name} (\d+)s$", CONFIGURATION, re.MULTILINE)
    return int(found)


def test_time_outs_leave_room_for_a_long_poll_and_end_before_the_gateway_s_own() -> None:
    assert min(seconds("server"), seconds("client")) >= MAX_WAIT_S + GRACE_S
    assert seconds("http-keep-alive") < KEEP_ALIVE_S


def test_what_compose_gives_it_is_what_it_expects() -> None:
    services = compose()["services"]
    port = Settings.model_fields["port"].default
    assert [DEFAULTS["GATEWAY_1"], DEFAULTS["GATEWAY_2"]] == [f"gateway-1:{port}", f"gateway-2:{port}"]
    assert {"gateway-1", "gateway-2"} <= services.keys()
    assert services["proxy"]["ports"][0].endswith(DEFAULTS["PROXY_LISTEN"])
    assert DEFAULTS["PROXY_CERTIFICATE"].rpartition("/") == ("/run/secrets", "/", services["proxy"]["secrets"][0])
    assert f"http://{DEFAULTS['PROXY_ALIVE']}/alive" in services["proxy"]["healthcheck"]["test"]
    assert int(DEFAULTS["PROXY_MAX_BODY"]) > Settings.model_fields["max_envelope_bytes"].default
    assert "balance leastconn" in CONFIGURATION
