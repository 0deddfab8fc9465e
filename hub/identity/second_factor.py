"""The second factor of an account: enrolled in two steps, asked for at sign-in, taken away only by a reset.

The secret lies encrypted under the master key, bound to its account. It counts from the first code on that its holder
gave; until then beginning again replaces it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Event
from hub.audit.service import Recorder
from hub.errors import Conflict
from hub.identity import repository, totp
from hub.identity.callers import StaffCaller
from hub.identity.errors import UnknownStaff
from hub.identity.models import Staff
from hub.identity.proof import Credentials, Refusal, prove_again
from hub.registry.errors import InvalidField
from hub.registry.masterkey import MasterKey


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the holder types or scans into the app, told this once."""

    secret: str
    uri: str


async def begin_enrolment(
    session: AsyncSession,
    caller: StaffCaller,
    against: Credentials,
    *,
    password_matches: bool,
    issuer: str,
    master_key: MasterKey,
    recorder: Recorder,
    now: datetime,
) -> Enrolment | Refusal:
    """A new secret for the caller's app; sign-in asks for codes once `confirm_enrolment` has seen one.

    Takes the password once more: a session left open is no way to lock its holder out. Raises Conflict, SessionOver.
    """
    row = await prove_again(session, caller, against, password_matches=password_matches, recorder=recorder, now=now)
    if isinstance(row, Refusal):
        return row
    if is_enrolled(row):
        raise Conflict(
            "已登记第二因素；如需更换，请系统管理员重置账户",
            "a second factor is enrolled; to replace it, ask an operator to reset the account",
        )
    secret = totp.new_secret()
    row.wrapped_totp = master_key.wrap(secret, _label(row.id))
    row.updated_at = now
    return Enrolment(totp.secret_text(secret), totp.provisioning_uri(secret, login=row.login, issuer=issuer))


async def confirm_enrolment(
    session: AsyncSession, caller: StaffCaller, code: str, *, master_key: MasterKey, recorder: Recorder, now: datetime
) -> None:
    """Make the second factor count, the app having shown a right code. Raises Conflict, InvalidField."""
    row = await repository.staff(session, caller.id, lock=True)
    if row is None:
        raise UnknownStaff(str(caller.id))
    if row.wrapped_totp is None or is_enrolled(row):
        raise Conflict(
            "没有待确认的第二因素；请先 POST /v1/session/second-factor",
            "no second factor waits to be confirmed; POST /v1/session/second-factor first",
        )
    if not _accept(row, code, master_key=master_key, now=now):
        raise InvalidField(
            "/code",
            "动态口令不正确；请检查手机时间，并输入当前显示的 6 位数字",
            "the code is wrong; check the clock of your phone and type the six digits it shows now",
        )
    row.updated_at = now
    recorder.record(session, Event("staff.second-factor-enrolled", caller.actor, "staff", str(row.id)), now=now)


def is_enrolled(row: Staff) -> bool:
    """Whether sign-in asks this account for a code."""
    return row.totp_last_step is not None


def opens(row: Staff, code: str | None, *, master_key: MasterKey, now: datetime) -> bool:
    """Whether the code is right and unused, or none is asked for. A right one is used up: the row must be locked."""
    if not is_enrolled(row):
        return True
    return code is not None and _accept(row, code, master_key=master_key, now=now)


def _accept(row: Staff, code: str, *, master_key: MasterKey, now: datetime) -> bool:
    assert row.wrapped_totp is not None
    secret = master_key.unwrap(row.wrapped_totp, _label(row.id))
    step = totp.matching_step(secret, code, now=now, after=row.totp_last_step)
    if step is None:
        return False
    row.totp_last_step = step
    return True


def _label(staff_id: UUID) -> bytes:
    return f"staff-totp:{staff_id}".encode()
