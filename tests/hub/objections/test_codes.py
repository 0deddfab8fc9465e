"""Kinds, sub-kinds and states of objections."""

import pytest

from hub.objections.codes import BY_AUTHORITY, DETAILS, MOVES, SUBJECTS, Act, Detail, Kind, State, Subject, moved
from hub.registry.errors import WrongState

TABLE = {
    (State.SUBMITTED, Act.TAKE): State.HANDLING,
    (State.SUBMITTED, Act.ANSWER): State.ANSWERED,
    (State.SUBMITTED, Act.WITHDRAW): State.WITHDRAWN,
    (State.HANDLING, Act.ANSWER): State.ANSWERED,
    (State.HANDLING, Act.WITHDRAW): State.WITHDRAWN,
    (State.ANSWERED, Act.RATE): State.RATED,
}


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
def test_an_act_leads_where_the_table_says_and_starts_nowhere_else(state: State, act: Act) -> None:
    if (state, act) in TABLE:
        assert moved("objection", act, state) is TABLE[state, act]
        return
    with pytest.raises(WrongState):
        moved("objection", act, state)


def test_kinds_have_the_numbers_of_the_direct_link_objects_and_each_says_what_it_is_about() -> None:
    assert {kind: kind.number for kind in Kind} == {
        Kind.CATALOGUE: 1,
        Kind.APPROVAL: 2,
        Kind.QUALITY: 3,
        Kind.USE: 3,
    }
    assert set(DETAILS) == set(SUBJECTS) == set(Kind)
    assert set(MOVES) == set(Act)
    assert {detail for details in DETAILS.values() for detail in details} == set(Detail)
    assert {subject for subjects in SUBJECTS.values() for subject in subjects} == set(Subject)
    assert {Kind.CATALOGUE, Kind.APPROVAL} == BY_AUTHORITY
