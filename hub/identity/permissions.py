"""For each action a function of the same name: may this caller do it? Pure: knows roles, no request and no table.

The second argument, where there is one, is the organisation whose resources the action is about. Left out, the question
is whether the caller may do it for any organisation at all: that is what a guard asks before the object is known; who has
the object asks again with it (`require`). Rules that need more than the caller and that organisation, such as "not the
proposer", stand in the service of the action.
"""

from collections.abc import Callable
from inspect import isfunction
from typing import Concatenate, ParamSpec
from uuid import UUID

from hub.errors import Forbidden
from hub.identity.callers import StaffCaller
from hub.identity.roles import OF_ONE_ORGANISATION, WATCHERS, Role, sorted_roles

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


def _acts_for(caller: StaffCaller, organisation_id: UUID | None = None) -> bool:
    """Whether the caller edits or decides, for that organisation if one is named."""
    return any(_changes_as(caller, role, organisation_id) for role in OF_ONE_ORGANISATION)


def _is_party(caller: StaffCaller, parties: tuple[UUID, ...]) -> bool:
    """Whether the caller oversees sharing, or edits or decides for one of the parties (for any organisation, if none is named)."""
    acts = _holds(caller, *OF_ONE_ORGANISATION) and (not parties or caller.organisation_id in parties)
    return acts or sharing_oversee(caller)


def _holds(caller: StaffCaller, *roles: Role) -> bool:
    return not caller.roles.isdisjoint(roles)


def organisation_create(caller: StaffCaller) -> bool:
    """Register an organisation."""
    return _changes_as(caller, Role.SECURITY)


def organisation_read(caller: StaffCaller) -> bool:
    """See organisations, by what names they went, and who took over: nothing in it is not in the catalogue anyway."""
    return bool(caller.roles)


def organisation_change_propose(caller: StaffCaller) -> bool:
    """Plan a change of organisations, propose it, or take the proposal back."""
    return _changes_as(caller, Role.SECURITY)


def organisation_change_decide(caller: StaffCaller) -> bool:
    """Confirm a change of organisations that somebody else proposed, or refuse it."""
    return _is_authority(caller)


def organisation_change_read(caller: StaffCaller) -> bool:
    """See changes of organisations with all that they moved, and whose a thing was at any time."""
    return _holds(caller, Role.SECURITY, Role.REVIEWER, Role.AUDITOR, Role.INSPECTOR)


def responsible_read(caller: StaffCaller, organisation_id: UUID | None = None) -> bool:
    """See who is responsible in an organisation, by name: one's own, or any for those who have to find them."""
    if _holds(caller, Role.SECURITY, Role.REVIEWER):
        return True
    return _holds(caller, *OF_ONE_ORGANISATION) and organisation_id in (None, caller.organisation_id)


def responsible_set(caller: StaffCaller, organisation_id: UUID | None = None) -> bool:
    """Say who is responsible: a decider for their own organisation, a security officer for any."""
    return _changes_as(caller, Role.DECIDER, organisation_id) or _changes_as(caller, Role.SECURITY)


def responsible_gaps(caller: StaffCaller) -> bool:
    """See which organisations have named nobody."""
    return _holds(caller, Role.SECURITY, Role.REVIEWER)


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


def resource_review(
    caller: StaffCaller,
    role: Role | None = None,
    organisation_id: UUID | None = None,
    provider_id: UUID | None = None,
) -> bool:
    """Take a step of the review of a submitted resource: one that belongs to `role`, and to that organisation if named.

    Without an organisation a step is the authority's reviewer's, the secrecy officer's, or the decider's of the provider. A
    secrecy officer of an organisation reviews what that organisation provides, one of none reviews everything.
    """
    if role is None:
        return any(_changes_as(caller, held) for held in (Role.SECRECY, Role.REVIEWER, Role.DECIDER))
    if role is Role.SECRECY:
        return _changes_as(caller, role) and caller.organisation_id in (None, provider_id)
    if role is Role.DECIDER:
        return _changes_as(caller, role, organisation_id or provider_id)
    return _changes_as(caller, Role.REVIEWER) and caller.organisation_id == organisation_id


def resource_return(
    caller: StaffCaller,
    role: Role | None = None,
    organisation_id: UUID | None = None,
    provider_id: UUID | None = None,
) -> bool:
    """Send a submitted resource back: whose turn it is in its review."""
    return resource_review(caller, role, organisation_id, provider_id)


