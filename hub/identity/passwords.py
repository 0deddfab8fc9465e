"""Passwords: what makes a good one, one-time ones, and their argon2id hashes. Knows no account.

GB/T 22239-2019 8.1.4.1 a) asks for complexity and regular change. Hashing takes tens of milliseconds and 64 MiB by
design, so it happens in threads, a few at a time, and a queue that grows too long is turned away.
"""

import asyncio
import base64
import secrets
import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import argon2
from argon2.exceptions import VerifyMismatchError

from hub.identity.errors import HashingBusy
from hub.registry.errors import InvalidField

SHORT_LENGTH = 12
"""From this length on a password of three kinds of characters will do."""

LONG_LENGTH = 16
"""From this length on any kinds of characters will do: a sentence beats punctuation."""

MAX_LENGTH = 256
"""Longer input is no password; it bounds what one request makes us hash."""

KINDS_OF_CHARACTERS = 3
"""Of lower case, upper case, digits, everything else: the usual reading of 复杂度 in level-3 assessments."""

PASSWORD_LIFE = timedelta(days=90)
"""定期更换 (8.1.4.1 a); the quarter of a year that assessors ask for."""

ONE_TIME_LENGTH = 20
"""Characters of a one-time password: 20 of 55 kinds are 115 bits."""

_ONE_TIME_ALPHABET = "".join(c for c in string.ascii_letters + string.digits if c not in "0O1lIoi")
# Read aloud and typed from paper: no characters that look alike.

PASSES = 3
MEMORY_KIB = 64 << 10
LANES = 4
"""RFC 9106's second recommended option."""

_ONE_TIME_COST = (1, 1 << 10, 1)
"""Passes, KiB and lanes for one-time passwords: nobody guesses 115 random bits, however little a guess costs
(NIST SP 800-63B asks no slow hash for 112 and more)."""

_PLACES = 2
"""Hashes at one time: one for each core of the smallest machine, 64 MiB each."""

_WAITING = 32
"""More than this many in the queue would wait longer than a person does (about 50 ms each)."""


def check_password(password: str, login: str) -> None:
    """Pass if the password is complex enough for `login`; raises InvalidField that names the cure."""
    if len(password) > MAX_LENGTH:
        raise InvalidField(
            "/new_password",
            f"口令不得超过 {MAX_LENGTH} 个字符",
            f"use at most {MAX_LENGTH} characters for the password",
        )
    if login.casefold() in password.casefold():
        raise InvalidField(
            "/new_password", "口令不得包含登录名；请另选口令", "the password contains the login; choose another"
        )
    if len(set(password)) >= SHORT_LENGTH // 2 and (
        len(password) >= LONG_LENGTH
        or (len(password) >= SHORT_LENGTH and _kinds_of_characters(password) >= KINDS_OF_CHARACTERS)
    ):
        return
    raise InvalidField(
        "/new_password",
        f"口令太简单：至少 {SHORT_LENGTH} 个字符并含大写、小写、数字、其他符号中的三类，或至少 {LONG_LENGTH} 个字符；"
        f"不同的字符至少 {SHORT_LENGTH // 2} 个",
        f"the password is too simple: use {SHORT_LENGTH} characters of three kinds (upper case, lower case, digits, "
        f"others), or {LONG_LENGTH} of any; at least {SHORT_LENGTH // 2} different ones",
    )


def _kinds_of_characters(password: str) -> int:
    return len(
        {"lower" if c.islower() else "upper" if c.isupper() else "digit" if c.isdigit() else "other" for c in password}
    )


def one_time_password() -> str:
    """A random password to hand over once: 20 letters and digits that are not mistaken for each other."""
    return "".join(secrets.choice(_ONE_TIME_ALPHABET) for _ in range(ONE_TIME_LENGTH))


def _hash_of_nothing(hasher: argon2.PasswordHasher) -> str:
    """A hash of the hasher's cost that no password has: checking against it takes as long as against a real one, and fails.

    Random octets in PHC form; to hash something would cost a tenth of a second at the start of each process.
    """
    salt, hashed = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${hashed}"


class Passwords:
    """Makes and checks argon2id hashes (RFC 9106) off the event loop; one for each process.

    `hasher` carries the cost; the default is `PASSES` over `MEMORY_KIB` in `LANES`.
    """

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = hasher or argon2.PasswordHasher(PASSES, MEMORY_KIB, LANES)
        self._quick_hasher = argon2.PasswordHasher(*_ONE_TIME_COST)
        self._nobody = _hash_of_nothing(self._hasher)
        self._places = asyncio.Semaphore(_PLACES)
        self._present = 0

    async def hash(self, password: str) -> str:
        """The hash of a password, in PHC form with its own salt. Raises HashingBusy."""
        async with self._place():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def hash_one_time(self, password: str) -> str:
        """The hash of a password that `one_time_password` made, in the same form, at next to no cost. Raises HashingBusy."""
        async with self._place():
            return await asyncio.to_thread(self._quick_hasher.hash, password)

    async def verify(self, hashed: str | None, password: str, *, is_own: bool = False) -> bool:
        """Whether the password is that of `hashed`; without one, False after the same work. Raises HashingBusy.

        A one-time password, too, takes as long as any other, lest the time tell which accounts are new; not where
        the account `is_own`, of whoever asks.
        """
        password = password[: MAX_LENGTH + 1]
        async with self._place():
            matches = hashed is not None and await asyncio.to_thread(self._matches, hashed, password)
            if not is_own and (hashed is None or self._is_quick(hashed)):
                await asyncio.to_thread(self._matches, self._nobody, password)
        return matches

    def _is_quick(self, hashed: str) -> bool:
        return argon2.extract_parameters(hashed).memory_cost < self._hasher.memory_cost

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerifyMismatchError:
            return False

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._present >= _PLACES + _WAITING:
            raise HashingBusy
        self._present += 1
        try:
            async with self._places:
                yield
        finally:
            self._present -= 1
