"""A county on disk with real keys, and a hub at the other end of the wire that can be told to misbehave.

The hub here exists because a real one cannot be made to lie: it signs with real keys and keeps the contract, until a test
puts a fault into it. What a real gateway does is tested in `test_with_gateway.py`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from certs import authority, envelope
from certs.authority import HubKeyRole, Issued
from certs.digests import b64u_decode, digest
from certs.envelope import Opened, kid_of
from certs.header import ACK, EXCHANGE
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.client import Partner
from hub.client.folder import Folder, Trust

HUB = "lintao-hub"
RES = "306001000001/000042"
RECORDS = [{"case_no": "621124-000001", "applicant": "示例申请人"}]
SCHEMA = digest(b"schema")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

Fault = Callable[[httpx.Request], httpx.Response | None]


def pem(*certificates: x509.Certificate) -> bytes:
    """The certificates as one PEM text."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def signer_of(issued: Issued) -> KeySigner:
    """Signs with the key of a certificate."""
    return KeySigner(issued.key, kid_of(issued.certificate.public_bytes(Encoding.DER)))


@dataclass
class Clock:
    """A clock that tests set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class County:
    """An authority, a hub with its keys, and partners with their folders, all under `base`."""

    base: Path
    root: Issued
    issuing: Issued
    hub_keys: dict[HubKeyRole, Issued]
    systems: dict[str, Issued] = field(default_factory=dict)

    def system(self, code: str, *, algorithm: Any = "ES256", now: datetime = NOW) -> Path:
        """A partner's folder; the system has a certificate for thirty days."""
        key = generate_key(algorithm)
        csr = authority.make_csr(key, code)
        certificate = authority.issue_system(self.issuing, csr, code, "示例单位", now, 30)
        self.systems[code] = Issued(key, certificate)
        folder = self.base / "partners" / code
        folder.mkdir(parents=True)
        (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "cert.pem").write_bytes(pem(certificate, self.issuing.certificate))
        profile = {
            "hub": HUB,
            "url": "http://hub.test",
            "system": code,
            "kid": signer_of(self.systems[code]).kid,
            "token_endpoint": "http://hub.test/oauth/token",
        }
        (folder / "partner.json").write_text(json.dumps(profile), encoding="utf-8")
        return folder

    def chain(self, issued: Issued) -> bytes:
        """A certificate with its issuers, as the hub serves it."""
        return pem(issued.certificate, self.issuing.certificate, self.root.certificate)


def make_county(base: Path, now: datetime = NOW) -> County:
    """An authority, a hub's keys, and `trust/` under `base`."""
    root = authority.create_root("测试根", now)
    issuing = authority.create_issuing(root, "测试签发", now)
    keys = {}
    for role in HubKeyRole:
        key = generate_key("ES256")
        keys[role] = Issued(key, authority.issue_hub_key(issuing, key.public_key(), HUB, role, now, 365))
    trust = base / "trust"
    trust.mkdir()
    (trust / "ca.pem").write_bytes(pem(root.certificate))
    (trust / "hub.pem").write_bytes(pem(keys[HubKeyRole.RECEIPTS].certificate))
    return County(base, root, issuing, keys)


