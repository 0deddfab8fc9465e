"""A partner system at its hub: publish, pull, acknowledge, receive pushes, and go on after a crash.

What happens to one envelope: it is signed and written to the outbox; its bytes are sent, again and again if need be; the
receipt is checked and written; the envelope leaves the outbox. A crash in between leaves it there, and `resume` sends the
same bytes: if the hub had accepted them it answers with the receipt it gave, if not it accepts them now. One case needs a
new signature: bytes that lay so long that their `iat` is stale. The hub looks for what it has seen before it judges `iat`,
so `stale-message` says that they were not accepted; `resume` signs their payload again under the same `jti`, and should the
old bytes still arrive somewhere on a slow path, only one of the two can become an exchange.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from cryptography import x509

from certs import envelope
from certs.envelope import Opened
from certs.errors import EnvelopeError
from certs.header import ACK, EXCHANGE
from hub.client import pki
from hub.client.errors import FolderError, ProblemError, TrustError
from hub.client.folder import Folder, Trust
from hub.client.messages import MAX_ENVELOPE_BYTES, Delivery, Receipt, check_delivery, check_receipt
from hub.client.push import Push, PushTrust, check_push, verify_push
from hub.client.push_memory import REMEMBERED_ON_DISK, DurablePushGuard
from hub.client.tokens import Tokens
from hub.client.wire import Wire, json_object

MAX_RECORDS = 1000
"""Records in one envelope (contract, "Envelope")."""

MAX_PAYLOAD_BYTES = 3_000_000
"""Payload of one envelope as `batches` cuts it: base64url makes four bytes of three, and 4 MiB is the hub's default."""

MAX_ACKNOWLEDGED = 500
"""Deliveries in one acknowledgement."""

PUSHES = "pushes.sqlite3"
"""The file in a partner's folder with what was received by push."""

_JOSE = {"Content-Type": "application/jose"}


@dataclass(frozen=True, slots=True)
class Resumed:
    """What came of the outbox: receipts, the number of deliveries acknowledged, and what was finally refused, by `jti`."""

    receipts: list[Receipt]
    acknowledged: int
    refused: dict[str, ProblemError]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a resource to publish under; `schema_digest` is compared with the receipt's when it is known."""

    number: int
    schema_digest: str | None = None


def system_clock() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


