from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.db.engine import Database
from hub.db.ids import new_id
from hub.registry import barrier, repository, service
from hub.registry.errors import (
    InvalidField,
    OrganisationTaken,
    SystemTaken,
    UnknownOrganisation,
    UnknownSystem,
    WrongState,
)
from hub.registry.models import Organisation, System
from hub.registry.recording import fingerprint
from hub.registry.service import NewOrganisation
from tests.support.registry import (
    HUB,
    LINTAO,
    NOW,
    OFFICER,
    RECORDER,
    example_code,
    keeps_acceptances_out,
    make_organisation,
    make_system,
)


async def register(session: AsyncSession, new: NewOrganisation) -> Organisation:
    return await service.register_organisation(session, new, actor=OFFICER, recorder=RECORDER, now=NOW)


async def suspend(session: AsyncSession, code: str, reason: str = "待核查") -> System:
    return await service.suspend_system(session, code, reason=reason, actor=OFFICER, recorder=RECORDER, now=NOW)


async def resume(session: AsyncSession, code: str) -> System:
    return await service.resume_system(session, code, actor=OFFICER, recorder=RECORDER, now=NOW)


async def retire(session: AsyncSession, code: str) -> System:
    return await service.retire_system(session, code, reason="已停用", actor=OFFICER, recorder=RECORDER, now=NOW)


async def events(session: AsyncSession) -> list[dict[str, object]]:
    rows = await session.execute(text("SELECT leaf FROM log_entry ORDER BY occurred_at, ctid"))
    return [orjson.loads(row.leaf) for row in rows]


async def test_an_organisation_is_registered_under_its_code_and_logged_with_its_digest(session: AsyncSession) -> None:
    code = example_code()
    before = await barrier.epoch(session)
    row = await register(session, NewOrganisation(" 临洮县示例局 ", LINTAO, code, "Example Bureau"))
    await session.commit()
    found = await repository.organisation_by_code(session, code)
    assert found == row
    assert (row.name, row.name_en, row.region, row.parent_id) == ("临洮县示例局", "Example Bureau", LINTAO, None)
    (entry,) = await events(session)
    assert entry["event"] == "organisation.registered"
    assert entry["object"] == {"type": "organisation", "id": str(row.id)}
    assert entry["after"] == fingerprint(row)
    assert "before" not in entry
    assert await barrier.epoch(session) == before + 1


async def test_a_body_without_a_code_stands_under_its_parent(session: AsyncSession) -> None:
    parent = await make_organisation(session)
    child = await register(session, NewOrganisation("县审改办", LINTAO, parent=parent.id))
    assert (child.code, child.parent_id) == (None, parent.id)
    other = await register(session, NewOrganisation("县扶贫办", LINTAO, parent=parent.id))
    assert other.id != child.id


async def test_a_body_with_neither_code_nor_parent_is_refused(session: AsyncSession) -> None:
    with pytest.raises(InvalidField) as caught:
        await register(session, NewOrganisation("县审改办", LINTAO))
    assert caught.value.errors[0].pointer == "/parent"


@pytest.mark.parametrize(
    ("new", "pointer"),
    [
        (NewOrganisation("局", LINTAO, "11621124MB00000001"), "/code"),
        (NewOrganisation("局", "991124", example_code()), "/region"),
        (NewOrganisation("局", "62112", example_code()), "/region"),
        (NewOrganisation(" ", LINTAO, example_code()), "/name"),
        (NewOrganisation("局", LINTAO, example_code(), "x" * 201), "/name_en"),
    ],
)
async def test_a_wrong_field_is_refused_by_its_name(session: AsyncSession, new: NewOrganisation, pointer: str) -> None:
    with pytest.raises(Exception, match=" / ") as caught:
        await register(session, new)
    assert [error.pointer for error in caught.value.errors] == [pointer]  # type: ignore[attr-defined]
    assert await repository.organisations(session, after=None, limit=5) == []


async def test_an_unknown_parent_is_refused(session: AsyncSession) -> None:
    with pytest.raises(UnknownOrganisation):
        await register(session, NewOrganisation("局", LINTAO, parent=new_id(NOW)))


async def test_a_code_or_a_name_within_a_region_is_registered_once(session: AsyncSession) -> None:
    row = await make_organisation(session, "甲局")
    assert row.code is not None
    with pytest.raises(OrganisationTaken, match="甲局"):
        await register(session, NewOrganisation("乙局", LINTAO, row.code))
    with pytest.raises(OrganisationTaken, match="name"):
        await register(session, NewOrganisation("甲局", LINTAO, example_code()))
    elsewhere = await register(session, NewOrganisation("甲局", "621122", example_code()))
    assert elsewhere.id != row.id


async def test_organisations_page_by_id_and_region(session: AsyncSession) -> None:
    made = sorted([(await make_organisation(session, f"第{n}局")).id for n in range(5)])
    first = await repository.organisations(session, after=None, limit=3)
    rest = await repository.organisations(session, after=first[-1].id, limit=3)
    assert [row.id for row in (*first, *rest)] == made
    assert await repository.organisations(session, after=None, limit=3, region="110000") == []
    assert len(await repository.organisations(session, after=None, limit=9, region=LINTAO)) == 5


