"""Sessions: opened by a password, held by a token, ended by everything that should end them."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from hub.audit.models import LogEntry
from hub.db.engine import Database
from hub.identity import password_change, proof, repository, sessions, staff
from hub.identity.callers import StaffCaller
from hub.identity.errors import AccountLocked, SessionOver
from hub.identity.models import StaffSession
from hub.identity.passwords import PASSWORD_LIFE, Passwords
from hub.identity.proof import LOCK_TIME, MAX_FAILURES, Credentials, Refusal
from hub.identity.roles import Role
from hub.identity.sessions import ABSOLUTE_LIFE, Opened
from hub.registry.errors import InvalidField
from tests.support.registry import make_organisation
from tests.support.staff import (
    MASTER_KEY,
    ORIGIN,
    PASSWORD,
    RECORDER,
    caller,
    make_account,
    make_signed_in,
    sign_in,
)

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
IDLE = timedelta(minutes=30)
WRONG = "Wrong-Horse-7"


async def who(session: AsyncSession, token: str, now: datetime = NOW) -> StaffCaller:
    return await sessions.authenticate(session, token, idle_limit=IDLE, origin=ORIGIN, now=now)


async def events(session: AsyncSession) -> list[tuple[str, str]]:
    """Event and error of every entry, in no order."""
    await session.flush()
    return sorted((row.event, row.leaf.decode()) for row in (await session.scalars(select(LogEntry))).all())


async def count(session: AsyncSession, event: str) -> int:
    return [name for name, _ in await events(session)].count(event)


async def change_password(
    session: AsyncSession, opened: Opened, current: str, new: str, *, now: datetime, passwords: Passwords
) -> Opened | Refusal:
    against = await proof.own_credentials(session, opened.caller)
    return await password_change.change_password(
        session,
        opened.caller,
        against,
        password_matches=await passwords.verify(against.password_hash, current),
        new_hash=await passwords.hash(new),
        origin=ORIGIN,
        recorder=RECORDER,
        now=now,
    )


async def test_the_right_password_opens_a_session_whose_token_is_nowhere_but_with_its_holder(
    session: AsyncSession, passwords: Passwords
) -> None:
    organisation = await make_organisation(session)
    first = await make_account(
        session, "zhang.san", Role.EDITOR, now=NOW, passwords=passwords, organisation_id=organisation.id
    )
    opened = await sign_in(session, "zhang.san", first, now=NOW, passwords=passwords)
    assert isinstance(opened, Opened)
    assert len(opened.token) == 43
    assert opened.expires_at == NOW + ABSOLUTE_LIFE
    found = await who(session, opened.token)
    assert (found.login, found.organisation_id) == ("zhang.san", organisation.id)
    assert found.roles == {Role.EDITOR}
    actor = found.actor
    assert (actor.kind, actor.id, actor.role, actor.organisation) == (
        "staff",
        str(found.id),
        "editor",
        organisation.code,
    )
    assert (actor.address, actor.terminal) == (ORIGIN.address, ORIGIN.terminal)
    (row,) = (await session.scalars(select(StaffSession))).all()
    assert row.token_digest == hashlib.sha256(opened.token.encode()).digest()
    assert await count(session, "session.opened") == 1


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
async def test_a_token_that_nobody_was_given_is_refused(session: AsyncSession, token: str) -> None:
    with pytest.raises(SessionOver):
        await who(session, token)


async def test_a_session_ends_when_it_lies_idle_and_use_keeps_it_alive(
    session: AsyncSession, passwords: Passwords
) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    used = await make_signed_in(session, "li.si", Role.REVIEWER, now=NOW, passwords=passwords)
    await who(session, used.token, NOW + timedelta(minutes=29))
    await session.flush()
    later = NOW + timedelta(minutes=58)
    assert (await who(session, used.token, later)).login == "li.si"
    with pytest.raises(SessionOver):
        await who(session, opened.token, NOW + IDLE)


async def test_the_last_use_is_written_only_now_and_then(session: AsyncSession, passwords: Passwords) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    row = await session.get(StaffSession, opened.caller.session_id)
    assert row is not None
    await who(session, opened.token, NOW + timedelta(minutes=3))
    assert row.last_used_at == NOW
    await who(session, opened.token, NOW + timedelta(minutes=4))
    assert row.last_used_at == NOW + timedelta(minutes=4)


async def test_a_session_ends_after_a_day_however_busy(session: AsyncSession, passwords: Passwords) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    moment = NOW
    while moment < NOW + ABSOLUTE_LIFE:
        await who(session, opened.token, moment)
        await session.flush()
        moment += timedelta(minutes=20)
    with pytest.raises(SessionOver):
        await who(session, opened.token, NOW + ABSOLUTE_LIFE)


async def test_signing_out_ends_the_session_and_is_logged_once(session: AsyncSession, passwords: Passwords) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    for _ in range(2):
        await sessions.sign_out(session, opened.caller, recorder=RECORDER, now=NOW)
    with pytest.raises(SessionOver):
        await who(session, opened.token)
    assert await count(session, "session.ended") == 1


async def test_wrong_passwords_lock_the_account_for_a_while(session: AsyncSession, passwords: Passwords) -> None:
    await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    for _ in range(MAX_FAILURES):
        refused = await sign_in(session, "zhang.san", WRONG, now=NOW, passwords=passwords)
        assert refused == Refusal("wrong-password", recorded=True)
    just_before = NOW + LOCK_TIME - timedelta(seconds=1)
    for moment in (NOW, just_before):
        locked = await sign_in(session, "zhang.san", PASSWORD, now=moment, passwords=passwords)
        assert locked == Refusal("locked", recorded=False)
    assert isinstance(await sign_in(session, "zhang.san", PASSWORD, now=NOW + LOCK_TIME, passwords=passwords), Opened)
    assert await count(session, "session.refused") == MAX_FAILURES
    assert await count(session, "session.locked") == 1


async def test_a_right_password_before_the_last_failure_forgives_the_others(
    session: AsyncSession, passwords: Passwords
) -> None:
    await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    for _ in range(2):
        for _ in range(MAX_FAILURES - 1):
            await sign_in(session, "zhang.san", WRONG, now=NOW, passwords=passwords)
        assert isinstance(await sign_in(session, "zhang.san", PASSWORD, now=NOW, passwords=passwords), Opened)


async def test_an_officer_unlocks_an_account_before_its_time(session: AsyncSession, passwords: Passwords) -> None:
    operator = await make_signed_in(session, "operator.li", Role.OPERATOR, now=NOW, passwords=passwords)
    victim = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    for _ in range(MAX_FAILURES):
        await sign_in(session, "zhang.san", WRONG, now=NOW, passwords=passwords)
    await staff.unlock(session, victim.caller.id, caller=operator.caller, recorder=RECORDER, now=NOW)
    assert isinstance(await sign_in(session, "zhang.san", PASSWORD, now=NOW, passwords=passwords), Opened)
    assert await count(session, "staff.unlocked") == 1


async def test_an_unknown_login_is_refused_without_an_entry_in_the_log(
    session: AsyncSession, passwords: Passwords
) -> None:
    refused = await sign_in(session, "nobody.here", WRONG, now=NOW, passwords=passwords)
    assert refused == Refusal("unknown-account", recorded=False)
    assert await events(session) == []


async def test_guesses_at_the_same_time_are_counted_one_by_one(database: Database, passwords: Passwords) -> None:
    async with database.session() as session, session.begin():
        await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)

    async def guess(password: str) -> Opened | Refusal:
        async with database.session() as session, session.begin():
            return await sign_in(session, "zhang.san", password, now=NOW, passwords=passwords)

    outcomes = await asyncio.gather(*(guess(WRONG) for _ in range(20)))
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Refusal)]
    assert (reasons.count("wrong-password"), reasons.count("locked")) == (MAX_FAILURES, 20 - MAX_FAILURES)


async def test_a_password_that_changed_while_it_was_checked_opens_nothing(
    session: AsyncSession, passwords: Passwords
) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    stale = await proof.credentials(session, "zhang.san")
    await change_password(session, opened, PASSWORD, "Another-Horse-8", now=NOW, passwords=passwords)
    outcome = await sessions.sign_in(
        session,
        stale,
        password_matches=True,
        code=None,
        master_key=MASTER_KEY,
        origin=ORIGIN,
        recorder=RECORDER,
        now=NOW,
    )
    assert isinstance(outcome, Refusal)


async def test_changing_the_password_ends_every_session_and_opens_a_new_one(
    session: AsyncSession, passwords: Passwords
) -> None:
    first = await make_account(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    opened = await sign_in(session, "zhang.san", first, now=NOW, passwords=passwords)
    other = await sign_in(session, "zhang.san", first, now=NOW, passwords=passwords)
    assert isinstance(opened, Opened)
    assert isinstance(other, Opened)
    assert opened.caller.must_change_password
    renewed = await change_password(session, opened, first, PASSWORD, now=NOW, passwords=passwords)
    assert isinstance(renewed, Opened)
    assert not renewed.caller.must_change_password
    assert (await who(session, renewed.token)).login == "zhang.san"
    for token in (opened.token, other.token):
        with pytest.raises(SessionOver):
            await who(session, token)
    assert isinstance(await sign_in(session, "zhang.san", first, now=NOW, passwords=passwords), Refusal)
    assert await count(session, "staff.password-changed") == 1


async def test_a_wrong_current_password_counts_like_a_failed_sign_in(
    session: AsyncSession, passwords: Passwords
) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    for _ in range(MAX_FAILURES):
        refused = await change_password(session, opened, WRONG, "Another-Horse-8", now=NOW, passwords=passwords)
        assert isinstance(refused, Refusal)
    with pytest.raises(AccountLocked, match="try again in 15 minutes"):
        await change_password(session, opened, PASSWORD, "Another-Horse-8", now=NOW, passwords=passwords)
    assert (await who(session, opened.token)).login == "zhang.san"


async def test_the_password_of_an_account_that_is_gone_is_nothing_to_change(
    session: AsyncSession, passwords: Passwords
) -> None:
    assert await proof.own_credentials(session, caller(Role.REVIEWER)) == Credentials(UUID(int=7), None)
    with pytest.raises(SessionOver):
        await proof.prove_again(
            session, caller(), Credentials(None, None), password_matches=True, recorder=RECORDER, now=NOW
        )


@pytest.mark.parametrize(("new", "pointer"), [("short", "/new_password"), (PASSWORD, "/new_password")])
def test_a_new_password_is_sound_and_new(new: str, pointer: str) -> None:
    password_change.check_new_password(caller(), current=PASSWORD, new="Another-Horse-8")
    with pytest.raises(InvalidField) as refused:
        password_change.check_new_password(caller(), current=PASSWORD, new=new)
    assert refused.value.errors[0].pointer == pointer


async def test_an_old_password_must_be_changed(session: AsyncSession, passwords: Passwords) -> None:
    await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    for age, due in ((PASSWORD_LIFE - timedelta(seconds=1), False), (PASSWORD_LIFE, True)):
        opened = await sign_in(session, "zhang.san", PASSWORD, now=NOW + age, passwords=passwords)
        assert isinstance(opened, Opened)
        assert opened.caller.must_change_password is due


async def test_roles_taken_away_are_gone_with_the_next_request(session: AsyncSession, passwords: Passwords) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, Role.SECRECY, now=NOW, passwords=passwords)
    await session.flush()
    await session.execute(text("DELETE FROM staff_role WHERE role = 'reviewer'"))
    session.expunge_all()
    assert (await who(session, opened.token)).roles == {Role.SECRECY}


async def test_a_session_is_worth_nothing_while_its_account_is_not_active(
    session: AsyncSession, passwords: Passwords
) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    await session.flush()
    await session.execute(text("UPDATE staff SET state = 'disabled'"))
    with pytest.raises(SessionOver):
        await who(session, opened.token)


async def test_a_failed_sign_in_names_person_and_cause_in_the_log(session: AsyncSession, passwords: Passwords) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.REVIEWER, now=NOW, passwords=passwords)
    await sign_in(session, "zhang.san", WRONG, now=NOW, passwords=passwords)
    query = select(LogEntry).where(col(LogEntry.event) == "session.refused")
    (row,) = (await session.scalars(query)).all()
    assert (row.outcome, row.actor, row.object_id) == ("fail", str(opened.caller.id), str(opened.caller.id))
    assert b'"error":"wrong-password"' in row.leaf
    assert WRONG.encode() not in row.leaf
    assert await repository.organisation_code(session, None) == ""
