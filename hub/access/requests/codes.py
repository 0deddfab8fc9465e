"""The states of a request, the acts that move it, and the coded reasons of a refusal. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from catalog.codes import LabelledNumber, ShareType
from hub.registry.errors import WrongState


class RefusalCode(LabelledNumber):
    """驳回原因 (`reject_type` of the provinces' and cities' direct-link objects)."""

    LAW = 1, "法律法规不允许", "law or regulation does not allow it"
    ELSEWHERE = 2, "数据不在本部门", "the data are not with this department"
    CONDITIONS = 3, "不具备共享条件", "the conditions for sharing are not met"
    OTHER = 4, "其它", "other"


class State(StrEnum):
    """Where a request stands."""

    IN_REVIEW = "in-review"
    RETURNED = "returned"
    WITH_PROVIDER = "with-provider"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


LIVE = frozenset({State.IN_REVIEW, State.RETURNED, State.WITH_PROVIDER})
"""States of a request that somebody still has to do something about."""


class Act(StrEnum):
    """What moves a request from one state to another; each is a step that is kept."""

    SUBMIT = "submitted"
    RESUBMIT = "resubmitted"
    RETURN = "returned"
    FORWARD = "forwarded"
    GRANT = "granted"
    REFUSE = "refused"
    WITHDRAW = "withdrawn"


MOVES: Mapping[Act, tuple[frozenset[State], State]] = {
    Act.RESUBMIT: (frozenset({State.RETURNED}), State.IN_REVIEW),
    Act.RETURN: (frozenset({State.IN_REVIEW}), State.RETURNED),
    Act.FORWARD: (frozenset({State.IN_REVIEW}), State.WITH_PROVIDER),
    Act.GRANT: (frozenset({State.WITH_PROVIDER}), State.GRANTED),
    Act.REFUSE: (frozenset({State.WITH_PROVIDER}), State.REFUSED),
    Act.WITHDRAW: (LIVE, State.WITHDRAWN),
}
"""From which states a person's act starts, and where it leads."""

BY_RULE: Mapping[ShareType, Act] = {ShareType.UNCONDITIONAL: Act.GRANT, ShareType.NOT_SHARED: Act.REFUSE}
"""What becomes of a request in the moment it is handed in, without anybody's decision; what is conditional is reviewed."""


def moved(what: str, act: Act, state: str) -> State:
    """The state after the act. Raises WrongState."""
    origins, target = MOVES[act]
    if state not in origins:
        raise WrongState(what, state, "/".join(sorted(origins)))
    return target
