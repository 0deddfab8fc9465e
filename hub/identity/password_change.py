"""Changing one's own password: proves the old one, ends every session of the account and opens a new one."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Event
from hub.audit.service import Recorder
from hub.identity import repository
from hub.identity.callers import StaffCaller
from hub.identity.passwords import check_password
from hub.identity.proof import Credentials, Refusal, prove_again
from hub.identity.sessions import Opened, Origin, open_session
from hub.registry.errors import InvalidField


def check_new_password(caller: StaffCaller, *, current: str, new: str) -> None:
    """Pass if the new password may replace the current one; asked before any hash is made. Raises InvalidField."""
    check_password(new, caller.login)
    if new == current:
        raise InvalidField(
            "/new_password", "新口令不得与当前口令相同；请另选", "the new password is the current one; choose another"
        )


async def change_password(
    session: AsyncSession,
    caller: StaffCaller,
    against: Credentials,
    *,
    password_matches: bool,
    new_hash: str,
    origin: Origin,
    recorder: Recorder,
    now: datetime,
) -> Opened | Refusal:
    """A new session under the new password, every other one ended; or why not. Both outcomes are to be committed.

    Raises SessionOver when the account closed or changed meanwhile, AccountLocked.
    """
    row = await prove_again(session, caller, against, password_matches=password_matches, recorder=recorder, now=now)
    if isinstance(row, Refusal):
        return row
    row.password_hash = new_hash
    row.password_changed_at = row.updated_at = now
    row.must_change = False
    row.failed_attempts = 0
    await session.flush()
    ended = await repository.end_sessions(session, row.id, now=now)
    event = Event("staff.password-changed", caller.actor, "staff", str(row.id), details={"sessions": ended})
    recorder.record(session, event, now=now)
    return await open_session(session, row, origin=origin, recorder=recorder, now=now)
