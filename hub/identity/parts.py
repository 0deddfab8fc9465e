"""What one gateway process keeps for identity, put together from its settings and keys."""

from dataclasses import dataclass
from datetime import timedelta

from certs.suites import Verifier
from hub.identity.oauth import TokenServer
from hub.identity.passwords import Passwords
from hub.identity.tokens import AccessTokens
from hub.registry.keyring import KeyRing
from hub.registry.masterkey import MasterKey
from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Identity:
    """Passwords, tokens, the limits of sessions, and the key that wraps second factors."""

    idle_limit: timedelta
    secure_cookie: bool
    passwords: Passwords
    tokens: AccessTokens
    token_server: TokenServer
    master_key: MasterKey

    @classmethod
    def open(cls, settings: Settings, keyring: KeyRing, master_key: MasterKey) -> "Identity":
        """The parts for a process with these settings and keys."""
        signer = keyring.signer("token")
        tokens = AccessTokens(
            issuer=settings.public_url.rstrip("/"),
            seconds=settings.token_seconds,
            signer=signer,
            verifiers={signer.kid: Verifier(keyring.certificate("token").public_key())},
        )
        skew = timedelta(seconds=settings.clock_skew_s)
        return cls(
            idle_limit=timedelta(minutes=settings.session_minutes),
            secure_cookie=settings.public_url.startswith("https://"),
            passwords=Passwords(),
            tokens=tokens,
            token_server=TokenServer(tokens, token_endpoint=settings.token_endpoint, skew=skew),
            master_key=master_key,
        )
