"""Client assertions (RFC 7523 §3, `private_key_jwt`): a system proves with its certificate's key who asks for a token.

Bytes and a picture of the registry in, verdict out: no table, no request, the time is an argument. The algorithm is that of
the certificate's key; what the message says of it must agree. That `jti` is used once is for the table to say.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, Protocol

from certs.digests import b64u_decode
from certs.errors import JsonError
from certs.header import is_kid
from certs.jsontext import parse_object
from hub.registry.picture import SignerState, SystemState

MAX_BYTES = 8192
"""An assertion has about 500 bytes; a client that adds claims of its own stays far below this."""

MAX_AHEAD = timedelta(seconds=300)
"""How far ahead `exp` may lie (contract, `POST /oauth/token`): so long a `jti` must be remembered."""

MAX_JTI_CHARACTERS = 128
"""A UUID has 36, libraries draw up to 64; it goes into an index."""

TYPES = frozenset({"jwt", "client-authentication+jwt"})
"""What `typ` may say if it is there: RFC 7519 §5.1, and the name that the successor of RFC 7523 prescribes."""


class Registry(Protocol):
    """The picture of the registry, as far as tokens look at it."""

    def system(self, code: str) -> SystemState | None:
        """The system with this code, whatever its state."""

    def certificate(self, kid: str) -> SignerState | None:
        """The certificate with this kid, whatever its state."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion: whose, by which certificate, its `jti` and its end."""

    signer: SignerState
    jti: str
    expires_at: datetime

    @property
    def system(self) -> SystemState:
        """Who asks."""
        return self.signer.system

    @property
    def kid(self) -> str:
        """The certificate that signed."""
        return self.signer.kid


