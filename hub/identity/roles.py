"""The roles of staff and what one person may not be at once (contract, "Staff roles"). Pure: knows no table, no request.

GB/T 22239-2019 8.1.4.2 d) asks that those who administer are separated: 系统管理员, 安全管理员 and 审计管理员 are three
people (三员分立), and none of them does business.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum
from itertools import combinations


class Role(StrEnum):
    """What a member of staff does here; the value is what the API, the log and the database write."""

    EDITOR = "editor"
    REVIEWER = "reviewer"
    SECRECY = "secrecy"
    DECIDER = "decider"
    SECURITY = "security"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    INSPECTOR = "inspector"

    @property
    def zh(self) -> str:
        """The Chinese label."""
        return _LABELS[self][0]

    @property
    def en(self) -> str:
        """The English label."""
        return _LABELS[self][1]


_LABELS = {
    Role.EDITOR: ("目录编制员", "catalogue editor"),
    Role.REVIEWER: ("目录审核员", "catalogue reviewer"),
    Role.SECRECY: ("保密审查员", "secrecy reviewer"),
    Role.DECIDER: ("授权审批人", "decider of the provider"),
    Role.SECURITY: ("安全管理员", "security officer"),
    Role.OPERATOR: ("系统管理员", "operator"),
    Role.AUDITOR: ("审计管理员", "auditor"),
    Role.INSPECTOR: ("审计监察", "inspector"),
}

OFFICERS = frozenset({Role.SECURITY, Role.OPERATOR, Role.AUDITOR})
"""三员: no two of them in one person."""

BUSINESS = frozenset({Role.EDITOR, Role.REVIEWER, Role.DECIDER})
"""Roles that no officer holds beside their own."""

OF_ONE_ORGANISATION = frozenset({Role.EDITOR, Role.DECIDER})
"""Roles that mean nothing without the organisation that their holder acts for."""

WATCHERS = frozenset({Role.AUDITOR, Role.INSPECTOR})
"""Roles whose holders change nothing, whatever else they hold."""


def first_exclusion(roles: Collection[Role]) -> tuple[Role, Role] | None:
    """The first two of `roles`, in the order of the enumeration, that one person may not hold; None if they may."""
    for one, other in combinations(sorted_roles(roles), 2):
        if _exclude_each_other(one, other):
            return one, other
    return None


def sorted_roles(roles: Iterable[Role]) -> list[Role]:
    """The roles, each once, in the order of the enumeration."""
    held = set(roles)
    return [role for role in Role if role in held]


def _exclude_each_other(one: Role, other: Role) -> bool:
    """Whether one person may not hold these two different roles."""
    pair = {one, other}
    return len(pair & OFFICERS) == 2 or (bool(pair & OFFICERS) and bool(pair & BUSINESS))