@dataclass
class HubDouble:
    """Keeps the contract with real signatures; `faults` are asked first, and what one answers is the answer."""

    county: County
    clock: Clock
    faults: list[Fault] = field(default_factory=list)
    accepted: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    acknowledged: list[Opened] = field(default_factory=list)
    inbox: list[dict[str, Any]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    assertions: set[str] = field(default_factory=set)
    receipt_changes: dict[str, Any] = field(default_factory=dict)
    header_changes: dict[str, Any] = field(default_factory=dict)
    receipt_key: Issued | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        for fault in self.faults:
            if (answer := fault(request)) is not None:
                return answer
        path = request.url.path
        if path == "/oauth/token":
            return self._token(request)
        if path == "/v1/exchanges":
            return self._exchange(request.content)
        if path == "/v1/inbox/acks":
            return self._acks(request.content)
        if path.startswith("/pki/certificates/"):
            return self._certificate(path.removeprefix("/pki/certificates/").removesuffix(".pem"))
        assert request.headers["Authorization"].startswith("Bearer token-")
        if path == "/v1/inbox":
            return httpx.Response(200, json={"items": self.inbox[: int(request.url.params["limit"])]})
        resource = {"code": RES, "version": 3, "schema_digest": SCHEMA}
        found = [resource] if request.url.params["code"] == RES else []
        return httpx.Response(200, json={"items": found, "next": None})

    def posts(self, path: str) -> list[bytes]:
        """The bodies that were posted to `path`."""
        return [request.content for request in self.requests if request.url.path == path and request.method == "POST"]

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        assert form["grant_type"] == "client_credentials"
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        # read by a library that is not ours
        code = json.loads(b64u_decode(form["client_assertion"].split(".")[1].encode()))["iss"]
        issued = self.county.systems[code]
        public = issued.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        token = jwt.decode(form["client_assertion"], ECKey.import_key(public), algorithms=["ES256"])
        claims = token.claims
        assert claims["sub"] == code
        assert claims["aud"] == "http://hub.test/oauth/token"
        assert 0 < claims["exp"] - claims["iat"] <= 300
        assert token.header["kid"] == signer_of(issued).kid
        if claims["jti"] in self.assertions:
            return httpx.Response(400, json={"error": "invalid_client", "error_description": "jti seen"})
        self.assertions.add(claims["jti"])
        body = {"access_token": f"token-{len(self.assertions)}", "expires_in": 300, "token_type": "Bearer"}
        return httpx.Response(200, json=body)

    def _exchange(self, compact: bytes) -> httpx.Response:
        opened = envelope.read(compact, max_bytes=4 << 20, allowed_types=frozenset({EXCHANGE}))
        key = (opened.header.iss, opened.header.jti)
        if key in self.accepted:
            if self.accepted[key][0] != opened.digest:
                return problem(409, "jti-reused")
            return httpx.Response(200, content=self.accepted[key][1])
        if abs(opened.header.iat - self.clock().timestamp()) > 300:
            return problem(401, "stale-message")
        receipt = self.receipt_for(opened)
        self.accepted[key] = (opened.digest, receipt)
        return httpx.Response(201, content=receipt)

    def receipt_for(self, opened: Opened) -> bytes:
        """A receipt as the hub gives it, changed as the test asked."""
        header = opened.header
        moment = self.clock().isoformat()
        payload: dict[str, Any] = {
            "exchange": str(uuid4()),
            "envelope_digest": opened.digest,
            "sender": header.iss,
            "jti": header.jti,
            "res": header.res,
            "ver": header.ver,
            "schema_digest": SCHEMA,
            "accepted_at": moment,
            "lanes": 2,
            "hub": HUB,
            "log": HUB,
            "entry": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "seal_by": moment,
        } | self.receipt_changes
        names: dict[str, Any] = {
            "typ": "receipt+jws",
            "iss": HUB,
            "aud": header.iss,
            "iat": int(self.clock().timestamp()),
            "jti": uuid4().hex,
            "res": header.res,
            "ver": header.ver,
            "ref": header.jti,
        } | self.header_changes
        issued = self.receipt_key or self.county.hub_keys[HubKeyRole.RECEIPTS]
        body = {name: value for name, value in payload.items() if value is not None}
        return envelope.seal(signer_of(issued), payload=json.dumps(body).encode(), **names)

    def _acks(self, compact: bytes) -> httpx.Response:
        opened = envelope.read(compact, max_bytes=4 << 20, allowed_types=frozenset({ACK}))
        self.acknowledged.append(opened)
        deliveries = json.loads(opened.payload_bytes)["deliveries"]
        return httpx.Response(200, json={"acknowledged": len(deliveries)})

    def _certificate(self, kid: str) -> httpx.Response:
        for issued in (*self.county.systems.values(), *self.county.hub_keys.values()):
            if signer_of(issued).kid == kid:
                return httpx.Response(200, content=self.county.chain(issued))
        return problem(404, "not-found")

    def deliver(self, issued: Issued, *, item: dict[str, Any] | None = None, **names: Any) -> dict[str, Any]:
        """Put an envelope signed with `issued` into the inbox; `names` change its header, `item` what the inbox says."""
        header: dict[str, Any] = {
            "typ": EXCHANGE,
            "iss": "civil-affairs",
            "aud": HUB,
            "iat": int(self.clock().timestamp()),
            "jti": uuid4().hex,
            "res": RES,
            "ver": 3,
            "payload": json.dumps({"records": RECORDS}).encode(),
        } | names
        compact = envelope.seal(signer_of(issued), **header)
        entry = {
            "delivery": str(uuid4()),
            "exchange": str(uuid4()),
            "res": RES,
            "ver": 3,
            "lane": str(uuid4()),
            "sequence": len(self.inbox) + 1,
            "digest": digest(compact),
            "envelope": compact.decode(),
            "accepted_at": self.clock().isoformat(),
        } | (item or {})
        self.inbox.append(entry)
        return entry


def problem(status: int, slug: str, *, retry_after: int | None = None, **members: Any) -> httpx.Response:
    """A problem document."""
    body = {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": f"{slug} 的说明", **members}
    headers = {"Content-Type": "application/problem+json", "X-Request-Id": "r-1"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return httpx.Response(status, content=json.dumps(body).encode(), headers=headers)


@dataclass
class Desk:
    """A partner, its folder, and the hub at the other end; `pauses` are the seconds it slept."""

    folder: Path
    hub: HubDouble
    clock: Clock
    pauses: list[float]
    partner: Partner

    def again(self) -> Partner:
        """The partner after a restart: a new process on the same folder."""
        self.partner = open_partner(self.folder, self.hub, self.clock, self.pauses)
        return self.partner

    def outbox(self) -> list[Path]:
        return sorted((self.folder / "outbox").glob("*.jws"))


def open_partner(folder: Path, hub: HubDouble, clock: Clock, pauses: list[float]) -> Partner:
    """A partner wired to the hub."""
    opened = Folder(folder)
    return Partner(
        opened,
        Trust.load(opened.find_trust()),
        transport=httpx.MockTransport(hub),
        clock=clock,
        sleep=pauses.append,
    )
