"""A resource goes to another provider and publisher; what is live stays live, and no editor takes it back."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import service
from catalog.errors import InvalidTransition, UnknownResource
from catalog.steps import ResourceTransferred
from catalog.transfer import Destination, transfer_resources
from tests.catalog.conftest import NOW, Stored
from tests.catalog.test_service import LATER, described, published, registered, stored

HEIR, THEIRS = UUID(int=11), UUID(int=12)


@pytest.fixture
async def heir(session: AsyncSession) -> Stored:
    """Another stored organisation with a system."""
    await session.execute(
        text(
            "INSERT INTO organisation (id, parent_id, name, region, created_at) VALUES (:id, :parent, '承接单位', '621124', :now)"
        ),
        {"id": HEIR, "parent": UUID(int=1), "now": NOW},
    )
    await session.execute(
        text(
            "INSERT INTO system (id, code, organisation_id, name, state, created_at, updated_at)"
            " VALUES (:id, 'heir-system', :organisation, '承接系统', 'active', :now, :now)"
        ),
        {"id": THEIRS, "organisation": HEIR, "now": NOW},
    )
    await session.commit()
    return Stored(HEIR, THEIRS)


async def transfer(session: AsyncSession, identifier: UUID, to: Stored) -> ResourceTransferred:
    destination = {identifier: Destination(to.organisation, to.system)}
    (step,) = await transfer_resources(session, destination, now=LATER)
    return step


async def test_provider_and_publisher_change_and_nothing_else(
    session: AsyncSession, owner: Stored, heir: Stored
) -> None:
    identifier = await published(session, owner)
    before, versions = await stored(session, identifier)
    kept = before.model_dump(exclude={"provider_id", "system_id", "updated_at"})
    step = await transfer(session, identifier, heir)
    after, versions_after = await stored(session, identifier)
    assert (after.provider_id, after.system_id, after.updated_at) == (heir.organisation, heir.system, LATER)
    assert after.model_dump(exclude={"provider_id", "system_id", "updated_at"}) == kept
    assert [version.schema_digest for version in versions_after] == [version.schema_digest for version in versions]
    assert (step.code, step.version, step.at) == (after.code, 1, LATER)
    assert step.before != step.after


async def test_a_draft_goes_too_and_its_editor_of_before_does_not_take_it_back(
    session: AsyncSession, owner: Stored, heir: Stored
) -> None:
    identifier = (await registered(session, owner)).resource_id
    step = await transfer(session, identifier, heir)
    assert step.version == 1
    with pytest.raises(InvalidTransition) as caught:
        await service.edit_draft(session, identifier, metadata=described(), provider_id=owner.organisation, now=LATER)
    assert caught.value.field == "/provider"


async def test_what_is_withdrawn_or_unknown_goes_nowhere(session: AsyncSession, owner: Stored, heir: Stored) -> None:
    identifier = await published(session, owner)
    await service.withdraw(session, identifier, reason="停用", now=LATER)
    for which, refusal in ((identifier, InvalidTransition), (uuid4(), UnknownResource)):
        with pytest.raises(refusal):
            await transfer(session, which, heir)


async def test_many_go_at_once_each_to_its_own_and_all_or_none(
    session: AsyncSession, owner: Stored, heir: Stored
) -> None:
    first, second = await published(session, owner), await published(session, owner)
    both = {first: Destination(HEIR, THEIRS), second: Destination(owner.organisation, THEIRS)}
    steps = await transfer_resources(session, both, now=LATER)
    assert {step.resource_id for step in steps} == both.keys()
    assert [(await stored(session, one))[0].provider_id for one in (first, second)] == [HEIR, owner.organisation]
    with pytest.raises(UnknownResource):
        await transfer_resources(session, both | {uuid4(): Destination(HEIR, THEIRS)}, now=LATER)
    assert await transfer_resources(session, {}, now=LATER) == []
