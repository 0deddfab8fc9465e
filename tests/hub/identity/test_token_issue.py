"""An assertion is used once, whoever asks at the same time; and what was issued or refused is in the log."""

import asyncio
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.models import LogEntry
from hub.db.engine import Database
from hub.identity.assertions import Assertion, AssertionRefused
from hub.identity.models import ClientAssertion
from hub.identity.token_issue import KEPT_BEYOND, record_refusal, spend
from tests.support.oauth import NOW, FakePartner
from tests.support.staff import ORIGIN, RECORDER

PARTNER = FakePartner.make("jiguan-portal")
END = NOW + timedelta(seconds=60)


def assertion(jti: str = "once-1") -> Assertion:
    return Assertion(PARTNER.signer, jti, END)


async def used(session: AsyncSession, jti: str = "once-1", *, seconds: int = 0) -> AssertionRefused | None:
    now = NOW + timedelta(seconds=seconds)
    return await spend(session, assertion(jti), origin=ORIGIN, recorder=RECORDER, now=now)


async def log_of(session: AsyncSession) -> list[tuple[str, str, str]]:
    await session.flush()
    rows = (await session.scalars(select(LogEntry))).all()
    return sorted((row.event, row.outcome, row.actor) for row in rows)


async def test_an_assertion_buys_one_token_and_the_second_try_names_whom_to_hold_to_account(
    session: AsyncSession,
) -> None:
    assert await used(session) is None
    refusal = await used(session)
    assert refusal is not None
    assert (refusal.reason, refusal.signer) == ("jti-reused", PARTNER.signer)
    assert await used(session, "once-2") is None
    assert await log_of(session) == [
        ("token.issued", "success", "jiguan-portal"),
        ("token.issued", "success", "jiguan-portal"),
    ]


async def test_of_many_at_the_same_time_one_gets_the_token(database: Database) -> None:
    async def one() -> bool:
        async with database.session() as session, session.begin():
            return await used(session) is None

    outcomes = await asyncio.gather(*(one() for _ in range(16)))
    assert outcomes.count(True) == 1


async def test_a_used_assertion_is_kept_until_no_clock_of_ours_would_take_it(session: AsyncSession) -> None:
    await used(session)
    kept = 60 + int(KEPT_BEYOND.total_seconds())
    await used(session, "once-2", seconds=kept)
    assert await used(session, seconds=kept) is not None
    await used(session, "once-3", seconds=kept + 1)
    assert {row.jti for row in (await session.scalars(select(ClientAssertion))).all()} == {"once-3"}


async def test_a_refusal_after_a_good_signature_is_logged_with_its_cause(session: AsyncSession) -> None:
    refusal = AssertionRefused("wrong-audience", "x", "x", signer=PARTNER.signer)
    record_refusal(session, refusal, PARTNER.signer, origin=ORIGIN, recorder=RECORDER, now=NOW)
    await session.flush()
    (row,) = (await session.scalars(select(LogEntry))).all()
    assert (row.event, row.outcome, row.object_id) == ("token.refused", "fail", "jiguan-portal")
    assert b'"error":"wrong-audience"' in row.leaf
    assert PARTNER.signer.kid.encode() in row.leaf
