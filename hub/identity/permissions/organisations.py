"""Organisations, who is responsible in them, their systems and certificates: who may do what."""

from uuid import UUID

from hub.identity.callers import StaffCaller
from hub.identity.permissions.holding import changes_as, holds, is_authority
from hub.identity.roles import OF_ONE_ORGANISATION, Role


def organisation_create(caller: StaffCaller) -> bool:
    """Register an organisation."""
    return changes_as(caller, Role.SECURITY)


def organisation_read(caller: StaffCaller) -> bool:
    """See organisations, by what names they went, and who took over: nothing in it is not in the catalogue anyway."""
    return bool(caller.roles)


def organisation_change_propose(caller: StaffCaller) -> bool:
    """Plan a change of organisations, propose it, or take the proposal back."""
    return changes_as(caller, Role.SECURITY)


def organisation_change_decide(caller: StaffCaller) -> bool:
    """Confirm a change of organisations that somebody else proposed, or refuse it."""
    return is_authority(caller)


def organisation_change_read(caller: StaffCaller) -> bool:
    """See changes of organisations with all that they moved, and whose a thing was at any time."""
    return holds(caller, Role.SECURITY, Role.REVIEWER, Role.AUDITOR, Role.INSPECTOR)


def responsible_read(caller: StaffCaller, organisation_id: UUID | None = None) -> bool:
    """See who is responsible in an organisation, by name: one's own, or any for those who have to find them."""
    if holds(caller, Role.SECURITY, Role.REVIEWER):
        return True
    return holds(caller, *OF_ONE_ORGANISATION) and organisation_id in (None, caller.organisation_id)


def responsible_set(caller: StaffCaller, organisation_id: UUID | None = None) -> bool:
    """Say who is responsible: a decider for their own organisation, a security officer for any."""
    return changes_as(caller, Role.DECIDER, organisation_id) or changes_as(caller, Role.SECURITY)


def responsible_gaps(caller: StaffCaller) -> bool:
    """See which organisations have named nobody."""
    return holds(caller, Role.SECURITY, Role.REVIEWER)


def system_create(caller: StaffCaller) -> bool:
    """Register a partner's system."""
    return changes_as(caller, Role.SECURITY)


def system_read(caller: StaffCaller) -> bool:
    """See partner systems."""
    return holds(caller, Role.SECURITY)


def system_suspend(caller: StaffCaller) -> bool:
    """Stop a system for a while."""
    return changes_as(caller, Role.SECURITY)


def system_resume(caller: StaffCaller) -> bool:
    """Let a suspended system act again."""
    return changes_as(caller, Role.SECURITY)


def system_retire(caller: StaffCaller) -> bool:
    """End a system for good."""
    return changes_as(caller, Role.SECURITY)


def certificate_issue(caller: StaffCaller) -> bool:
    """Take a CSR in and give a certificate out."""
    return changes_as(caller, Role.SECURITY)


def certificate_read(caller: StaffCaller) -> bool:
    """See the certificates of systems with their state."""
    return holds(caller, Role.SECURITY)


def certificate_revoke(caller: StaffCaller) -> bool:
    """Revoke a certificate."""
    return changes_as(caller, Role.SECURITY)
