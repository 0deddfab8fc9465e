"""Time-based one-time passwords (RFC 6238), the second factor. Knows no account, no database; the time is an argument.

SHA-1, 6 digits and 30 s are what every authenticator app on a phone reads; HMAC-SHA-1 is not touched by collisions.
"""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES = 20
"""160 bits, as RFC 4226 §4 (R6) recommends."""

DIGITS = 6
STEP_SECONDS = 30

STEPS_OF_SKEW = 1
"""A phone may be one step behind or ahead (RFC 6238 §5.2)."""


def new_secret() -> bytes:
    """A fresh secret of 160 bits."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """The secret as apps take it when typed: base32 (RFC 4648 §6)."""
    return base64.b32encode(secret).decode()


def provisioning_uri(secret: bytes, *, login: str, issuer: str) -> str:
    """The `otpauth://` address that apps read from a QR code."""
    query = urlencode({"secret": secret_text(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS})
    return f"otpauth://totp/{quote(issuer)}:{quote(login)}?{query}"


def code_at(secret: bytes, step: int) -> str:
    """The code of one time step (whole steps of 30 s since 1970)."""
    app = TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  see the module: HMAC, not a bare digest
    return app.generate(step * STEP_SECONDS).decode()


def step_of(moment: datetime) -> int:
    """The time step that a moment lies in."""
    return int(moment.timestamp()) // STEP_SECONDS


def matching_step(secret: bytes, code: str, *, now: datetime, after: int | None) -> int | None:
    """The time step whose code this is, within the allowed skew of `now` and later than the step `after`; else None.

    A step that was used once must not serve again (RFC 6238 §5.2): store what is returned and pass it as `after`.
    """
    middle = step_of(now)
    for step in range(middle - STEPS_OF_SKEW, middle + STEPS_OF_SKEW + 1):
        if (after is None or step > after) and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None
