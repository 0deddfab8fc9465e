"""For each action a function of the same name: may this caller do it? Pure: knows roles, no request and no table.

The second argument, where there is one, is the organisation whose resources the action is about. Left out, the question
is whether the caller may do it for any organisation at all: that is what a guard asks before the object is known; who has
the object asks again with it (`require`). Rules that need more than the caller and that organisation, such as "not the
proposer", stand in the service of the action.
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec
from uuid import UUID

from hub.errors import Forbidden
from hub.identity.callers import StaffCaller
from hub.identity.roles import WATCHERS, Role, sorted_roles

_On = ParamSpec("_On")


def require(
    action: Callable[Concatenate[StaffCaller, _On], bool], caller: StaffCaller, *on: _On.args, **also: _On.kwargs
) -> None:
    """Pass when `action` allows it to the caller; else raises Forbidden, naming the action and the caller's roles."""
    if action(caller, *on, **also):
        return
    roles = sorted_roles(caller.roles)
    raise Forbidden(
        f"您的角色（{'、'.join(role.zh for role in roles)}）不能对此执行 {action.__name__}；请由有权的人员办理",
        f"your roles ({', '.join(roles)}) do not allow {action.__name__} here; ask someone whose role does",
    )


def _changes_as(caller: StaffCaller, role: Role, organisation_id: UUID | None = None) -> bool:
    """Whether the caller holds `role`, for that organisation if one is named, and is none of those who change nothing."""
    if role not in caller.roles or caller.roles & WATCHERS:
        return False
    return organisation_id is None or caller.organisation_id == organisation_id


def _holds(caller: StaffCaller, *roles: Role) -> bool:
    return not caller.roles.isdisjoint(roles)


def organisation_create(caller: StaffCaller) -> bool:
    """Register an organisation."""
    return _changes_as(caller, Role.SECURITY)


def organisation_read(caller: StaffCaller) -> bool:
    """See organisations; the contract opens them to security officers alone."""
    return _holds(caller, Role.SECURITY)


def system_create(caller: StaffCaller) -> bool:
    """Register a partner's system."""
    return _changes_as(caller, Role.SECURITY)


def system_read(caller: StaffCaller) -> bool:
    """See partner systems."""
    return _holds(caller, Role.SECURITY)


def system_suspend(caller: StaffCaller) -> bool:
    """Stop a system for a while."""
    return _changes_as(caller, Role.SECURITY)


def system_resume(caller: StaffCaller) -> bool:
    """Let a suspended system act again."""
    return _changes_as(caller, Role.SECURITY)


def system_retire(caller: StaffCaller) -> bool:
    """End a system for good."""
    return _changes_as(caller, Role.SECURITY)


def certificate_issue(caller: StaffCaller) -> bool:
    """Take a CSR in and give a certificate out."""
    return _changes_as(caller, Role.SECURITY)


def certificate_read(caller: StaffCaller) -> bool:
    """See the certificates of systems with their state."""
    return _holds(caller, Role.SECURITY)


def certificate_revoke(caller: StaffCaller) -> bool:
    """Revoke a certificate."""
    return _changes_as(caller, Role.SECURITY)