async def test_a_system_is_registered_active_and_found_with_its_organisation(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    row = await make_system(session, "lintao-subsite", owner)
    assert row.state == "active"
    assert await service.find_system(session, "lintao-subsite") == (row, owner)


@pytest.mark.parametrize("code", ["", "x", "-ab", "Ab", "a_b", "a" * 64, "a\n", "中文"])
async def test_a_system_code_of_another_form_is_refused(session: AsyncSession, code: str) -> None:
    owner = await make_organisation(session)
    with pytest.raises(InvalidField) as caught:
        await make_system(session, code, owner)
    assert caught.value.errors[0].pointer == "/code"


async def test_a_system_code_is_never_given_twice_even_after_retirement(session: AsyncSession) -> None:
    await make_system(session, "lintao-subsite")
    await retire(session, "lintao-subsite")
    owner = await make_organisation(session)
    with pytest.raises(SystemTaken):
        await make_system(session, "lintao-subsite", owner)


async def test_no_system_takes_the_id_of_the_hub(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    with pytest.raises(SystemTaken):
        await make_system(session, HUB, owner)


async def test_a_system_of_an_unknown_organisation_is_refused(session: AsyncSession) -> None:
    stranger = Organisation(id=UUID(int=1), name="局", region=LINTAO, created_at=NOW)
    with pytest.raises(UnknownOrganisation):
        await make_system(session, "lintao-subsite", stranger)


async def test_a_system_is_suspended_with_a_reason_and_resumed_without(session: AsyncSession) -> None:
    row = await make_system(session, "lintao-subsite")
    before = fingerprint(row)
    suspended = await suspend(session, "lintao-subsite", " 待核查 ")
    assert (suspended.state, suspended.state_reason) == ("suspended", "待核查")
    after = fingerprint(suspended)
    resumed = await resume(session, "lintao-subsite")
    assert (resumed.state, resumed.state_reason) == ("active", None)
    await session.commit()
    changes = {str(entry["event"]): entry for entry in await events(session)}
    assert changes["system.suspended"]["before"] == before
    assert changes["system.suspended"]["after"] == after
    assert changes["system.resumed"]["before"] == after
    assert "待核查" not in str(changes)


async def test_only_the_steps_of_the_life_of_a_system_are_taken(session: AsyncSession) -> None:
    await make_system(session, "one")
    with pytest.raises(WrongState, match="active"):
        await resume(session, "one")
    await suspend(session, "one")
    with pytest.raises(WrongState, match="suspended"):
        await suspend(session, "one")
    await retire(session, "one")
    for step in (suspend, resume, retire):
        with pytest.raises(WrongState, match="retired"):
            await step(session, "one")


async def test_an_active_system_may_retire_at_once(session: AsyncSession) -> None:
    await make_system(session, "one")
    assert (await retire(session, "one")).state == "retired"


async def test_a_step_without_a_reason_is_refused_before_it_holds_anything(session: AsyncSession) -> None:
    await make_system(session, "one")
    await session.commit()
    with pytest.raises(InvalidField):
        await suspend(session, "one", "  ")
    assert not session.in_transaction()


@pytest.mark.parametrize("code", ["nobody", "\x00", "Ärger"])
async def test_an_unknown_system_is_refused(session: AsyncSession, code: str) -> None:
    with pytest.raises(UnknownSystem):
        await suspend(session, code)


async def test_systems_page_by_code_and_organisation(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    for code in ("cc", "aa", "bb"):
        await make_system(session, code, owner)
    await make_system(session, "dd")
    first = await repository.systems(session, after=None, limit=2)
    assert [row.code for row, _ in first] == ["aa", "bb"]
    rest = await repository.systems(session, after="bb", limit=9, organisation_id=owner.id)
    assert [(row.code, found.id) for row, found in rest] == [("cc", owner.id)]


async def test_every_act_keeps_acceptances_out_until_it_commits(database: Database, session: AsyncSession) -> None:
    owner = await make_organisation(session)
    await session.commit()
    acts: list[Callable[[], Awaitable[object]]] = [
        lambda: make_organisation(session, "乙局"),
        lambda: make_system(session, "one", owner),
        lambda: suspend(session, "one"),
        lambda: resume(session, "one"),
        lambda: retire(session, "one"),
    ]
    for act in acts:
        before = await barrier.epoch(session)
        await session.commit()
        await act()
        assert await keeps_acceptances_out(database)
        await session.commit()
        assert not await keeps_acceptances_out(database)
        assert await barrier.epoch(session) == before + 1
        await session.commit()


async def test_an_act_rests_on_what_is_true_under_the_barrier_not_on_what_was_read_before(
    database: Database, session: AsyncSession
) -> None:
    await make_system(session, "one")
    await suspend(session, "one")
    await session.commit()
    seen, _ = await service.find_system(session, "one")
    assert seen.state == "suspended"
    async with database.session() as meanwhile, meanwhile.begin():
        await retire(meanwhile, "one")
    with pytest.raises(WrongState, match="retired"):
        await resume(session, "one")


async def test_a_fingerprint_tells_rows_apart_and_is_the_same_after_reading_again(session: AsyncSession) -> None:
    row = await make_system(session, "one")
    first = fingerprint(row)
    await session.commit()
    session.expire_all()
    again = (await service.find_system(session, "one"))[0]
    assert fingerprint(again) == first
    again.updated_at = NOW + timedelta(seconds=1)
    assert fingerprint(again) != first
