"""What is refused when organisations change.

Refused
├── NotFound
│   ├── UnknownChange       no change has that id
│   └── UnknownObject       nothing of that kind and name is or was anybody's
├── Conflict
│   ├── PlanBlocked         something stands in the way; `errors` lists all of it
│   ├── PlanOutdated        what the plan rests on has changed since
│   ├── OtherPlan           the digest is not that of the plan which was proposed
│   └── NotYetEffective     the day that the document names has not come
└── Forbidden
    └── OwnChange           who proposed a change does not confirm it

One faulty field is `hub.registry.errors.InvalidField`, a step from the wrong state `WrongState` beside it.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from hub.errors import Conflict, FieldError, Forbidden, NotFound


class UnknownChange(NotFound):
    """No change has that id."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"没有机构变更 {identifier}；请先查询变更列表",
            f"there is no change of organisations {identifier}; list them first",
        )


class UnknownObject(NotFound):
    """Nothing of that kind and name is or was anybody's."""

    def __init__(self, what: str, named: str) -> None:
        super().__init__(
            f"那时没有 {what} {named}；请核对代码和时间",
            f"there was no {what} {named} then; check its code and the time",
        )


class PlanBlocked(Conflict):
    """Something stands in the way."""

    def __init__(self, blockers: Sequence[FieldError]) -> None:
        super().__init__(
            f"有 {len(blockers)} 处问题使变更无法进行，没有任何改动；请按 errors 逐项处理后重新提出",
            f"{len(blockers)} thing(s) stand in the way, and nothing was changed; settle what errors lists and propose again",
            errors=blockers,
        )


class PlanOutdated(Conflict):
    """What the plan rests on has changed since it was proposed."""

    def __init__(self, present: str) -> None:
        super().__init__(
            f"提出之后情况有变，计划已不同（现为 {present}），没有任何改动；请撤回后重新提出",
            f"things have changed since the plan was proposed (it would now be {present}), and nothing was done; withdraw it"
            " and propose again",
        )


class OtherPlan(Conflict):
    """The digest given is not that of the proposed plan."""

    def __init__(self, proposed: str) -> None:
        super().__init__(
            f"所确认的计划摘要与提出的不符（提出的是 {proposed}）；请查看计划后按其摘要确认",
            f"the plan that you confirm is not the one proposed ({proposed}); read that one and confirm its digest",
        )


class NotYetEffective(Conflict):
    """The day that the document names has not come."""

    def __init__(self, day: date) -> None:
        super().__init__(
            f"该变更自 {day} 起生效；请到当日或之后再确认",
            f"the change is effective from {day}; confirm it then or later",
        )


class OwnChange(Forbidden):
    """Nobody decides on what they themselves asked for."""

    def __init__(self) -> None:
        super().__init__(
            "提出机构变更的人不能确认它；请由另一人（审核员）确认",
            "who proposed a change of organisations does not confirm it; a reviewer, another person, must",
        )