def resource_create(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Register a resource of the editor's own organisation."""
    return _changes_as(caller, Role.EDITOR, provider_id)


def resource_edit(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Change a draft of the editor's own organisation."""
    return _changes_as(caller, Role.EDITOR, provider_id)


def resource_submit(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Hand a draft of the editor's own organisation in for review."""
    return _changes_as(caller, Role.EDITOR, provider_id)


def resource_return(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Send a submitted resource back."""
    return _reviews(caller, provider_id)


def resource_publish(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Approve a submitted resource: it becomes live."""
    return _reviews(caller, provider_id)


def _reviews(caller: StaffCaller, provider_id: UUID | None) -> bool:
    # Nobody decides on what they themselves asked for: an editor of the provider is on the asking side, whoever typed it.
    asks = provider_id is not None and Role.EDITOR in caller.roles and caller.organisation_id == provider_id
    return _changes_as(caller, Role.REVIEWER) and not asks


def resource_suspend(caller: StaffCaller) -> bool:
    """Take a published resource off for a while."""
    return _changes_as(caller, Role.REVIEWER)


def resource_resume(caller: StaffCaller) -> bool:
    """Put a suspended resource back."""
    return _changes_as(caller, Role.REVIEWER)


def resource_withdraw(caller: StaffCaller) -> bool:
    """End a resource for good."""
    return _changes_as(caller, Role.REVIEWER)


def resource_read(caller: StaffCaller) -> bool:
    """See the catalogue."""
    return bool(caller.roles)


def resource_import(caller: StaffCaller) -> bool:
    """Import workbooks for the editor's own organisation."""
    return _changes_as(caller, Role.EDITOR)


def resource_export(caller: StaffCaller) -> bool:
    """Take the catalogue, or the template, as a workbook."""
    return bool(caller.roles)


def grant_create(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Grant a system a resource of the decider's own organisation."""
    return _changes_as(caller, Role.DECIDER, provider_id)


def grant_read(caller: StaffCaller) -> bool:
    """See grants."""
    return bool(caller.roles)


def grant_suspend(caller: StaffCaller) -> bool:
    """Stop a grant for a while: the security officer's act."""
    return _changes_as(caller, Role.SECURITY)


def grant_resume(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Let a suspended grant work again."""
    return _changes_as(caller, Role.DECIDER, provider_id)


def grant_revoke(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """End a grant for good: the decider of the provider, or the security officer."""
    return _changes_as(caller, Role.DECIDER, provider_id) or _changes_as(caller, Role.SECURITY)


def target_set(caller: StaffCaller) -> bool:
    """Allow where a system is pushed to: host, port and network."""
    return _changes_as(caller, Role.SECURITY)


def target_read(caller: StaffCaller) -> bool:
    """See where systems are pushed to."""
    return _holds(caller, Role.OPERATOR, Role.SECURITY)


def target_pause(caller: StaffCaller) -> bool:
    """Push nothing to a system for a while."""
    return _changes_as(caller, Role.OPERATOR) or _changes_as(caller, Role.SECURITY)


def target_resume(caller: StaffCaller) -> bool:
    """Push to a system again."""
    return _changes_as(caller, Role.OPERATOR) or _changes_as(caller, Role.SECURITY)


def lane_read(caller: StaffCaller) -> bool:
    """See lanes that push, and how they fare."""
    return _holds(caller, Role.OPERATOR, Role.SECURITY)


def lane_pause(caller: StaffCaller) -> bool:
    """Push nothing in a lane for a while."""
    return _changes_as(caller, Role.OPERATOR)


def lane_resume(caller: StaffCaller) -> bool:
    """Push in a lane again, and at once."""
    return _changes_as(caller, Role.OPERATOR)


def dead_letter_read(caller: StaffCaller) -> bool:
    """See what was parked, and why."""
    return _holds(caller, Role.OPERATOR, Role.SECURITY)


def dead_letter_replay(caller: StaffCaller) -> bool:
    """Queue again what was parked."""
    return _changes_as(caller, Role.OPERATOR)


def staff_propose(caller: StaffCaller) -> bool:
    """Ask for an account, or ask that one be given a new password."""
    return _changes_as(caller, Role.OPERATOR)


def staff_reset(caller: StaffCaller) -> bool:
    """Take password and second factor from an account; it stays closed until security approves it anew."""
    return _changes_as(caller, Role.OPERATOR)


def staff_approve(caller: StaffCaller) -> bool:
    """Open an account that an operator proposed."""
    return _changes_as(caller, Role.SECURITY)


def staff_disable(caller: StaffCaller) -> bool:
    """Close an account at once."""
    return _changes_as(caller, Role.OPERATOR) or _changes_as(caller, Role.SECURITY)


def staff_unlock(caller: StaffCaller) -> bool:
    """End the wait after too many failed sign-ins."""
    return _changes_as(caller, Role.OPERATOR) or _changes_as(caller, Role.SECURITY)


def staff_read(caller: StaffCaller) -> bool:
    """See accounts with their roles and states."""
    return _holds(caller, Role.OPERATOR, Role.SECURITY)


def audit_read(caller: StaffCaller) -> bool:
    """Search and read the sharing log."""
    return _holds(caller, Role.AUDITOR, Role.INSPECTOR)


def exchange_read(caller: StaffCaller) -> bool:
    """See the state of an exchange."""
    return bool(caller.roles)


def session_own(caller: StaffCaller) -> bool:
    """See, end and secure one's own session: everybody who has one."""
    return bool(caller.session_id)


ACTIONS: dict[str, Callable[..., bool]] = {
    action.__name__: action
    for action in (
        organisation_create, organisation_read,
        system_create, system_read, system_suspend, system_resume, system_retire,
        certificate_issue, certificate_read, certificate_revoke,
        resource_create, resource_edit, resource_submit, resource_return, resource_publish, resource_suspend,
        resource_resume, resource_withdraw, resource_read, resource_import, resource_export,
        grant_create, grant_read, grant_suspend, grant_resume, grant_revoke,
        target_set, target_read, target_pause, target_resume, lane_read, lane_pause, lane_resume,
        dead_letter_read, dead_letter_replay,
        staff_propose, staff_reset, staff_approve, staff_disable, staff_unlock, staff_read,
        audit_read, exchange_read, session_own,
    )
}  # fmt: skip
"""What a guard may be asked for, by name."""
