"""Asking the catalogue: single resources, versions, and pages that neither repeat nor lose a resource."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import cursors, queries, service
from catalog.codes import ResourceStatus
from catalog.errors import InvalidCursor, UnknownResource, UnknownVersion
from tests.catalog.conftest import NOW, Stored
from tests.catalog.test_service import ITEMS, MORE_ITEMS, described, owned


async def registered(session: AsyncSession, owner: Stored, classification: str = "306001") -> UUID:
    """Register a resource."""
    step = await service.register_resource(
        session, described(), ITEMS, owner=owned(owner), resource_id=uuid4(), classification=classification, now=NOW
    )
    return step.resource_id


async def test_a_resource_is_found_by_id_and_by_code(session: AsyncSession, owner: Stored) -> None:
    resource_id = await registered(session, owner)
    assert (await queries.get(session, resource_id)).code == "306001/000001"
    assert (await queries.get_by_code(session, "306001/000001")).id == resource_id
    with pytest.raises(UnknownResource):
        await queries.get(session, uuid4())
    with pytest.raises(UnknownResource):
        await queries.get_by_code(session, "306001/000002")
    with pytest.raises(UnknownResource):
        await queries.versions(session, uuid4())


async def test_the_live_version_answers_unless_another_is_named(session: AsyncSession, owner: Stored) -> None:
    resource_id = await registered(session, owner)
    with pytest.raises(UnknownVersion):
        await queries.version(session, resource_id)
    assert (await queries.version(session, resource_id, 1)).state == "draft"
    await service.publish(session, resource_id, now=NOW)
    await service.new_version(session, resource_id, items=MORE_ITEMS, now=NOW)
    assert (await queries.version(session, resource_id)).number == 1
    assert (await queries.version(session, resource_id, 2)).state == "draft"
    with pytest.raises(UnknownVersion):
        await queries.version(session, resource_id, 3)


async def test_pages_follow_the_code_and_lose_nothing(session: AsyncSession, owner: Stored) -> None:
    for classification in ("306001", "106001", "206001"):
        for _ in range(3):
            await registered(session, owner, classification)
    codes: list[str] = []
    cursor: str | None = None
    for _ in range(5):
        page = await queries.list_resources(session, cursor=cursor, limit=2)
        codes += [resource.code for resource in page.items]
        cursor = page.next
        await registered(session, owner, "100000")  # sorts before what has been read
    assert codes == [f"{prefix}/00000{number}" for prefix in ("106001", "206001", "306001") for number in (1, 2, 3)]
    assert cursor is None


async def test_a_page_that_is_exactly_full_is_the_last(session: AsyncSession, owner: Stored) -> None:
    await registered(session, owner)
    page = await queries.list_resources(session, limit=1)
    assert (len(page.items), page.next) == (1, None)
    assert (await queries.list_resources(session, limit=0)).items


async def test_lists_are_filtered_by_status_provider_and_system(session: AsyncSession, owner: Stored) -> None:
    draft, live = await registered(session, owner), await registered(session, owner)
    await service.publish(session, live, now=NOW)

    async def found(**filters: object) -> set[UUID]:
        return {resource.id for resource in (await queries.list_resources(session, **filters)).items}  # type: ignore[arg-type]

    assert await found(statuses=[ResourceStatus.PUBLISHED]) == {live}
    assert await found(statuses=[ResourceStatus.PUBLISHED, ResourceStatus.DRAFT]) == {draft, live}
    assert await found(provider_id=owner.organisation, system_id=owner.system) == {draft, live}
    assert await found(provider_id=uuid4()) == set()
    assert await found(system_id=uuid4()) == set()


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "MQ", "5oiR", "_w"])
async def test_a_cursor_that_was_not_given_out_is_refused(session: AsyncSession, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await queries.list_resources(session, cursor=cursor)


def test_cursors_are_opaque_and_come_back() -> None:
    cursor = cursors.encode("306001000001/000042")
    assert cursor.isalnum()
    assert cursors.decode(cursor) == "306001000001/000042"
