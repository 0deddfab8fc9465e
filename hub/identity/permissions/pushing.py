"""Where and how is pushed, and what was parked: who may do what."""

from hub.identity.callers import StaffCaller
from hub.identity.permissions.holding import changes_as, holds
from hub.identity.roles import Role


def target_set(caller: StaffCaller) -> bool:
    """Allow where a system is pushed to: host, port and network."""
    return changes_as(caller, Role.SECURITY)


def target_read(caller: StaffCaller) -> bool:
    """See where systems are pushed to."""
    return holds(caller, Role.OPERATOR, Role.SECURITY)


def target_pause(caller: StaffCaller) -> bool:
    """Push nothing to a system for a while."""
    return changes_as(caller, Role.OPERATOR) or changes_as(caller, Role.SECURITY)


def target_resume(caller: StaffCaller) -> bool:
    """Push to a system again."""
    return changes_as(caller, Role.OPERATOR) or changes_as(caller, Role.SECURITY)


def lane_read(caller: StaffCaller) -> bool:
    """See lanes that push, and how they fare."""
    return holds(caller, Role.OPERATOR, Role.SECURITY)


def lane_pause(caller: StaffCaller) -> bool:
    """Push nothing in a lane for a while."""
    return changes_as(caller, Role.OPERATOR)


def lane_resume(caller: StaffCaller) -> bool:
    """Push in a lane again, and at once."""
    return changes_as(caller, Role.OPERATOR)


def dead_letter_read(caller: StaffCaller) -> bool:
    """See what was parked, and why."""
    return holds(caller, Role.OPERATOR, Role.SECURITY)


def dead_letter_replay(caller: StaffCaller) -> bool:
    """Queue again what was parked."""
    return changes_as(caller, Role.OPERATOR)
