"""What callers hold, in the words that the permissions are written in."""

from uuid import UUID

from hub.identity.callers import StaffCaller
from hub.identity.roles import OF_ONE_ORGANISATION, WATCHERS, Role


def holds(caller: StaffCaller, *roles: Role) -> bool:
    """Whether the caller holds one of the roles."""
    return not caller.roles.isdisjoint(roles)


def changes_as(caller: StaffCaller, role: Role, organisation_id: UUID | None = None) -> bool:
    """Whether the caller holds `role`, for that organisation if one is named, and is none of those who change nothing."""
    if role not in caller.roles or caller.roles & WATCHERS:
        return False
    return organisation_id is None or caller.organisation_id == organisation_id


def acts_for(caller: StaffCaller, organisation_id: UUID | None = None) -> bool:
    """Whether the caller edits or decides, for that organisation if one is named."""
    return any(changes_as(caller, role, organisation_id) for role in OF_ONE_ORGANISATION)


def is_authority(caller: StaffCaller) -> bool:
    """Whether the caller reviews for the authority: a reviewer of an organisation takes that organisation's steps alone."""
    return changes_as(caller, Role.REVIEWER) and caller.organisation_id is None
