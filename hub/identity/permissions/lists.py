"""Published lists, and the powers that are suspended in them: who may do what."""

from uuid import UUID

from hub.identity.callers import StaffCaller
from hub.identity.permissions.holding import changes_as
from hub.identity.roles import Role


def list_read(caller: StaffCaller) -> bool:
    """See types of lists, and published lists with what was explained and loaded."""
    return bool(caller.roles)


def list_declare(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Declare a publication of a list of the editor's own organisation, and explain it."""
    return changes_as(caller, Role.EDITOR, provider_id)


def power_suspension_read(caller: StaffCaller) -> bool:
    """See which powers are suspended."""
    return bool(caller.roles)


def power_suspension_apply(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Apply for the suspension or resumption of a power of the editor's own organisation, and say what carries it."""
    return changes_as(caller, Role.EDITOR, provider_id)


def power_suspension_decide(caller: StaffCaller, office_id: UUID | None = None) -> bool:
    """Decide on the suspension or resumption of a power: as a reviewer of the reform office 审改办, and nobody else."""
    return changes_as(caller, Role.REVIEWER, office_id)
