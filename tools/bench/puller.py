"""Consumers that pull and acknowledge, over plain sockets: an HTTP library would cost this machine more than the hub does.

One connection and one token for each consumer; a pull, then a signed acknowledgement of everything it brought, and again.
Consumers do what their owners would: they compute the digest of what they got before they say that they have it.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs import envelope
from certs.digests import b64u_encode, digest
from certs.header import ACK
from certs.suites import KeySigner, PrivateKey
from hub.settings import Settings
from tools.bench.county import Partner
from tools.bench.errors import VoidRun
from tools.bench.figures import percentile
from tools.bench.plan import PULL_LIMIT

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_S = 60
HEAD_LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class Pulled:
    """What all consumers together acknowledged in `seconds`, and how long each pull with its acknowledgement took."""

    items: int
    seconds: float
    round_trips_ms: Sequence[float]

    @property
    def per_second(self) -> float:
        """Items acknowledged in a second."""
        return self.items / self.seconds

    def __str__(self) -> str:
        return f"{self.per_second:,.0f}/s, p50 {self.percentile(50):.1f} ms, p99 {self.percentile(99):.1f} ms"

    def percentile(self, percent: int) -> float:
        """The round trip that `percent` of all are not slower than, in milliseconds."""
        return percentile(self.round_trips_ms, percent)


@dataclass(slots=True)
class Connection:
    """One HTTP/1.1 connection, one request at a time; understands answers with a Content-Length, which ours have."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """A connection to loopback."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=HEAD_LIMIT))

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
        """The body of a 200 answer. Raises VoidRun for any other."""
        head = f"{method} {target} HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"{head}\r\n".encode() + body)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = answer.partition(b"content-length:")[2].partition(b"\r\n")[0]
        content = await self.reader.readexactly(int(length))
        if answer.split(b" ", 2)[1] != b"200":
            said = f"{answer.split(b' ', 2)[1].decode()} {content[:400].decode('utf-8', 'replace')}"
            raise VoidRun(
                f"{method} {target} 的回答不是 200：{said}", f"{method} {target} was not answered 200: {said}"
            )
        return content

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        await self.writer.wait_closed()


@dataclass(slots=True)
class Consumer:
    """One system that takes what its lane holds."""

    settings: Settings
    partner: Partner
    over: asyncio.Event
    items: int = 0
    round_trips_ms: list[float] = field(default_factory=list)

    async def work(self, seconds: float) -> None:
        """Get a token, then pull and acknowledge for `seconds`, or until nothing is left or `over` is set. Raises VoidRun."""
        connection = await Connection.open(self.settings.port)
        try:
            signer = _signer(self.partner)
            token = await fetch_token(connection, self.settings, self.partner)
            end = time.perf_counter() + seconds
            while (began := time.perf_counter()) < end and not self.over.is_set():
                taken = await self._take(connection, signer, token)
                if not taken:
                    return
                self.items += taken
                self.round_trips_ms.append((time.perf_counter() - began) * 1000)
        finally:
            await connection.close()

    async def _take(self, connection: Connection, signer: KeySigner, token: str) -> int:
        bearer = {"Authorization": f"Bearer {token}"}
        items = orjson.loads(await connection.ask("GET", f"/v1/inbox?limit={PULL_LIMIT}", bearer))["items"]
        if not items:
            return 0
        compact = _acknowledgement(self.settings.hub_id, self.partner.code, signer, items)
        answer = await connection.ask("POST", "/v1/inbox/acks", {"Content-Type": "application/jose"}, compact)
        if orjson.loads(answer) != {"acknowledged": len(items)}:
            raise VoidRun(f"确认的回答不对：{answer!r}", f"the acknowledgement was answered with {answer!r}")
        return len(items)


async def fetch_token(connection: Connection, settings: Settings, partner: Partner) -> str:
    """An access token for the partner, good for some minutes. Raises VoidRun."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": _assertion(settings.token_endpoint, partner.code, _signer(partner)),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = orjson.loads(await connection.ask("POST", "/oauth/token", headers, urlencode(form).encode()))
    return str(answer["access_token"])


def _signer(partner: Partner) -> KeySigner:
    key = load_pem_private_key(partner.key_pem, None)
    assert isinstance(key, PrivateKey)
    return KeySigner(key, partner.kid)


def _assertion(endpoint: str, code: str, signer: KeySigner) -> str:
    now = int(time.time())
    header = {"alg": signer.alg, "kid": signer.kid, "typ": "JWT"}
    claims = {"iss": code, "sub": code, "aud": endpoint, "iat": now, "exp": now + ASSERTION_S}
    parts = (header, claims | {"jti": secrets.token_urlsafe(16)})
    signed = b".".join(b64u_encode(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + b64u_encode(signer.sign(signed))).decode("ascii")


def _acknowledgement(hub: str, code: str, signer: KeySigner, items: Sequence[Mapping[str, Any]]) -> bytes:
    deliveries = []
    for item in items:
        found = digest(item["envelope"].encode("ascii"))
        if found != item["digest"]:
            raise VoidRun("投递的 digest 与信封不符", "the digest of a delivery is not that of its envelope")
        deliveries.append({"id": item["delivery"], "digest": found})
    return envelope.seal(
        signer,
        typ=ACK,
        iss=code,
        aud=hub,
        iat=int(time.time()),
        jti=secrets.token_hex(16),
        payload=orjson.dumps({"deliveries": deliveries}),
    )


async def pull(settings: Settings, partners: Sequence[Partner], seconds: float, *, may_run_out: bool = False) -> Pulled:
    """Let all partners work for `seconds` at the same time. Raises VoidRun.

    When one has nothing left, the run is over for all: what it has taken so long counts, unless that is less than half the
    run. If it `may_run_out`, the others go on until they have nothing left either.
    """
    over = asyncio.Event()
    consumers = [Consumer(settings, partner, over) for partner in partners]

    async def work(consumer: Consumer) -> None:
        await consumer.work(seconds)
        if not may_run_out:
            over.set()

    began = time.perf_counter()
    try:
        await asyncio.gather(*map(work, consumers))
    except (OSError, asyncio.IncompleteReadError) as fault:
        raise VoidRun(f"连接中断：{fault}", f"a connection broke: {fault}") from fault
    elapsed = time.perf_counter() - began
    if elapsed < seconds / 2 and not may_run_out:
        raise VoidRun(
            f"积压在 {elapsed:.1f} 秒内取完，本次作废",
            f"the backlog ran out after {elapsed:.1f} s, so this run is void",
        )
    trips = [trip for consumer in consumers for trip in consumer.round_trips_ms]
    return Pulled(sum(consumer.items for consumer in consumers), elapsed, trips)
