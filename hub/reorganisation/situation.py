"""What is there when a change of organisations is planned: bodies and what belongs to those that take part. Knows no table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Body:
    """An organisation as it is registered."""

    id: UUID
    code: str | None
    name: str
    name_en: str
    region: str
    parent_id: UUID | None
    active: bool


@dataclass(frozen=True, slots=True)
class OwnedSystem:
    """A partner's system, and whose it is."""

    id: UUID
    code: str
    organisation_id: UUID
    retired: bool


@dataclass(frozen=True, slots=True)
class OwnedResource:
    """A resource that has not been withdrawn; `publisher` is the code of the system that publishes it."""

    id: UUID
    code: str
    provider_id: UUID
    publisher: str


@dataclass(frozen=True, slots=True)
class OwnedAccount:
    """An account that is not disabled; `bound`: a role of it acts for its organisation."""

    id: UUID
    organisation_id: UUID
    state: str
    bound: bool


@dataclass(frozen=True, slots=True)
class OwnedPerson:
    """A responsible person whose term is not over; `single`: the role has one holder; `open`: no end of the term is set."""

    id: UUID
    organisation_id: UUID
    role: str
    single: bool
    open: bool


@dataclass(frozen=True, slots=True)
class HeldGrant:
    """A grant that has not been revoked: of which resource, to which system."""

    id: UUID
    resource: str
    consumer: str


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate that was not revoked, of which system."""

    kid: str
    system: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """All bodies, and of those in `from`: systems, resources, accounts, people, grants, certificates.

    `systems` also has every publisher of `resources` and every system that the request names, `people` also those of the
    bodies in `to`. `code_taken` and `name_taken` tell, for a renaming, the name of the body that has what is wanted.
    """

    bodies: Mapping[UUID, Body]
    systems: Mapping[str, OwnedSystem]
    resources: Sequence[OwnedResource]
    accounts: Sequence[OwnedAccount]
    people: Sequence[OwnedPerson]
    grants: Sequence[HeldGrant]
    certificates: Sequence[HeldCertificate]
    code_taken: str | None = None
    name_taken: str | None = None


def stands_under_itself(body: UUID, parents: Mapping[UUID, UUID | None]) -> bool:
    """Whether the way up from that body leads back to it."""
    above = parents.get(body)
    seen: set[UUID] = set()
    while above is not None and above not in seen:
        if above == body:
            return True
        seen.add(above)
        above = parents.get(above)
    return False