class Partner:
    """One system at one hub. Not for use by several threads at once; several processes may share its folder."""

    def __init__(
        self,
        folder: Folder,
        trust: Trust,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = system_clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = folder
        self._trust = trust
        self._clock = clock
        self._wire = Wire(folder.profile.url, transport=transport, sleep=sleep)
        self._tokens = Tokens(self._wire, folder.profile, folder.signer, clock)
        self._chains: dict[str, list[x509.Certificate]] = {}
        self._last_jti = 0

    @classmethod
    def load(cls, folder: str | Path, *, trust: str | Path | None = None) -> Partner:
        """The partner whose key, certificate and profile lie in `folder`; `trust` holds `ca.pem` and `hub.pem`.

        Without `trust`, `trust/` in the folder or beside the folder's parent. Raises FolderError.
        """
        opened = Folder(Path(folder))
        return cls(opened, Trust.load(opened.find_trust() if trust is None else Path(trust)))

    @property
    def system(self) -> str:
        """The code of this system."""
        return self._folder.profile.system

    def close(self) -> None:
        """Close the connection to the hub."""
        self._wire.close()

    def __enter__(self) -> Self:
        """Use as a context manager: the connection is closed at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def live_version(self, res: str) -> Version:
        """The published version of the resource of that code. Raises ProblemError, HubUnreachable, TrustError."""
        answer = self._authorised("/v1/resources", {"code": res})
        found = [item for item in answer.get("items", []) if isinstance(item, dict) and item.get("code") == res]
        number = found[0].get("version") if found else None
        if type(number) is not int:
            raise ProblemError(
                status=404,
                slug="unknown-resource",
                title=f"目录中没有已发布的资源 {res} / the catalogue has no published resource {res}",
            )
        return Version(number, found[0].get("schema_digest"))

    def publish(
        self,
        res: str,
        records: Sequence[Mapping[str, Any]],
        *,
        ver: int | Version | None = None,
        op: str = "upsert",
        to: Sequence[str] | None = None,
    ) -> Receipt:
        """Sign 1 to 1,000 records of a resource and send them; returns the receipt, checked and written.

        `ver` is the live version unless given; `to` names the only systems that may get them. Raises ProblemError for a
        refusal, HubUnreachable when the outcome is unknown (then `resume` goes on), TrustError for a receipt not to be
        believed, EnvelopeError for a header not of its form, ValueError for too many records.
        """
        if not 1 <= len(records) <= MAX_RECORDS:
            raise ValueError(f"an envelope takes 1 to {MAX_RECORDS} records, not {len(records)}; see batches()")
        return self.publish_payload(res, {"op": op, "records": list(records)}, ver=ver, to=to)

    def publish_payload(
        self,
        res: str,
        payload: Mapping[str, Any],
        *,
        ver: int | Version | None = None,
        to: Sequence[str] | None = None,
    ) -> Receipt:
        """Sign a whole payload and send it, as `publish` does; the hub judges its form."""
        version = Version(ver) if isinstance(ver, int) else ver or self.live_version(res)
        jti, now = self._new_jti(), self._clock()
        compact = envelope.seal(
            self._folder.signer,
            typ=EXCHANGE,
            iss=self.system,
            aud=self._folder.profile.hub,
            iat=int(now.timestamp()),
            jti=jti,
            res=res,
            ver=version.number,
            to=to,
            payload=_json(payload),
        )
        with self._kept(compact) as opened:
            return self._send_exchange(opened, version.schema_digest)

    def inbox(self, *, limit: int = 100, wait: float = 0.0) -> list[Delivery]:
        """Up to `limit` (≤ 500) unacknowledged items, each lane from its oldest, every one checked.

        `wait` is how many seconds (≤ 30) to wait for the first. The same items come again until acknowledged. Raises
        TrustError when one cannot be believed, ProblemError, HubUnreachable.
        """
        answer = self._authorised("/v1/inbox", {"limit": str(limit), "wait": str(wait)}, patience=wait)
        items = answer.get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise TrustError("收件箱的回答没有 items", "the inbox's answer has no items")
        return [
            check_delivery(
                item,
                hub=self._folder.profile.hub,
                system=self.system,
                certificates_for=self._chain,
                anchors=self._trust.anchors,
                now=self._clock(),
            )
            for item in items
        ]

    def acknowledge(self, items: Iterable[Delivery]) -> int:
        """Sign that these deliveries arrived, up to 500 in one message; returns how many the hub counted.

        A message is taken whole or not at all. Raises ProblemError, HubUnreachable (then `resume` goes on), TrustError.
        """
        listed = [{"id": item.id, "digest": item.digest} for item in items]
        total = 0
        while listed:
            part, listed = listed[:MAX_ACKNOWLEDGED], listed[MAX_ACKNOWLEDGED:]
            with self._kept(self._acknowledgement(part)) as opened:
                total += self._send_acknowledgement(opened)
        return total

    def verify_push(
        self, url: str, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes, *, method: str = "POST"
    ) -> Push:
        """What the hub pushed to us at `url`, believed and read; its envelopes are opened by `check_push`.

        `url` is the one that was registered with the hub. The certificates are those of `trust/push.pem`. Raises PushRefused with
        the status to answer with.
        """
        return verify_push(method, url, headers, body, trust=self._push_trust(), now=self._clock())

    def check_push(self, push: Push) -> list[Delivery]:
        """The push's items with their envelopes believed and opened, as `inbox` gives them.

        A signer's certificate that was not seen before comes from the hub. Raises TrustError for an envelope not to be
        believed, HubUnreachable, ProblemError.
        """
        return check_push(
            push, system=self.system, trust=self._push_trust(), certificates_for=self._chain, now=self._clock()
        )

    def push_guard(self, *, remembered: int = REMEMBERED_ON_DISK) -> DurablePushGuard:
        """What this partner has received by push, in `pushes.sqlite3` of its folder. Raises FolderError."""
        return DurablePushGuard(self._folder.path / PUSHES, remembered=remembered, clock=self._clock)

    def sign_acknowledgement(self, items: Iterable[Delivery]) -> bytes:
        """A signed acknowledgement of these deliveries, to answer a push with (`application/jose`); sent nowhere.

        If the answer is lost the hub pushes them again, and another acknowledgement counts as well.
        """
        return self._acknowledgement([{"id": item.id, "digest": item.digest} for item in items])

    def resume(self) -> Resumed:
        """Send what lies in the outbox, oldest first, and return what came of it. Nothing becomes two exchanges.

        Raises HubUnreachable or ProblemError (503 and the like) when the hub cannot answer now: the rest stays.
        """
        done = Resumed([], 0, {})
        for compact in self._folder.waiting():
            opened = _read(compact)
            try:
                with self._set_aside_if_refused(opened):
                    done = self._send_again(opened, done)
            except ProblemError as refusal:
                if not refusal.is_final:
                    raise
                done.refused[opened.header.jti] = refusal
        return done

    def _acknowledgement(self, listed: Sequence[Mapping[str, str]]) -> bytes:
        return envelope.seal(
            self._folder.signer,
            typ=ACK,
            iss=self.system,
            aud=self._folder.profile.hub,
            iat=int(self._clock().timestamp()),
            jti=self._new_jti(),
            payload=_json({"deliveries": listed}),
        )

    def _push_trust(self) -> PushTrust:
        found = list(self._trust.push_certificates)
        if not found:
            raise FolderError(
                "信任锚目录中没有 push.pem（枢纽的推送证书）；请向枢纽运行方索取",
                "the folder with trust anchors has no push.pem (the hub's push certificate); ask the hub's operator",
            )

        def chain(kid: str) -> list[x509.Certificate]:
            return sorted(found, key=lambda certificate: pki.certificate_kid(certificate) != kid)

        return PushTrust(self._folder.profile.hub, self._trust.anchors, chain)

    @contextmanager
    def _kept(self, compact: bytes) -> Iterator[Opened]:
        """The message, written to the outbox before anything is done with it."""
        opened = _read(compact)
        self._folder.keep(opened.header.jti, compact)
        with self._set_aside_if_refused(opened):
            yield opened

    @contextmanager
    def _set_aside_if_refused(self, opened: Opened) -> Iterator[None]:
        """What is finally refused leaves the outbox; what may yet be accepted stays."""
        try:
            yield
        except ProblemError as refusal:
            if refusal.is_final:
                self._folder.set_aside(opened.header.jti, opened.compact)
            raise

    def _send_again(self, opened: Opened, done: Resumed) -> Resumed:
        try:
            return self._send_either(opened, done)
        except ProblemError as refusal:
            if refusal.slug != "stale-message":
                raise
        return self._send_either(self._sign_anew(opened), done)

    def _send_either(self, opened: Opened, done: Resumed) -> Resumed:
        if opened.header.typ == ACK:
            return Resumed(done.receipts, done.acknowledged + self._send_acknowledgement(opened), done.refused)
        return Resumed([*done.receipts, self._send_exchange(opened, None)], done.acknowledged, done.refused)

    def _sign_anew(self, opened: Opened) -> Opened:
        header = opened.header
        compact = envelope.seal(
            self._folder.signer,
            typ=header.typ,
            iss=header.iss,
            aud=header.aud,
            iat=int(self._clock().timestamp()),
            jti=header.jti,
            payload=opened.payload_bytes,
            res=header.res,
            ver=header.ver,
            to=header.to,
            ref=header.ref,
        )
        self._folder.keep(header.jti, compact)
        return _read(compact)

    def _send_exchange(self, opened: Opened, schema_digest: str | None) -> Receipt:
        response = self._post("/v1/exchanges", opened)
        receipt = check_receipt(
            response.content,
            opened,
            hub=self._folder.profile.hub,
            hub_certificates=self._trust.hub_certificates,
            now=self._clock(),
            schema_digest=schema_digest,
        )
        self._folder.keep_receipt(receipt.jti, receipt.compact)
        return receipt

    def _send_acknowledgement(self, opened: Opened) -> int:
        count = json_object(self._post("/v1/inbox/acks", opened)).get("acknowledged")
        if type(count) is not int:
            raise TrustError("确认的回答没有 acknowledged", "the answer to an acknowledgement has no acknowledged")
        self._folder.release(opened.header.jti)
        return count

    def _post(self, path: str, opened: Opened) -> httpx.Response:
        return self._wire.call("POST", path, content=opened.compact, headers=_JOSE)

    def _authorised(self, path: str, parameters: dict[str, str], *, patience: float = 0.0) -> dict[str, Any]:
        """GET with the access token, which is renewed once if the hub does not take it any more."""
        try:
            response = self._wire.call("GET", path, params=parameters, headers=self._tokens.bearer(), patience=patience)
        except ProblemError as refusal:
            if refusal.slug != "unauthenticated":
                raise
            self._tokens.forget()
            response = self._wire.call("GET", path, params=parameters, headers=self._tokens.bearer(), patience=patience)
        return json_object(response)

    def _chain(self, kid: str) -> list[x509.Certificate]:
        """A certificate with its issuers from the hub's store; what is believed of it is not decided here."""
        if kid not in self._chains:
            pem = self._wire.call("GET", f"/pki/certificates/{kid}.pem").content
            try:
                self._chains[kid] = pki.read_certificates(pem)
            except ValueError:
                raise TrustError(f"证书 {kid} 无法读取", f"the certificate {kid} cannot be read") from None
        return self._chains[kid]

    def _new_jti(self) -> str:
        """An identifier that nobody has used and that sorts after all earlier ones of this process."""
        self._last_jti = max(self._last_jti + 1, int(self._clock().timestamp() * 1_000_000))
        return f"{self._last_jti:016x}-{secrets.token_hex(8)}"


def batches(records: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The records in parts that fit into one envelope each: at most 1,000, and at most 3 MB of payload."""
    part: list[Mapping[str, Any]] = []
    size = 0
    for record in records:
        length = len(_json(record)) + 1
        if part and (len(part) == MAX_RECORDS or size + length > MAX_PAYLOAD_BYTES):
            yield part
            part, size = [], 0
        part.append(record)
        size += length
    if part:
        yield part


def _read(compact: bytes) -> Opened:
    try:
        return envelope.read(compact, max_bytes=MAX_ENVELOPE_BYTES, allowed_types=frozenset({EXCHANGE, ACK}))
    except EnvelopeError as error:
        raise FolderError(
            f"outbox 中的文件已损坏：{error.zh}", f"a file in the outbox is damaged: {error.en}"
        ) from None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
