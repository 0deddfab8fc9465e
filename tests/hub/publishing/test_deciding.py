"""What happens at the end of a review: breaks confirmed, the replaced version's end, and who is told."""

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.access import service as access
from hub.access.scope import Scope
from hub.access.service import NewGrant
from hub.notices import service as notices
from hub.publishing import deciding, service
from hub.publishing.deciding import LONGEST_REPLACED, REPLACED_FOR
from hub.publishing.errors import BreakingUnconfirmed, GrantedByRule, GrantedNotShared
from hub.publishing.examining import examine
from hub.publishing.repository import ResourceRecord
from hub.registry import service as registry
from hub.registry.errors import InvalidField
from tests.support.applying import Counter
from tests.support.publishing import (
    EDITOR,
    ITEMS,
    MORE_ITEMS,
    REVIEWER,
    SECRECY,
    approve,
    clear,
    describe,
    draft,
    published,
)
from tests.support.registry import NOW, OFFICER, RECORDER, make_organisation, make_system

ACT: dict[str, Any] = {"recorder": RECORDER, "now": NOW}
FEWER_ITEMS = ITEMS[:1]


async def successor(session: AsyncSession, items: Any, **said: Any) -> ResourceRecord:
    """A published resource whose second version, with these items, waits for publication."""
    owner = await make_organisation(session)
    record = await published(session, owner, await make_system(session, "provider", owner), **said)
    await service.new_version(session, record.resource.id, items=items, actor=EDITOR, **ACT)
    await service.submit(session, record.resource.id, actor=EDITOR, **ACT)
    await clear(session, record)
    return record


async def published_details(session: AsyncSession) -> dict[str, Any]:
    """What the log says of the publication of the second version."""
    rows = await session.execute(text("SELECT leaf FROM log_entry WHERE event = 'resource.published'"))
    leaves = [orjson.loads(row.leaf) for row in rows]
    found: dict[str, Any] = next(leaf["details"] for leaf in leaves if leaf["details"]["version"] == 2)
    return found


async def test_a_break_with_the_live_version_is_published_only_when_confirmed(session: AsyncSession) -> None:
    record = await successor(session, FEWER_ITEMS)
    identifier = record.resource.id
    await session.commit()
    with pytest.raises(BreakingUnconfirmed) as refused:
        await deciding.publish(session, identifier, actor=REVIEWER, **ACT)
    assert [(error.pointer, "删除" in error.zh) for error in refused.value.errors] == [("/items/item_name", True)]
    assert "事项名称" in refused.value.zh
    assert "confirm_breaking" in refused.value.en
    await session.rollback()
    step = await deciding.publish(session, identifier, confirm_breaking=True, actor=REVIEWER, **ACT)
    assert (step.version, step.replaced) == (2, 1)
    assert (await published_details(session))["breaking"] == 1


async def test_an_added_optional_item_needs_no_confirmation(session: AsyncSession) -> None:
    record = await successor(session, MORE_ITEMS)
    await deciding.publish(session, record.resource.id, actor=REVIEWER, **ACT)
    assert (await published_details(session))["breaking"] == 0


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (1, {"share_type": 2, "share_condition": "仅用于办事", "share_change_basis": "《甘肃省公共数据条例》"}, (2, 1)),
        (2, {"share_type": 1}, (None, None)),
        (1, {}, (None, None)),
    ],
)
async def test_cat_08_a_share_type_that_narrows_is_in_the_log(
    session: AsyncSession, before: int, after: dict[str, Any], told: tuple[int | None, int | None]
) -> None:
    owner = await make_organisation(session)
    first: dict[str, Any] = {"share_type": 2, "share_condition": "仅用于办事"} if before == 2 else {}
    record = await published(session, owner, await make_system(session, "provider", owner), **first)
    changed = describe(**after) if after else None
    await service.new_version(session, record.resource.id, metadata=changed, items=MORE_ITEMS, actor=EDITOR, **ACT)
    await service.submit(session, record.resource.id, actor=EDITOR, **ACT)
    await clear(session, record)
    await deciding.publish(session, record.resource.id, actor=REVIEWER, **ACT)
    details = await published_details(session)
    assert (details.get("share_type"), details.get("was_share_type")) == told


