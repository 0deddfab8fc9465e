"""Resources, their review, classes, and what catalogues above say: who may do what."""

from uuid import UUID

from hub.identity.callers import StaffCaller
from hub.identity.permissions.holding import changes_as, is_authority
from hub.identity.roles import Role


def resource_create(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Register a resource of the editor's own organisation."""
    return changes_as(caller, Role.EDITOR, provider_id)


def resource_edit(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Change a draft of the editor's own organisation."""
    return changes_as(caller, Role.EDITOR, provider_id)


def resource_submit(caller: StaffCaller, provider_id: UUID | None = None) -> bool:
    """Hand a draft of the editor's own organisation in for review."""
    return changes_as(caller, Role.EDITOR, provider_id)


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
        return any(changes_as(caller, held) for held in (Role.SECRECY, Role.REVIEWER, Role.DECIDER))
    if role is Role.SECRECY:
        return changes_as(caller, role) and caller.organisation_id in (None, provider_id)
    if role is Role.DECIDER:
        return changes_as(caller, role, organisation_id or provider_id)
    return changes_as(caller, Role.REVIEWER) and caller.organisation_id == organisation_id


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
    return is_authority(caller)


def resource_suspend(caller: StaffCaller) -> bool:
    """Take a published resource off for a while."""
    return is_authority(caller)


def resource_resume(caller: StaffCaller) -> bool:
    """Put a suspended resource back."""
    return is_authority(caller)


def resource_withdraw(caller: StaffCaller) -> bool:
    """End a resource for good."""
    return is_authority(caller)


def review_read(caller: StaffCaller) -> bool:
    """See what is under review, and how reviews were decided."""
    return bool(caller.roles)


def chain_replace(caller: StaffCaller) -> bool:
    """Say whose approvals the resources of a list need."""
    return is_authority(caller)


def chain_read(caller: StaffCaller) -> bool:
    """See the chains of approval."""
    return bool(caller.roles)


def class_add(caller: StaffCaller) -> bool:
    """Add a class to the classification."""
    return is_authority(caller)


def class_rename(caller: StaffCaller) -> bool:
    """Give a class another name."""
    return is_authority(caller)


def class_end(caller: StaffCaller) -> bool:
    """Let nothing more be registered under a class."""
    return is_authority(caller)


def class_reopen(caller: StaffCaller) -> bool:
    """Let resources be registered under an ended class again."""
    return is_authority(caller)


def class_read(caller: StaffCaller) -> bool:
    """See the classification."""
    return bool(caller.roles)


def upstream_record(caller: StaffCaller) -> bool:
    """Record what became of a resource's registration with a catalogue above."""
    return is_authority(caller)


def resource_reindex(caller: StaffCaller) -> bool:
    """Write the index of search anew."""
    return changes_as(caller, Role.OPERATOR)


def resource_read(caller: StaffCaller) -> bool:
    """See the catalogue."""
    return bool(caller.roles)


def upstream_read(caller: StaffCaller) -> bool:
    """See harvested catalogues."""
    return bool(caller.roles)


def upstream_harvest(caller: StaffCaller) -> bool:
    """Harvest a catalogue of others, and write over what it says: the authority's work."""
    return is_authority(caller)


def resource_import(caller: StaffCaller) -> bool:
    """Import workbooks for the editor's own organisation."""
    return changes_as(caller, Role.EDITOR)


def resource_export(caller: StaffCaller) -> bool:
    """Take the catalogue, or the template, as a workbook."""
    return bool(caller.roles)
