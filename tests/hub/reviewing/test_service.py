"""Review against the real database: rounds laid down, walked, closed, and what waits for whom."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.db.engine import Database
from hub.identity.permissions.catalogue import resource_review
from hub.identity.roles import Role
from hub.publishing import deciding, stopping
from hub.publishing import service as publishing
from hub.publishing.repository import ResourceRecord
from hub.registry.errors import InvalidField, UnknownOrganisation
from hub.registry.models import Organisation
from hub.reviewing import chains, repository, service
from hub.reviewing.errors import (
    ChainMissing,
    NotSubmitted,
    OwnSubmission,
    PublishInstead,
    SecondStep,
    StepsWaiting,
    UnknownChain,
)
from hub.reviewing.repository import Reviewer
from hub.reviewing.rounds import Approval
from tests.support.publishing import EDITOR, MORE_ITEMS, REVIEWER, SECRECY, clear, draft, published
from tests.support.registry import NOW, RECORDER, make_organisation, make_system
from tests.support.staff import caller

ACT: dict[str, Any] = {"recorder": RECORDER, "now": NOW}
LATER = NOW + timedelta(hours=1)


def person(number: int, role: str) -> Actor:
    return Actor("staff", f"00000000-0000-7000-8000-0000000001{number:02d}", role=role)


FINANCE_REVIEWER, FINANCE_DECIDER = person(1, "reviewer"), person(2, "decider")


class Bureau:
    """A provider with its system, and the chain of special funds: its own reviewer, then its own decider."""

    def __init__(self, session: AsyncSession, owner: Organisation) -> None:
        self.session = session
        self.owner = owner

    @classmethod
    async def open(cls, session: AsyncSession) -> "Bureau":
        owner = await make_organisation(session, "临洮县示例财政局")
        await make_system(session, "provider", owner)
        steps = [Approval(Role.REVIEWER, owner.id, "第十条（二）"), Approval(Role.DECIDER, None, "第十条（二）")]
        await chains.replace_chain(session, "special-funds", steps, actor=REVIEWER, **ACT)
        return cls(session, owner)

    async def submitted(self, **said: Any) -> ResourceRecord:
        system = (await publishing.find_parties(self.session, self.owner.id, "provider")).system
        record = await draft(self.session, self.owner, system, **said)
        await publishing.submit(self.session, record.resource.id, actor=EDITOR, **ACT)
        return record

    async def steps(self, record: ResourceRecord) -> list[tuple[int, int, str, str | None]]:
        """Round, place, kind and verdict of every step, newest round first."""
        found = await service.list_reviews(self.session, record.resource.id)
        return [(step.round, step.position, step.kind, step.verdict) for step, _ in found]


@pytest.fixture
async def bureau(session: AsyncSession) -> Bureau:
    return await Bureau.open(session)


async def test_a_list_s_resource_is_published_after_secrecy_and_chain_each_by_somebody_else(
    session: AsyncSession, bureau: Bureau
) -> None:
    record = await bureau.submitted(list_type="special-funds")
    identifier = record.resource.id
    for kind, actor in (("secrecy", SECRECY), ("chain", FINANCE_REVIEWER), ("chain", FINANCE_DECIDER)):
        with pytest.raises(StepsWaiting):
            await deciding.publish(session, identifier, actor=REVIEWER, **ACT)
        waiting = await service.find_waiting(session, identifier, record.resource.code)
        assert waiting.kind == kind
        await service.approve(session, waiting, record.resource.code, opinion=" 同意 ", actor=actor, **ACT)
        assert (waiting.verdict, waiting.opinion, waiting.decided_by) == ("approved", "同意", actor.id)
    with pytest.raises(PublishInstead):
        await clear(session, record, actor=REVIEWER)
    with pytest.raises(SecondStep):
        await deciding.publish(session, identifier, actor=FINANCE_REVIEWER, **ACT)
    await session.commit()
    await deciding.publish(session, identifier, actor=REVIEWER, **ACT)
    assert await bureau.steps(record) == [
        (1, 1, "secrecy", "approved"),
        (1, 2, "chain", "approved"),
        (1, 3, "chain", "approved"),
        (1, 4, "publication", "approved"),
    ]
    logged = await session.execute(
        text("SELECT convert_from(leaf, 'UTF8') FROM log_entry WHERE event = 'review.approved'")
    )
    leaves = logged.scalars().all()
    assert len(leaves) == 3
    assert not any("同意" in leaf for leaf in leaves)


@pytest.mark.parametrize("at", [1, 2, 3, 4])
async def test_a_return_at_any_step_ends_the_round_and_the_next_begins_with_secrecy(
    session: AsyncSession, bureau: Bureau, at: int
) -> None:
    record = await bureau.submitted(list_type="special-funds")
    actors = [SECRECY, FINANCE_REVIEWER, FINANCE_DECIDER, REVIEWER]
    for actor in actors[: at - 1]:
        await clear(session, record, actor=actor)
    await deciding.return_to_draft(session, record.resource.id, reason="补充依据", actor=actors[at - 1], **ACT)
    with pytest.raises(NotSubmitted):
        await clear(session, record, actor=person(9, "reviewer"))
    kinds = ["secrecy", "chain", "chain", "publication"]
    verdicts = ["approved"] * (at - 1) + ["returned"] + [None] * (4 - at)
    first = [(1, place, *of) for place, of in enumerate(zip(kinds, verdicts, strict=True), start=1)]
    assert await bureau.steps(record) == first

    await publishing.submit(session, record.resource.id, actor=EDITOR, **ACT)
    second = [(2, place, kind, None) for place, kind in enumerate(kinds, start=1)]
    assert await bureau.steps(record) == [*second, *first]
    for actor in actors[:-1]:  # a new round, so the same people may take their steps again
        await clear(session, record, actor=actor)
    await deciding.publish(session, record.resource.id, actor=REVIEWER, **ACT)


async def test_no_author_takes_a_step_not_even_to_return_it(session: AsyncSession, bureau: Bureau) -> None:
    record = await bureau.submitted()
    identifier = record.resource.id
    await session.commit()
    with pytest.raises(OwnSubmission):
        await clear(session, record, actor=EDITOR)
    await session.rollback()
    with pytest.raises(OwnSubmission):
        await deciding.return_to_draft(session, identifier, reason="改", actor=EDITOR, **ACT)


async def test_authors_are_those_of_the_version_and_not_of_the_one_before(session: AsyncSession) -> None:
    owner = await make_organisation(session)
    record = await published(session, owner, await make_system(session, "provider", owner))
    other = person(5, "editor")
    await publishing.new_version(session, record.resource.id, items=MORE_ITEMS, actor=other, **ACT)
    assert await repository.authors(session, record.resource.id, 1) == {EDITOR.id}
    assert await repository.authors(session, record.resource.id, 2) == {other.id}


@pytest.mark.parametrize("list_type", sorted(chains.DEMANDED))
async def test_a_list_that_demands_approvals_is_not_submitted_without_a_chain(
    session: AsyncSession, list_type: str
) -> None:
    owner = await make_organisation(session)
    record = await draft(session, owner, await make_system(session, "provider", owner), list_type=list_type)
    with pytest.raises(ChainMissing) as refused:
        await publishing.submit(session, record.resource.id, actor=EDITOR, **ACT)
    assert chains.DEMANDED[list_type] in refused.value.zh


async def test_a_list_of_the_authority_s_own_needs_what_its_chain_says_and_else_nothing(
    session: AsyncSession, bureau: Bureau
) -> None:
    plain = await bureau.submitted(list_type="approval-items")
    assert [kind for _, _, kind, _ in await bureau.steps(plain)] == ["secrecy", "publication"]
    step = Approval(Role.REVIEWER, bureau.owner.id, "示例依据")
    await chains.replace_chain(session, "approval-items", [step], actor=REVIEWER, **ACT)
    assert len(await bureau.steps(plain)) == 2
    chained = await bureau.submitted(list_type="approval-items")
    assert [kind for _, _, kind, _ in await bureau.steps(chained)] == ["secrecy", "chain", "publication"]
    assert await chains.replace_chain(session, "approval-items", [], actor=REVIEWER, **ACT) == ()
    with pytest.raises(UnknownChain):
        await chains.find_chain(session, "approval-items")
    events = (await session.execute(text("SELECT object_id FROM log_entry WHERE event = 'chain.replaced'"))).scalars()
    assert sorted(events) == ["approval-items", "approval-items", "special-funds"]


async def test_a_chain_reads_as_it_was_set(session: AsyncSession, bureau: Bureau) -> None:
    steps = await chains.find_chain(session, "special-funds")
    assert [(s.position, s.role, organisation and organisation.name) for s, organisation in steps] == [
        (1, "reviewer", "临洮县示例财政局"),
        (2, "decider", None),
    ]


@pytest.mark.parametrize(
    ("list_type", "steps", "error"),
    [
        ("Power", [], InvalidField),
        ("special-funds", [], InvalidField),
        ("x-list", [Approval(Role.REVIEWER, None, "依据")], InvalidField),
        ("x-list", [Approval(Role.DECIDER, None, " ")], InvalidField),
        ("x-list", [Approval(Role.DECIDER, None, "依据")] * 21, InvalidField),
        ("x-list", [Approval(Role.REVIEWER, UUID(int=5), "依据")], UnknownOrganisation),
    ],
)
async def test_a_chain_that_nobody_could_walk_is_refused(
    session: AsyncSession, list_type: str, steps: list[Approval], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await chains.replace_chain(session, list_type, steps, actor=REVIEWER, **ACT)


async def test_what_waits_for_somebody_is_what_the_permissions_and_the_round_allow(
    session: AsyncSession, bureau: Bureau
) -> None:
    plain = [await bureau.submitted() for _ in range(3)]
    listed = [await bureau.submitted(list_type="special-funds") for _ in range(3)]
    await clear(session, plain[1])
    await deciding.return_to_draft(session, plain[2].resource.id, reason="改", actor=SECRECY, **ACT)
    await clear(session, listed[1])
    for actor in (SECRECY, FINANCE_REVIEWER):
        await clear(session, listed[2], actor=actor)
    withdrawn = await bureau.submitted()
    await stopping.withdraw(session, withdrawn.resource.id, reason="停办", actor=REVIEWER, **ACT)
    with pytest.raises(NotSubmitted):
        await clear(session, withdrawn)
    waiting = await service.list_waiting(session, reviewer=None, after=None, limit=9)
    assert {found.resource.id for found in waiting} == {record.resource.id for record in (plain[0], plain[1], *listed)}

    other = await make_organisation(session, "别的示例局")
    people = [SECRECY.id, FINANCE_REVIEWER.id, FINANCE_DECIDER.id, REVIEWER.id, EDITOR.id]
    for role, own, who in product(Role, (None, bureau.owner.id, other.id), people):
        holder = caller(role, organisation_id=own)
        expected = set()
        for found in waiting:
            step = found.step
            taken = {s.decided_by for s in await repository.round_of(session, step)}
            allowed = resource_review(holder, Role(step.role), step.organisation_id, bureau.owner.id)
            if allowed and who != EDITOR.id and who not in taken:
                expected.add(found.resource.id)
        reviewer = Reviewer(who, frozenset({role}), own)
        mine = await service.list_waiting(session, reviewer=reviewer, after=None, limit=9)
        assert {found.resource.id for found in mine} == expected, (role, own, who)


async def test_what_waits_comes_longest_waiting_first_page_by_page(session: AsyncSession, bureau: Bureau) -> None:
    records = [await bureau.submitted() for _ in range(3)]
    await clear(session, records[0], now=LATER)
    first = await service.list_waiting(session, reviewer=None, after=None, limit=2)
    opened = first[-1].step.opened_at
    assert opened is not None
    rest = await service.list_waiting(session, reviewer=None, after=(opened, first[-1].resource.id), limit=2)
    assert [found.resource.id for found in (*first, *rest)] == [
        *sorted(record.resource.id for record in records[1:]),
        records[0].resource.id,
    ]


async def test_two_people_at_once_take_one_step(database: Database, session: AsyncSession, bureau: Bureau) -> None:
    record = await bureau.submitted()
    await session.commit()
    step = await service.find_waiting(session, record.resource.id, record.resource.code)
    async with database.session() as other:
        await other.execute(text("SET lock_timeout = '100ms'"))
        with pytest.raises(DBAPIError):  # waits for the first
            await service.find_waiting(other, record.resource.id, record.resource.code)
    await service.approve(session, step, record.resource.code, opinion=None, actor=SECRECY, **ACT)
    await session.commit()
    async with database.session() as other:
        now = await service.find_waiting(other, record.resource.id, record.resource.code)
        assert now.kind == "publication"


CHANGES: list[tuple[str, Callable[[AsyncSession], Awaitable[object]]]] = [
    (
        "a decided step is changed",
        lambda s: s.execute(text("UPDATE review SET opinion = 'x' WHERE verdict IS NOT NULL")),
    ),
    ("a step is deleted", lambda s: s.execute(text("DELETE FROM review"))),
    ("two steps wait", lambda s: s.execute(text("UPDATE review SET opened_at = now() WHERE opened_at IS NULL"))),
    ("a verdict without a person", lambda s: s.execute(text("UPDATE review SET verdict = 'approved' WHERE kind = 'chain'"))),
]  # fmt: skip


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[name for name, _ in CHANGES])
async def test_the_database_keeps_reviews_as_they_were(
    session: AsyncSession, bureau: Bureau, change: Callable[[AsyncSession], Awaitable[object]]
) -> None:
    await clear(session, await bureau.submitted(list_type="special-funds"))
    with pytest.raises((IntegrityError, DBAPIError)):
        await change(session)
