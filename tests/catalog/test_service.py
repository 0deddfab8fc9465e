"""A resource's life against the real database: codes, versions, states, and what each step tells."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import queries, service
from catalog.codes import DataType, ShareType, UpdateCycle
from catalog.errors import InvalidResource, InvalidTransition, SchemaRefused, UnknownResource, UnknownVersion
from catalog.items import Item
from catalog.metadata import Metadata
from catalog.models import Resource, ResourceVersion
from catalog.rules import Owner
from catalog.schema import digest_of
from catalog.steps import ResourceRegistered, Step
from hub.db.engine import Database
from tests.catalog.conftest import NOW, USCC, Stored

LATER = NOW + timedelta(hours=1)
CLASSIFICATION = "306001000001"
ITEMS = [
    Item(field_name="id", name="编号", data_type=DataType.C, length=20, key=True),
    Item(field_name="name", name="名称", data_type=DataType.C, length=100, required=True),
]
MORE_ITEMS = [*ITEMS, Item(field_name="amount", name="金额", data_type=DataType.Y, unit="万元")]


def owned(owner: Stored) -> Owner:
    """Whose the resources of these tests are."""
    return Owner(owner.organisation, USCC, owner.system)


def described(**changed: Any) -> Metadata:
    """Return metadata in order, with these changes."""
    plain: dict[str, Any] = {
        "name": "办事指南",
        "summary": "救灾救济事项的办事指南",
        "format_class": 7,
        "format_type": "JSON",
        "share_type": ShareType.UNCONDITIONAL,
        "share_mode_class": "platform",
        "share_mode_type": "interface",
        "is_open": 1,
        "update_cycle": UpdateCycle.IRREGULAR,
    }
    return Metadata.model_validate(plain | changed)


async def registered(session: AsyncSession, owner: Stored, **changed: Any) -> ResourceRegistered:
    """Register a resource and commit."""
    step = await service.register_resource(
        session,
        described(**changed),
        ITEMS,
        owner=owned(owner),
        resource_id=uuid4(),
        classification=CLASSIFICATION,
        now=NOW,
    )
    await session.commit()
    return step


async def published(session: AsyncSession, owner: Stored) -> UUID:
    """Register and publish a resource."""
    resource_id = (await registered(session, owner)).resource_id
    await service.publish(session, resource_id, now=NOW)
    await session.commit()
    return resource_id


async def stored(session: AsyncSession, resource_id: UUID) -> tuple[Resource, list[ResourceVersion]]:
    """Return the resource and its versions as the database has them."""
    await session.flush()
    session.expire_all()
    return await queries.get(session, resource_id), list(await queries.versions(session, resource_id))


async def test_registering_issues_a_code_and_stores_a_draft(session: AsyncSession, owner: Stored) -> None:
    step = await registered(session, owner, is_example=True)
    resource, versions = await stored(session, step.resource_id)
    assert (resource.code, resource.status, resource.live_version) == (f"{CLASSIFICATION}/000001", "draft", None)
    assert (resource.name, resource.is_example, resource.created_at) == ("办事指南", True, NOW)
    assert [(version.number, version.state) for version in versions] == [(1, "draft")]
    assert versions[0].items == [item.to_json() for item in ITEMS]
    assert versions[0].schema_digest == digest_of(versions[0].payload_schema) == step.schema_digest
    assert versions[0].payload_schema["x-resource"] == {"code": resource.code, "version": 1}
    assert (step.code, step.version, step.before, step.at) == (resource.code, 1, None, NOW)


async def test_codes_count_up_within_each_classification(session: AsyncSession, owner: Stored) -> None:
    codes = [(await registered(session, owner)).code for _ in range(3)]
    assert codes == [f"{CLASSIFICATION}/00000{number}" for number in (1, 2, 3)]
    other = await service.register_resource(
        session, described(), ITEMS, owner=owned(owner), resource_id=uuid4(), classification="112461", now=NOW
    )
    assert other.code == "112461/000001"


async def test_codes_stay_unique_under_concurrency(database: Database, owner: Stored) -> None:
    async def register() -> str:
        async with database.session() as session:
            return (await registered(session, owner)).code

    codes = await asyncio.gather(*(register() for _ in range(20)))
    assert sorted(codes) == [f"{CLASSIFICATION}/{number:06d}" for number in range(1, 21)]


async def test_the_code_of_a_withdrawn_resource_is_never_given_again(session: AsyncSession, owner: Stored) -> None:
    first = await registered(session, owner)
    await service.withdraw(session, first.resource_id, reason="登记有误", now=NOW)
    assert (await registered(session, owner)).code == f"{CLASSIFICATION}/000002"


async def test_a_broken_resource_is_refused_with_all_its_faults_and_takes_no_code(
    session: AsyncSession, owner: Stored
) -> None:
    secret = Item(field_name="Id", name="编号", data_type=DataType.D, secret=True)
    with pytest.raises(InvalidResource) as refused:
        await service.register_resource(
            session,
            described(share_type=ShareType.CONDITIONAL),
            [secret],
            owner=owned(owner),
            resource_id=uuid4(),
            classification="9",
            now=NOW,
        )
    assert [(violation.field, violation.rule) for violation in refused.value.violations] == [
        ("/classification", "CODE"),
        ("/share_condition", "CAT-02"),
        ("/items/0/field_name", "item-field-name"),
        ("/items/0/secret", "CAT-07"),
    ]
    assert (await registered(session, owner)).code == f"{CLASSIFICATION}/000001"


async def test_a_pattern_that_does_not_compile_is_refused_at_registration(session: AsyncSession, owner: Stored) -> None:
    backtracking = Item(field_name="x", name="某项", data_type=DataType.C, length=5, pattern="(?=a)", example="a")
    with pytest.raises(SchemaRefused):
        await service.register_resource(
            session,
            described(),
            [backtracking],
            owner=owned(owner),
            resource_id=uuid4(),
            classification=CLASSIFICATION,
            now=NOW,
        )


async def test_a_draft_is_edited_submitted_returned_and_published(session: AsyncSession, owner: Stored) -> None:
    first = await registered(session, owner)
    resource_id = first.resource_id
    edited = await service.edit_draft(
        session, resource_id, items=MORE_ITEMS, metadata=described(name="新名"), now=LATER
    )
    submitted = await service.submit(session, resource_id, now=LATER)
    resource, versions = await stored(session, resource_id)
    assert (resource.name, resource.status, resource.updated_at) == ("新名", "submitted", LATER)
    assert (versions[0].state, versions[0].submitted_at, len(versions[0].items)) == ("submitted", LATER, 3)
    assert versions[0].payload_schema["title"] == "新名"

    returned = await service.return_to_draft(session, resource_id, reason=" 缺少依据 ", now=LATER)
    resource, versions = await stored(session, resource_id)
    assert (resource.status, resource.status_reason, returned.reason) == ("draft", "缺少依据", "缺少依据")
    assert (versions[0].state, versions[0].submitted_at) == ("draft", None)

    await service.submit(session, resource_id, now=LATER)
    step = await service.publish(session, resource_id, now=LATER)
    resource, versions = await stored(session, resource_id)
    assert (resource.status, resource.status_reason, resource.live_version) == ("published", None, 1)
    assert (versions[0].state, versions[0].published_at, step.replaced) == ("published", LATER, None)
    assert first.after == edited.before
    assert edited.after == submitted.before
    assert submitted.after == returned.before


async def test_each_step_leaves_another_state_behind(session: AsyncSession, owner: Stored) -> None:
    resource_id = (await registered(session, owner)).resource_id
    steps: list[Step] = [
        await service.submit(session, resource_id, now=NOW),
        await service.publish(session, resource_id, now=NOW),
        await service.new_version(session, resource_id, items=MORE_ITEMS, now=NOW),
        await service.publish(session, resource_id, now=NOW),
        await service.end_version(session, resource_id, 1, now=NOW),
        await service.suspend(session, resource_id, reason="系统升级", now=NOW),
        await service.resume(session, resource_id, now=NOW),
        await service.withdraw(session, resource_id, reason="机构撤并", now=NOW),
    ]
    assert all(step.before != step.after for step in steps)
    assert [step.before for step in steps[1:]] == [step.after for step in steps[:-1]]


async def test_the_published_version_stays_live_while_its_successor_is_edited(
    session: AsyncSession, owner: Stored
) -> None:
    resource_id = await published(session, owner)
    _, [before] = await stored(session, resource_id)
    live = (before.items, before.schema_digest, before.state)
    drafted = await service.new_version(session, resource_id, now=LATER)
    assert drafted.version == 2
    await service.edit_draft(session, resource_id, items=MORE_ITEMS, now=LATER)
    await service.submit(session, resource_id, now=LATER)
    await service.return_to_draft(session, resource_id, reason="请补充", now=LATER)
    await service.submit(session, resource_id, now=LATER)
    resource, versions = await stored(session, resource_id)
    assert (resource.status, resource.status_reason, resource.live_version) == ("published", None, 1)
    assert (versions[0].items, versions[0].schema_digest, versions[0].state) == live

    step = await service.publish(session, resource_id, now=LATER)
    resource, versions = await stored(session, resource_id)
    assert (step.version, step.replaced, resource.live_version) == (2, 1, 2)
    assert [version.state for version in versions] == ["published", "published"]
    assert versions[1].payload_schema["x-resource"]["version"] == 2


async def test_a_new_version_begins_as_a_copy(session: AsyncSession, owner: Stored) -> None:
    resource_id = await published(session, owner)
    await service.new_version(session, resource_id, now=LATER)
    _, versions = await stored(session, resource_id)
    assert versions[1].items == versions[0].items
    assert versions[1].schema_digest != versions[0].schema_digest  # the schema names its version


async def test_a_replaced_version_takes_payloads_until_it_is_ended(session: AsyncSession, owner: Stored) -> None:
    resource_id = await published(session, owner)
    await service.new_version(session, resource_id, items=MORE_ITEMS, now=NOW)
    with pytest.raises(InvalidTransition):
        await service.end_version(session, resource_id, 1, now=NOW)
    with pytest.raises(InvalidTransition):
        await service.end_version(session, resource_id, 2, now=NOW)
    with pytest.raises(UnknownVersion):
        await service.end_version(session, resource_id, 3, now=NOW)
    await service.publish(session, resource_id, now=NOW)
    await service.end_version(session, resource_id, 1, now=LATER)
    _, versions = await stored(session, resource_id)
    assert [(version.state, version.ended_at) for version in versions] == [("ended", LATER), ("published", None)]


async def test_suspending_and_resuming_keep_the_live_version(session: AsyncSession, owner: Stored) -> None:
    resource_id = await published(session, owner)
    suspended = await service.suspend(session, resource_id, reason="系统升级", now=NOW)
    resource, _ = await stored(session, resource_id)
    assert (resource.status, resource.status_reason, suspended.version) == ("suspended", "系统升级", 1)
    await service.new_version(session, resource_id, now=NOW)
    with pytest.raises(InvalidTransition, match="先恢复"):
        await service.publish(session, resource_id, now=NOW)
    await service.resume(session, resource_id, now=NOW)
    resource, _ = await stored(session, resource_id)
    assert (resource.status, resource.status_reason, resource.live_version) == ("published", None, 1)


Act = Callable[[AsyncSession, UUID, datetime], Awaitable[Step]]
ACTS: dict[str, Act] = {
    "edit_draft": lambda session, found, now: service.edit_draft(session, found, items=ITEMS, now=now),
    "submit": lambda session, found, now: service.submit(session, found, now=now),
    "return_to_draft": lambda session, found, now: service.return_to_draft(session, found, reason="因故", now=now),
    "publish": lambda session, found, now: service.publish(session, found, now=now),
    "new_version": lambda session, found, now: service.new_version(session, found, now=now),
    "suspend": lambda session, found, now: service.suspend(session, found, reason="因故", now=now),
    "resume": lambda session, found, now: service.resume(session, found, now=now),
    "withdraw": lambda session, found, now: service.withdraw(session, found, reason="因故", now=now),
}
PATHS: dict[str, tuple[list[str], set[str]]] = {
    "draft": ([], {"edit_draft", "submit", "publish", "withdraw"}),
    "submitted": (["submit"], {"return_to_draft", "publish", "withdraw"}),
    "published": (["publish"], {"new_version", "suspend", "withdraw"}),
    "published with draft": (["publish", "new_version"], {"edit_draft", "submit", "publish", "suspend", "withdraw"}),
    "suspended": (["publish", "suspend"], {"new_version", "resume", "withdraw"}),
    "withdrawn": (["withdraw"], set()),
}


@pytest.mark.parametrize("state", PATHS)
async def test_only_the_steps_of_a_state_are_possible_in_it(session: AsyncSession, owner: Stored, state: str) -> None:
    path, possible = PATHS[state]
    found: set[str] = set()
    told: list[tuple[str, str]] = []
    for name, act in ACTS.items():
        resource_id = (await registered(session, owner)).resource_id
        for step in path:
            await ACTS[step](session, resource_id, NOW)
        await session.commit()
        try:
            await act(session, resource_id, NOW)
            found.add(name)
        except InvalidTransition as refused:
            told.append((refused.zh, refused.en))
        await session.rollback()
    assert found == possible
    assert all(zh and en for zh, en in told)


async def test_withdrawing_ends_every_version_for_good(session: AsyncSession, owner: Stored) -> None:
    resource_id = await published(session, owner)
    await service.new_version(session, resource_id, now=NOW)
    await service.withdraw(session, resource_id, reason="机构撤并", now=LATER)
    resource, versions = await stored(session, resource_id)
    assert (resource.status, resource.status_reason) == ("withdrawn", "机构撤并")
    assert [(version.state, version.ended_at) for version in versions] == [("ended", LATER)] * 2


async def test_the_successor_may_say_something_else_and_what_is_live_stays_live(
    session: AsyncSession, owner: Stored
) -> None:
    resource_id = await published(session, owner)
    await service.new_version(session, resource_id, metadata=described(name="新名"), now=NOW)
    await service.edit_draft(
        session, resource_id, metadata=described(name="更新的名称", share_condition="无条件"), now=NOW
    )
    resource, [live, successor] = await stored(session, resource_id)
    assert (resource.name, live.description["name"]) == ("办事指南", "办事指南")
    assert (successor.description["name"], successor.payload_schema["title"]) == ("更新的名称", "更新的名称")
    await service.publish(session, resource_id, now=LATER)
    resource, _ = await stored(session, resource_id)
    assert (resource.name, resource.share_condition) == ("更新的名称", "无条件")


async def test_a_successor_that_shares_less_needs_a_basis(session: AsyncSession, owner: Stored) -> None:
    resource_id = await published(session, owner)
    less = {"share_type": ShareType.CONDITIONAL, "share_condition": "业务协同"}
    with pytest.raises(InvalidResource) as refused:
        await service.new_version(session, resource_id, metadata=described(**less), now=NOW)
    assert [violation.rule for violation in refused.value.violations] == ["CAT-08"]
    await session.rollback()
    based = described(**less, share_change_basis="《示例条例》第三条")
    assert (await service.new_version(session, resource_id, metadata=based, now=NOW)).version == 2


async def test_a_successor_that_shares_less_of_an_item_needs_a_basis(session: AsyncSession, owner: Stored) -> None:
    resource_id = await published(session, owner)
    stricter = [ITEMS[0].model_copy(update={"share_type": ShareType.NOT_SHARED}), *ITEMS[1:]]
    with pytest.raises(InvalidResource) as refused:
        await service.new_version(session, resource_id, items=stricter, now=NOW)
    assert [violation.rule for violation in refused.value.violations] == ["CAT-08"]


async def test_the_publishing_system_stays_once_the_resource_has_been_published(
    session: AsyncSession, owner: Stored
) -> None:
    resource_id = await published(session, owner)
    await service.new_version(session, resource_id, now=NOW)
    with pytest.raises(InvalidTransition, match="职责划转"):
        await service.edit_draft(session, resource_id, system_id=uuid4(), now=NOW)
    assert (await service.edit_draft(session, resource_id, system_id=owner.system, now=NOW)).version == 2


async def test_a_published_version_never_says_something_else(session: AsyncSession, owner: Stored) -> None:
    await published(session, owner)
    with pytest.raises(DBAPIError, match="never changes"):
        await session.execute(text('UPDATE resource_version SET metadata = metadata || \'{"name": "x"}\''))


async def test_editing_the_description_alone_keeps_the_items(session: AsyncSession, owner: Stored) -> None:
    step = await registered(session, owner)
    edited = await service.edit_draft(session, step.resource_id, metadata=described(name="新名"), now=NOW)
    _, [version] = await stored(session, step.resource_id)
    assert version.items == [item.to_json() for item in ITEMS]
    assert version.schema_digest == edited.schema_digest != step.schema_digest


@pytest.mark.parametrize("name", ["return_to_draft", "suspend", "withdraw"])
async def test_steps_that_take_something_away_need_a_reason(session: AsyncSession, owner: Stored, name: str) -> None:
    resource_id = (await registered(session, owner)).resource_id
    with pytest.raises(InvalidResource) as refused:
        await getattr(service, name)(session, resource_id, reason=" ", now=NOW)
    assert refused.value.field == "/reason"


@pytest.mark.parametrize("name", sorted(ACTS))
async def test_no_step_invents_a_resource(session: AsyncSession, name: str) -> None:
    with pytest.raises(UnknownResource):
        await ACTS[name](session, uuid4(), NOW)


async def test_nothing_is_committed_by_a_step(session: AsyncSession, owner: Stored) -> None:
    resource_id = (await registered(session, owner)).resource_id
    await service.publish(session, resource_id, now=NOW)
    await session.rollback()
    resource, _ = await stored(session, resource_id)
    assert resource.status == "draft"


async def test_two_sessions_cannot_take_the_same_step(database: Database, owner: Stored) -> None:
    async with database.session() as session:
        resource_id = await published(session, owner)

    async def successor() -> bool:
        async with database.session() as session:
            try:
                await service.new_version(session, resource_id, now=NOW)
            except InvalidTransition:
                return False
            await session.commit()
            return True

    assert sorted(await asyncio.gather(*(successor() for _ in range(5)))) == [False] * 4 + [True]


async def test_a_stale_view_of_the_row_does_not_decide_a_step(database: Database, owner: Stored) -> None:
    async with database.session() as slow:
        resource_id = await published(slow, owner)
        seen = await queries.get(slow, resource_id)  # held, so that the session keeps its row
        async with database.session() as quick:
            await service.withdraw(quick, resource_id, reason="机构撤并", now=NOW)
            await quick.commit()
        with pytest.raises(InvalidTransition, match="已撤销"):
            await service.suspend(slow, resource_id, reason="系统升级", now=NOW)
        assert seen.status == "withdrawn"


async def test_rows_that_refer_to_a_resource_do_not_wait_for_a_step(database: Database, owner: Stored) -> None:
    async with database.session() as steps, database.session() as others:
        resource_id = await published(steps, owner)
        await service.suspend(steps, resource_id, reason="系统升级", now=NOW)
        await others.execute(text("SET LOCAL lock_timeout = '500ms'"))
        query = text("SELECT 1 FROM resource WHERE id = :id FOR KEY SHARE")
        assert (await others.execute(query, {"id": resource_id})).scalar() == 1


async def test_the_database_itself_refuses_to_change_a_published_version(session: AsyncSession, owner: Stored) -> None:
    resource_id = await published(session, owner)
    for change in ("items = '[]'", "schema = '{}'", f"schema_digest = 'sha-256:{'0' * 64}'"):
        with pytest.raises(DBAPIError, match="never changes"):
            await session.execute(text(f"UPDATE resource_version SET {change} WHERE resource_id = '{resource_id}'"))
        await session.rollback()


async def test_numbers_keep_their_digest_through_storage(session: AsyncSession, owner: Stored) -> None:
    items = [
        *ITEMS,
        Item(field_name="rate", name="比率", data_type=DataType.N, minimum=-0.0, maximum=1e-7),
        Item(field_name="area", name="面积", data_type=DataType.B, minimum=1.0, maximum=9007199254740991.0),
        Item(field_name="grade", name="等次", data_type=DataType.N, enumeration=(0.1, 1.5e15, 3)),
    ]
    step = await service.register_resource(
        session, described(), items, owner=owned(owner), resource_id=uuid4(), classification=CLASSIFICATION, now=NOW
    )
    await session.commit()
    _, [version] = await stored(session, step.resource_id)
    assert digest_of(version.payload_schema) == version.schema_digest
    await service.edit_draft(session, step.resource_id, metadata=described(), now=NOW)
    assert version.schema_digest == step.schema_digest
