from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.codes import ResourceStatus, ShareType
from certs.canonical import canonical
from certs.digests import digest
from hub.access import repository as grants
from hub.access import service as access
from hub.access.service import NewGrant
from hub.db.engine import Database
from hub.errors import Conflict, InvalidInput, NotFound
from hub.publishing import deciding, service, stopping
from hub.publishing.errors import PublisherRetired
from hub.publishing.repository import ResourceRecord
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import UnknownOrganisation, UnknownSystem
from hub.registry.service import NewOrganisation
from hub.reviewing.errors import NotSubmitted, OwnSubmission
from tests.support.publishing import (
    CLASSIFICATION,
    EDITOR,
    ITEMS,
    MORE_ITEMS,
    REVIEWER,
    SECRECY,
    approve,
    clear,
    describe,
    draft,
    owned,
    published,
)
from tests.support.registry import (
    LINTAO,
    NOW,
    OFFICER,
    RECORDER,
    keeps_acceptances_out,
    make_organisation,
    make_system,
)


async def new_draft(session: AsyncSession, **changed: Any) -> ResourceRecord:
    owner = await make_organisation(session)
    return await draft(session, owner, await make_system(session, "provider", owner), **changed)


async def new_published(session: AsyncSession) -> ResourceRecord:
    owner = await make_organisation(session)
    return await published(session, owner, await make_system(session, "provider", owner))


async def entries(session: AsyncSession, event: str) -> list[dict[str, Any]]:
    rows = await session.execute(
        text("SELECT leaf FROM log_entry WHERE event = :event ORDER BY occurred_at, ctid"), {"event": event}
    )
    return [orjson.loads(row.leaf) for row in rows]


async def test_a_registered_resource_reads_with_provider_and_system_and_nothing_live(session: AsyncSession) -> None:
    record = await new_draft(session)
    assert record.resource.code == f"{CLASSIFICATION}/000001"
    assert (record.system, record.provider.name) == ("provider", "临洮县示例局")
    assert (record.resource.status, record.resource.live_version, record.schema_digest) == ("draft", None, None)


async def test_a_resource_is_found_by_id_and_by_code(session: AsyncSession) -> None:
    record = await new_draft(session)
    assert await service.find_resource(session, record.resource.code) == record
    assert await service.find_resource(session, str(record.resource.id)) == record


@pytest.mark.parametrize(
    "reference", ["306001000001/000099", "0198f0c2-6a00-7cc3-98c4-dc0c0c07398f", "x", "\x00", "306001000001/\x00"]
)
async def test_an_unknown_resource_is_not_found(session: AsyncSession, reference: str) -> None:
    with pytest.raises(NotFound):
        await service.find_resource(session, reference)


