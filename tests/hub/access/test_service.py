from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import ShareType
from hub.access import repository, service
from hub.access.errors import (
    ConsumerRetired,
    GrantExists,
    NoSuchResource,
    NothingPublished,
    NotShared,
    UnknownGrant,
)
from hub.access.repository import GrantRecord
from hub.access.service import NewGrant
from hub.db.engine import Database
from hub.db.ids import new_id
from hub.publishing import service as publishing
from hub.publishing import stopping
from hub.publishing.repository import ResourceRecord
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import InvalidField, UnknownSystem, WrongState
from hub.registry.recording import fingerprint
from tests.support.publishing import EDITOR, REVIEWER, approve, draft, published
from tests.support.registry import NOW, OFFICER, RECORDER, keeps_acceptances_out, make_organisation, make_system

YEAR = timedelta(days=365)


async def make_resource(session: AsyncSession, **changed: Any) -> ResourceRecord:
    owner = await make_organisation(session)
    return await published(session, owner, await make_system(session, "provider", owner), **changed)


def terms(record: ResourceRecord, **changed: Any) -> NewGrant:
    plain: dict[str, Any] = {
        "consumer": "subsite",
        "resource": record.resource.code,
        "purpose": "办事指南展示",
        "basis": "甘肃省政务数据共享管理办法",
        "valid_from": NOW,
        "valid_to": NOW + YEAR,
    }
    return NewGrant(**(plain | changed))


async def create(session: AsyncSession, new: NewGrant, now: datetime = NOW) -> GrantRecord:
    return await service.create_grant(session, new, actor=OFFICER, recorder=RECORDER, now=now)


async def suspend(session: AsyncSession, record: GrantRecord) -> GrantRecord:
    return await service.suspend_grant(
        session, record.grant.id, reason="核查", actor=OFFICER, recorder=RECORDER, now=NOW
    )


async def resume(session: AsyncSession, record: GrantRecord) -> GrantRecord:
    return await service.resume_grant(session, record.grant.id, actor=OFFICER, recorder=RECORDER, now=NOW)


async def revoke(session: AsyncSession, record: GrantRecord) -> GrantRecord:
    return await service.revoke_grant(
        session, record.grant.id, reason="期满", actor=OFFICER, recorder=RECORDER, now=NOW
    )


