"""Every act from every state: the table below is the life of a request written out."""

import pytest

from catalog.codes import ShareType
from hub.access.requests.codes import BY_RULE, LIVE, MOVES, Act, RefusalCode, State, moved
from hub.registry.errors import WrongState

TABLE = {
    (State.IN_REVIEW, Act.RETURN): State.RETURNED,
    (State.IN_REVIEW, Act.FORWARD): State.WITH_PROVIDER,
    (State.IN_REVIEW, Act.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Act.RESUBMIT): State.IN_REVIEW,
    (State.RETURNED, Act.WITHDRAW): State.WITHDRAWN,
    (State.WITH_PROVIDER, Act.GRANT): State.GRANTED,
    (State.WITH_PROVIDER, Act.REFUSE): State.REFUSED,
    (State.WITH_PROVIDER, Act.WITHDRAW): State.WITHDRAWN,
}


@pytest.mark.parametrize("act", sorted(MOVES))
@pytest.mark.parametrize("state", State)
def test_an_act_leads_where_the_table_says_and_starts_nowhere_else(state: State, act: Act) -> None:
    if (state, act) in TABLE:
        assert moved("request", act, state) is TABLE[state, act]
        return
    with pytest.raises(WrongState):
        moved("request", act, state)


def test_every_act_of_a_person_on_a_request_is_in_the_table() -> None:
    assert {act for _, act in TABLE} == set(MOVES) == set(Act) - {Act.SUBMIT}
    assert {state for state, _ in TABLE} == LIVE


def test_the_share_type_decides_at_once_or_leaves_it_to_people() -> None:
    assert {kind: BY_RULE.get(kind) for kind in ShareType} == {
        ShareType.UNCONDITIONAL: Act.GRANT,
        ShareType.CONDITIONAL: None,
        ShareType.NOT_SHARED: Act.REFUSE,
    }


def test_reasons_of_a_refusal_have_the_numbers_of_reject_type() -> None:
    assert {code.value: code.zh for code in RefusalCode} == {
        1: "法律法规不允许",
        2: "数据不在本部门",
        3: "不具备共享条件",
        4: "其它",
    }
