"""Access tokens: JWTs of the RFC 9068 profile that the hub signs with its token key, and reads again itself.

A token says which system it was given to and by which certificate that system had proved itself; whether the two may act
is looked up in the picture of the registry each time the token is used. Knows no table and no request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import orjson

from certs.digests import b64u_decode, b64u_encode
from certs.errors import JsonError
from certs.jsontext import parse_object
from certs.suites import Signer, Verifier
from hub.audit.entry import Actor
from hub.db.ids import new_id
from hub.identity.assertions import Registry
from hub.identity.callers import SystemCaller
from hub.identity.errors import TokenRefused
from hub.identity.sessions import Origin
from hub.registry.picture import SignerState, SystemState

TOKEN_TYPE = "at+jwt"  # noqa: S105  a media type, no secret
"""RFC 9068 §2.1: so that no other JWT of ours passes for an access token."""

CERTIFICATE_CLAIM = "certificate"
"""`kid` of the certificate that obtained the token. Not `cnf`: who presents the token proves no possession of that key."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that is ours and still runs: for which system, by which certificate (kid)."""

    system_code: str
    kid: str


class AccessTokens:
    """Issues and reads this hub's access tokens.

    `issuer` is the public URL, issuer and audience in one; `seconds` is the life of a token; `verifiers` are the hub's
    token keys by `kid`, retired ones included until their last token has run out.
    """

    def __init__(self, *, issuer: str, seconds: int, signer: Signer, verifiers: Mapping[str, Verifier]) -> None:
        self.issuer = issuer
        self.seconds = seconds
        self._signer = signer
        self._verifiers = verifiers
        header = {"alg": signer.alg, "kid": signer.kid, "typ": TOKEN_TYPE}
        self._header = b64u_encode(orjson.dumps(header))

    def issue(self, system_code: str, kid: str, *, now: datetime) -> str:
        """A token for a system that proved itself with the certificate `kid` (RFC 9068 §2.2)."""
        iat = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "sub": system_code,
            "client_id": system_code,
            "aud": self.issuer,
            "iat": iat,
            "exp": iat + self.seconds,
            "jti": str(new_id(now)),
            CERTIFICATE_CLAIM: kid,
        }
        signed = self._header + b"." + b64u_encode(orjson.dumps(claims))
        return (signed + b"." + b64u_encode(self._signer.sign(signed))).decode()

    def read(self, token: str, *, now: datetime) -> AccessToken:
        """The token, if we signed it, for ourselves, and it still runs (RFC 9068 §4). Raises TokenRefused."""
        try:
            encoded_header, encoded_claims, encoded_signature = token.encode().split(b".")
            header = parse_object(b64u_decode(encoded_header))
            claims = parse_object(b64u_decode(encoded_claims))
            signature = b64u_decode(encoded_signature)
        except (ValueError, JsonError):
            _refuse("访问令牌格式错误", "the access token is malformed")
        verifier = self._verifiers.get(str(header.get("kid")))
        signed = encoded_header + b"." + encoded_claims
        if (
            header.get("typ") != TOKEN_TYPE
            or verifier is None
            or not verifier.verify(str(header.get("alg")), signed, signature)
            or claims.get("iss") != self.issuer
            or claims.get("aud") != self.issuer
        ):
            _refuse("访问令牌不是本枢纽签发的", "the access token was not issued by this hub")
        if int(now.timestamp()) >= claims["exp"]:
            _refuse("访问令牌已过期", "the access token has expired")
        return AccessToken(claims["sub"], claims[CERTIFICATE_CLAIM])


def _refuse(zh: str, en: str) -> NoReturn:
    raise TokenRefused(f"{zh}；请重新获取（POST /oauth/token）", f"{en}; get a new one (POST /oauth/token)") from None


def caller_of(token: AccessToken, registry: Registry, *, origin: Origin, now: datetime) -> SystemCaller:
    """Who presents the token, its system and certificate being active at this moment. Raises TokenRefused."""
    system = active_system(registry, token.system_code, token.kid, now=now)
    return SystemCaller(
        system_id=system.id,
        code=system.code,
        organisation_id=system.organisation_id,
        kid=token.kid,
        actor=actor_of_system(system.code, system.organisation_code, origin),
    )


def active_system(registry: Registry, code: str, kid: str, *, now: datetime) -> SystemState:
    """The system of that code, it and the certificate that its token was obtained with being active at this moment.

    Raises TokenRefused with the contract's slug for what is not: `system-suspended`, `certificate-revoked`,
    `certificate-expired`.
    """
    system = registry.system(code)
    if system is None or system.state != "active":
        raise TokenRefused(
            f"系统 {code} 已暂停或退役；请联系安全管理员",
            f"system {code} is suspended or retired; ask the security officer",
            slug="system-suspended",
        )
    _check_certificate(registry.certificate(kid), now)
    return system


def _check_certificate(certificate: SignerState | None, now: datetime) -> None:
    if certificate is None or certificate.state != "active":
        raise TokenRefused(
            "取得该令牌所用的证书已吊销；请改用新证书重新获取",
            "the certificate that obtained this token is revoked; get a token with a new certificate",
            slug="certificate-revoked",
        )
    if not certificate.not_before <= now < certificate.not_after:
        raise TokenRefused(
            "取得该令牌所用的证书不在有效期内；请改用新证书重新获取",
            "the certificate that obtained this token is not valid now; get a token with a new certificate",
            slug="certificate-expired",
        )


def actor_of_system(code: str, organisation_code: str, origin: Origin) -> Actor:
    """A partner system as the log names it."""
    return Actor(
        "system",
        code,
        organisation=organisation_code,
        address=origin.address,
        terminal=origin.terminal,
        request_id=origin.request_id,
    )