@pytest.mark.parametrize(
    ("given", "stops"), [(None, True), (("item_code", "item_name"), True), (("item_code",), False)]
)
async def test_a_version_does_not_turn_an_item_that_is_not_shared_over_to_grants_that_there_are(
    session: AsyncSession, given: tuple[str, ...] | None, stops: bool
) -> None:
    items = (*ITEMS[:1], {**ITEMS[1], "share_type": 3}, *MORE_ITEMS[2:])
    record = await successor(session, items, share_change_basis="《示例条例》第三条")
    consumer = await make_organisation(session, "使用示例局")
    await make_system(session, "subsite", consumer)
    new = NewGrant("subsite", record.resource.code, "展示", "依据", NOW, NOW + timedelta(days=9), scope=Scope(given))
    held = (await access.create_grant(session, new, actor=OFFICER, **ACT)).grant.id
    identifier = record.resource.id
    await session.commit()
    if stops:
        with pytest.raises(GrantedNotShared) as refused:
            await deciding.publish(session, identifier, actor=REVIEWER, **ACT)
        assert (refused.value.items, refused.value.grants) == (("item_name",), (held,))
        await session.rollback()
        await access.revoke_grant(session, held, reason="不予共享", actor=OFFICER, **ACT)
    assert (await deciding.publish(session, identifier, actor=REVIEWER, **ACT)).version == 2


