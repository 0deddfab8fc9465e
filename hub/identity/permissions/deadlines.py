"""Deadlines, days off, and notices: who may do what."""

from hub.identity.callers import StaffCaller
from hub.identity.permissions.holding import changes_as, holds, is_authority
from hub.identity.roles import WATCHERS, Role


def notice_read(caller: StaffCaller) -> bool:
    """See what one's own organisation has been told."""
    return bool(caller.roles) and caller.organisation_id is not None


def notice_mark(caller: StaffCaller) -> bool:
    """Say that one's own organisation has read a notice."""
    return notice_read(caller) and not caller.roles & WATCHERS


def duty_read(caller: StaffCaller) -> bool:
    """See what one owes oneself."""
    return bool(caller.roles)


def duty_oversee(caller: StaffCaller) -> bool:
    """See what everybody owes: the authority, and those who supervise and audit."""
    return holds(caller, Role.REVIEWER, Role.AUDITOR, Role.INSPECTOR)


def duty_declare(caller: StaffCaller) -> bool:
    """Declare an event that the hub does not see, and with it what is owed."""
    return is_authority(caller)


def duty_extend(caller: StaffCaller) -> bool:
    """Put a deadline off: the authority."""
    return is_authority(caller)


def duty_finish(caller: StaffCaller) -> bool:
    """Say that something declared is done: whoever owes it, or the authority."""
    return bool(caller.roles) and not caller.roles & WATCHERS


def duty_cancel(caller: StaffCaller) -> bool:
    """Cancel something that was declared."""
    return is_authority(caller)


def duty_rule_read(caller: StaffCaller) -> bool:
    """See the rules of deadlines with their basis."""
    return bool(caller.roles)


def duty_rule_set(caller: StaffCaller) -> bool:
    """Put a rule of deadlines in force: the authority."""
    return is_authority(caller)


def holiday_notice_read(caller: StaffCaller) -> bool:
    """See which days are off and which are worked."""
    return bool(caller.roles)


def holiday_notice_add(caller: StaffCaller) -> bool:
    """Enter a year's notice of days off."""
    return changes_as(caller, Role.OPERATOR)
