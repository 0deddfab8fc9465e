"""What duties refuse.

Refused
├── NotFound
│   ├── UnknownDuty        nothing with that id is owed, or nothing the caller may know of
│   └── UnknownRule        no profile has a rule of that code
├── Conflict
│   ├── NoRule             no rule of that duty is in force on the day
│   ├── NoDeclaredRule     no rule in force waits for a person to declare that event
│   ├── DeadlinePassed     the rule names a day that is over
│   ├── DutyClosed         it was done or cancelled
│   ├── NotExtensible      its rule knows no extension, or it was extended, or it is overdue
│   └── NotDeclared        an act of the hub ends it, not a person's word
└── InvalidInput           fields: `hub.registry.errors.InvalidField`, or several in `RuleRefused`, `NoticeRefused`
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from hub.errors import Conflict, FieldError, InvalidInput, NotFound


class UnknownDuty(NotFound):
    """Nothing with that id is owed."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"没有待办 {identifier}；请先查询待办列表", f"nothing is owed under {identifier}; list duties first"
        )


class UnknownRule(NotFound):
    """No profile has a rule of that code."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"各时限方案中没有规则 {code}；请先查询规则列表", f"no profile has a rule {code}; list duty rules first"
        )


class NoRule(Conflict):
    """No rule is in force."""

    def __init__(self, what: str, on: date) -> None:
        super().__init__(
            f"{on} 没有对 {what} 生效的时限规则；请主管部门先设定或采用一条规则",
            f"no rule about {what} is in force on {on}; have the authority set or adopt one",
        )


class NoDeclaredRule(Conflict):
    """No rule in force waits for a person to declare that event."""

    def __init__(self, event: str, on: date) -> None:
        super().__init__(
            f"{on} 没有由人声明“{event}”而起算的时限规则；请先查询规则列表，或采用一条规则",
            f"no rule in force on {on} waits for somebody to declare {event}; list duty rules, or adopt one",
        )


class DeadlinePassed(Conflict):
    """The rule names one day, and that day is over."""

    def __init__(self, code: str, last: date) -> None:
        super().__init__(
            f"规则 {code} 的期限 {last} 已过，不能再据以计算；请改用现行规则",
            f"the deadline of rule {code} was {last} and is over; use a rule that is in force",
        )


class DutyClosed(Conflict):
    """It was done or cancelled before."""

    def __init__(self, identifier: UUID, state: str) -> None:
        super().__init__(
            f"待办 {identifier} 已是 {state} 状态，不能再改", f"duty {identifier} is {state} and changes no more"
        )


class NotExtensible(Conflict):
    """Its deadline cannot be put off."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"不能延期：{zh}", f"it cannot be extended: {en}")


class NotDeclared(Conflict):
    """An act of the hub ends it."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"待办 {identifier} 由系统中的办理动作完成，不能手工办结；请办理该事项本身",
            f"duty {identifier} is ended by the act that it asks for, not by hand; do that act",
        )


class RuleRefused(InvalidInput):
    """The rule cannot be counted with; each faulty field is named."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(
            "时限规则有误，未作任何改动；请按 errors 更正",
            "the rule is not well formed and nothing was changed; correct what errors name",
            errors=errors,
        )


class NoticeRefused(InvalidInput):
    """The notice of a year contradicts itself or the calendar; each faulty field is named."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(
            "放假通知有误，未作任何改动；请按 errors 更正",
            "the notice of days off is not well formed and nothing was changed; correct what errors name",
            errors=errors,
        )
