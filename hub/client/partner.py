"""A partner system at its hub: publish, pull, acknowledge, receive pushes, and go on after a crash.

How a message gets to the hub once, whatever dies in between, is told in `hub.client.outbox`.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from certs import envelope
from certs.header import ACK, EXCHANGE
from hub.client.chains import Chains
from hub.client.errors import ProblemError, TrustError
from hub.client.folder import Folder, Trust
from hub.client.messages import Delivery, Receipt, check_delivery
from hub.client.outbox import Outbox, Resumed
from hub.client.push_receiver import PushReceiver
from hub.client.sending import Sending, precede
from hub.client.tokens import Tokens
from hub.client.wire import Wire, json_object

MAX_RECORDS = 1000
"""Records in one envelope (contract, "Envelope")."""

MAX_PAYLOAD_BYTES = 3_000_000
"""Payload of one envelope as `batches` cuts it: base64url makes four bytes of three, and 4 MiB is the hub's default."""

MAX_ACKNOWLEDGED = 500
"""Deliveries in one acknowledgement."""


_MOMENT = re.compile("[0-9a-f]{16}(?=-)")
"""How our identifiers begin: microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a resource to publish under; `schema_digest` is compared with the receipt's when it is known."""

    number: int
    schema_digest: str | None = None


def system_clock() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


