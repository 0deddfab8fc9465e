"""A partner's side of a push: believe the request, and know what one had already.

A receiver does this with each POST: `verify_push` says who sent what, until when it may be acted upon; `PushGuard.judge`
says whether to act, to answer 2xx without acting, or to answer 409; then it stores the items and calls `PushGuard.keep`.
Each item's envelope is still to be opened, with `check_push`, as one from the inbox is. Knows no web framework: method, URL,
fields and body come in, a status goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, Self
from uuid import UUID

from cryptography import x509

from certs.digests import digest, is_digest
from certs.errors import CertsError, UnsuitableKeyError
from certs.header import is_resource_code
from certs.http_signature import HttpSignatureError, verify_request
from certs.jsontext import parse_object
from certs.suites import Verifier
from hub.client import pki
from hub.client.errors import FolderError, TrustError
from hub.client.messages import Delivery, check_delivery

MEDIA_TYPE = "application/vnd.shuniu.deliveries+json"

MAX_PUSH_BYTES = 96 << 20
"""The most that a hub can push at once: one envelope of the largest size that a hub can be set to, with what is around it."""

_ITEM = frozenset({"delivery", "exchange", "res", "ver", "lane", "sequence", "digest", "envelope", "accepted_at"})


class PushRefused(TrustError):
    """A push that is not believed; `status` is what to answer and `reason` a stable machine word."""

    def __init__(self, *, status: int, reason: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PushItem:
    """One item of a push, of good form: `envelope` has the digest `digest`, its signature is not checked yet."""

    delivery: str
    exchange: str
    res: str
    ver: int
    lane: str
    sequence: int
    digest: str
    envelope: bytes
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Push:
    """A push that the hub signed: items of one lane, in order, to be acted upon before `expires` (aware).

    `nonce` differs with each request, also between two of the same items.
    """

    lane: str
    sequence: int
    fence: int
    expires: datetime
    items: tuple[PushItem, ...]
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class PushTrust:
    """Whom a receiver believes: the hub's push certificates (`certificates_for` a kid: the certificate, then issuers that are
    known) as far as they lead to `anchors` and are the hub's own for pushes.
    """

    hub: str
    anchors: list[x509.Certificate]
    certificates_for: Callable[[str], list[x509.Certificate]]

    @classmethod
    def of(cls, hub: str, anchors: list[x509.Certificate], known: Sequence[x509.Certificate]) -> Self:
        """Where `known` are the hub's push certificates and such issuers of theirs as `anchors` lack, in any order."""

        def certificates_for(kid: str) -> list[x509.Certificate]:
            return sorted(known, key=lambda certificate: pki.certificate_kid(certificate) != kid)

        return cls(hub, anchors, certificates_for)

    @classmethod
    def load(cls, directory: Path, *, hub: str) -> Self:
        """What lies in `directory`: `ca.pem`, and `push.pem` with the hub's push certificates. Raises FolderError."""
        return cls.of(hub, _certificates(directory / "ca.pem"), _certificates(directory / "push.pem"))

    def verifier(self, kid: str, now: datetime) -> Verifier | None:
        """The key that `kid` names, None when there is no such certificate. Raises TrustError for one that is not believed."""
        chain = self.certificates_for(kid)
        if not chain or pki.certificate_kid(chain[0]) != kid:
            return None
        pki.check_path(chain[0], chain[1:], self.anchors, now)
        if f"urn:shuniu:hub:{self.hub}:pushes" not in pki.names(chain[0]):
            raise TrustError("签名证书不是该枢纽的推送证书", "the signer's certificate is not the push key of this hub")
        try:
            return Verifier(chain[0].public_key())
        except UnsuitableKeyError as error:
            raise TrustError(error.zh, error.en) from None


def verify_push(
    method: str,
    url: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    *,
    trust: PushTrust,
    now: datetime,
) -> Push:
    """What the hub pushed, when signature, time and form are right (contract, "Push").

    `url` is the one that was registered with the hub, whatever a reverse proxy made of it; `headers` in any case, as pairs if
    a field may come twice; `now` is aware. Raises PushRefused: 401 not believed, 409 expired, 413 too large, 400 malformed.
    """
    if len(body) > MAX_PUSH_BYTES:
        _refuse(413, "too-large", f"推送超过 {MAX_PUSH_BYTES} 字节", f"the push has more than {MAX_PUSH_BYTES} bytes")
    fields = list(headers.items() if isinstance(headers, Mapping) else headers)
    try:
        signed = verify_request(method, url, fields, body, verifier_for=lambda kid: trust.verifier(kid, now), now=now)
    except HttpSignatureError as error:
        raise PushRefused(
            status=409 if error.reason == "expired" else 401, reason=error.reason, zh=error.zh, en=error.en
        ) from None
    except TrustError as error:
        raise PushRefused(status=401, reason="signer-not-trusted", zh=error.zh, en=error.en) from None
    # Covered by the signature, so each is there once.
    named = {name.lower(): value.strip(" \t") for name, value in fields}
    if method != "POST" or named["content-type"] != MEDIA_TYPE:
        _malformed("method", f"应为 POST，content-type 应为 {MEDIA_TYPE}", f"a push is a POST of {MEDIA_TYPE}")
    push = Push(
        lane=_uuid(named["shuniu-lane"], "shuniu-lane"),
        sequence=_number(named["shuniu-sequence"], "shuniu-sequence"),
        fence=_number(named["shuniu-fence"], "shuniu-fence"),
        expires=signed.expires,
        items=_items(body),
        nonce=signed.nonce,
    )
    _check_order(push)
    return push