def resource_publish(caller: StaffCaller) -> bool:
    """Make a submitted resource live: the last step of its review, the authority's."""
    return _is_authority(caller)


def _is_authority(caller: StaffCaller) -> bool:
    """Whether the caller reviews for the authority: a reviewer of an organisation takes that organisation's steps alone."""
    return _changes_as(caller, Role.REVIEWER) and caller.organisation_id is None


def resource_suspend(caller: StaffCaller) -> bool:
    """Take a published resource off for a while."""
    return _is_authority(caller)


def resource_resume(caller: StaffCaller) -> bool:
    """Put a suspended resource back."""
    return _is_authority(caller)


def resource_withdraw(caller: StaffCaller) -> bool:
    """End a resource for good."""
    return _is_authority(caller)


def review_read(caller: StaffCaller) -> bool:
    """See what is under review, and how reviews were decided."""
    return bool(caller.roles)


def chain_replace(caller: StaffCaller) -> bool:
    """Say whose approvals the resources of a list need."""
    return _is_authority(caller)


def chain_read(caller: StaffCaller) -> bool:
    """See the chains of approval."""
    return bool(caller.roles)


def class_add(caller: StaffCaller) -> bool:
    """Add a class to the classification."""
    return _is_authority(caller)


def class_rename(caller: StaffCaller) -> bool:
    """Give a class another name."""
    return _is_authority(caller)


def class_end(caller: StaffCaller) -> bool:
    """Let nothing more be registered under a class."""
    return _is_authority(caller)


def class_reopen(caller: StaffCaller) -> bool:
    """Let resources be registered under an ended class again."""
    return _is_authority(caller)


def class_read(caller: StaffCaller) -> bool:
    """See the classification."""
    return bool(caller.roles)


def upstream_record(caller: StaffCaller) -> bool:
    """Record what became of a resource's registration with a catalogue above."""
    return _is_authority(caller)


def notice_read(caller: StaffCaller) -> bool:
    """See what one's own organisation has been told."""
    return bool(caller.roles) and caller.organisation_id is not None


def notice_mark(caller: StaffCaller) -> bool:
    """Say that one's own organisation has read a notice."""
    return notice_read(caller) and not caller.roles & WATCHERS


def resource_reindex(caller: StaffCaller) -> bool:
    """Write the index of search anew."""
    return _changes_as(caller, Role.OPERATOR)


def resource_read(caller: StaffCaller) -> bool:
    """See the catalogue."""
    return bool(caller.roles)


def upstream_read(caller: StaffCaller) -> bool:
    """See harvested catalogues."""
    return bool(caller.roles)


def upstream_harvest(caller: StaffCaller) -> bool:
    """Harvest a catalogue of others, and write over what it says: the authority's work."""
    return _is_authority(caller)


def list_read(caller: StaffCaller) -> bool:
    """See types of lists, and published lists with what was explained and loaded."""
    return bool(caller.roles)


