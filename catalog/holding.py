"""A resource that a transaction holds while it takes a step: its row, its versions, its state before and after."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository
from catalog.codes import ResourceStatus, VersionState
from catalog.errors import InvalidTransition, UnknownResource
from catalog.models import Resource, ResourceVersion
from catalog.schema import digest_of

_STATE: Final = {"number", "description", "items", "schema_digest", "state"}


@dataclass
class Held:
    """A resource that this transaction holds, with its versions and the digest of what they were."""

    resource: Resource
    versions: list[ResourceVersion]
    before: str | None

    @property
    def classification(self) -> str:
        """类项目细目: what stands before the stroke of the resource's code."""
        return self.resource.code.partition("/")[0]

    def require(self, *statuses: ResourceStatus) -> None:
        """Raise InvalidTransition unless the resource is in one of these."""
        if self.resource.status not in statuses:
            present = ResourceStatus(self.resource.status)
            zh = "或".join(status.zh for status in statuses)
            en = " or ".join(status.en for status in statuses)
            raise InvalidTransition(
                f"此步骤要求资源{zh}，现在是{present.zh}",
                f"this step needs the resource to be {en}; it is {present.en}",
            )

    def require_provider(self, provider_id: UUID | None) -> None:
        """Raise InvalidTransition if the resource is not that provider's, None asking nothing."""
        if provider_id is not None and self.resource.provider_id != provider_id:
            raise InvalidTransition(
                "资源的提供机构已因机构变更而改变；请重新打开草稿再修改",
                "the resource went to another provider meanwhile, as organisations changed; open the draft again",
                "/provider",
            )

    def open_version(self, *states: VersionState) -> ResourceVersion:
        """Return the version in one of these states; there is at most one that has not been published."""
        for version in self.versions:
            if version.state in states:
                return version
        zh = "或".join(state.zh for state in states)
        en = " or ".join(state.en for state in states)
        raise InvalidTransition(
            f"此步骤要求有{zh}版本，现在没有；请先起草、提交或退回",
            f"this step needs a version that is {en}, and there is none; draft, submit or return one first",
            "/version",
        )

    def live(self) -> ResourceVersion | None:
        """Return the live version, None if nothing has been published."""
        return next((version for version in self.versions if version.number == self.resource.live_version), None)

    def move_to(self, status: ResourceStatus, reason: str | None = None) -> None:
        """Set status and reason; the reason of the last step does not outlive it."""
        self.resource.status, self.resource.status_reason = status.value, reason

    async def save(self, session: AsyncSession, version: ResourceVersion | None, now: datetime) -> dict[str, Any]:
        """Write the rows and return the step's facts."""
        self.resource.updated_at = now
        await repository.save(session)
        return self.facts(version, now)

    def facts(self, version: ResourceVersion | None, now: datetime) -> dict[str, Any]:
        """Return what every step tells (`steps.Step`)."""
        return {
            "resource_id": self.resource.id,
            "code": self.resource.code,
            "version": None if version is None else version.number,
            "schema_digest": None if version is None else version.schema_digest,
            "at": now,
            "before": self.before,
            "after": _state_digest(self.resource, self.versions),
        }


async def hold(session: AsyncSession, resource_id: UUID) -> Held:
    """Lock the resource for a step; raises UnknownResource, and InvalidTransition if it has been withdrawn."""
    resource = await repository.locked_resource(session, resource_id)
    if resource is None:
        raise UnknownResource
    return _held(resource, list(await repository.versions(session, resource_id)))


async def hold_many(session: AsyncSession, resource_ids: Collection[UUID]) -> list[Held]:
    """Lock resources for one step of all of them, by id; raises as `hold` does."""
    resources = await repository.locked_resources(session, resource_ids)
    if len(resources) != len(resource_ids):
        raise UnknownResource
    versions: dict[UUID, list[ResourceVersion]] = {}
    for version in await repository.versions_of(session, resource_ids):
        versions.setdefault(version.resource_id, []).append(version)
    return [_held(resource, versions[resource.id]) for resource in resources]


def _held(resource: Resource, versions: list[ResourceVersion]) -> Held:
    if resource.status == ResourceStatus.WITHDRAWN:
        raise InvalidTransition(
            "资源已撤销，不能再变更；请登记新的资源", "the resource has been withdrawn for good; register another"
        )
    return held(resource, versions)


def held(resource: Resource, versions: Sequence[ResourceVersion]) -> Held:
    """Return the resource as a step finds it, whoever sees to it that nobody else changes it meanwhile."""
    return Held(resource, list(versions), before=_state_digest(resource, versions))


def _state_digest(resource: Resource, versions: Sequence[ResourceVersion]) -> str:
    times = {"created_at", "updated_at"}
    return digest_of(
        {
            "resource": resource.model_dump(mode="json", exclude=times),
            "versions": [
                version.model_dump(mode="json", include=_STATE)
                | ({} if version.ends_at is None else {"ends_at": version.ends_at.isoformat()})
                for version in versions
            ],
        }
    )
