"""Accounts of staff from proposal to end: an operator proposes, security approves, either of them disables.

A one-time password exists from the approval on and is told once, to who approved. Taking a password back (`reset`) sends
the account to its beginning, so that it again takes two people to open it: a single officer who could set somebody's
password would hold both roles. Hashes are made before a transaction opens and are arguments here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor, Event
from hub.audit.service import Recorder
from hub.db.ids import new_id
from hub.identity import repository
from hub.identity.callers import StaffCaller
from hub.identity.errors import LoginTaken, OwnProposal, UnknownStaff
from hub.identity.models import Staff
from hub.identity.passwords import Passwords, one_time_password
from hub.identity.roles import OF_ONE_ORGANISATION, Role, first_exclusion, sorted_roles
from hub.registry import service as registry
from hub.registry.errors import InvalidField, WrongState
from hub.registry.fields import required_text
from hub.registry.recording import fingerprint

PROPOSED = "proposed"
ACTIVE = "active"
DISABLED = "disabled"

PERSONAL = frozenset({"login", "display_name", "password_hash", "wrapped_totp"})
"""Columns that no digest in the log covers: names can be guessed, and secrets have no business there."""

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a new account shall be; roles that act for one organisation need `organisation_id`."""

    login: str
    display_name: str
    roles: frozenset[Role]
    organisation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its roles."""

    row: Staff
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class _Act:
    """One administrative act on an account, on its way into the log."""

    event: str
    actor: Actor
    recorder: Recorder
    now: datetime

    def record(self, session: AsyncSession, account: Account, *, before: str = "", **details: int) -> None:
        self.recorder.record(
            session,
            Event(
                self.event,
                self.actor,
                "staff",
                str(account.row.id),
                before=before,
                after=fingerprint(account.row, without=PERSONAL),
                details={"roles": [str(role) for role in sorted_roles(account.roles)], **details},
            ),
            now=self.now,
        )


def is_login(text: str) -> bool:
    """Whether `text` has the form of a login: anything else names nobody, and need not be looked up."""
    return _LOGIN.fullmatch(text) is not None


async def page(session: AsyncSession, *, after: str | None, limit: int) -> list[Account]:
    """At most `limit` accounts beyond the login `after`, by login."""
    rows = await repository.staff_page(session, after=after, limit=limit)
    roles = await repository.roles_of(session, (row.id for row in rows))
    return [Account(row, roles[row.id]) for row in rows]


async def propose(
    session: AsyncSession, new: NewAccount, *, caller: StaffCaller, recorder: Recorder, now: datetime
) -> Account:
    """A new account that nobody can use yet. Raises InvalidField, UnknownOrganisation, OrganisationEnded, LoginTaken."""
    account = await _add(session, new, now=now)
    account.row.proposed_by = caller.id
    await session.flush()
    _Act("staff.proposed", caller.actor, recorder, now).record(session, account)
    return account


async def approve(
    session: AsyncSession,
    staff_id: UUID,
    *,
    password_hash: str,
    caller: StaffCaller,
    recorder: Recorder,
    now: datetime,
) -> Account:
    """The account, active, its one-time password given by its hash.

    Raises UnknownStaff, OwnProposal, WrongState, OrganisationEnded.
    """
    # Organisation before account, the order in which changes of organisations lock them.
    found = await repository.staff(session, staff_id)
    if found is not None and found.organisation_id is not None:
        await registry.find_active_organisation(session, found.organisation_id)
    account, before = await _locked(session, staff_id)
    row = account.row
    if caller.id in (row.proposed_by, row.id):
        raise OwnProposal
    _expect(row, PROPOSED)
    row.approved_by = caller.id
    _open(row, password_hash, now)
    await session.flush()
    _Act("staff.approved", caller.actor, recorder, now).record(session, account, before=before)
    return account


async def disable(
    session: AsyncSession, staff_id: UUID, *, caller: StaffCaller, recorder: Recorder, now: datetime
) -> Account:
    """The account, closed; its sessions end in this transaction. Raises UnknownStaff, WrongState."""
    account, before = await _locked(session, staff_id)
    _expect(account.row, PROPOSED, ACTIVE)
    ended = await _close(session, account.row, DISABLED, now)
    _Act("staff.disabled", caller.actor, recorder, now).record(session, account, before=before, sessions=ended)
    return account


async def reset(
    session: AsyncSession, staff_id: UUID, *, caller: StaffCaller, recorder: Recorder, now: datetime
) -> Account:
    """The account, proposed anew: without password, second factor and sessions. Raises UnknownStaff, WrongState."""
    account, before = await _locked(session, staff_id)
    _expect(account.row, ACTIVE, DISABLED)
    ended = await _close(session, account.row, PROPOSED, now)
    account.row.proposed_by, account.row.approved_by = caller.id, None
    await session.flush()
    _Act("staff.reset", caller.actor, recorder, now).record(session, account, before=before, sessions=ended)
    return account


async def move(
    session: AsyncSession,
    staff_id: UUID,
    organisation_id: UUID | None,
    *,
    caller: StaffCaller,
    recorder: Recorder,
    now: datetime,
) -> Account:
    """The account, of another organisation. One that acts for its organisation is proposed anew; others stay as they are.

    None is for those alone that act for no organisation. Raises UnknownStaff, WrongState (disabled).
    """
    account, before = await _locked(session, staff_id)
    _expect(account.row, PROPOSED, ACTIVE)
    account.row.organisation_id, account.row.updated_at = organisation_id, now
    ended = 0
    if account.roles & OF_ONE_ORGANISATION:
        ended = await _close(session, account.row, PROPOSED, now)
        account.row.proposed_by, account.row.approved_by = caller.id, None
    await session.flush()
    _Act("staff.moved", caller.actor, recorder, now).record(session, account, before=before, sessions=ended)
    return account


async def unlock(
    session: AsyncSession, staff_id: UUID, *, caller: StaffCaller, recorder: Recorder, now: datetime
) -> Account:
    """The account, free to sign in although it failed too often. Raises UnknownStaff, WrongState."""
    account, before = await _locked(session, staff_id)
    _expect(account.row, ACTIVE)
    _forgive(account.row)
    account.row.updated_at = now
    await session.flush()
    _Act("staff.unlocked", caller.actor, recorder, now).record(session, account, before=before)
    return account


async def create_first_accounts(
    session: AsyncSession,
    accounts: Sequence[NewAccount],
    *,
    passwords: Passwords,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> dict[str, str]:
    """Open accounts from the host, where no staff exists to propose and approve; returns one-time passwords by login.

    Raises InvalidField, UnknownOrganisation, OrganisationEnded, LoginTaken; ValueError when `actor` is not a user of the host.
    """
    if actor.kind != "host":
        raise ValueError("accounts without proposal and approval come from the host alone")
    told = {new.login: one_time_password() for new in accounts}
    hashes = {login: await passwords.hash_one_time(password) for login, password in told.items()}
    for new in accounts:
        account = await _add(session, new, now=now)
        _open(account.row, hashes[new.login], now)
        await session.flush()
        _Act("staff.created", actor, recorder, now).record(session, account)
    return told


async def _add(session: AsyncSession, new: NewAccount, *, now: datetime) -> Account:
    _check(new)
    if new.organisation_id is not None:
        await registry.find_active_organisation(session, new.organisation_id)
    row = Staff(
        id=new_id(now),
        login=new.login,
        display_name=required_text("/display_name", new.display_name),
        organisation_id=new.organisation_id,
        state=PROPOSED,
        created_at=now,
        updated_at=now,
    )
    if not await repository.add_staff(session, row, sorted_roles(new.roles)):
        raise LoginTaken(new.login)
    added, _ = await _locked(session, row.id)
    return added


def _check(new: NewAccount) -> None:
    if not is_login(new.login):
        raise InvalidField(
            "/login",
            "登录名为 2 至 63 位小写字母、数字、点、下划线或连字符，以字母或数字开头；请更正",
            "a login has 2 to 63 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit; correct it",
        )
    if not new.roles:
        raise InvalidField("/roles", "账户至少要有一个角色，请填写", "an account needs at least one role; name it")
    if excluded := first_exclusion(new.roles):
        one, other = excluded
        raise InvalidField(
            "/roles",
            f"同一人不得兼任{one.zh}（{one}）与{other.zh}（{other}）；请分给两人",
            f"one person may not be both {one} and {other}; give the roles to two people",
        )
    if new.organisation_id is None and (bound := sorted_roles(new.roles & OF_ONE_ORGANISATION)):
        raise InvalidField(
            "/organisation",
            f"角色{bound[0].zh}（{bound[0]}）须指明所属机构；请填写 organisation",
            f"the role {bound[0]} acts for one organisation; name it in organisation",
        )


async def _locked(session: AsyncSession, staff_id: UUID) -> tuple[Account, str]:
    """The account, ours until the transaction ends, and its digest as it is now."""
    row = await repository.staff(session, staff_id, lock=True)
    if row is None:
        raise UnknownStaff(str(staff_id))
    roles = await repository.roles_of(session, [row.id])
    return Account(row, roles[row.id]), fingerprint(row, without=PERSONAL)


def _expect(row: Staff, *states: str) -> None:
    if row.state not in states:
        raise WrongState(f"账户 {row.login}", row.state, ", ".join(states))


def _open(row: Staff, password_hash: str, now: datetime) -> None:
    row.state = ACTIVE
    row.password_hash = password_hash
    row.password_changed_at = row.updated_at = now
    row.must_change = True


async def _close(session: AsyncSession, row: Staff, state: str, now: datetime) -> int:
    """Take state, password, second factor and sessions from an account; returns how many sessions were open."""
    row.state = state
    row.password_hash = row.password_changed_at = row.wrapped_totp = row.totp_last_step = None
    row.must_change = True
    row.updated_at = now
    _forgive(row)
    await session.flush()
    return await repository.end_sessions(session, row.id, now=now)


def _forgive(row: Staff) -> None:
    row.failed_attempts = 0
    row.locked_until = None
