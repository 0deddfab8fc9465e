"""What moves and what stands in the way, on made-up situations; no database."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.reorganisation.change import Change
from hub.reorganisation.models import Kind, What
from hub.reorganisation.plan import DETACHED, DISABLED, PROPOSED_ANEW, Plan
from hub.reorganisation.planning import make_plan
from hub.reorganisation.situation import (
    Body,
    HeldCertificate,
    HeldGrant,
    OwnedAccount,
    OwnedPerson,
    OwnedResource,
    OwnedSystem,
    Situation,
)

A, B, C, D, CHILD = (UUID(int=number) for number in range(1, 6))
GUIDES, FUNDS = "306001000001/000001", "306001000001/000002"
EDITOR, REVIEWER = UUID(int=101), UUID(int=102)
LEADER, CLERK = UUID(int=201), UUID(int=202)
GRANT_OF_A, GRANT_TO_A = UUID(int=301), UUID(int=302)
DAY = date(2026, 9, 1)
UNTIL = datetime(2027, 9, 1, tzinfo=UTC)


def body(identifier: UUID, *, parent: UUID | None = None, coded: bool = True, active: bool = True) -> Body:
    code = f"11621124MB{identifier.int:08d}" if coded else None
    return Body(identifier, code, f"第{identifier.int}局", "", "621124", parent, active)


THERE = Situation(
    bodies={each.id: each for each in (body(A), body(B), body(C), body(D), body(CHILD, parent=A, coded=False))},
    systems={
        "office": OwnedSystem(UUID(int=11), "office", A, retired=False),
        "old": OwnedSystem(UUID(int=12), "old", A, retired=True),
        "funds": OwnedSystem(UUID(int=13), "funds", B, retired=False),
    },
    resources=[OwnedResource(UUID(int=21), GUIDES, A, "office"), OwnedResource(UUID(int=22), FUNDS, B, "funds")],
    accounts=[OwnedAccount(EDITOR, A, "active", bound=True), OwnedAccount(REVIEWER, A, "active", bound=False)],
    people=[
        OwnedPerson(LEADER, A, "leader", single=True, open=True),
        OwnedPerson(CLERK, A, "dedicated", single=False, open=True),
    ],
    grants=[HeldGrant(GRANT_OF_A, GUIDES, "elsewhere"), HeldGrant(GRANT_TO_A, FUNDS, "office")],
    certificates=[HeldCertificate("kid-office", "office", UNTIL), HeldCertificate("kid-funds", "funds", UNTIL)],
)
MERGER = Change(Kind.MERGER, "依据", DAY, (A, B), (C,))
ONLY_A = replace(THERE, resources=THERE.resources[:1])
SPLIT = Change(
    Kind.SPLIT,
    "依据",
    DAY,
    (A,),
    (C, D),
    resources={GUIDES: C},
    systems={"office": C},
    children={CHILD: D},
    staff={EDITOR: C, REVIEWER: D},
    people={LEADER: C},
)
TRANSFER = Change(Kind.TRANSFER, "依据", DAY, (A,), (C,), resources={GUIDES: C}, systems={"office": C})


def moved(plan: Plan, what: What) -> dict[str, UUID | None]:
    return {move.object_id: move.to_id for move in plan.moves if move.what is what}


def blocked(plan: Plan) -> list[str]:
    return sorted(blocker.pointer for blocker in plan.blockers)


def after(plan: Plan, what: What) -> dict[str, str | None]:
    return {move.object_id: move.after for move in plan.moves if move.what is what}


def test_a_merger_moves_what_lives_and_leaves_what_is_over() -> None:
    plan = make_plan(MERGER, THERE)
    assert plan.blockers == ()
    assert moved(plan, What.ORGANISATION) == {str(CHILD): C}
    assert moved(plan, What.SYSTEM) == {"office": C, "funds": C}
    assert moved(plan, What.CERTIFICATE) == {"kid-office": C, "kid-funds": C}
    assert moved(plan, What.RESOURCE) == {GUIDES: C, FUNDS: C}
    assert after(plan, What.RESOURCE) == {GUIDES: "office", FUNDS: "funds"}
    assert moved(plan, What.GRANT_GIVEN) == {str(GRANT_OF_A): C, str(GRANT_TO_A): C}
    assert moved(plan, What.GRANT_HELD) == {str(GRANT_TO_A): C}
    assert [held.kid for held in plan.certificates] == ["kid-office", "kid-funds"]


def test_who_acted_for_a_body_that_ends_acts_no_more_unless_assigned_and_approved_anew() -> None:
    plan = make_plan(MERGER, THERE)
    assert moved(plan, What.STAFF) == {str(EDITOR): None, str(REVIEWER): C}
    assert after(plan, What.STAFF) == {str(EDITOR): DISABLED, str(REVIEWER): "active"}
    assigned = make_plan(replace(MERGER, staff={EDITOR: C}), THERE)
    assert moved(assigned, What.STAFF) == {str(EDITOR): C, str(REVIEWER): C}
    assert after(assigned, What.STAFF)[str(EDITOR)] == PROPOSED_ANEW


def test_people_of_a_body_that_ends_have_no_office_unless_assigned_where_the_place_is_free() -> None:
    assert moved(make_plan(MERGER, THERE), What.PERSON) == {str(LEADER): None, str(CLERK): None}
    both = replace(MERGER, people={LEADER: C, CLERK: C})
    assert moved(make_plan(both, THERE), What.PERSON) == {str(LEADER): C, str(CLERK): C}
    theirs = OwnedPerson(UUID(int=203), C, "leader", single=True, open=True)
    taken = make_plan(both, replace(THERE, people=[*THERE.people, theirs]))
    assert blocked(taken) == [f"/people/{LEADER}"]
    two = OwnedPerson(UUID(int=204), B, "leader", single=True, open=True)
    twice = replace(both, people={LEADER: C, two.id: C})
    assert blocked(make_plan(twice, replace(THERE, people=[*THERE.people, two]))) == [f"/people/{two.id}"]


def test_one_of_those_who_merge_may_remain_and_keeps_what_it_has() -> None:
    plan = make_plan(replace(MERGER, targets=(B,)), THERE)
    assert plan.blockers == ()
    assert moved(plan, What.SYSTEM) == {"office": B}
    assert moved(plan, What.RESOURCE) == {GUIDES: B}
    assert moved(plan, What.GRANT_HELD) == {str(GRANT_TO_A): B}


def test_a_split_moves_what_is_assigned() -> None:
    plan = make_plan(SPLIT, ONLY_A)
    assert plan.blockers == ()
    assert moved(plan, What.SYSTEM) == {"office": C}
    assert moved(plan, What.RESOURCE) == {GUIDES: C}
    assert moved(plan, What.ORGANISATION) == {str(CHILD): D}
    assert moved(plan, What.STAFF) == {str(EDITOR): C, str(REVIEWER): D}
    assert moved(plan, What.PERSON) == {str(LEADER): C, str(CLERK): None}


def test_a_split_leaves_nothing_unassigned() -> None:
    bare = Change(Kind.SPLIT, "依据", DAY, (A,), (C, D))
    assert blocked(make_plan(bare, ONLY_A)) == [
        f"/children/{CHILD}",
        "/resources/306001000001~1000001",
        f"/staff/{REVIEWER}",
        "/systems/office",
    ]


def test_a_body_that_is_split_off_from_and_remains_is_assigned_to_as_well() -> None:
    stays = replace(SPLIT, targets=(A, C), children={CHILD: A}, staff={}, people={})
    plan = make_plan(stays, ONLY_A)
    assert plan.blockers == ()
    assert moved(plan, What.ORGANISATION) == moved(plan, What.STAFF) == moved(plan, What.PERSON) == {}
    assert blocked(make_plan(replace(stays, children={}), ONLY_A)) == [f"/children/{CHILD}"]


def test_a_transfer_moves_what_is_named_and_nothing_else() -> None:
    plan = make_plan(TRANSFER, ONLY_A)
    assert plan.blockers == ()
    assert {move.what for move in plan.moves} == {
        What.SYSTEM,
        What.CERTIFICATE,
        What.RESOURCE,
        What.GRANT_GIVEN,
        What.GRANT_HELD,
    }
    people = make_plan(replace(TRANSFER, staff={EDITOR: C, REVIEWER: C}, people={CLERK: C}), ONLY_A)
    assert after(people, What.STAFF) == {str(EDITOR): PROPOSED_ANEW, str(REVIEWER): "active"}
    assert moved(people, What.PERSON) == {str(CLERK): C}


PUBLISHER = "/publishers/306001000001~1000001"


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        (replace(TRANSFER, systems={}), [PUBLISHER]),
        (replace(TRANSFER, resources={}), [PUBLISHER]),
        (replace(TRANSFER, resources={}, publishers={GUIDES: "office"}), []),
        (replace(TRANSFER, systems={}, publishers={GUIDES: "office"}), [PUBLISHER]),
        (replace(TRANSFER, systems={}, publishers={GUIDES: "old"}), [PUBLISHER]),
        (replace(TRANSFER, systems={}, publishers={GUIDES: "nobody"}), [PUBLISHER]),
        (replace(TRANSFER, systems={}, publishers={GUIDES: "of-c"}), []),
        (replace(SPLIT, systems={"office": D}), [PUBLISHER]),
        (replace(SPLIT, systems={"office": D}, publishers={GUIDES: "office"}), []),
        (replace(TRANSFER, publishers={FUNDS: "of-c"}), ["/publishers/306001000001~1000002"]),
    ],
)
def test_where_a_resource_and_its_publisher_part_somebody_says_who_publishes(
    change: Change, pointers: list[str]
) -> None:
    there = replace(ONLY_A, systems={**THERE.systems, "of-c": OwnedSystem(UUID(int=14), "of-c", C, retired=False)})
    assert blocked(make_plan(change, there)) == pointers


def test_a_publisher_that_is_nobodys_business_stays() -> None:
    shared = {**THERE.systems, "shared": OwnedSystem(UUID(int=15), "shared", D, retired=False)}
    there = replace(ONLY_A, systems=shared, resources=[OwnedResource(UUID(int=21), GUIDES, A, "shared")])
    plan = make_plan(replace(TRANSFER, systems={}), there)
    assert (plan.blockers, after(plan, What.RESOURCE)) == ((), {GUIDES: "shared"})


def test_a_publisher_may_change_where_the_resource_stays() -> None:
    of_a = {**THERE.systems, "second": OwnedSystem(UUID(int=16), "second", A, retired=False)}
    change = replace(TRANSFER, resources={}, publishers={GUIDES: "second"})
    (move,) = [m for m in make_plan(change, replace(ONLY_A, systems=of_a)).moves if m.what is What.RESOURCE]
    assert (move.from_id, move.to_id, move.before, move.after) == (A, A, "office", "second")


def test_what_is_not_theirs_cannot_be_given_away() -> None:
    change = replace(
        TRANSFER,
        resources={GUIDES: C, "306001000001/000009": C},
        systems={"office": C, "old": C},
        children={D: C},
        staff={UUID(int=999): C},
        people={UUID(int=998): C},
    )
    assert blocked(make_plan(change, ONLY_A)) == sorted(
        [
            "/resources/306001000001~1000009",
            "/systems/old",
            f"/children/{D}",
            f"/staff/{UUID(int=999)}",
            f"/people/{UUID(int=998)}",
        ]
    )


def test_a_person_whose_end_is_set_goes_nowhere() -> None:
    leaving = OwnedPerson(LEADER, A, "leader", single=True, open=False)
    there = replace(THERE, people=[leaving])
    assert blocked(make_plan(replace(MERGER, people={LEADER: C}), there)) == [f"/people/{LEADER}"]
    assert moved(make_plan(MERGER, there), What.PERSON) == {str(LEADER): None}


def test_nothing_is_left_when_a_body_is_abolished() -> None:
    abolition = Change(Kind.ABOLITION, "依据", DAY, (A,))
    assert blocked(make_plan(abolition, ONLY_A)) == [
        f"/children/{CHILD}",
        "/resources/306001000001~1000001",
        "/systems/office",
    ]
    alone = replace(
        THERE, bodies={A: body(A)}, systems={}, resources=[], grants=[], certificates=[], people=THERE.people[:1]
    )
    plan = make_plan(abolition, alone)
    assert plan.blockers == ()
    assert after(plan, What.STAFF) == {str(EDITOR): DISABLED, str(REVIEWER): DETACHED}
    assert moved(plan, What.PERSON) == {str(LEADER): None}


def test_a_body_that_ended_neither_gives_nor_takes() -> None:
    there = replace(THERE, bodies={**THERE.bodies, B: body(B, active=False), C: body(C, active=False)})
    assert blocked(make_plan(MERGER, there)) == ["/from/1", "/to/0"]


def test_a_child_that_takes_over_comes_to_stand_where_its_parent_stood() -> None:
    there = replace(ONLY_A, bodies={**THERE.bodies, A: body(A, parent=D), CHILD: body(CHILD, parent=A)})
    change = Change(Kind.MERGER, "依据", DAY, (A,), (CHILD,))
    plan = make_plan(change, there)
    assert (plan.blockers, moved(plan, What.ORGANISATION)) == ((), {str(CHILD): D})
    top = replace(there, bodies={**there.bodies, A: body(A)})
    assert moved(make_plan(change, top), What.ORGANISATION) == {str(CHILD): None}
    uncoded = replace(top, bodies={**top.bodies, CHILD: body(CHILD, parent=A, coded=False)})
    assert blocked(make_plan(change, uncoded)) == [f"/children/{CHILD}"]


def test_children_that_end_with_their_parent_stay_under_it() -> None:
    there = replace(THERE, bodies={**THERE.bodies, B: body(B, parent=A)})
    assert moved(make_plan(MERGER, there), What.ORGANISATION) == {str(CHILD): C}


def test_nobody_comes_to_stand_under_themselves() -> None:
    there = replace(ONLY_A, bodies={**THERE.bodies, C: body(C, parent=CHILD)})
    change = Change(Kind.MERGER, "依据", DAY, (A,), (C,))
    assert blocked(make_plan(change, there)) == [f"/children/{CHILD}"]


def test_a_renaming_moves_nothing_and_names_the_certificates() -> None:
    renaming = Change(Kind.RENAMING, "依据", DAY, (A,), name="新局")
    plan = make_plan(renaming, THERE)
    assert (plan.moves, plan.blockers) == ((), ())
    assert [held.kid for held in plan.certificates] == ["kid-office"]
    recoded = make_plan(replace(renaming, name=None, code="11621124MB0000099"), THERE)
    assert (recoded.certificates, recoded.blockers) == ((), ())


def test_a_name_or_code_that_others_have_is_in_the_way_and_so_is_the_one_that_it_has() -> None:
    renaming = Change(Kind.RENAMING, "依据", DAY, (A,), name="新局", code="11621124MB0000099")
    assert blocked(make_plan(renaming, replace(THERE, name_taken="乙", code_taken="丙"))) == ["/code", "/name"]
    same = replace(renaming, name=THERE.bodies[A].name, code=None)
    assert blocked(make_plan(same, THERE)) == ["/name"]
    assert blocked(make_plan(replace(same, name_en="A"), THERE)) == []


def test_a_digest_tells_every_difference_that_matters_and_no_other() -> None:
    plan = make_plan(MERGER, THERE)
    assert make_plan(MERGER, replace(THERE, accounts=list(THERE.accounts))).digest == plan.digest
    others = [
        make_plan(replace(MERGER, basis="别的依据"), THERE),
        make_plan(replace(MERGER, staff={EDITOR: C}), THERE),
        make_plan(MERGER, replace(THERE, resources=THERE.resources[:1])),
        make_plan(MERGER, replace(THERE, grants=[])),
        make_plan(MERGER, replace(THERE, certificates=[])),
        make_plan(MERGER, replace(THERE, accounts=[replace(THERE.accounts[0], state="proposed"), THERE.accounts[1]])),
        make_plan(MERGER, replace(THERE, bodies={**THERE.bodies, A: replace(THERE.bodies[A], name="更名局")})),
    ]
    assert len({plan.digest, *(other.digest for other in others)}) == len(others) + 1
    assert plan.counts() == {
        "certificate": 2, "grant-given": 2, "grant-held": 1, "organisation": 1, "person": 2, "resource": 2, "staff": 2,
        "system": 2,
    }  # fmt: skip


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Bodies A to D with systems, resources that any of these systems publish, accounts and children, as it may come."""
    owner = st.sampled_from([A, B, C, D])
    parents = {A: None, B: draw(st.sampled_from([None, A])), C: draw(st.sampled_from([None, A, B])), D: None}
    systems = {
        f"s{n}": OwnedSystem(UUID(int=1000 + n), f"s{n}", draw(owner), draw(st.booleans()))
        for n in range(draw(st.integers(1, 4)))
    }
    resources = [
        OwnedResource(UUID(int=2000 + n), f"306001000001/{n:06d}", draw(st.sampled_from([A, B])), publisher)
        for n, publisher in enumerate(draw(st.lists(st.sampled_from(sorted(systems)), max_size=4)))
    ]
    accounts = [
        OwnedAccount(UUID(int=3000 + n), draw(st.sampled_from([A, B])), "active", bound)
        for n, bound in enumerate(draw(st.lists(st.booleans(), max_size=3)))
    ]
    return Situation(
        {each: body(each, parent=parent) for each, parent in parents.items()}, systems, resources, accounts, [], [], []
    )