def list_declare(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Declare a publication of a list of the editor's own organisation, and explain it."""
    return _changes_as(caller, Role.EDITOR, provider_id)


def power_suspension_read(caller: StaffCaller) -> bool:
    """See which powers are suspended."""
    return bool(caller.roles)


def power_suspension_apply(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Apply for the suspension or resumption of a power of the editor's own organisation, and say what carries it."""
    return _changes_as(caller, Role.EDITOR, provider_id)


def power_suspension_decide(caller: StaffCaller, office_id: UUID | None = None) -> bool:
    """Decide on the suspension or resumption of a power: as a reviewer of the reform office 审改办, and nobody else."""
    return _changes_as(caller, Role.REVIEWER, office_id)


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


def grant_renew(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Let a grant last longer, and expect another frequency."""
    return _changes_as(caller, Role.DECIDER, provider_id)


def sharing_oversee(caller: StaffCaller) -> bool:
    """See everybody's requests, objections and corrections: the authority, the security officer, audit and supervision."""
    of_authority = _holds(caller, Role.REVIEWER) and caller.organisation_id is None
    return of_authority or _holds(caller, Role.SECURITY, Role.AUDITOR, Role.INSPECTOR)


def access_request_create(caller: StaffCaller, consumer_id: UUID | None = None) -> bool:
    """Ask for access in the name of the caller's own organisation, and hand in again what was returned."""
    return _acts_for(caller, consumer_id)


def access_request_withdraw(caller: StaffCaller, consumer_id: UUID | None = None) -> bool:
    """Withdraw what the caller's own organisation asked for."""
    return _acts_for(caller, consumer_id)


def access_request_read(caller: StaffCaller, *parties: UUID) -> bool:
    """See a request: its parties, and those who oversee sharing."""
    return _is_party(caller, parties)


def access_request_review(caller: StaffCaller) -> bool:
    """Pass a request to the provider, or return it: the authority."""
    return _is_authority(caller)


def access_request_decide(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Grant or refuse what is asked of the caller's own organisation."""
    return _changes_as(caller, Role.DECIDER, provider_id)


def objection_create(caller: StaffCaller) -> bool:
    """Raise an objection in the name of the caller's own organisation."""
    return _acts_for(caller)


def objection_withdraw(caller: StaffCaller, raised_by: UUID | None = None) -> bool:
    """Withdraw an objection of the caller's own organisation."""
    return _acts_for(caller, raised_by)


def objection_rate(caller: StaffCaller, raised_by: UUID | None = None) -> bool:
    """Rate the answer to an objection of the caller's own organisation."""
    return _acts_for(caller, raised_by)


def objection_read(caller: StaffCaller, *parties: UUID) -> bool:
    """See an objection: its parties, and those who oversee sharing."""
    return _is_party(caller, parties)


def objection_answer(caller: StaffCaller, provider_id: UUID | None = None, *, by_authority: bool = False) -> bool:
    """Answer an objection: the authority about the catalogue and approvals, the provider about quality and use."""
    if by_authority or provider_id is None:
        return _is_authority(caller) or (not by_authority and _acts_for(caller))
    return _acts_for(caller, provider_id)


def correction_create(caller: StaffCaller) -> bool:
    """Report an error in what the caller's own organisation received."""
    return _acts_for(caller)


def correction_withdraw(caller: StaffCaller, reported_by: UUID | None = None) -> bool:
    """Withdraw a report of the caller's own organisation."""
    return _acts_for(caller, reported_by)


def correction_read(caller: StaffCaller, *parties: UUID) -> bool:
    """See a correction: its parties, and those who oversee sharing."""
    return _is_party(caller, parties)


def correction_answer(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Verify, correct or reject what was reported about the caller's own organisation's data."""
    return _acts_for(caller, provider_id)


def duty_read(caller: StaffCaller) -> bool:
    """See what one owes oneself."""
    return bool(caller.roles)


def duty_oversee(caller: StaffCaller) -> bool:
    """See what everybody owes: the authority, and those who supervise and audit."""
    return _holds(caller, Role.REVIEWER, Role.AUDITOR, Role.INSPECTOR)


def duty_declare(caller: StaffCaller) -> bool:
    """Declare an event that the hub does not see, and with it what is owed."""
    return _is_authority(caller)


def duty_extend(caller: StaffCaller) -> bool:
    """Put a deadline off: the authority."""
    return _is_authority(caller)


def duty_finish(caller: StaffCaller) -> bool:
    """Say that something declared is done: whoever owes it, or the authority."""
    return bool(caller.roles) and not caller.roles & WATCHERS


def duty_cancel(caller: StaffCaller) -> bool:
    """Cancel something that was declared."""
    return _is_authority(caller)


def duty_rule_read(caller: StaffCaller) -> bool:
    """See the rules of deadlines with their basis."""
    return bool(caller.roles)


def duty_rule_set(caller: StaffCaller) -> bool:
    """Put a rule of deadlines in force: the authority."""
    return _is_authority(caller)


def holiday_notice_read(caller: StaffCaller) -> bool:
    """See which days are off and which are worked."""
    return bool(caller.roles)


def holiday_notice_add(caller: StaffCaller) -> bool:
    """Enter a year's notice of days off."""
    return _changes_as(caller, Role.OPERATOR)


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
    name: found
    for name, found in list(globals().items())
    if isfunction(found) and found.__module__ == __name__ and name[0] != "_" and name != "require"
}
"""What a guard may be asked for, by name: every public function of this module but `require`."""