async def test_a_grant_opens_its_lane_pins_the_schema_and_is_logged(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    before = await barrier.epoch(session)
    record = await create(session, terms(resource))
    assert (record.consumer, record.resource, record.grant.state) == ("subsite", resource.resource.code, "active")
    assert record.provider_id == resource.provider.id
    (pin,) = await repository.pins(session, [record.grant.id])
    assert (pin.version, pin.schema_digest) == (1, resource.schema_digest)
    assert await barrier.epoch(session) == before + 1
    leaf = orjson.loads(
        (await session.execute(text("SELECT leaf FROM log_entry WHERE event='grant.created'"))).scalar_one()
    )
    assert leaf["purpose"] == "办事指南展示"
    assert leaf["basis"] == "甘肃省政务数据共享管理办法"
    assert leaf["after"] == fingerprint(record.grant)
    assert leaf["details"] == {
        "consumer": "subsite",
        "resource": resource.resource.code,
        "lane": str(record.grant.lane_id),
    }
    assert await service.find_grant(session, record.grant.id) == record


async def test_every_version_that_was_ever_published_is_pinned(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await publishing.new_version(session, resource.resource.id, actor=EDITOR, recorder=RECORDER, now=NOW)
    await approve(session, resource)
    await stopping.end_version(session, resource.resource.id, 1, actor=REVIEWER, recorder=RECORDER, now=NOW)
    await publishing.new_version(session, resource.resource.id, actor=EDITOR, recorder=RECORDER, now=NOW)
    await make_system(session, "subsite")
    record = await create(session, terms(resource))
    assert [pin.version for pin in await repository.pins(session, [record.grant.id])] == [1, 2]


async def test_one_lane_has_one_grant_that_is_not_revoked_and_the_refusal_names_it(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    first = await create(session, terms(resource))
    with pytest.raises(GrantExists, match=str(first.grant.id)) as caught:
        await create(session, terms(resource, purpose=" 办事指南展示 "))
    assert caught.value.grant == first.grant.id
    await suspend(session, first)
    with pytest.raises(GrantExists):
        await create(session, terms(resource))


async def test_after_a_revocation_the_next_grant_takes_up_the_same_lane(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    first = await create(session, terms(resource))
    await session.execute(text("UPDATE lane SET next_sequence = 7"))
    await revoke(session, first)
    second = await create(session, terms(resource))
    assert second.grant.id != first.grant.id
    assert second.grant.lane_id == first.grant.lane_id
    assert (await session.execute(text("SELECT next_sequence FROM lane"))).scalar_one() == 7


async def test_another_purpose_is_another_lane(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    first = await create(session, terms(resource))
    second = await create(session, terms(resource, purpose="数据校核"))
    assert first.grant.lane_id != second.grant.lane_id


async def test_what_is_not_shared_is_refused_with_its_basis(session: AsyncSession) -> None:
    basis = "《中华人民共和国个人信息保护法》第三十四条"
    resource = await make_resource(session, share_type=ShareType.NOT_SHARED, no_share_basis=basis)
    await make_system(session, "subsite")
    with pytest.raises(NotShared, match=basis):
        await create(session, terms(resource))


async def test_only_what_was_published_and_not_withdrawn_is_granted(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    system = await make_system(session, "provider", owner)
    await make_system(session, "subsite")
    waiting = await draft(session, owner, system)
    with pytest.raises(NothingPublished, match="draft"):
        await create(session, terms(waiting))
    gone = await published(session, owner, system)
    await stopping.withdraw(session, gone.resource.id, reason="停办", actor=REVIEWER, recorder=RECORDER, now=NOW)
    with pytest.raises(NothingPublished, match="withdrawn"):
        await create(session, terms(gone))


async def test_a_retired_or_unknown_consumer_gets_no_grant(session: AsyncSession) -> None:
    resource = await make_resource(session)
    with pytest.raises(UnknownSystem):
        await create(session, terms(resource))
    await make_system(session, "subsite")
    await registry.retire_system(session, "subsite", reason="停", actor=OFFICER, recorder=RECORDER, now=NOW)
    with pytest.raises(ConsumerRetired):
        await create(session, terms(resource))


@pytest.mark.parametrize("code", ["306001000001/999999", "nothing", "\x00"])
async def test_an_unknown_resource_is_refused(session: AsyncSession, code: str) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    with pytest.raises(NoSuchResource):
        await create(session, terms(resource, resource=code))


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"purpose": " "}, "/purpose"),
        ({"basis": ""}, "/basis"),
        ({"mode": "fax"}, "/mode"),
        ({"mode": "push", "policy": "drop"}, "/policy"),
        ({"mode": "inbox", "policy": "park"}, "/policy"),
        ({"valid_to": NOW}, "/valid_to"),
        ({"valid_from": NOW + YEAR, "valid_to": NOW + YEAR}, "/valid_to"),
        ({"valid_from": NOW - YEAR, "valid_to": NOW - timedelta(days=1)}, "/valid_to"),
        ({"valid_from": datetime(2026, 1, 1)}, "/valid_from"),  # noqa: DTZ001  what is refused
        ({"valid_to": datetime(2027, 1, 1)}, "/valid_to"),  # noqa: DTZ001
    ],
)
async def test_wrong_terms_are_refused_by_field_before_anything_is_held(
    session: AsyncSession, changed: dict[str, Any], pointer: str
) -> None:
    resource = await make_resource(session)
    await session.commit()
    with pytest.raises(InvalidField) as caught:
        await create(session, terms(resource, **changed))
    assert caught.value.errors[0].pointer == pointer
    assert not session.in_transaction()


async def test_terms_in_local_time_are_kept_as_the_same_moments(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    beijing = timezone(timedelta(hours=8))
    record = await create(session, terms(resource, valid_to=datetime(2027, 1, 1, tzinfo=beijing)))
    assert record.grant.valid_to == datetime(2026, 12, 31, 16, tzinfo=UTC)


async def test_a_grant_is_suspended_resumed_and_revoked_with_a_chain_of_digests(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    record = await create(session, terms(resource))
    suspended = await suspend(session, record)
    assert (suspended.grant.state, suspended.grant.state_reason) == ("suspended", "核查")
    resumed = await resume(session, record)
    assert (resumed.grant.state, resumed.grant.state_reason) == ("active", None)
    await suspend(session, record)
    assert (await revoke(session, record)).grant.state == "revoked"
    rows = await session.execute(text("SELECT event, leaf FROM log_entry WHERE object_type = 'grant'"))
    leaves = {row.event: orjson.loads(row.leaf) for row in rows}
    assert leaves["grant.resumed"]["before"] in {leaves["grant.suspended"]["after"]} | {suspended.grant.state}
    assert "核查" not in str(leaves)


async def test_a_revoked_grant_never_comes_back(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    record = await create(session, terms(resource))
    with pytest.raises(WrongState, match="active"):
        await resume(session, record)
    await revoke(session, record)
    for step in (suspend, resume, revoke):
        with pytest.raises(WrongState, match="revoked"):
            await step(session, record)


async def test_a_decision_rests_on_what_is_true_under_the_barrier_not_on_what_was_read_before(
    database: Database, session: AsyncSession
) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    record = await create(session, terms(resource))
    await suspend(session, record)
    await session.commit()
    seen = await service.find_grant(session, record.grant.id)
    assert seen.grant.state == "suspended"
    async with database.session() as meanwhile, meanwhile.begin():
        await revoke(meanwhile, record)
    with pytest.raises(WrongState, match="revoked"):
        await resume(session, seen)


async def test_a_resource_withdrawn_a_moment_ago_is_not_granted(database: Database, session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    await session.commit()
    assert (await service.find_resource(session, resource.resource.code)).status == "published"
    async with database.session() as meanwhile, meanwhile.begin():
        await stopping.withdraw(
            meanwhile, resource.resource.id, reason="停办", actor=REVIEWER, recorder=RECORDER, now=NOW
        )
    with pytest.raises(NothingPublished, match="withdrawn"):
        await create(session, terms(resource))


async def test_a_step_without_a_reason_is_refused(session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    record = await create(session, terms(resource))
    with pytest.raises(InvalidField):
        await service.revoke_grant(session, record.grant.id, reason="", actor=OFFICER, recorder=RECORDER, now=NOW)


async def test_an_unknown_grant_is_refused(session: AsyncSession) -> None:
    with pytest.raises(UnknownGrant):
        await service.revoke_grant(session, new_id(NOW), reason="停", actor=OFFICER, recorder=RECORDER, now=NOW)


async def test_every_decision_keeps_acceptances_out_until_it_commits(database: Database, session: AsyncSession) -> None:
    resource = await make_resource(session)
    await make_system(session, "subsite")
    await session.commit()
    record = await create(session, terms(resource))
    for step in (suspend, resume, revoke):
        assert await keeps_acceptances_out(database)
        await session.commit()
        assert not await keeps_acceptances_out(database)
        await step(session, record)
    assert await keeps_acceptances_out(database)


async def test_grants_page_by_id_and_filter(session: AsyncSession) -> None:
    resource = await make_resource(session)
    for code in ("aa", "bb", "cc"):
        await make_system(session, code)
        await create(session, terms(resource, consumer=code))
    first = await repository.grants(session, after=None, limit=2)
    rest = await repository.grants(session, after=first[-1].grant.id, limit=2)
    assert sorted(record.consumer for record in (*first, *rest)) == ["aa", "bb", "cc"]
    await revoke(session, first[0])
    states = await repository.grants(session, after=None, limit=9, state="active", resource=resource.resource.code)
    assert first[0].grant.id not in {record.grant.id for record in states}
    assert len(states) == 2
    assert [record.consumer for record in await repository.grants(session, after=None, limit=9, consumer="bb")] == [
        "bb"
    ]
    assert await repository.grants(session, after=None, limit=9, resource="306001000001/999999") == []
