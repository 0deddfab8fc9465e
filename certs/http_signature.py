"""Signed HTTP requests: the one profile of RFC 9421 that pushes use (contract, "Push"), made and read.

One signature labelled `shuniu`, over these components in this order and no others: `@method`, `@target-uri`,
`content-digest` (RFC 9530, sha-256), `content-type`, `shuniu-lane`, `shuniu-sequence`, `shuniu-fence`; with the parameters
`created`, `expires`, `nonce`, `keyid` (the signing certificate's `kid`) and `tag="shuniu-push"`, in any order. `alg` may be
there, and must then be the key's own. Whatever else RFC 9421 allows is refused, so that a signature has one reading.

Knows strings and bytes: no connection, no clock (the time is an argument), and not what the fields mean. Whether a nonce or
a fence was seen before is for the receiver, who has a memory.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NoReturn

from certs.digests import digest_bytes
from certs.errors import CertsError
from certs.header import is_kid
from certs.suites import Signer, Verifier

LABEL = "shuniu"
TAG = "shuniu-push"

FIELDS = ("content-digest", "content-type", "shuniu-lane", "shuniu-sequence", "shuniu-fence")
"""The header fields that a signature covers, in its order, after method and target."""

COMPONENTS = ("@method", "@target-uri", *FIELDS)

FUTURE = timedelta(minutes=5)
"""How far ahead of ours the clock of a signer may be (the contract's default skew)."""

LONGEST = timedelta(minutes=10)
"""From `created` to `expires`: many times the lease that a push is made under, and no time to play one back in."""

ALGORITHMS: Mapping[str, str] = MappingProxyType({"ES256": "ecdsa-p256-sha256", "EdDSA": "ed25519"})
"""The suites by RFC 9421's names for them (§6.2.2); ECDSA's signature is r‖s there as here (§3.3.4)."""

_NONCE_BYTES = 16
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_MAX_FIELD = 8192  # the most that common servers take in one header line
# 15 digits, no sign, no leading zero: what an sf-integer (RFC 8941 §3.3.1) can be as a time after 1970.
_PARAMETER = re.compile(r';([a-z]+)=(?:(0|[1-9][0-9]{0,14})|"([\x20\x21\x23-\x5b\x5d-\x7e]*)")')
_COVERED = "(" + " ".join(f'"{name}"' for name in COMPONENTS) + ")"
_INPUT = re.compile(rf"{LABEL}=(\([^()]*\))((?:{_PARAMETER.pattern})*)")
_SIGNATURE = re.compile(rf"{LABEL}=:([A-Za-z0-9+/]+=*):")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
# What may stand in a signature base (RFC 9421 §2.5): one line of ASCII without control characters.
_LINE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")

_NUMBERS = frozenset({"created", "expires"})
_REQUIRED = frozenset({"created", "expires", "nonce", "keyid", "tag"})


class HttpSignatureError(CertsError):
    """A signed request that is not believed, or one that cannot be signed; `reason` begins with the part at fault."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a verified signature says besides its components. Times in UTC, whole seconds; `keyid` is a `kid`."""

    keyid: str
    created: datetime
    expires: datetime
    nonce: str


class HttpSigner:
    """Signs requests with a signer's key; hands out neither key nor signer."""

    __slots__ = ("_signer",)

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sign_request(
        self, *, method: str, target_uri: str, headers: Mapping[str, str], created: datetime, expires: datetime
    ) -> Mapping[str, str]:
        """As the function of this name, with a nonce of 16 random bytes."""
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        return sign_request(
            self._signer,
            method=method,
            target_uri=target_uri,
            headers=headers,
            created=created,
            expires=expires,
            nonce=nonce,
        )


def content_digest(body: bytes) -> str:
    """The value of `content-digest` for `body` (RFC 9530 §2), with SHA-256."""
    return f"sha-256=:{base64.b64encode(digest_bytes(body)).decode('ascii')}:"


def sign_request(
    signer: Signer,
    *,
    method: str,
    target_uri: str,
    headers: Mapping[str, str],
    created: datetime,
    expires: datetime,
    nonce: str,
) -> Mapping[str, str]:
    """The fields `signature-input` and `signature` for a request; `headers` hold at least those in `FIELDS`.

    `target_uri` is the absolute URI as the receiver will see it. `created` and `expires` are aware; fractions of a second are
    dropped, so that nothing lasts longer than was said. Raises HttpSignatureError for what `verify_request` would refuse.
    """
    raw, parameters = _signature_input(
        f"{LABEL}={_COVERED};created={int(created.timestamp())};expires={int(expires.timestamp())}"
        f';nonce="{nonce}";keyid="{signer.kid}";tag="{TAG}"'
    )
    _check_lifetime(_signed_request(parameters))
    base = _signature_base(method, target_uri, _covered_fields(headers.items()), raw)
    signature = base64.b64encode(signer.sign(base)).decode("ascii")
    return {"signature-input": f"{LABEL}={raw}", "signature": f"{LABEL}=:{signature}:"}


def verify_request(
    method: str,
    target_uri: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    *,
    verifier_for: Callable[[str], Verifier | None],
    now: datetime,
    future: timedelta = FUTURE,
) -> SignedRequest:
    """What the signature of a request says, when method, target, covered fields and body are what was signed.

    `headers` in any case, as pairs if a field may come twice; `verifier_for` finds a key by `kid`; `now` is aware. A request
    is refused from the second `expires` on, and when `created` is more than `future` ahead. Raises HttpSignatureError with
    a reason of its own for each fault, and what `verifier_for` raises.
    """
    # 1 fields: all there, once, of one line
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    fields = _covered_fields(pairs)
    # 2 signature fields: of this profile's form
    raw, parameters = _signature_input(_field(pairs, "signature-input"))
    signature = _signature(_field(pairs, "signature"))
    # 3 time
    found = _signed_request(parameters)
    _check_time(found, now, future)
    # 4 signer
    verifier = verifier_for(found.keyid)
    if verifier is None:
        _refuse("keyid-unknown", "不认识 keyid 所指的证书", "keyid names no certificate that is known")
    if parameters.get("alg", ALGORITHMS[verifier.alg]) != ALGORITHMS[verifier.alg]:
        _refuse("alg-unlike-key", "alg 与证书的密钥不符", "alg is not that of the certificate's key")
    # 5 signature
    base = _signature_base(method, target_uri, fields, raw)
    if not verifier.verify(verifier.alg, base, signature):
        _refuse(
            "signature-mismatch",
            "签名与请求或证书不符；请核对接收地址是否与登记的一致，以及途中是否改动了请求",
            "the signature does not fit request and certificate; check that the address is the registered one, and that "
            "nothing on the way changes the request",
        )
    # 6 body
    _check_body(fields["content-digest"], body)
    return found


def _signature_base(method: str, target_uri: str, fields: Mapping[str, str], parameters: str) -> bytes:
    """RFC 9421 §2.5 over `COMPONENTS`."""
    values = {"@method": method, "@target-uri": target_uri, **fields}
    for name in ("@method", "@target-uri"):
        _check_line(name, values[name])
    lines = [f'"{name}": {values[name]}' for name in COMPONENTS]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("ascii")


def _covered_fields(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    pairs = list(pairs)
    return {name: _field(pairs, name) for name in FIELDS}


def _field(pairs: Iterable[tuple[str, str]], wanted: str) -> str:
    """The one value of a field, without the blanks around it."""
    values = [value for name, value in pairs if name.lower() == wanted]
    if not values:
        _refuse(f"{wanted}-missing", f"请求缺少 {wanted}", f"the request has no {wanted}")
    if len(values) > 1:
        _refuse(f"{wanted}-repeated", f"请求中 {wanted} 出现多次", f"the request has more than one {wanted}")
    value = values[0].strip(" \t")
    _check_line(wanted, value)
    return value


def _check_line(name: str, value: str) -> None:
    if len(value) > _MAX_FIELD or _LINE.fullmatch(value) is None:
        _refuse(
            f"{name}-malformed",
            f"{name} 不是一行可见的 ASCII 字符，或过长",
            f"{name} is not one line of visible ASCII, or too long",
        )


def _signature_input(value: str) -> tuple[str, dict[str, int | str]]:
    """The member as it stands, which is its only serialization (RFC 8941 §4.1), and its parameters."""
    match = _INPUT.fullmatch(value)
    if match is None:
        _refuse(
            "signature-input-malformed",
            f"signature-input 不是一个标签为 {LABEL} 的签名",
            f"signature-input is not one signature labelled {LABEL}",
        )
    if match[1] != _COVERED:
        _refuse(
            "components-differ",
            f"签名覆盖的内容必须依次为 {_COVERED}",
            f"a signature covers {_COVERED}, in this order",
        )
    return value[len(LABEL) + 1 :], _parameters(match[2])


def _parameters(text: str) -> dict[str, int | str]:
    """Each parameter once, of its type. Raises HttpSignatureError."""
    parameters: dict[str, int | str] = {}
    for match in _PARAMETER.finditer(text):
        name, number, string = match.groups()
        if name in parameters:
            _refuse("parameter-repeated", f"签名参数 {name} 出现多次", f"the parameter {name} is there twice")
        if (name in _NUMBERS) != (number is not None):
            _refuse("parameter-malformed", f"签名参数 {name} 类型不符", f"the parameter {name} is not of its type")
        parameters[name] = string if number is None else int(number)
    if not (_REQUIRED <= parameters.keys() <= _REQUIRED | {"alg"}):
        names = ", ".join(sorted(_REQUIRED))
        _refuse(
            "parameters-differ",
            f"签名参数必须是 {names}（alg 可选）",
            f"the parameters are {names}, and alg if you like",
        )
    if parameters["tag"] != TAG:
        _refuse("tag-differs", f"tag 不是 {TAG}", f"tag is not {TAG}")
    if _NONCE.fullmatch(str(parameters["nonce"])) is None:
        _refuse("nonce-malformed", "nonce 应为 16 至 64 个 base64url 字符", "nonce is 16 to 64 characters of base64url")
    if not is_kid(parameters["keyid"]):
        _refuse("keyid-malformed", "keyid 不是证书的 kid", "keyid is not a certificate's kid")
    return parameters


def _signature(value: str) -> bytes:
    match = _SIGNATURE.fullmatch(value)
    try:
        signature = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        signature = b""
    if not signature or value != f"{LABEL}=:{base64.b64encode(signature).decode('ascii')}:":
        _refuse(
            "signature-malformed",
            f"signature 不是一个标签为 {LABEL} 的规范 base64 字节串",
            f"signature is not one canonical byte sequence labelled {LABEL}",
        )
    return signature


def _signed_request(parameters: Mapping[str, int | str]) -> SignedRequest:
    try:
        created, expires = (datetime.fromtimestamp(int(parameters[name]), UTC) for name in ("created", "expires"))
    except (OverflowError, ValueError, OSError):
        _refuse("parameter-malformed", "created 或 expires 不是可能的时间", "created or expires is no possible time")
    return SignedRequest(str(parameters["keyid"]), created, expires, str(parameters["nonce"]))


def _check_time(found: SignedRequest, now: datetime, future: timedelta) -> None:
    _check_lifetime(found)
    if found.created > now + future:
        _refuse("created-in-future", "created 在将来；请核对时钟", "created lies in the future; check the clocks")
    if now >= found.expires:
        _refuse("expired", "请求已过期，不得再处理", "the request has expired and must not be acted upon")


def _check_lifetime(found: SignedRequest) -> None:
    if found.expires <= found.created:
        _refuse("expires-not-later", "有效期不晚于签名时间", "expires is not later than created")
    if found.expires - found.created > LONGEST:
        _refuse("lifetime-too-long", "有效期过长", "expires is too long after created")


def _check_body(value: str, body: bytes) -> None:
    match = _DIGEST.fullmatch(value)
    if match is None:
        _refuse(
            "content-digest-malformed",
            "content-digest 不是单独一个 sha-256 摘要",
            "content-digest is not a single digest by sha-256",
        )
    if value != content_digest(body):
        _refuse("content-digest-mismatch", "正文与 content-digest 不符", "the body is not that of content-digest")


def _refuse(reason: str, zh: str, en: str) -> NoReturn:
    raise HttpSignatureError(reason=reason, zh=zh, en=en) from None
