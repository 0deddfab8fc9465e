"""A grant that is renewed, expired or not; and nothing else of it changes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from hub.access import renewal
from hub.access import service as access
from hub.access.errors import ConsumerRetired, UnknownGrant
from hub.access.repository import GrantRecord
from hub.access.terms import LONGEST_PERIOD, Frequency
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import InvalidField, WrongState
from tests.support.applying import YEAR, Counter
from tests.support.registry import NOW, OFFICER, RECORDER

DAY = timedelta(days=1)
WHO: dict[str, Any] = {"actor": OFFICER, "recorder": RECORDER}


@pytest.fixture
async def counter(session: AsyncSession) -> Counter:
    return await Counter.open(session)


async def granted(counter: Counter) -> UUID:
    identifier = (await counter.ask(1, frequency=Frequency(1, 2))).request.grant_id
    assert identifier is not None
    return identifier


async def renew(counter: Counter, identifier: UUID, days: int, *, after: int = 0, **more: Any) -> GrantRecord:
    """Until so many days from now, which is so many days `after` the request."""
    now = NOW + after * DAY
    return await renewal.renew_grant(
        counter.session,
        identifier,
        valid_to=now + days * DAY,
        reason="业务继续",
        now=now,
        **WHO,
        **more,
    )


async def test_a_grant_is_renewed_before_and_after_its_end_and_the_log_has_both_ends(counter: Counter) -> None:
    identifier = await granted(counter)
    before = await barrier.epoch(counter.session)
    first = await renew(counter, identifier, 400)
    assert (first.grant.valid_to, first.grant.valid_from) == (NOW + 400 * DAY, NOW)
    assert (first.grant.frequency_average, first.grant.frequency_peak) == (1, 2)
    assert await barrier.epoch(counter.session) == before + 1
    expired = await renew(counter, identifier, 30, after=500, frequency=Frequency(3, 4))
    assert (expired.grant.valid_to, expired.grant.frequency_peak) == (NOW + 530 * DAY, 4)
    assert (await counter.logged(str(identifier)))[-2:] == ["grant.renewed", "grant.renewed"]


async def test_a_suspended_grant_is_renewed_and_stays_suspended_and_a_revoked_one_is_not_renewed(
    counter: Counter,
) -> None:
    session, identifier = counter.session, await granted(counter)
    await access.suspend_grant(session, identifier, reason="核查", now=NOW, **WHO)
    assert (await renew(counter, identifier, 400)).grant.state == "suspended"
    await access.revoke_grant(session, identifier, reason="终止", now=NOW, **WHO)
    with pytest.raises(WrongState):
        await renew(counter, identifier, 500)
    with pytest.raises(UnknownGrant):
        await renew(counter, UUID(int=0), 500)


async def test_a_renewal_ends_later_than_before_within_the_longest_period_and_for_who_takes_part(
    counter: Counter,
) -> None:
    identifier = await granted(counter)
    for days in (YEAR.days, 100, LONGEST_PERIOD.days + 1, -1):
        with pytest.raises(InvalidField) as caught:
            await renew(counter, identifier, days)
        assert [fault.pointer for fault in caught.value.errors] == ["/valid_to"]
    await registry.retire_system(counter.session, "subsite", reason="停用", actor=OFFICER, recorder=RECORDER, now=NOW)
    with pytest.raises(ConsumerRetired):
        await renew(counter, identifier, 400)