class Partner(PushReceiver):
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
        self._wire = Wire(folder.profile.url, transport=transport, sleep=sleep)
        super().__init__(folder, trust, Chains(self._wire), clock)
        self._tokens = Tokens(self._wire, folder.profile, folder.signer, clock)
        self._outbox = Outbox(folder, trust, self._wire, clock)
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
        ref: str | None = None,
    ) -> Receipt:
        """Sign 1 to 1,000 records of a resource and send them; returns the receipt, checked and written.

        `ver` is the live version unless given; `to` names the only systems that may get them, `ref` the `jti` of the message
        that this one corrects. Done once more it is another exchange, unlike `publish_all`. Raises ProblemError for a refusal,
        HubUnreachable when the outcome is unknown (then `resume` goes on), TrustError for a receipt not to be believed,
        EnvelopeError for a header not of its form, ValueError for too many records.
        """
        if not 1 <= len(records) <= MAX_RECORDS:
            raise ValueError(f"an envelope takes 1 to {MAX_RECORDS} records, not {len(records)}; see batches()")
        payload = {"op": op, "records": list(records)}
        return self.publish_payload(res, payload, ver=ver, to=to, ref=ref)

    def publish_payload(
        self,
        res: str,
        payload: Mapping[str, Any],
        *,
        ver: int | Version | None = None,
        to: Sequence[str] | None = None,
        ref: str | None = None,
    ) -> Receipt:
        """Sign a whole payload and send it, as `publish` does; the hub judges its form."""
        version, jti = self._version(res, ver), self._new_jti()
        compact = self._sealed(jti, res, _json(payload), version, to, ref)
        precede(self._folder, jti)
        return self._outbox.publish(compact, version.schema_digest)

    def publish_all(
        self,
        res: str,
        records: Iterable[Mapping[str, Any]],
        *,
        ver: int | Version | None = None,
        op: str = "upsert",
        to: Sequence[str] | None = None,
        ref: str | None = None,
    ) -> list[Receipt]:
        """Sign any number of records of a resource and send them in as many envelopes as they take; returns all receipts.

        Done once more after a kill, an unknown outcome or a refusal half-way, it goes on where it stopped and nothing becomes two
        exchanges; see `hub.client.sending`. Raises as `publish` does, ValueError for no records and for a `snapshot` that
        takes several envelopes; a ProblemError of an earlier message that is refused now comes first, and nothing of this is sent.
        """
        payloads = [{"op": op, "records": part} for part in batches(records)]
        if not payloads or (op == "snapshot" and len(payloads) > 1):
            raise ValueError(f"records of a {op} fill {len(payloads)} envelopes")
        return self.publish_payloads(res, payloads, ver=ver, to=to, ref=ref)

    def publish_payloads(
        self,
        res: str,
        payloads: Sequence[Mapping[str, Any]],
        *,
        ver: int | Version | None = None,
        to: Sequence[str] | None = None,
        ref: str | None = None,
        tell: Callable[[Receipt], None] = lambda _: None,
    ) -> list[Receipt]:
        """Sign whole payloads and send them in this order, as `publish_all` does; `tell` is called with each receipt at its turn."""
        version = self._version(res, ver)
        bodies = list(map(_json, payloads))
        about = (res, None if ver is None else version.number, None if to is None else list(to), ref)
        receipts: list[Receipt] = []
        with self._folder.sending_alone():
            earlier = self.resume().refused
            sending = Sending.begun(self._folder, about, bodies)
            for jti in earlier.keys() - set(sending.jtis):
                raise earlier[jti].of_earlier(jti)
            for place, body in enumerate(bodies):
                receipt = sending.receipt(place)
                if receipt is None:
                    named = sending.named(place)
                    jti = named or self._new_jti()
                    compact = self._sealed(jti, res, body, version, to, ref)
                    sending.name(place, jti)
                    try:
                        receipt = self._outbox.publish(compact, version.schema_digest)
                    except ProblemError as refusal:
                        if named is not None and refusal.slug == "jti-reused":
                            sending.lose(jti)
                            sending.named(place)
                        raise
                receipts.append(receipt)
                tell(receipt)
            sending.end()
        return receipts

    def _version(self, res: str, given: int | Version | None) -> Version:
        """What is given, or the live one."""
        return Version(given) if isinstance(given, int) else given or self.live_version(res)

    def _sealed(
        self, jti: str, res: str, body: bytes, version: Version, to: Sequence[str] | None, ref: str | None
    ) -> bytes:
        """The envelope, signed now. Raises EnvelopeError."""
        return envelope.seal(
            self._folder.signer,
            typ=EXCHANGE,
            iss=self.system,
            aud=self._folder.profile.hub,
            iat=int(self._clock().timestamp()),
            jti=jti,
            res=res,
            ver=version.number,
            to=to,
            ref=ref,
            payload=body,
        )

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
                certificates_for=self._chains,
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
            total += self._outbox.acknowledge(self._acknowledgement(part))
        return total

    def sign_acknowledgement(self, items: Iterable[Delivery]) -> bytes:
        """A signed acknowledgement of these deliveries, to answer a push with (`application/jose`); sent nowhere.

        If the answer is lost the hub pushes them again, and another acknowledgement counts as well.
        """
        return self._acknowledgement([{"id": item.id, "digest": item.digest} for item in items])

    def lists(self) -> list[dict[str, Any]]:
        """The published lists, each with its last publication and what this system did with it. Raises as `inbox` does."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = self._authorised("/v1/lists", {"limit": "500"} | ({"cursor": cursor} if cursor else {}))
            items = answer.get("items")
            if not isinstance(items, list):
                raise TrustError("清单列表的回答没有 items", "the answer about lists has no items")
            found += items
            cursor = answer.get("next")
        return found

    def list_loaded(self, res: str, number: int) -> dict[str, Any]:
        """Say that this system loaded that publication of a list; returns it. Raises as `inbox` does."""
        return self._authorised(f"/v1/lists/{res}/publications/{number}/loaded", {}, method="POST")

    def list_online(self, res: str, number: int, url: str) -> dict[str, Any]:
        """Say at which address the public reads that publication; returns it. Raises as `inbox` does."""
        path = f"/v1/lists/{res}/publications/{number}/online"
        return self._authorised(path, {}, method="POST", body={"url": url})

    def resume(self) -> Resumed:
        """Send what lies in the outbox, oldest first, and return what came of it. Nothing becomes two exchanges.

        Another process that resumes in the same folder is waited for. Raises HubUnreachable or ProblemError (503 and the like)
        when the hub cannot answer now: the rest stays.
        """
        return self._outbox.resume()

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

    def _authorised(
        self,
        path: str,
        parameters: dict[str, str],
        *,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
        patience: float = 0.0,
    ) -> dict[str, Any]:
        """A call with the access token, which is renewed once if the hub does not take it any more."""
        request: dict[str, Any] = {"params": parameters, "json": body, "patience": patience}
        try:
            response = self._wire.call(method, path, headers=self._tokens.bearer(), **request)
        except ProblemError as refusal:
            if refusal.slug != "unauthenticated":
                raise
            self._tokens.forget()
            response = self._wire.call(method, path, headers=self._tokens.bearer(), **request)
        return json_object(response)

    def _new_jti(self) -> str:
        """An identifier that nobody has used and that sorts after all of this process and all in the outbox, whatever the clock says."""
        waiting = _MOMENT.match(self._folder.newest_waiting)
        newest = max(self._last_jti, int(waiting[0], 16) if waiting else 0)
        self._last_jti = max(newest + 1, int(self._clock().timestamp() * 1_000_000))
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


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
