"""The chains of approval of the articles, each walked by its bodies from submission to publication."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor
from hub.identity.roles import Role
from hub.publishing import deciding
from hub.publishing import service as publishing
from hub.registry.errors import OrganisationEnded
from hub.reviewing import chains, service
from hub.reviewing.errors import OwnSubmission, SecondStep, StepsWaiting
from hub.reviewing.rounds import Approval
from tests.support.publishing import EDITOR, REVIEWER, SECRECY, clear, draft
from tests.support.registry import NOW, RECORDER, make_organisation, make_system

ACT: dict[str, Any] = {"recorder": RECORDER, "now": NOW}


def person(number: int, role: str) -> Actor:
    return Actor("staff", f"00000000-0000-7000-8000-0000000001{number:02d}", role=role)


BODIES = {
    "power-list": ("县审改办", "县政府法制办公室"),
    "special-funds": ("县财政局", None),
    "poverty-projects": ("脱贫攻坚领导小组",),
    "convenience-services": ("县政务服务中心",),
}
"""Who approves by the articles (000-A 十至十二条, 000-D 三条); None is the department in charge, the provider itself."""


def test_the_lists_that_demand_a_chain_are_those_of_the_articles() -> None:
    assert chains.DEMANDED.keys() == BODIES.keys()


@pytest.mark.parametrize(("list_type", "bodies"), BODIES.items(), ids=BODIES)
async def test_the_chain_of_each_list_is_walked_by_its_bodies_each_by_another_person(
    session: AsyncSession, list_type: str, bodies: tuple[str | None, ...]
) -> None:
    owner = await make_organisation(session, "提供局")
    system = await make_system(session, "provider", owner)
    named = [None if body is None else (await make_organisation(session, body)).id for body in bodies]
    steps = [Approval(Role.DECIDER if body is None else Role.REVIEWER, body, "示例依据") for body in named]
    await chains.replace_chain(session, list_type, steps, actor=REVIEWER, **ACT)
    record = await draft(session, owner, system, list_type=list_type)
    identifier, code = record.resource.id, record.resource.code
    await publishing.submit(session, identifier, actor=EDITOR, **ACT)
    await clear(session, record, actor=SECRECY)
    before = SECRECY
    for number, (body, step) in enumerate(zip(named, steps, strict=True)):
        waiting = await service.find_waiting(session, identifier, code)
        assert (waiting.kind, waiting.organisation_id, waiting.role) == ("chain", body, step.role.value)
        await session.commit()
        for refused in (EDITOR, before):  # who wrote it, and who took the step before
            with pytest.raises((OwnSubmission, SecondStep)):
                await clear(session, await publishing.find_resource(session, code), actor=refused)
            await session.rollback()
        with pytest.raises(StepsWaiting):
            await deciding.publish(session, identifier, actor=REVIEWER, **ACT)
        await session.rollback()
        before = person(20 + number, step.role.value)
        await clear(session, await publishing.find_resource(session, code), actor=before)
    await deciding.publish(session, identifier, actor=REVIEWER, **ACT)
    found = await service.list_reviews(session, identifier)
    assert len({step.decided_by for step, _ in found}) == len(found) == len(bodies) + 2


async def test_a_body_that_ended_approves_nothing_any_more(session: AsyncSession) -> None:
    body = await make_organisation(session, "县财政局")
    await session.execute(text("UPDATE organisation SET state = 'ended', ended_at = now()"))
    step = Approval(Role.REVIEWER, body.id, "示例依据")
    with pytest.raises(OrganisationEnded, match="县财政局"):
        await chains.replace_chain(session, "special-funds", [step], actor=REVIEWER, **ACT)
