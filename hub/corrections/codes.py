"""The states of a correction and the acts that move it. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from hub.registry.errors import WrongState


class State(StrEnum):
    """Where a correction stands."""

    SUBMITTED = "submitted"
    VERIFYING = "verifying"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What moves it."""

    TAKE = "taken"
    CORRECT = "made"
    REJECT = "rejected"
    WITHDRAW = "withdrawn"


OPEN: Final = (State.SUBMITTED, State.VERIFYING)
"""States of a correction that waits for its answer."""

MOVES: Final[Mapping[Act, tuple[frozenset[State], State]]] = {
    Act.TAKE: (frozenset({State.SUBMITTED}), State.VERIFYING),
    Act.CORRECT: (frozenset(OPEN), State.CORRECTED),
    Act.REJECT: (frozenset(OPEN), State.REJECTED),
    Act.WITHDRAW: (frozenset(OPEN), State.WITHDRAWN),
}
"""From which states an act starts and where it leads."""


def moved(what: str, act: Act, state: str) -> State:
    """The state after the act. Raises WrongState."""
    origins, target = MOVES[act]
    if state not in origins:
        raise WrongState(what, state, "/".join(sorted(origins)))
    return target