async def test_a_resource_that_is_not_shared_any_more_leaves_by_no_grant(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    record = await published(session, owner, await make_system(session, "provider", owner))
    await make_system(session, "subsite", await make_organisation(session, "使用示例局"))
    new = NewGrant("subsite", record.resource.code, "展示", "依据", NOW, NOW + timedelta(days=9))
    held = (await access.create_grant(session, new, actor=OFFICER, **ACT)).grant.id
    law = "《示例条例》第三条"
    less = describe(share_type=3, no_share_basis=law, share_change_basis=law)
    await service.new_version(session, record.resource.id, metadata=less, actor=EDITOR, **ACT)
    await service.submit(session, record.resource.id, actor=EDITOR, **ACT)
    await clear(session, record)
    identifier = record.resource.id
    await session.commit()
    with pytest.raises(GrantedNotShared) as refused:
        await deciding.publish(session, identifier, actor=REVIEWER, **ACT)
    assert (refused.value.items, refused.value.grants) == ((), (held,))
    await session.rollback()
    await access.revoke_grant(session, held, reason="不予共享", actor=OFFICER, **ACT)
    assert (await deciding.publish(session, identifier, actor=REVIEWER, **ACT)).version == 2


async def test_a_new_item_on_condition_leaves_by_no_grant_that_nobody_decided(session: AsyncSession) -> None:
    counter = await Counter.open(session)
    record = await counter.resource(1)
    resource = record.resource.id
    by_rule = (await counter.ask(1)).request.grant_id
    named = (await counter.ask(1, purpose="另一用途", scope=Scope(("item_code",)))).request.grant_id
    new = NewGrant("subsite", record.resource.code, "由人决定", "依据", NOW, NOW + timedelta(days=9))
    decided = (await access.create_grant(session, new, actor=OFFICER, **ACT)).grant.id
    assert by_rule is not None
    phone = {**MORE_ITEMS[2], "share_type": 2}
    await service.new_version(session, resource, items=[*ITEMS, phone], actor=EDITOR, **ACT)
    await service.submit(session, resource, actor=EDITOR, **ACT)
    await clear(session, record)
    await session.commit()
    with pytest.raises(GrantedByRule, match="phone") as refused:
        await deciding.publish(session, resource, actor=REVIEWER, **ACT)
    assert (refused.value.items, refused.value.grants) == (("phone",), (by_rule,))
    await session.rollback()
    await access.revoke_grant(session, by_rule, reason="另行申请", actor=OFFICER, **ACT)
    assert (await deciding.publish(session, resource, actor=REVIEWER, **ACT)).version == 2
    again = await counter.ask(1)
    assert again.request.state == "in-review", "what is on condition is reviewed"
    pinned = await session.execute(text("SELECT grant_id FROM grant_version WHERE version = 2"))
    assert set(pinned.scalars()) == {named, decided}

    # what was there already goes on to leave
    await service.new_version(session, resource, items=[*ITEMS, {**phone, "length": 40}], actor=EDITOR, **ACT)
    await service.submit(session, resource, actor=EDITOR, **ACT)
    await clear(session, record)
    assert (await deciding.publish(session, resource, actor=REVIEWER, **ACT)).version == 3


async def ends(session: AsyncSession, record: ResourceRecord) -> list[datetime | None]:
    return [version.ends_at for version in await service.list_versions(session, record.resource.id)]


async def test_the_replaced_version_ends_a_month_later_and_one_that_was_replaced_before_keeps_its_end(
    session: AsyncSession,
) -> None:
    record = await successor(session, MORE_ITEMS)
    await deciding.publish(session, record.resource.id, actor=REVIEWER, **ACT)
    assert await ends(session, record) == [NOW + REPLACED_FOR, None]
    later = NOW + timedelta(days=5)
    await service.new_version(session, record.resource.id, actor=EDITOR, recorder=RECORDER, now=later)
    await approve(session, record, now=later)
    assert await ends(session, record) == [NOW + REPLACED_FOR, later + REPLACED_FOR, None]
    assert [version.state for version in await service.list_versions(session, record.resource.id)] == ["published"] * 3


async def test_the_reviewer_sets_the_end_of_the_replaced_version(session: AsyncSession) -> None:
    record = await successor(session, MORE_ITEMS)
    wanted = NOW + timedelta(days=3)
    await deciding.publish(session, record.resource.id, replaced_ends_at=wanted, actor=REVIEWER, **ACT)
    assert await ends(session, record) == [wanted, None]


@pytest.mark.parametrize(
    "wanted", [NOW, NOW + LONGEST_REPLACED + timedelta(seconds=1), (NOW + timedelta(days=1)).replace(tzinfo=None)]
)
async def test_an_end_that_is_past_too_far_off_or_without_an_offset_is_refused(
    session: AsyncSession, wanted: datetime
) -> None:
    record = await successor(session, MORE_ITEMS)
    with pytest.raises(InvalidField) as refused:
        await deciding.publish(session, record.resource.id, replaced_ends_at=wanted, actor=REVIEWER, **ACT)
    assert refused.value.errors[0].pointer == "/replaced_ends_at"


async def test_a_first_version_replaces_none(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    record = await draft(session, owner, await make_system(session, "provider", owner))
    await service.submit(session, record.resource.id, actor=EDITOR, **ACT)
    await clear(session, record)
    with pytest.raises(InvalidField):
        await deciding.publish(
            session, record.resource.id, replaced_ends_at=NOW + timedelta(days=1), actor=REVIEWER, **ACT
        )


async def test_the_provider_and_everybody_with_a_grant_are_told_of_a_new_version_once(session: AsyncSession) -> None:
    record = await successor(session, FEWER_ITEMS)
    systems = {code: await make_system(session, code) for code in ("active", "suspended", "revoked", "stranger")}
    again = await make_system(
        session, "again", await registry.find_organisation(session, systems["active"].organisation_id)
    )
    for code in ("active", "suspended", "revoked", again.code):
        new = NewGrant(code, record.resource.code, "展示", "办法", NOW, NOW + timedelta(days=1))
        made = await access.create_grant(session, new, actor=OFFICER, recorder=RECORDER, now=NOW)
        act: dict[str, Any] = {"reason": "核查", "actor": OFFICER, "recorder": RECORDER, "now": NOW}
        if code == "suspended":
            await access.suspend_grant(session, made.grant.id, **act)
        if code == "revoked":
            await access.revoke_grant(session, made.grant.id, **act)
    await deciding.publish(session, record.resource.id, confirm_breaking=True, actor=REVIEWER, **ACT)
    told = {}
    for name, owner in [("provider", record.provider.id), *((c, s.organisation_id) for c, s in systems.items())]:
        found = await notices.list_notices(session, owner, before=None, limit=9)
        told[name] = [(notice.kind, notice.subject, notice.details["breaking"]) for notice in found]
    once = [("version-published", record.resource.code, 1)]
    assert told == {"provider": once, "active": once, "suspended": once, "revoked": [], "stranger": []}
    assert (await published_details(session))["told"] == 3


async def test_a_return_is_told_to_the_provider_without_its_words(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    record = await draft(session, owner, await make_system(session, "provider", owner))
    await service.submit(session, record.resource.id, actor=EDITOR, **ACT)
    await deciding.return_to_draft(session, record.resource.id, reason="补充依据", actor=SECRECY, **ACT)
    (notice,) = await notices.list_notices(session, owner.id, before=None, limit=9)
    assert (notice.kind, notice.subject) == ("version-returned", record.resource.code)
    assert notice.details == {"version": 1, "round": 1, "position": 1, "kind": "secrecy", "role": "secrecy"}


async def test_a_reviewer_is_shown_what_changes_and_who_claims_the_same(session: AsyncSession) -> None:
    record = await successor(session, FEWER_ITEMS, holder_kind="matter")
    rival = await make_organisation(session, "另一示例局")
    theirs = await published(session, rival, await make_system(session, "rival", rival), holder_kind="matter")
    found = await examine(session, record.resource)
    assert found is not None
    assert (found.version, found.against) == (2, 1)
    assert [change.field for change in found.compatibility.breaking] == ["/items/item_name"]
    (claim,) = found.claims
    assert (claim.item, [other.code for other in claim.others]) == ("事项编码", [theirs.resource.code])
    assert found.departments[rival.id].name == "另一示例局"
    first = await draft(session, record.provider, await make_system(session, "more"))
    shown = await examine(session, first.resource)
    assert shown is not None
    assert (shown.version, shown.against, shown.compatibility.findings) == (1, None, ())
    assert await examine(session, theirs.resource) is None