@given(there=situations(), target=st.sampled_from([B, C, D]))
def test_after_a_merger_nothing_that_lives_belongs_to_a_body_that_ended(there: Situation, target: UUID) -> None:
    change = Change(Kind.MERGER, "依据", DAY, (A, B), (target,))
    plan = make_plan(change, there)
    systems, resources = moved(plan, What.SYSTEM), moved(plan, What.RESOURCE)
    children, accounts = moved(plan, What.ORGANISATION), moved(plan, What.STAFF)
    if plan.blockers:
        assert all(pointer.startswith("/children/") for pointer in blocked(plan))
        return
    for system in there.systems.values():
        owner = systems.get(system.code, system.organisation_id)
        assert owner not in change.ends or system.retired
    for resource in there.resources:
        assert resources.get(resource.code, resource.provider_id) == target
    for each in there.bodies.values():
        assert children.get(str(each.id), each.parent_id) not in change.ends or each.id in change.ends
    for account in there.accounts:
        assert accounts.get(str(account.id), account.organisation_id) not in change.ends


@given(there=situations())
def test_a_split_without_assignments_is_blocked_for_everything_that_lives(there: Situation) -> None:
    change = Change(Kind.SPLIT, "依据", DAY, (A,), (C, D))
    plan = make_plan(change, there)
    expected = {f"/systems/{s.code}" for s in there.systems.values() if s.organisation_id == A and not s.retired}
    expected |= {f"/resources/{r.code.replace('/', '~1')}" for r in there.resources if r.provider_id == A}
    assert expected <= set(blocked(plan))
    assert moved(plan, What.SYSTEM) == moved(plan, What.RESOURCE) == {}
