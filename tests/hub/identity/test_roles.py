"""Which roles one person may hold: the contract's sentence, over every subset of roles."""

from itertools import combinations

import pytest

from hub.identity.roles import Role, first_exclusion, sorted_roles

OFFICERS = {"security", "operator", "auditor"}
BUSINESS = {"editor", "reviewer", "decider"}

ALL_SUBSETS = [frozenset(chosen) for size in range(len(Role) + 1) for chosen in combinations(Role, size)]


def contract_forbids(roles: frozenset[Role]) -> bool:
    """Never two of `security`, `operator`, `auditor`, nor one of these with `editor`, `reviewer`, `decider`."""
    names = {role.value for role in roles}
    officers = names & OFFICERS
    return len(officers) > 1 or bool(officers and names & BUSINESS)


def test_every_subset_of_roles_is_judged_as_the_contract_says() -> None:
    judged = {roles: first_exclusion(roles) is not None for roles in ALL_SUBSETS}
    assert judged == {roles: contract_forbids(roles) for roles in ALL_SUBSETS}
    assert len(judged) == 256


@pytest.mark.parametrize(
    "roles", [roles for roles in ALL_SUBSETS if contract_forbids(roles)], ids=lambda r: "+".join(sorted(r))
)
def test_the_pair_that_is_named_is_held_and_forbidden(roles: frozenset[Role]) -> None:
    pair = first_exclusion(roles)
    assert pair is not None
    assert set(pair) <= roles
    assert contract_forbids(frozenset(pair))


def test_roles_are_those_of_the_contract_with_a_label_in_both_languages() -> None:
    names = ["editor", "reviewer", "secrecy", "decider", "security", "operator", "auditor", "inspector"]
    assert [role.value for role in Role] == names
    assert len({role.zh for role in Role} | {role.en for role in Role}) == 2 * len(names)


def test_roles_are_listed_once_and_in_one_order() -> None:
    assert sorted_roles([Role.AUDITOR, Role.EDITOR, Role.AUDITOR]) == [Role.EDITOR, Role.AUDITOR]
