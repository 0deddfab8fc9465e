"""What review refuses.

Refused
├── Conflict
│   ├── NotSubmitted      nothing of the resource is under review
│   ├── StepsWaiting      publication comes last, and an earlier step is not decided
│   ├── PublishInstead    the step that waits is publication, which is not approved but done
│   └── ChainMissing      the list demands approvals, and nobody has said whose
├── Forbidden
│   ├── NotYourStep       the step that waits is somebody else's
│   ├── OwnSubmission     nobody decides on what they wrote or submitted themselves
│   └── SecondStep        nobody takes two steps of one round
└── NotFound
    └── UnknownChain      no chain of that list
"""

from hub.errors import Conflict, Forbidden, NotFound
from hub.identity.roles import Role

STEP_NAMES = {
    "secrecy": ("保密审查", "secrecy review"),
    "chain": ("清单审批", "approval by its list's chain"),
    "publication": ("主管部门发布", "publication by the authority"),
}
"""How the kinds of step are called where people read them."""


class NotSubmitted(Conflict):
    """The draft was not handed in for review."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"资源 {code} 没有待审核的版本；请先由编制员提交",
            f"resource {code} has no version under review; have its editor submit one first",
        )
        self.code = code


class StepsWaiting(Conflict):
    """An earlier step of the round is not decided."""

    def __init__(self, code: str, position: int, kind: str) -> None:
        zh, en = STEP_NAMES[kind]
        super().__init__(
            f"资源 {code} 尚待第 {position} 步{zh}；通过后才能发布",
            f"resource {code} waits for step {position}, {en}; it is published after that",
        )
        self.position = position


class PublishInstead(Conflict):
    """The last step is taken by publishing."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"资源 {code} 的审批已全部通过，只待发布；请用发布（publish），或退回",
            f"resource {code} has every approval and waits for publication; publish it, or return it",
        )


class ChainMissing(Conflict):
    """The list's approvals are law, and the chain is not set."""

    def __init__(self, list_type: str, basis: str) -> None:
        super().__init__(
            f"清单 {list_type} 须经审批（{basis}），但审批链尚未设置；请主管部门先设置",
            f"the list {list_type} needs approvals ({basis}), but its chain is not set; the authority sets it first",
        )
        self.list_type = list_type


class NotYourStep(Forbidden):
    """The step whose turn it is belongs to another role or another organisation."""

    def __init__(self, code: str, position: int, kind: str, role: Role) -> None:
        zh, en = STEP_NAMES[kind]
        super().__init__(
            f"资源 {code} 现待第 {position} 步{zh}，由有关机构的{role.zh}办理；轮到您时见 GET /v1/reviews?mine=true",
            f"resource {code} waits for step {position}, {en}, by a {role.en} of whose step it is;"
            " GET /v1/reviews?mine=true shows what waits for you",
        )
        self.position = position


class OwnSubmission(Forbidden):
    """Contract, "Staff roles": nobody decides on what they themselves asked for."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"资源 {code} 的待审版本由您本人编制或提交；请由另一位有权人员办理",
            f"you wrote or submitted the version of {code} that is under review; somebody else decides on it",
        )
        self.code = code


class SecondStep(Forbidden):
    """Each step of a round is taken by a different person."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"资源 {code} 本轮审核中您已办理过一步；每一步须由不同的人办理",
            f"you have taken a step in this round for {code}; each step is taken by a different person",
        )
        self.code = code


class UnknownChain(NotFound):
    """No chain of that list."""

    def __init__(self, list_type: str) -> None:
        super().__init__(
            f"没有清单 {list_type} 的审批链；请先查询或设置",
            f"the list {list_type} has no chain of approval; list chains, or set it",
        )
        self.list_type = list_type
