"""What happened to a resource, for whoever must record it; `before` and `after` are digests of its whole state."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step in a resource's life: which resource, which version it concerned, when, and its state around it.

    `before` is None for the first step; both are `sha-256:<hex>` over RFC 8785.
    """

    resource_id: UUID
    code: str
    version: int | None
    schema_digest: str | None
    at: datetime
    before: str | None
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRegistered(Step):
    """A resource got its code and its first draft."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftEdited(Step):
    """The draft's items, or the description of a resource never published, changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSubmitted(Step):
    """The draft went to review."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReturned(Step):
    """Review sent the version back to its editor."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPublished(Step):
    """The version went live; `replaced` is the one that was live before, which still takes payloads."""

    replaced: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDrafted(Step):
    """A successor of the published version was begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEnded(Step):
    """A published version that is no longer the live one stopped taking payloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSuspended(Step):
    """Exchange of the resource stopped."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceResumed(Step):
    """Exchange of the resource goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceWithdrawn(Step):
    """The resource is gone for good; its code stays taken."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceTransferred(Step):
    """The resource has another provider, or another system publishes it; what is live stays live."""
