"""States of corrections."""

import pytest

from hub.corrections.codes import MOVES, Act, State, moved
from hub.registry.errors import WrongState

TABLE = {
    (State.SUBMITTED, Act.TAKE): State.VERIFYING,
    (State.SUBMITTED, Act.CORRECT): State.CORRECTED,
    (State.SUBMITTED, Act.REJECT): State.REJECTED,
    (State.SUBMITTED, Act.WITHDRAW): State.WITHDRAWN,
    (State.VERIFYING, Act.CORRECT): State.CORRECTED,
    (State.VERIFYING, Act.REJECT): State.REJECTED,
    (State.VERIFYING, Act.WITHDRAW): State.WITHDRAWN,
}


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
def test_an_act_leads_where_the_table_says_and_starts_nowhere_else(state: State, act: Act) -> None:
    assert set(MOVES) == set(Act)
    if (state, act) in TABLE:
        assert moved("correction", act, state) is TABLE[state, act]
        return
    with pytest.raises(WrongState):
        moved("correction", act, state)
