"""Proving who one is with a password: what it is checked against, and what a wrong one costs.

Checking a password takes tens of milliseconds, so no transaction is open meanwhile. The order is `credentials` (a short
transaction), `Passwords.verify` (none), then the transaction of the outcome, which locks the account's row and looks again.
Guesses made at the same time are so judged one after the other, and the sixth meets the lock.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.identity import repository
from hub.identity.callers import StaffCaller
from hub.identity.errors import AccountLocked, SessionOver
from hub.identity.models import Staff
from hub.identity.staff import ACTIVE, is_login

MAX_FAILURES = 5
"""限制非法登录次数 (8.1.4.1 b): the usual setting of level-3 assessments."""

_MINUTE = timedelta(minutes=1)

LOCK_TIME = timedelta(minutes=15)
"""Long enough that guessing is hopeless (480 a day), short enough to wait for."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What there is to check a password against; neither field is set for a login that cannot sign in."""

    staff_id: UUID | None
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A failed sign-in. One that is not in the log by itself (nobody's, or a locked account's) is for the caller to count."""

    reason: str
    recorded: bool


async def credentials(session: AsyncSession, login: str) -> Credentials:
    """What a password for `login` is to be checked against."""
    row = await repository.staff_by_login(session, login) if is_login(login) else None
    if row is None or row.state != ACTIVE:
        return Credentials(None, None)
    return Credentials(row.id, row.password_hash)


async def own_credentials(session: AsyncSession, caller: StaffCaller) -> Credentials:
    """What the caller's own password is to be checked against, once more."""
    row = await repository.staff(session, caller.id)
    return Credentials(caller.id, None if row is None else row.password_hash)


async def prove_again(
    session: AsyncSession,
    caller: StaffCaller,
    against: Credentials,
    *,
    password_matches: bool,
    recorder: Recorder,
    now: datetime,
) -> Staff | Refusal:
    """The caller's account, locked for us, if the password was right; to be committed if it was not.

    A wrong one counts as a failed sign-in: a stolen session is no way to guess it. Raises SessionOver when the account
    closed or changed its password meanwhile, AccountLocked.
    """
    row = await repository.staff(session, caller.id, lock=True)
    if row is None or row.state != ACTIVE or row.password_hash != against.password_hash:
        raise SessionOver
    if row.locked_until is not None and is_locked(row, now):
        raise AccountLocked(math.ceil((row.locked_until - now) / _MINUTE))
    if not password_matches:
        return count_failure(session, row, "wrong-password", actor=caller.actor, recorder=recorder, now=now)
    return row


def is_locked(row: Staff, now: datetime) -> bool:
    """Whether too many failures keep the account from signing in."""
    return row.locked_until is not None and row.locked_until > now


def count_failure(
    session: AsyncSession, row: Staff, reason: str, *, actor: Actor, recorder: Recorder, now: datetime
) -> Refusal:
    """Count a wrong password or code against an account (its row is locked) and record it; too many lock the account."""
    row.failed_attempts += 1
    event = Event("session.refused", actor, "staff", str(row.id), outcome="fail", error=reason)
    recorder.record(session, event, now=now)
    if row.failed_attempts >= MAX_FAILURES:
        row.failed_attempts = 0
        row.locked_until = now + LOCK_TIME
        recorder.record(session, Event("session.locked", actor, "staff", str(row.id)), now=now)
    return Refusal(reason, recorded=True)
