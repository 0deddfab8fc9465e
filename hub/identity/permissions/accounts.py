"""Accounts and sessions of staff, and the log of what is done: who may do what."""

from hub.identity.callers import StaffCaller
from hub.identity.permissions.holding import changes_as, holds
from hub.identity.roles import Role


def staff_propose(caller: StaffCaller) -> bool:
    """Ask for an account, or ask that one be given a new password."""
    return changes_as(caller, Role.OPERATOR)


def staff_reset(caller: StaffCaller) -> bool:
    """Take password and second factor from an account; it stays closed until security approves it anew."""
    return changes_as(caller, Role.OPERATOR)


def staff_approve(caller: StaffCaller) -> bool:
    """Open an account that an operator proposed."""
    return changes_as(caller, Role.SECURITY)


def staff_disable(caller: StaffCaller) -> bool:
    """Close an account at once."""
    return changes_as(caller, Role.OPERATOR) or changes_as(caller, Role.SECURITY)


def staff_unlock(caller: StaffCaller) -> bool:
    """End the wait after too many failed sign-ins."""
    return changes_as(caller, Role.OPERATOR) or changes_as(caller, Role.SECURITY)


def staff_read(caller: StaffCaller) -> bool:
    """See accounts with their roles and states."""
    return holds(caller, Role.OPERATOR, Role.SECURITY)


def audit_read(caller: StaffCaller) -> bool:
    """Search and read the sharing log."""
    return holds(caller, Role.AUDITOR, Role.INSPECTOR)


def session_own(caller: StaffCaller) -> bool:
    """See, end and secure one's own session: everybody who has one."""
    return bool(caller.session_id)
