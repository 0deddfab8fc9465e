"""A resource goes to another provider and publisher; what is live stays live, and no editor takes it back."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import service
from catalog.errors import InvalidTransition, UnknownResource
from catalog.transfer import transfer_resource
from tests.catalog.conftest import NOW, Owner
from tests.catalog.test_service import LATER, described, published, registered, stored

HEIR, THEIRS = UUID(int=11), UUID(int=12)


@pytest.fixture
async def heir(session: AsyncSession) -> Owner:
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
    return Owner(HEIR, THEIRS)


async def test_provider_and_publisher_change_and_nothing_else(session: AsyncSession, owner: Owner, heir: Owner) -> None:
    identifier = await published(session, owner)
    before, versions = await stored(session, identifier)
    kept = before.model_dump(exclude={"provider_id", "system_id", "updated_at"})
    step = await transfer_resource(session, identifier, provider_id=heir.organisation, system_id=heir.system, now=LATER)
    after, versions_after = await stored(session, identifier)
    assert (after.provider_id, after.system_id, after.updated_at) == (heir.organisation, heir.system, LATER)
    assert after.model_dump(exclude={"provider_id", "system_id", "updated_at"}) == kept
    assert [version.schema_digest for version in versions_after] == [version.schema_digest for version in versions]
    assert (step.code, step.version, step.at) == (after.code, 1, LATER)
    assert step.before != step.after


async def test_a_draft_goes_too_and_its_editor_of_before_does_not_take_it_back(
    session: AsyncSession, owner: Owner, heir: Owner
) -> None:
    identifier = (await registered(session, owner)).resource_id
    step = await transfer_resource(session, identifier, provider_id=heir.organisation, system_id=heir.system, now=LATER)
    assert step.version == 1
    with pytest.raises(InvalidTransition) as caught:
        await service.edit_draft(session, identifier, description=described(owner), now=LATER)
    assert caught.value.field == "/provider"


async def test_what_is_withdrawn_or_unknown_goes_nowhere(session: AsyncSession, owner: Owner, heir: Owner) -> None:
    identifier = await published(session, owner)
    await service.withdraw(session, identifier, reason="停用", now=LATER)
    for which, refusal in ((identifier, InvalidTransition), (uuid4(), UnknownResource)):
        with pytest.raises(refusal):
            await transfer_resource(session, which, provider_id=heir.organisation, system_id=heir.system, now=LATER)
