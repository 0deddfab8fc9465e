"""Access tokens by `private_key_jwt` (RFC 7523): one assertion for each token, one token until shortly before it ends."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from certs.digests import b64u_encode
from certs.suites import Signer
from hub.client.errors import TrustError
from hub.client.folder import Profile
from hub.client.wire import Wire, json_object

ASSERTION_LIFE_S = 60
"""Well below the 300 s that the contract allows: it is used at once."""

EARLY = timedelta(seconds=20)
"""A token is renewed this long before it ends, so that a call under way does not lose it."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Tokens:
    """The access token of one system."""

    def __init__(self, wire: Wire, profile: Profile, signer: Signer, clock: Callable[[], datetime]) -> None:
        self._wire = wire
        self._profile = profile
        self._signer = signer
        self._clock = clock
        self._token = ""
        self._renew_at: datetime | None = None

    def bearer(self) -> dict[str, str]:
        """The header that authorises a call. Raises ProblemError, HubUnreachable, TrustError."""
        if self._renew_at is None or self._clock() >= self._renew_at:
            self._renew()
        return {"Authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """Drop the token: the hub does not take it any more."""
        self._renew_at = None

    def _renew(self) -> None:
        now = self._clock()
        answer = json_object(self._wire.call("POST", self._profile.token_endpoint, form=self._form))
        token, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(life, int):
            raise TrustError(
                "令牌端点的回答没有 access_token 和 expires_in", "the token endpoint's answer has no token"
            )
        self._token = token
        self._renew_at = now + max(timedelta(seconds=life) - EARLY, timedelta(seconds=life) / 2)

    def _form(self) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(self._profile, self._signer, self._clock()),
        }


def client_assertion(profile: Profile, signer: Signer, now: datetime) -> str:
    """A signed JWT that proves who asks: `iss` = `sub` = the system, `aud` = the token endpoint as one string."""
    issued = int(now.timestamp())
    header = {"alg": signer.alg, "kid": signer.kid, "typ": "JWT"}
    claims = {
        "iss": profile.system,
        "sub": profile.system,
        "aud": profile.token_endpoint,
        "jti": secrets.token_urlsafe(16),
        "iat": issued,
        "exp": issued + ASSERTION_LIFE_S,
    }
    signing_input = b".".join(b64u_encode(json.dumps(part).encode()) for part in (header, claims))
    return (signing_input + b"." + b64u_encode(signer.sign(signing_input))).decode("ascii")
