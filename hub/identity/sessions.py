"""Sessions of staff: opened with password and second factor, held by a token that only its holder knows.

A token is 256 random bits; the table has its SHA-256. A session ends with sign-out, when it lies idle, at the latest after
`ABSOLUTE_LIFE`, and at once when the account is disabled or reset or its password changes (GB/T 22239-2019 8.1.4.1 b).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from certs.digests import digest_bytes
from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.identity import repository
from hub.identity.callers import StaffCaller
from hub.identity.errors import SessionOver
from hub.identity.models import Staff, StaffSession
from hub.identity.passwords import PASSWORD_LIFE
from hub.identity.proof import Credentials, Refusal, count_failure, is_locked
from hub.identity.roles import Role, sorted_roles
from hub.identity.second_factor import opens
from hub.identity.staff import ACTIVE
from hub.registry.masterkey import MasterKey

TOKEN_BYTES = 32
"""256 bits: nobody finds one by trying."""

ABSOLUTE_LIFE = timedelta(hours=12)
"""A working day; who is still there signs in again."""

TOUCH_FRACTION = 10
"""A session's last use is written when a tenth of the idle limit has passed, not with every request."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, for the log."""

    address: str = ""
    terminal: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session; the token is told this once."""

    token: str
    expires_at: datetime
    caller: StaffCaller


async def sign_in(
    session: AsyncSession,
    against: Credentials,
    *,
    password_matches: bool,
    code: str | None,
    master_key: MasterKey,
    origin: Origin,
    recorder: Recorder,
    now: datetime,
) -> Opened | Refusal:
    """A session for who gave the right password (and code, if a second factor is enrolled), or why not.

    Both outcomes are to be committed: a refusal counts against the account and locks it after `MAX_FAILURES`.
    """
    row = None if against.staff_id is None else await repository.staff(session, against.staff_id, lock=True)
    if row is None or row.state != ACTIVE:
        return Refusal("unknown-account", recorded=False)
    if is_locked(row, now):
        return Refusal("locked", recorded=False)
    actor = await actor_of(session, row, (await repository.roles_of(session, [row.id]))[row.id], origin)
    if not password_matches or row.password_hash != against.password_hash:
        return count_failure(session, row, "wrong-password", actor=actor, recorder=recorder, now=now)
    if not opens(row, code, master_key=master_key, now=now):
        return count_failure(session, row, "wrong-second-factor", actor=actor, recorder=recorder, now=now)
    row.failed_attempts = 0
    row.locked_until = None
    return await open_session(session, row, origin=origin, recorder=recorder, now=now)


async def open_session(
    session: AsyncSession, row: Staff, *, origin: Origin, recorder: Recorder, now: datetime
) -> Opened:
    """A new session of an account whose holder has proved who they are, with its entry in the log."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    opened = StaffSession(
        id=new_id(now),
        token_digest=digest_bytes(token.encode()),
        staff_id=row.id,
        created_at=now,
        last_used_at=now,
        expires_at=now + ABSOLUTE_LIFE,
    )
    session.add(opened)
    await session.flush()
    caller = await _caller(session, row, opened.id, origin, now)
    event = Event("session.opened", caller.actor, "session", str(opened.id))
    recorder.record(session, event, now=now)
    return Opened(token, opened.expires_at, caller)


async def authenticate(
    session: AsyncSession, token: str, *, idle_limit: timedelta, origin: Origin, now: datetime
) -> StaffCaller:
    """Who holds this token. Raises SessionOver."""
    found = await repository.live_session(session, digest_bytes(token.encode()), now=now, used_after=now - idle_limit)
    if found is None:
        raise SessionOver
    held, row = found
    if now - held.last_used_at > idle_limit / TOUCH_FRACTION:
        held.last_used_at = now
    return await _caller(session, row, held.id, origin, now)


async def expect_open(session: AsyncSession, caller: StaffCaller, *, hold: bool = False) -> None:
    """Pass while the session that the caller came with is open and its account active; with `hold` both stay so.

    Raises SessionOver.
    """
    if not await repository.is_open(session, caller.session_id, hold=hold):
        raise SessionOver


async def sign_out(session: AsyncSession, caller: StaffCaller, *, recorder: Recorder, now: datetime) -> None:
    """End the caller's session; ending it twice is the same as once."""
    if await repository.end_session(session, caller.session_id, now=now):
        recorder.record(session, Event("session.ended", caller.actor, "session", str(caller.session_id)), now=now)


def password_is_due(row: Staff, now: datetime) -> bool:
    """Whether the holder must change the password before anything else: it is a one-time one, or too old."""
    return row.must_change or row.password_changed_at is None or row.password_changed_at + PASSWORD_LIFE <= now


async def _caller(session: AsyncSession, row: Staff, session_id: UUID, origin: Origin, now: datetime) -> StaffCaller:
    roles = (await repository.roles_of(session, [row.id]))[row.id]
    return StaffCaller(
        id=row.id,
        login=row.login,
        display_name=row.display_name,
        roles=roles,
        organisation_id=row.organisation_id,
        session_id=session_id,
        must_change_password=password_is_due(row, now),
        actor=await actor_of(session, row, roles, origin),
    )


async def actor_of(session: AsyncSession, row: Staff, roles: frozenset[Role], origin: Origin) -> Actor:
    """The account as the log names it: id, organisation and roles in clear, what is personal as commitments."""
    return Actor(
        "staff",
        str(row.id),
        organisation=await repository.organisation_code(session, row.organisation_id),
        role=",".join(sorted_roles(roles)),
        login=row.login,
        name=row.display_name,
        address=origin.address,
        terminal=origin.terminal,
        request_id=origin.request_id,
    )
