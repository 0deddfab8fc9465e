"""What an objection can be about, who answers it, and its states. Pure.

Kinds and their numbers are the 异议 types of the provinces' and cities' direct-link objects; quality and use are both of
type 3 (资源使用异议) there, and told apart by what they are about.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from catalog.codes import LabelledText
from hub.registry.errors import WrongState


class Kind(LabelledText):
    """What the objection is to."""

    CATALOGUE = "catalogue", "目录异议", "the catalogue"
    APPROVAL = "approval", "审批异议", "a decision on a request"
    QUALITY = "quality", "质量异议", "the quality of data"
    USE = "use", "使用异议", "the use of what was granted"

    @property
    def number(self) -> int:
        """The 异议 type: 1 目录纠错, 2 资源申请异议, 3 资源使用异议."""
        return {Kind.CATALOGUE: 1, Kind.APPROVAL: 2}.get(self, 3)


class Detail(LabelledText):
    """The sub-kind."""

    DURATION = "duration", "审批时长", "how long the decision took"
    OPINION = "opinion", "审批意见", "the opinion given"
    RESPONSE = "response", "服务响应能力", "how the service answers"
    DATA = "data", "数据质量", "the data"
    OTHER = "other", "其他", "other"


class Subject(StrEnum):
    """The kind of object that an objection names."""

    RESOURCE = "resource"
    REQUEST = "access-request"
    GRANT = "grant"
    EXCHANGE = "exchange"


DETAILS: Final[Mapping[Kind, tuple[Detail, ...]]] = {
    Kind.CATALOGUE: (),
    Kind.APPROVAL: (Detail.DURATION, Detail.OPINION, Detail.OTHER),
    Kind.QUALITY: (Detail.DATA,),
    Kind.USE: (Detail.RESPONSE, Detail.OTHER),
}
"""The sub-kinds of each kind; the catalogue's has none."""

SUBJECTS: Final[Mapping[Kind, tuple[Subject, ...]]] = {
    Kind.CATALOGUE: (Subject.RESOURCE,),
    Kind.APPROVAL: (Subject.REQUEST,),
    Kind.QUALITY: (Subject.EXCHANGE, Subject.GRANT),
    Kind.USE: (Subject.GRANT, Subject.EXCHANGE),
}
"""What an objection of each kind is about."""

BY_AUTHORITY: Final = frozenset({Kind.CATALOGUE, Kind.APPROVAL})
"""The authority answers for the catalogue and for how requests are handled, the provider for its data."""


class State(StrEnum):
    """Where an objection stands."""

    SUBMITTED = "submitted"
    HANDLING = "handling"
    ANSWERED = "answered"
    RATED = "rated"
    WITHDRAWN = "withdrawn"


OPEN: Final = (State.SUBMITTED, State.HANDLING)
"""States of an objection that waits for its answer."""


class Act(StrEnum):
    """What moves it."""

    TAKE = "taken"
    ANSWER = "answered"
    RATE = "rated"
    WITHDRAW = "withdrawn"


MOVES: Final[Mapping[Act, tuple[frozenset[State], State]]] = {
    Act.TAKE: (frozenset({State.SUBMITTED}), State.HANDLING),
    Act.ANSWER: (frozenset(OPEN), State.ANSWERED),
    Act.RATE: (frozenset({State.ANSWERED}), State.RATED),
    Act.WITHDRAW: (frozenset(OPEN), State.WITHDRAWN),
}
"""From which states an act starts and where it leads."""


def moved(what: str, act: Act, state: str) -> State:
    """The state after the act. Raises WrongState."""
    origins, target = MOVES[act]
    if state not in origins:
        raise WrongState(what, state, "/".join(sorted(origins)))
    return target
