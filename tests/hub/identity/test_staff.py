"""Accounts: two people open one, one closes it, and every act is in the log."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.audit.entry import Actor
from hub.audit.models import LogEntry
from hub.db.engine import Database
from hub.identity import sessions, staff
from hub.identity.callers import StaffCaller
from hub.identity.errors import LoginTaken, OwnProposal, SessionOver, UnknownStaff
from hub.identity.passwords import Passwords
from hub.identity.proof import Refusal
from hub.identity.roles import Role
from hub.identity.sessions import Opened
from hub.identity.staff import Account, NewAccount
from hub.registry.errors import InvalidField, UnknownOrganisation, WrongState
from tests.support.registry import make_organisation
from tests.support.staff import (
    HOST,
    ORIGIN,
    PASSWORD,
    RECORDER,
    make_account,
    make_signed_in,
    sign_in,
)

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
IDLE = timedelta(minutes=30)


async def people(session: AsyncSession, passwords: Passwords) -> tuple[StaffCaller, StaffCaller]:
    """An operator and a security officer."""
    operator = await make_signed_in(session, "operator.li", Role.OPERATOR, now=NOW, passwords=passwords)
    security = await make_signed_in(session, "security.wang", Role.SECURITY, now=NOW, passwords=passwords)
    return operator.caller, security.caller


async def propose(session: AsyncSession, operator: StaffCaller, login: str = "zhang.san", **changes: object) -> Account:
    sound: dict[str, object] = {"login": login, "display_name": "张示例", "roles": frozenset({Role.REVIEWER})}
    new = NewAccount(**(sound | changes))  # type: ignore[arg-type]
    return await staff.propose(session, new, caller=operator, recorder=RECORDER, now=NOW)


async def approve(
    session: AsyncSession, account: UUID, security: StaffCaller, passwords: Passwords, password: str = "once-1"
) -> Account:
    hashed = await passwords.hash(password)
    return await staff.approve(session, account, password_hash=hashed, caller=security, recorder=RECORDER, now=NOW)


async def events(session: AsyncSession, account: UUID) -> set[tuple[str, str]]:
    """Event and actor of the entries on an account."""
    await session.flush()
    query = select(LogEntry).where(col(LogEntry.object_id) == str(account))
    return {(row.event, row.actor) for row in (await session.scalars(query)).all()}


async def test_an_account_opens_when_an_operator_proposed_and_security_approved_it(
    session: AsyncSession, passwords: Passwords
) -> None:
    operator, security = await people(session, passwords)
    proposed = await propose(session, operator)
    assert (proposed.row.state, proposed.row.proposed_by) == ("proposed", operator.id)
    assert isinstance(await sign_in(session, "zhang.san", "once-1", now=NOW, passwords=passwords), Refusal)
    opened = await approve(session, proposed.row.id, security, passwords)
    assert (opened.row.state, opened.row.approved_by) == ("active", security.id)
    assert opened.roles == {Role.REVIEWER}
    signed_in = await sign_in(session, "zhang.san", "once-1", now=NOW, passwords=passwords)
    assert isinstance(signed_in, Opened)
    assert signed_in.caller.must_change_password
    found = await events(session, proposed.row.id)
    assert found == {("staff.proposed", str(operator.id)), ("staff.approved", str(security.id))}


async def test_nobody_approves_what_they_themselves_proposed(session: AsyncSession, passwords: Passwords) -> None:
    operator, _ = await people(session, passwords)
    proposed = await propose(session, operator)
    with pytest.raises(OwnProposal):
        await approve(session, proposed.row.id, operator, passwords)


async def test_an_account_is_approved_once(session: AsyncSession, passwords: Passwords) -> None:
    operator, security = await people(session, passwords)
    proposed = await propose(session, operator)
    await approve(session, proposed.row.id, security, passwords)
    with pytest.raises(WrongState, match="active"):
        await approve(session, proposed.row.id, security, passwords, "once-2")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"login": "Zhang"}, "/login"),
        ({"login": "z"}, "/login"),
        ({"login": "-zhang"}, "/login"),
        ({"login": "zhang san"}, "/login"),
        ({"login": "z" * 64}, "/login"),
        ({"display_name": "  "}, "/display_name"),
        ({"roles": frozenset()}, "/roles"),
        ({"roles": frozenset({Role.SECURITY, Role.OPERATOR})}, "/roles"),
        ({"roles": frozenset({Role.AUDITOR, Role.EDITOR})}, "/roles"),
        ({"roles": frozenset({Role.EDITOR})}, "/organisation"),
        ({"roles": frozenset({Role.DECIDER})}, "/organisation"),
    ],
    ids=count(),
)
async def test_an_account_that_the_contract_forbids_is_refused_by_field(
    session: AsyncSession, passwords: Passwords, changes: dict[str, Any], pointer: str
) -> None:
    operator, _ = await people(session, passwords)
    with pytest.raises(InvalidField) as refused:
        await propose(session, operator, **changes)
    assert [fault.pointer for fault in refused.value.errors] == [pointer]


async def test_an_editor_belongs_to_a_registered_organisation(session: AsyncSession, passwords: Passwords) -> None:
    operator, _ = await people(session, passwords)
    with pytest.raises(UnknownOrganisation):
        await propose(session, operator, roles=frozenset({Role.EDITOR}), organisation_id=uuid4())
    organisation = await make_organisation(session)
    account = await propose(session, operator, roles=frozenset({Role.EDITOR}), organisation_id=organisation.id)
    assert account.row.organisation_id == organisation.id


async def test_a_login_is_never_given_twice(session: AsyncSession, passwords: Passwords) -> None:
    operator, _ = await people(session, passwords)
    account = await propose(session, operator)
    await staff.disable(session, account.row.id, caller=operator, recorder=RECORDER, now=NOW)
    with pytest.raises(LoginTaken, match=r"zhang\.san"):
        await propose(session, operator)


async def test_disabling_ends_every_session_at_once_and_closes_the_account(
    session: AsyncSession, passwords: Passwords
) -> None:
    operator, security = await people(session, passwords)
    victim = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    second = await sign_in(session, "zhang.san", PASSWORD, now=NOW, passwords=passwords)
    assert isinstance(second, Opened)
    closed = await staff.disable(session, victim.caller.id, caller=security, recorder=RECORDER, now=NOW)
    assert (closed.row.state, closed.row.password_hash) == ("disabled", None)
    for token in (victim.token, second.token):
        with pytest.raises(SessionOver):
            await sessions.authenticate(session, token, idle_limit=IDLE, origin=ORIGIN, now=NOW)
    assert isinstance(await sign_in(session, "zhang.san", PASSWORD, now=NOW, passwords=passwords), Refusal)
    with pytest.raises(WrongState):
        await staff.disable(session, victim.caller.id, caller=operator, recorder=RECORDER, now=NOW)
    assert ("staff.disabled", str(security.id)) in await events(session, victim.caller.id)


async def test_a_reset_account_stays_closed_until_another_officer_approves_it(
    session: AsyncSession, passwords: Passwords
) -> None:
    operator, security = await people(session, passwords)
    victim = await make_signed_in(session, "auditor.zhao", Role.AUDITOR, now=NOW, passwords=passwords)
    reset = await staff.reset(session, victim.caller.id, caller=operator, recorder=RECORDER, now=NOW)
    row = reset.row
    assert (row.state, row.password_hash, row.wrapped_totp, row.approved_by) == ("proposed", None, None, None)
    with pytest.raises(SessionOver):
        await sessions.authenticate(session, victim.token, idle_limit=IDLE, origin=ORIGIN, now=NOW)
    assert isinstance(await sign_in(session, "auditor.zhao", PASSWORD, now=NOW, passwords=passwords), Refusal)
    with pytest.raises(OwnProposal):
        await approve(session, row.id, operator, passwords)
    await approve(session, row.id, security, passwords, "once-2")
    assert isinstance(await sign_in(session, "auditor.zhao", "once-2", now=NOW, passwords=passwords), Opened)
    with pytest.raises(SessionOver):  # a session of before does not come back with the account
        await sessions.authenticate(session, victim.token, idle_limit=IDLE, origin=ORIGIN, now=NOW)


async def test_a_disabled_account_comes_back_by_reset_and_approval_only(
    session: AsyncSession, passwords: Passwords
) -> None:
    operator, security = await people(session, passwords)
    account = await propose(session, operator)
    with pytest.raises(WrongState):
        await staff.reset(session, account.row.id, caller=operator, recorder=RECORDER, now=NOW)
    await staff.disable(session, account.row.id, caller=operator, recorder=RECORDER, now=NOW)
    with pytest.raises(WrongState):
        await approve(session, account.row.id, security, passwords)
    await staff.reset(session, account.row.id, caller=operator, recorder=RECORDER, now=NOW)
    assert (await approve(session, account.row.id, security, passwords)).row.state == "active"


async def test_unlocking_is_for_active_accounts(session: AsyncSession, passwords: Passwords) -> None:
    operator, _ = await people(session, passwords)
    account = await propose(session, operator)
    with pytest.raises(WrongState):
        await staff.unlock(session, account.row.id, caller=operator, recorder=RECORDER, now=NOW)


async def test_an_account_that_does_not_exist_is_not_found(session: AsyncSession, passwords: Passwords) -> None:
    operator, _ = await people(session, passwords)
    with pytest.raises(UnknownStaff):
        await staff.disable(session, uuid4(), caller=operator, recorder=RECORDER, now=NOW)


async def test_accounts_are_listed_by_login_from_a_place_on(session: AsyncSession, passwords: Passwords) -> None:
    await people(session, passwords)
    await make_account(session, "alpha", Role.AUDITOR, Role.INSPECTOR, now=NOW, passwords=passwords)
    found = await staff.page(session, after=None, limit=2)
    assert [account.row.login for account in found] == ["alpha", "operator.li"]
    assert found[0].roles == {Role.AUDITOR, Role.INSPECTOR}
    assert [a.row.login for a in await staff.page(session, after="operator.li", limit=9)] == ["security.wang"]


async def test_first_accounts_come_from_the_host_and_are_logged_as_its_user(
    session: AsyncSession, passwords: Passwords
) -> None:
    told = await staff.create_first_accounts(
        session,
        [
            NewAccount("security", "安全员示例", frozenset({Role.SECURITY})),
            NewAccount("operator", "系统员示例", frozenset({Role.OPERATOR})),
        ],
        passwords=passwords,
        actor=HOST,
        recorder=RECORDER,
        now=NOW,
    )
    assert set(told) == {"security", "operator"}
    opened = await sign_in(session, "security", told["security"], now=NOW, passwords=passwords)
    assert isinstance(opened, Opened)
    assert opened.caller.must_change_password
    assert ("staff.created", "host:tester") in await events(session, opened.caller.id)


async def test_no_account_comes_without_proposal_from_anybody_else(session: AsyncSession, passwords: Passwords) -> None:
    with pytest.raises(ValueError, match="host"):
        await staff.create_first_accounts(
            session,
            [NewAccount("security", "示例", frozenset({Role.SECURITY}))],
            passwords=passwords,
            actor=Actor("staff", "x"),
            recorder=RECORDER,
            now=NOW,
        )


async def test_the_log_holds_no_login_name_or_password_in_clear(database: Database, passwords: Passwords) -> None:
    async with database.session() as session, session.begin():
        operator, security = await people(session, passwords)
        account = await propose(session, operator, "secret.login")
        await approve(session, account.row.id, security, passwords, "once-secret-1")
    async with database.session() as session:
        leaves = b"".join((await session.scalars(select(LogEntry.leaf))).all())  # type: ignore[call-overload]
    assert b"staff.approved" in leaves
    for private in ("secret.login", "once-secret-1", "operator.li", "张示例", "argon2", "192.0.2.7"):
        assert private.encode() not in leaves