async def test_every_fault_of_items_is_named_by_its_pointer(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    system = await make_system(session, "provider", owner)
    with pytest.raises(InvalidInput) as caught:
        await service.register_resource(
            session,
            describe(),
            [{"field_name": "a", "name": "甲"}, {"field_name": "b", "name": "乙", "data_type": "C", "oops": 1}],
            owner=owned(owner, system),
            classification=CLASSIFICATION,
            actor=EDITOR,
            recorder=RECORDER,
            now=NOW,
        )
    assert {error.pointer for error in caught.value.errors} == {"/items/0/data_type", "/items/1/oops"}


async def test_a_description_that_breaks_a_rule_is_refused(session: AsyncSession) -> None:
    with pytest.raises(InvalidInput) as caught:
        await new_draft(session, share_type=ShareType.NOT_SHARED)
    assert "/no_share_basis" in {error.pointer for error in caught.value.errors}


async def test_the_life_of_a_resource_is_logged_step_by_step_with_a_chain_of_digests(session: AsyncSession) -> None:
    record = await new_draft(session)
    identifier = record.resource.id
    act: dict[str, Any] = {"actor": EDITOR, "recorder": RECORDER}
    await service.edit_draft(session, identifier, items=MORE_ITEMS, now=NOW + timedelta(seconds=1), **act)
    await service.submit(session, identifier, now=NOW + timedelta(seconds=2), **act)
    passed: dict[str, Any] = {**act, "actor": SECRECY}
    await deciding.return_to_draft(session, identifier, reason="补充说明", now=NOW + timedelta(seconds=3), **passed)
    await service.submit(session, identifier, now=NOW + timedelta(seconds=4), **act)
    await clear(session, record, now=NOW + timedelta(seconds=4))
    act["actor"] = REVIEWER
    await deciding.publish(session, identifier, now=NOW + timedelta(seconds=5), **act)
    await stopping.suspend(session, identifier, reason="核查", now=NOW + timedelta(seconds=6), **act)
    await stopping.resume(session, identifier, now=NOW + timedelta(seconds=7), **act)
    await stopping.withdraw(session, identifier, reason="停办", now=NOW + timedelta(seconds=8), **act)
    await session.commit()
    rows = await session.execute(
        text("SELECT leaf FROM log_entry WHERE object_type = 'resource' ORDER BY occurred_at, ctid")
    )
    leaves = [orjson.loads(row.leaf) for row in rows]
    assert [leaf["event"].removeprefix("resource.") for leaf in leaves] == [
        "registered", "edited", "submitted", "returned", "submitted", "published", "suspended", "resumed", "withdrawn",
    ]  # fmt: skip
    assert all(leaf["object"]["id"] == record.resource.code for leaf in leaves)
    assert "before" not in leaves[0]
    for earlier, later in pairwise(leaves):
        assert later["before"] == earlier["after"]
    assert not any(word in str(leaves) for word in ("补充说明", "核查", "停办"))


async def test_a_published_resource_reads_with_version_and_digest_of_its_schema(session: AsyncSession) -> None:
    record = await new_published(session)
    version = await service.find_version(session, record.resource.id, None)
    assert (record.resource.status, record.resource.live_version) == ("published", 1)
    assert record.schema_digest == digest(canonical(version.payload_schema))
    (leaf,) = await entries(session, "resource.published")
    assert leaf["details"] == {"version": 1, "schema_digest": record.schema_digest, "grants": 0, "round": 1}


async def test_a_draft_that_nobody_submitted_is_not_published(session: AsyncSession) -> None:
    record = await new_draft(session)
    with pytest.raises(NotSubmitted):
        await deciding.publish(session, record.resource.id, actor=REVIEWER, recorder=RECORDER, now=NOW)


@pytest.mark.parametrize("hand", ["registered", "edited", "submitted"])
async def test_nobody_publishes_what_they_had_a_hand_in(session: AsyncSession, hand: str) -> None:
    record = await new_draft(session)
    identifier = record.resource.id
    act: dict[str, Any] = {"recorder": RECORDER, "now": NOW}
    if hand == "edited":
        await service.edit_draft(session, identifier, items=MORE_ITEMS, actor=OFFICER, **act)
    await service.submit(session, identifier, actor=OFFICER if hand == "submitted" else EDITOR, **act)
    await clear(session, record)
    await session.commit()
    with pytest.raises(OwnSubmission):
        await deciding.publish(session, identifier, actor=EDITOR if hand == "registered" else OFFICER, **act)
    await session.rollback()
    await deciding.publish(session, identifier, actor=REVIEWER, **act)


async def test_the_live_version_stays_live_while_its_successor_is_prepared(session: AsyncSession) -> None:
    record = await new_published(session)
    identifier, first = record.resource.id, record.schema_digest
    await service.new_version(session, identifier, items=MORE_ITEMS, actor=EDITOR, recorder=RECORDER, now=NOW)
    for step in (None, "submit"):
        if step:
            await service.submit(session, identifier, actor=EDITOR, recorder=RECORDER, now=NOW)
        now = await service.find_resource(session, record.resource.code)
        assert (now.resource.status, now.resource.live_version, now.schema_digest) == ("published", 1, first)
    await clear(session, record)
    await deciding.publish(session, identifier, actor=REVIEWER, recorder=RECORDER, now=NOW)
    now = await service.find_resource(session, record.resource.code)
    assert now.resource.live_version == 2
    assert now.schema_digest != first


async def test_a_new_version_is_pinned_for_grants_that_are_not_revoked(session: AsyncSession) -> None:
    record = await new_published(session)
    made = []
    for code in ("active", "suspended", "revoked"):
        await make_system(session, code)
        new = NewGrant(code, record.resource.code, "展示", "办法", NOW, NOW + timedelta(days=1))
        made.append((await access.create_grant(session, new, actor=OFFICER, recorder=RECORDER, now=NOW)).grant.id)
    act: dict[str, Any] = {"reason": "核查", "actor": OFFICER, "recorder": RECORDER, "now": NOW}
    await access.suspend_grant(session, made[1], **act)
    await access.revoke_grant(session, made[2], **act)
    await service.new_version(session, record.resource.id, items=MORE_ITEMS, actor=EDITOR, recorder=RECORDER, now=NOW)
    after = await approve(session, record)
    pins = [(pin.grant_id, pin.version, pin.schema_digest) for pin in await grants.pins(session, made)]
    first, second = record.schema_digest, after.schema_digest
    assert pins == sorted(
        [(made[0], 1, first), (made[0], 2, second), (made[1], 1, first), (made[1], 2, second), (made[2], 1, first)]
    )
    counts = [leaf["details"]["grants"] for leaf in await entries(session, "resource.published")]
    assert sorted(counts) == [0, 2]


async def test_a_replaced_version_can_be_ended_and_the_live_one_cannot(session: AsyncSession) -> None:
    record = await new_published(session)
    identifier = record.resource.id
    await service.new_version(session, identifier, actor=EDITOR, recorder=RECORDER, now=NOW)
    await approve(session, record)
    await stopping.end_version(session, identifier, 1, actor=REVIEWER, recorder=RECORDER, now=NOW)
    assert [row.state for row in await service.list_versions(session, identifier)] == ["ended", "published"]
    with pytest.raises(Conflict):
        await stopping.end_version(session, identifier, 2, actor=REVIEWER, recorder=RECORDER, now=NOW)
    with pytest.raises(NotFound):
        await stopping.end_version(session, identifier, 9, actor=REVIEWER, recorder=RECORDER, now=NOW)


async def test_steps_that_change_what_is_live_keep_acceptances_out_and_others_do_not(
    database: Database, session: AsyncSession
) -> None:
    record = await new_draft(session)
    await session.commit()
    identifier = record.resource.id
    prepare: dict[str, Any] = {"actor": EDITOR, "recorder": RECORDER, "now": NOW}
    decide: dict[str, Any] = {"actor": REVIEWER, "recorder": RECORDER, "now": NOW}
    steps: list[tuple[Callable[..., Awaitable[object]], dict[str, Any], bool]] = [
        (service.edit_draft, prepare | {"items": MORE_ITEMS}, False),
        (service.submit, prepare, False),
        (deciding.return_to_draft, decide | {"reason": "改"}, False),
        (service.submit, prepare, False),
        (deciding.publish, decide, True),
        (stopping.suspend, decide | {"reason": "核查"}, True),
        (stopping.resume, decide, True),
        (service.new_version, prepare, False),
        (stopping.withdraw, decide | {"reason": "停办"}, True),
    ]
    for step, arguments, holds in steps:
        if step is deciding.publish:
            await clear(session, await service.find_resource(session, str(identifier)))
        before = await barrier.epoch(session)
        await step(session, identifier, **arguments)
        assert await keeps_acceptances_out(database) is holds, step
        await session.commit()
        assert await barrier.epoch(session) == before + 1
        await session.rollback()


async def test_a_refused_step_leaves_no_trace(session: AsyncSession) -> None:
    record = await new_published(session)
    await session.commit()
    before = await barrier.epoch(session)
    with pytest.raises(Conflict):
        await stopping.resume(session, record.resource.id, actor=REVIEWER, recorder=RECORDER, now=NOW)
    await session.rollback()
    assert await barrier.epoch(session) == before
    assert await entries(session, "resource.resumed") == []


async def test_resources_list_by_code_and_status(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    system = await make_system(session, "provider", owner)
    made = [await draft(session, owner, system) for _ in range(3)]
    await approve(session, made[1])
    first, cursor = await service.list_resources(session, cursor=None, limit=2)
    assert cursor is not None
    rest, end = await service.list_resources(session, cursor=cursor, limit=2)
    assert [record.resource.code for record in (*first, *rest)] == [record.resource.code for record in made]
    assert end is None
    live, _ = await service.list_resources(session, cursor=None, limit=9, statuses=[ResourceStatus.PUBLISHED])
    assert [record.resource.id for record in live] == [made[1].resource.id]
    with pytest.raises(InvalidInput):
        await service.list_resources(session, cursor="forged", limit=2)


async def test_parties_take_the_code_of_the_nearest_body_above(session: AsyncSession) -> None:
    top = await make_organisation(session)
    act: dict[str, Any] = {"actor": OFFICER, "recorder": RECORDER, "now": NOW}
    middle = await registry.register_organisation(session, NewOrganisation("县审改办", LINTAO, parent=top.id), **act)
    low = await registry.register_organisation(session, NewOrganisation("审改一股", LINTAO, parent=middle.id), **act)
    await make_system(session, "provider", low)
    parties = await service.find_parties(session, low.id, "provider")
    assert (parties.provider, parties.provider_code, parties.system.code) == (low, top.code, "provider")


async def test_parties_that_do_not_exist_or_retired_are_refused(session: AsyncSession) -> None:
    record = await new_draft(session)
    owner = record.provider
    with pytest.raises(UnknownSystem):
        await service.find_parties(session, owner.id, "nobody")
    with pytest.raises(UnknownOrganisation):
        await service.find_parties(session, record.resource.id, "provider")
    await registry.retire_system(session, "provider", reason="停", actor=OFFICER, recorder=RECORDER, now=NOW)
    with pytest.raises(PublisherRetired):
        await service.find_parties(session, owner.id, "provider")


async def test_items_out_of_form_are_refused_in_edits_and_successors_too(session: AsyncSession) -> None:
    record = await new_published(session)
    steps: list[Callable[..., Awaitable[object]]] = [service.new_version, service.edit_draft]
    for act in steps:
        for broken in ({**ITEMS[0], "length": -1}, {**ITEMS[0], "length": "long"}):
            with pytest.raises(InvalidInput):
                await act(session, record.resource.id, items=[broken], actor=EDITOR, recorder=RECORDER, now=NOW)
        if act == service.new_version:
            await act(session, record.resource.id, actor=EDITOR, recorder=RECORDER, now=NOW)
