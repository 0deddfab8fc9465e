"""A round as a plan, and the whole table of who takes which of its steps: state × step × role × person, walked."""

from dataclasses import dataclass, field
from itertools import product
from uuid import UUID

import pytest

from hub.identity.permissions.catalogue import resource_review
from hub.identity.roles import Role
from hub.reviewing.rounds import Approval, Excluded, Kind, Planned, exclusion_of, plan
from tests.support.staff import caller

PROVIDER, FINANCE, REFORM, LEGAL, GROUP, CENTRE = (UUID(int=number) for number in range(1, 7))

CHAINS = {
    "no list": [],
    "权责清单": [Approval(Role.REVIEWER, REFORM, "十条"), Approval(Role.REVIEWER, LEGAL, "十条")],
    "专项资金": [Approval(Role.REVIEWER, FINANCE, "十条"), Approval(Role.DECIDER, None, "十条")],
    "扶贫": [Approval(Role.REVIEWER, GROUP, "三条")],
    "便民服务": [Approval(Role.REVIEWER, CENTRE, "十二条")],
}


@pytest.mark.parametrize(("name", "chain"), CHAINS.items())
def test_a_round_begins_with_secrecy_walks_the_chain_and_ends_with_publication(
    name: str, chain: list[Approval]
) -> None:
    steps = plan(chain)
    assert [step.kind for step in steps] == [Kind.SECRECY, *[Kind.CHAIN] * len(chain), Kind.PUBLICATION]
    assert [(s.role, s.organisation_id, s.basis) for s in steps[1:-1]] == [
        (a.role, a.organisation_id, a.basis) for a in chain
    ]
    assert (steps[0].role, steps[-1].role) == (Role.SECRECY, Role.REVIEWER)
    assert all(step.basis for step in steps), name


@dataclass
class Round:
    """A round walked by hand: what is decided, and by whom."""

    steps: tuple[Planned, ...]
    authors: set[str]
    deciders: list[str] = field(default_factory=list)

    def may(self, number: int, role: Role, own: UUID | None) -> bool:
        """Whether person `number`, with that role and organisation, may take the step whose turn it is."""
        who = caller(role, organisation_id=own, number=number)
        step = self.steps[len(self.deciders)]
        allowed = resource_review(who, step.role, step.organisation_id, PROVIDER)
        return allowed and exclusion_of(who.actor.id, authors=self.authors, deciders=self.deciders) is None


HOLDERS: dict[tuple[Kind, Role, UUID | None], set[tuple[Role, UUID | None]]] = {
    (Kind.SECRECY, Role.SECRECY, None): {(Role.SECRECY, None), (Role.SECRECY, PROVIDER)},
    (Kind.PUBLICATION, Role.REVIEWER, None): {(Role.REVIEWER, None)},
    (Kind.CHAIN, Role.DECIDER, None): {(Role.DECIDER, PROVIDER)},
    **{(Kind.CHAIN, Role.REVIEWER, body): {(Role.REVIEWER, body)} for body in (FINANCE, REFORM, LEGAL, GROUP, CENTRE)},
}
"""Who holds a step, of everybody: written by hand from 000-A 十至十二条, 000-D 三条, 001-B 九至十一条."""


@pytest.mark.parametrize(("name", "chain"), CHAINS.items())
def test_every_state_step_and_role_is_as_the_table_says(name: str, chain: list[Approval]) -> None:
    everybody = list(product(Role, (None, PROVIDER, FINANCE, REFORM, LEGAL, GROUP, CENTRE)))
    walked = Round(plan(chain), authors={str(UUID(int=99))})
    for number, step in enumerate(walked.steps, start=1):
        may = {(role, own) for role, own in everybody if walked.may(number, role, own)}
        assert may == HOLDERS[step.kind, step.role, step.organisation_id], (name, number)
        # Neither an author nor anybody who took an earlier step, whatever they hold.
        for taken in (99, *range(1, number)):
            assert not any(walked.may(taken, role, own) for role, own in everybody), (name, number, taken)
        walked.deciders.append(str(UUID(int=number)))


def test_who_wrote_it_is_told_so_before_who_decided_already() -> None:
    assert exclusion_of("a", authors={"a"}, deciders={"a"}) is Excluded.AUTHOR
    assert exclusion_of("a", authors={"b"}, deciders={"a"}) is Excluded.DECIDER
    assert exclusion_of("a", authors={"b"}, deciders={"c"}) is None