def check_push(
    push: Push,
    *,
    system: str,
    trust: PushTrust,
    certificates_for: Callable[[str], list[x509.Certificate]],
    now: datetime,
) -> list[Delivery]:
    """The push's items with their envelopes believed and opened, as `check_delivery` does. Raises TrustError."""
    return [
        check_delivery(
            _members(item),
            hub=trust.hub,
            system=system,
            certificates_for=certificates_for,
            anchors=trust.anchors,
            now=now,
        )
        for item in push.items
    ]


def _items(body: bytes) -> tuple[PushItem, ...]:
    try:
        items = parse_object(body).get("items")
    except CertsError as error:
        raise PushRefused(status=400, reason="malformed-body", zh=error.zh, en=error.en) from None
    if not isinstance(items, list) or not items:
        _malformed("items", "items 应为非空数组", "items is an array that is not empty")
    return tuple(map(_item, items))


def _item(members: object) -> PushItem:
    if not isinstance(members, dict) or not members.keys() >= _ITEM:
        _malformed("item", f"每项应有 {', '.join(sorted(_ITEM))}", f"each item has {', '.join(sorted(_ITEM))}")
    for name in ("res", "digest", "envelope", "accepted_at"):
        if type(members[name]) is not str:
            _malformed(name, f"{name} 应为字符串", f"{name} is a string")
    if not is_resource_code(members["res"]):
        _malformed("res", "res 不是资源代码", "res is no resource's code")
    envelope = members["envelope"].encode()
    if not is_digest(members["digest"]) or digest(envelope) != members["digest"]:
        _malformed("digest", "digest 与信封不符", "digest is not that of the envelope")
    return PushItem(
        delivery=_uuid(members["delivery"], "delivery"),
        exchange=_uuid(members["exchange"], "exchange"),
        res=members["res"],
        ver=_positive(members["ver"], "ver"),
        lane=_uuid(members["lane"], "lane"),
        sequence=_positive(members["sequence"], "sequence"),
        digest=members["digest"],
        envelope=envelope,
        accepted_at=_moment(members["accepted_at"]),
    )


def _members(item: PushItem) -> dict[str, Any]:
    """As the inbox would show it."""
    return {
        "delivery": item.delivery,
        "exchange": item.exchange,
        "res": item.res,
        "ver": item.ver,
        "lane": item.lane,
        "sequence": item.sequence,
        "digest": item.digest,
        "envelope": item.envelope.decode(),
        "accepted_at": item.accepted_at.isoformat(),
    }


def _check_order(push: Push) -> None:
    sequences = [item.sequence for item in push.items]
    if any(item.lane != push.lane for item in push.items):
        _malformed("lane", "有不属于 shuniu-lane 的项", "an item is not of the lane that shuniu-lane names")
    if sequences[0] != push.sequence or sorted(set(sequences)) != sequences:
        _malformed("sequence", "序号未从 shuniu-sequence 起递增", "sequences do not grow from shuniu-sequence on")


def _uuid(value: object, name: str) -> str:
    try:
        found = UUID(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or str(found) != value:
        _malformed(name, f"{name} 不是 UUID", f"{name} is no UUID")
    return str(found)


def _number(value: str, name: str) -> int:
    """A decimal of a header field: digits only, without leading zeros."""
    if not (value.isascii() and value.isdigit() and len(value) <= 18 and str(int(value)) == value):
        _malformed(name, f"{name} 不是整数", f"{name} is no integer")
    return int(value)


def _positive(value: object, name: str) -> int:
    if type(value) is not int or value < 1:
        _malformed(name, f"{name} 应为正整数", f"{name} is a positive integer")
    return value


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        _malformed("accepted_at", "accepted_at 不是带时区的时间", "accepted_at is no time with an offset")
    return moment


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return pki.read_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FolderError(
            f"{path} 读不到或不是 PEM 证书；请向枢纽运行方索取", f"cannot read certificates from {path}: {error}"
        ) from None


def _malformed(name: str, zh: str, en: str) -> NoReturn:
    _refuse(400, f"malformed-{name}", zh, en)


def _refuse(status: int, reason: str, zh: str, en: str) -> NoReturn:
    raise PushRefused(status=status, reason=reason, zh=f"推送不可信：{zh}", en=f"the push is refused: {en}") from None
