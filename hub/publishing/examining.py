"""What a reviewer is shown of a version under review: how it differs from the live one, and who claims the same items."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import queries, sources
from catalog.codes import VersionState
from catalog.compatibility import Compatibility, carried_conditions, compare_versions
from catalog.differences import Difference, Said, version_differences
from catalog.items import Item
from catalog.metadata import Metadata
from catalog.models import Resource, ResourceVersion
from catalog.sources import CrossClaim
from hub.publishing.recording import refusing
from hub.registry import repository as registry_rows
from hub.registry.models import Organisation

_OPEN = (VersionState.DRAFT, VersionState.SUBMITTED)


@dataclass(frozen=True, slots=True)
class Examination:
    """The version that is not yet published, compared with the live one `against` (None before the first), and its claims.

    `compatibility` judges what payloads meet, `differences` tell all that the version says otherwise, share type and all.
    `departments` are the organisations that `claims` speak of, by id.
    """

    version: int
    against: int | None
    compatibility: Compatibility
    differences: Sequence[Difference]
    claims: Sequence[CrossClaim]
    departments: dict[UUID, Organisation]


async def examine(session: AsyncSession, resource: Resource) -> Examination | None:
    """What there is to say of the resource's draft or submitted version; None if there is neither. Raises NotFound."""
    versions = await refusing(queries.versions(session, resource.id))
    found = next((version for version in versions if version.state in _OPEN), None)
    if found is None:
        return None
    claims = await sources.cross_claims(session, found, resource.provider_id)
    providers = {other.provider_id for claim in claims for other in claim.others}
    departments = {row.id: row for row in await registry_rows.organisations_by_id(session, providers)}
    live = _numbered(versions, resource.live_version)
    said = () if live is None else differences_between(live, found)
    return Examination(found.number, resource.live_version, _compare(live, found), said, claims, departments)


def differences_between(old: ResourceVersion, new: ResourceVersion) -> Sequence[Difference]:
    """How any version of a resource differs from any other, in words."""
    return version_differences(_said(old), _said(new))


def _said(version: ResourceVersion) -> Said:
    conditions = carried_conditions(version.payload_schema) or ()
    return Said(Metadata.model_validate(version.description), _items(version), conditions)


async def compare_with_live(session: AsyncSession, resource: Resource, number: int) -> Compatibility:
    """What publishing that version means for who lives with the live one; nothing before the first. Raises NotFound."""
    versions = await refusing(queries.versions(session, resource.id))
    found = _numbered(versions, number)
    assert found is not None
    return _compare(_numbered(versions, resource.live_version), found)


def _numbered(versions: Sequence[ResourceVersion], number: int | None) -> ResourceVersion | None:
    return next((version for version in versions if version.number == number), None)


def _compare(live: ResourceVersion | None, new: ResourceVersion) -> Compatibility:
    if live is None:
        return Compatibility(())
    return compare_versions((_items(live), live.payload_schema), (_items(new), new.payload_schema))


def _items(version: ResourceVersion) -> Sequence[Item]:
    return [Item.model_validate(item) for item in version.items]
