"""The second factor of an account: enrolled by a code, asked for from then on, no code twice, encrypted at rest."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from hub.errors import Conflict
from hub.identity import proof, second_factor, staff
from hub.identity.errors import UnknownStaff
from hub.identity.models import Staff
from hub.identity.passwords import Passwords
from hub.identity.proof import MAX_FAILURES, Refusal
from hub.identity.roles import Role
from hub.identity.second_factor import Enrolment
from hub.identity.sessions import Opened
from hub.identity.totp import code_at, step_of
from hub.registry.errors import InvalidField
from hub.registry.masterkey import MasterKeyError
from tests.support.staff import MASTER_KEY, PASSWORD, RECORDER, caller, make_signed_in, sign_in

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
STEP = timedelta(seconds=30)


async def begin(
    session: AsyncSession, opened: Opened, passwords: Passwords, password: str = PASSWORD
) -> Enrolment | Refusal:
    against = await proof.own_credentials(session, opened.caller)
    return await second_factor.begin_enrolment(
        session,
        opened.caller,
        against,
        password_matches=await passwords.verify(against.password_hash, password),
        issuer="lintao-hub",
        master_key=MASTER_KEY,
        recorder=RECORDER,
        now=NOW,
    )


async def confirm(session: AsyncSession, opened: Opened, code: str) -> None:
    await second_factor.confirm_enrolment(
        session, opened.caller, code, master_key=MASTER_KEY, recorder=RECORDER, now=NOW
    )


async def row_of(session: AsyncSession, opened: Opened) -> Staff:
    row = await session.get(Staff, opened.caller.id)
    assert row is not None
    return row


async def enrolled(session: AsyncSession, passwords: Passwords) -> tuple[Opened, bytes]:
    """Somebody with a second factor, its first code used at `NOW`."""
    opened = await make_signed_in(session, "zhang.san", Role.SECURITY, now=NOW, passwords=passwords)
    enrolment = await begin(session, opened, passwords)
    assert isinstance(enrolment, Enrolment)
    secret = base64.b32decode(enrolment.secret)
    await confirm(session, opened, code_at(secret, step_of(NOW)))
    return opened, secret


async def test_sign_in_asks_for_a_code_from_the_first_confirmed_code_on(
    session: AsyncSession, passwords: Passwords
) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.SECURITY, now=NOW, passwords=passwords)
    enrolment = await begin(session, opened, passwords)
    assert isinstance(enrolment, Enrolment)
    assert enrolment.secret in enrolment.uri
    assert isinstance(await sign_in(session, "zhang.san", PASSWORD, now=NOW, passwords=passwords), Opened)
    secret = base64.b32decode(enrolment.secret)
    await confirm(session, opened, code_at(secret, step_of(NOW)))
    later = NOW + STEP
    without = await sign_in(session, "zhang.san", PASSWORD, now=later, passwords=passwords)
    assert without == Refusal("wrong-second-factor", recorded=True)
    code = code_at(secret, step_of(later))
    assert isinstance(await sign_in(session, "zhang.san", PASSWORD, now=later, passwords=passwords, code=code), Opened)


async def test_a_code_opens_one_session_and_no_second(session: AsyncSession, passwords: Passwords) -> None:
    _, secret = await enrolled(session, passwords)
    later = NOW + STEP
    code = code_at(secret, step_of(later))
    assert isinstance(await sign_in(session, "zhang.san", PASSWORD, now=later, passwords=passwords, code=code), Opened)
    again = await sign_in(session, "zhang.san", PASSWORD, now=later, passwords=passwords, code=code)
    assert again == Refusal("wrong-second-factor", recorded=True)


async def test_a_code_does_not_help_a_wrong_password_and_is_not_used_up_by_it(
    session: AsyncSession, passwords: Passwords
) -> None:
    _, secret = await enrolled(session, passwords)
    later = NOW + STEP
    code = code_at(secret, step_of(later))
    refused = await sign_in(session, "zhang.san", "Wrong-Horse-7", now=later, passwords=passwords, code=code)
    assert refused == Refusal("wrong-password", recorded=True)
    assert isinstance(await sign_in(session, "zhang.san", PASSWORD, now=later, passwords=passwords, code=code), Opened)


async def test_wrong_codes_lock_the_account(session: AsyncSession, passwords: Passwords) -> None:
    _, secret = await enrolled(session, passwords)
    for _ in range(MAX_FAILURES):
        await sign_in(session, "zhang.san", PASSWORD, now=NOW + STEP, passwords=passwords, code="000000")
    code = code_at(secret, step_of(NOW + STEP))
    locked = await sign_in(session, "zhang.san", PASSWORD, now=NOW + STEP, passwords=passwords, code=code)
    assert locked == Refusal("locked", recorded=False)


async def test_the_secret_is_encrypted_and_bound_to_its_account(session: AsyncSession, passwords: Passwords) -> None:
    opened, secret = await enrolled(session, passwords)
    row = await row_of(session, opened)
    assert row.wrapped_totp is not None
    assert secret not in row.wrapped_totp
    other = await make_signed_in(session, "li.si", Role.REVIEWER, now=NOW, passwords=passwords)
    stolen = await row_of(session, other)
    stolen.wrapped_totp, stolen.totp_last_step = row.wrapped_totp, 0
    with pytest.raises(MasterKeyError):
        await sign_in(session, "li.si", PASSWORD, now=NOW, passwords=passwords, code="000000")


async def test_enrolment_takes_the_password_once_more(session: AsyncSession, passwords: Passwords) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.SECURITY, now=NOW, passwords=passwords)
    assert isinstance(await begin(session, opened, passwords, "Wrong-Horse-7"), Refusal)
    assert (await row_of(session, opened)).wrapped_totp is None


async def test_an_enrolled_factor_is_replaced_after_a_reset_only(session: AsyncSession, passwords: Passwords) -> None:
    opened, _ = await enrolled(session, passwords)
    with pytest.raises(Conflict):
        await begin(session, opened, passwords)
    operator = await make_signed_in(session, "operator.li", Role.OPERATOR, now=NOW, passwords=passwords)
    reset = await staff.reset(session, opened.caller.id, caller=operator.caller, recorder=RECORDER, now=NOW)
    assert not second_factor.is_enrolled(reset.row)


async def test_a_wrong_first_code_confirms_nothing(session: AsyncSession, passwords: Passwords) -> None:
    opened = await make_signed_in(session, "zhang.san", Role.SECURITY, now=NOW, passwords=passwords)
    await begin(session, opened, passwords)
    with pytest.raises(InvalidField) as refused:
        await confirm(session, opened, "000000")
    assert refused.value.errors[0].pointer == "/code"
    assert not second_factor.is_enrolled(await row_of(session, opened))


async def test_there_is_nothing_to_confirm_before_the_beginning_or_after_the_end(
    session: AsyncSession, passwords: Passwords
) -> None:
    fresh = await make_signed_in(session, "li.si", Role.REVIEWER, now=NOW, passwords=passwords)
    with pytest.raises(Conflict):
        await confirm(session, fresh, "000000")
    opened, secret = await enrolled(session, passwords)
    with pytest.raises(Conflict):
        await confirm(session, opened, code_at(secret, step_of(NOW) + 1))


async def test_an_account_that_is_gone_confirms_nothing(session: AsyncSession) -> None:
    with pytest.raises(UnknownStaff):
        await second_factor.confirm_enrolment(
            session, caller(), "000000", master_key=MASTER_KEY, recorder=RECORDER, now=NOW
        )