class AssertionRefused(Exception):
    """An assertion that proves nothing. `reason` is a stable machine word; `en` is ASCII, as OAuth asks.

    `signer` is set once the signature was verified: from then on the refusal speaks of a known system. `may_be_stale`:
    the refusal rests on the registry, and a fresher picture may say otherwise.
    """

    def __init__(
        self, reason: str, zh: str, en: str, *, signer: SignerState | None = None, may_be_stale: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.zh = zh
        self.en = en
        self.signer = signer
        self.may_be_stale = may_be_stale


def verify_assertion(
    text: str, *, token_endpoint: str, registry: Registry, skew: timedelta, now: datetime
) -> Assertion:
    """The assertion, its signature and claims right and its system and certificate active. Raises AssertionRefused.

    1. form  2. signer known  3. signature  4. whose  5. for us  6. time  7. `jti`  8. system and certificate
    """
    header, claims, signed, signature = _parts(text)
    signer = _signer(header, registry)
    if not signer.verifier.verify(str(header["alg"]), signed, signature):
        raise AssertionRefused(
            "bad-signature",
            f"断言签名无效：请用证书 {signer.kid} 的私钥以 {signer.verifier.alg} 签名",
            f"the signature is invalid: sign with the private key of certificate {signer.kid}, alg {signer.verifier.alg}",
        )
    check = _Claims(claims, signer, now)
    check.whose()
    check.for_us(token_endpoint)
    expires_at = check.time(skew)
    jti = check.jti()
    check.active()
    return Assertion(signer, jti, expires_at)


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    if len(text) > MAX_BYTES:
        _malformed(f"断言超过 {MAX_BYTES} 字节", f"the assertion exceeds {MAX_BYTES} bytes")
    parts = text.encode("utf-8", "surrogateescape").split(b".")
    if len(parts) != 3:
        _malformed("断言不是三段的紧凑 JWS", "the assertion is not a compact JWS of three parts")
    try:
        decoded = [b64u_decode(part) for part in parts]
    except ValueError:
        _malformed("断言的三段须为无填充的 base64url", "the parts of the assertion must be base64url without padding")
    try:
        header, claims = parse_object(decoded[0]), parse_object(decoded[1])
    except JsonError:
        _malformed(
            "断言的头部或声明不是合格的 JSON 对象", "header or claims of the assertion are not one sound JSON object"
        )
    return header, claims, parts[0] + b"." + parts[1], decoded[2]


def _signer(header: Mapping[str, Any], registry: Registry) -> SignerState:
    if not isinstance(header.get("alg"), str):
        _malformed("断言头部缺少 alg", "the header of the assertion lacks alg")
    if "crit" in header or "b64" in header:
        _malformed("断言头部不得含 crit、b64", "the header of the assertion must not hold crit or b64")
    if str(header.get("typ", "jwt")).lower() not in TYPES:
        _malformed("断言头部的 typ 须为 JWT 或不写", "typ in the header of the assertion must be JWT or absent")
    kid = header.get("kid")
    if not is_kid(kid):
        _malformed(
            "断言头部须有 kid：证书 DER 的 SHA-256，base64url，43 个字符，与信封相同",
            "the header needs kid: base64url SHA-256 of the certificate DER, 43 characters, as in envelopes",
        )
    signer = registry.certificate(str(kid))
    if signer is None:
        raise AssertionRefused(
            "unknown-signer",
            "kid 不是本枢纽登记过的证书；请核对 kid，或先登记证书",
            "kid is no certificate registered here; check it, or register the certificate first",
            may_be_stale=True,
        )
    return signer


def _malformed(zh: str, en: str) -> NoReturn:
    raise AssertionRefused("malformed-assertion", zh, en) from None


@dataclass(frozen=True, slots=True)
class _Claims:
    """The claims of an assertion whose signature is good."""

    claims: Mapping[str, Any]
    signer: SignerState
    now: datetime

    def _refuse(self, reason: str, zh: str, en: str, *, may_be_stale: bool = False) -> NoReturn:
        raise AssertionRefused(reason, zh, en, signer=self.signer, may_be_stale=may_be_stale)

    def whose(self) -> None:
        code = self.signer.system.code
        if self.claims.get("iss") != code or self.claims.get("sub") != code:
            self._refuse(
                "signer-mismatch",
                f"iss 与 sub 须同为证书所属系统的代码 {code}",
                f"iss and sub must both be {code}, the system of the certificate",
            )

    def for_us(self, token_endpoint: str) -> None:
        if self.claims.get("aud") != token_endpoint:
            self._refuse(
                "wrong-audience",
                f"aud 须为一个字符串（不是数组）：{token_endpoint}",
                f"aud must be one string (no list): {token_endpoint}",
            )

    def time(self, skew: timedelta) -> datetime:
        """The end of the assertion."""
        here = int(self.now.timestamp())
        exp = self._moment("exp")
        if exp is None or not self.now < exp <= self.now + MAX_AHEAD:
            seconds = int(MAX_AHEAD.total_seconds())
            self._refuse(
                "assertion-expired",
                f"exp 须在枢纽当前时间 {here} 之后、且不超过 {seconds} 秒；请检查本机时钟",
                f"exp must be later than the hub's time {here}, by {seconds} seconds at most; check your clock",
            )
        for name in ("iat", "nbf"):
            moment = self._moment(name)
            if moment is not None and moment > self.now + skew:
                self._refuse(
                    "stale-message",
                    f"{name} 晚于枢纽当前时间 {here}；请检查本机时钟",
                    f"{name} is later than the hub's time {here}; check your clock",
                )
        return exp

    def _moment(self, name: str) -> datetime | None:
        """A NumericDate (RFC 7519 §2), None when absent."""
        value = self.claims.get(name)
        if value is None:
            return None
        sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not sound or not 0 <= value < 1 << 35:
            self._refuse(
                "malformed-claim",
                f"{name} 须为自 1970 年起的秒数",
                f"{name} must be a number of seconds since 1970",
            )
        return datetime.fromtimestamp(value, tz=UTC)

    def jti(self) -> str:
        jti = self.claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_CHARACTERS or not jti.isprintable():
            self._refuse(
                "malformed-claim",
                f"jti 须为 1 至 {MAX_JTI_CHARACTERS} 个字符的字符串，每次不同",
                f"jti must be a string of 1 to {MAX_JTI_CHARACTERS} characters, a new one each time",
            )
        return jti

    def active(self) -> None:
        signer = self.signer
        if signer.system.state != "active":
            self._refuse(
                "system-suspended",
                f"系统 {signer.system.code} 已暂停或退役；请联系安全管理员",
                f"system {signer.system.code} is suspended or retired; ask the security officer",
                may_be_stale=True,
            )
        if signer.state != "active":
            self._refuse(
                "certificate-revoked",
                "该证书已吊销；请申请并改用新证书",
                "the certificate is revoked; apply for a new one",
                may_be_stale=True,
            )
        if not signer.not_before <= self.now < signer.not_after:
            self._refuse(
                "certificate-expired",
                "该证书不在有效期内；请申请并改用新证书",
                "the certificate is not valid now; apply for a new one",
            )
