"""Grants, requests for access, objections, corrections and exchanges: who may do what."""

from uuid import UUID

from hub.identity.callers import StaffCaller
from hub.identity.permissions.holding import acts_for, changes_as, holds, is_authority
from hub.identity.roles import OF_ONE_ORGANISATION, Role


def _is_party(caller: StaffCaller, parties: tuple[UUID, ...]) -> bool:
    """Whether the caller oversees sharing, or edits or decides for one of the parties (for any organisation, if none is named)."""
    acts = holds(caller, *OF_ONE_ORGANISATION) and (not parties or caller.organisation_id in parties)
    return acts or sharing_oversee(caller)


def grant_create(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Grant a system a resource of the decider's own organisation."""
    return changes_as(caller, Role.DECIDER, provider_id)


def grant_read(caller: StaffCaller) -> bool:
    """See grants."""
    return bool(caller.roles)


def grant_suspend(caller: StaffCaller) -> bool:
    """Stop a grant for a while: the security officer's act."""
    return changes_as(caller, Role.SECURITY)


def grant_resume(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Let a suspended grant work again."""
    return changes_as(caller, Role.DECIDER, provider_id)


def grant_revoke(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """End a grant for good: the decider of the provider, or the security officer."""
    return changes_as(caller, Role.DECIDER, provider_id) or changes_as(caller, Role.SECURITY)


def grant_renew(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Let a grant last longer, and expect another frequency."""
    return changes_as(caller, Role.DECIDER, provider_id)


def sharing_oversee(caller: StaffCaller) -> bool:
    """See everybody's requests, objections and corrections: the authority, the security officer, audit and supervision."""
    of_authority = holds(caller, Role.REVIEWER) and caller.organisation_id is None
    return of_authority or holds(caller, Role.SECURITY, Role.AUDITOR, Role.INSPECTOR)


def access_request_create(caller: StaffCaller, consumer_id: UUID | None = None) -> bool:
    """Ask for access in the name of the caller's own organisation, and hand in again what was returned."""
    return acts_for(caller, consumer_id)


def access_request_withdraw(caller: StaffCaller, consumer_id: UUID | None = None) -> bool:
    """Withdraw what the caller's own organisation asked for."""
    return acts_for(caller, consumer_id)


def access_request_read(caller: StaffCaller, *parties: UUID) -> bool:
    """See a request: its parties, and those who oversee sharing."""
    return _is_party(caller, parties)


def access_request_review(caller: StaffCaller) -> bool:
    """Pass a request to the provider, or return it: the authority."""
    return is_authority(caller)


def access_request_decide(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Grant or refuse what is asked of the caller's own organisation."""
    return changes_as(caller, Role.DECIDER, provider_id)


def objection_create(caller: StaffCaller) -> bool:
    """Raise an objection in the name of the caller's own organisation."""
    return acts_for(caller)


def objection_withdraw(caller: StaffCaller, raised_by: UUID | None = None) -> bool:
    """Withdraw an objection of the caller's own organisation."""
    return acts_for(caller, raised_by)


def objection_rate(caller: StaffCaller, raised_by: UUID | None = None) -> bool:
    """Rate the answer to an objection of the caller's own organisation."""
    return acts_for(caller, raised_by)


def objection_read(caller: StaffCaller, *parties: UUID) -> bool:
    """See an objection: its parties, and those who oversee sharing."""
    return _is_party(caller, parties)


def objection_answer(caller: StaffCaller, provider_id: UUID | None = None, *, by_authority: bool = False) -> bool:
    """Answer an objection: the authority about the catalogue and approvals, the provider about quality and use."""
    if by_authority or provider_id is None:
        return is_authority(caller) or (not by_authority and acts_for(caller))
    return acts_for(caller, provider_id)


def correction_create(caller: StaffCaller) -> bool:
    """Report an error in what the caller's own organisation received."""
    return acts_for(caller)


def correction_withdraw(caller: StaffCaller, reported_by: UUID | None = None) -> bool:
    """Withdraw a report of the caller's own organisation."""
    return acts_for(caller, reported_by)


def correction_read(caller: StaffCaller, *parties: UUID) -> bool:
    """See a correction: its parties, and those who oversee sharing."""
    return _is_party(caller, parties)


def correction_answer(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Verify, correct or reject what was reported about the caller's own organisation's data."""
    return acts_for(caller, provider_id)


def exchange_read(caller: StaffCaller) -> bool:
    """See the state of an exchange."""
    return bool(caller.roles)
