"""A request from its hand-in to its end, each step and each rule."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hub.access import repository as grants
from hub.access import service as access
from hub.access.errors import ConsumerRetired, GrantExists, NothingPublished
from hub.access.requests import deciding, repository, service
from hub.access.requests.asked import Asked, Attachment
from hub.access.requests.codes import RefusalCode
from hub.access.requests.errors import (
    NoAttachment,
    OwnRequest,
    PeriodOver,
    RequestExists,
    ReviewedBefore,
    UnknownRequest,
)
from hub.access.requests.repository import Filter
from hub.access.scope import WHOLE, Condition, Operator, Scope, ScopeRefused
from hub.access.service import NewGrant
from hub.access.terms import Frequency
from hub.db.engine import Database
from hub.duties import rules
from hub.duties.calendar import BEIJING, beijing_date
from hub.identity.roles import Role
from hub.publishing import service as publishing
from hub.registry import barrier
from hub.registry import service as registry
from hub.registry.errors import InvalidField, WrongState
from tests.support.applying import ASKED, YEAR, Counter, make_person
from tests.support.publishing import EDITOR, MORE_ITEMS, approve, draft
from tests.support.registry import NOW, OFFICER, RECORDER, keeps_acceptances_out

LETTER = Attachment("申请函.pdf", "application/pdf", b"%PDF-1.7 example")
NARROW = Scope(("item_code",), (Condition("item_code", Operator.PREFIX, ("XJ-",)),))


@pytest.fixture
async def counter(session: AsyncSession) -> Counter:
    return await Counter.open(session)


async def test_what_is_shared_unconditionally_is_granted_at_once_and_the_provider_is_told(counter: Counter) -> None:
    session = counter.session
    await counter.resource(1)
    before = await barrier.epoch(session)
    record = await counter.ask(1, frequency=Frequency(100, 2_000))
    row = record.request
    assert (row.state, record.grant_state, row.closed_at) == ("granted", "active", NOW)
    assert row.grant_id is not None
    grant = (await access.find_grant(session, row.grant_id)).grant
    assert (grant.purpose, grant.basis, grant.mode) == (ASKED["purpose"], ASKED["basis"], "inbox")
    assert (grant.valid_from, grant.valid_to) == (NOW, NOW + YEAR)
    assert (grant.frequency_average, grant.frequency_peak, grant.items, grant.rows) == (100, 2_000, None, None)
    assert await barrier.epoch(session) == before + 1
    assert [(s.act, s.state, s.staff_id) for s in await repository.steps(session, row.id)] == [
        ("submitted", "in-review", UUID(counter.editor.id)),
        ("granted", "granted", None),
    ]
    duties = await counter.duties(row.id)
    assert (duties["answer-unconditional"].state, duties["provide-data"].state) == ("done", "open")
    assert duties["provide-data"].debtor_organisation_id == counter.provider.id
    assert await counter.told(counter.provider) == [("access-request-granted", str(row.id))]
    assert await counter.logged(str(row.id)) == ["access-request.submitted", "access-request.granted"]


async def test_a_conditional_request_travels_by_review_and_decision_to_its_grant_with_its_deadlines(
    counter: Counter,
) -> None:
    session = counter.session
    await rules.adopt(session, "D9", valid_from=beijing_date(NOW), actor=OFFICER, recorder=RECORDER, now=NOW)
    record = await counter.ask(2, attachment=LETTER)
    identifier = record.request.id
    assert (record.request.state, record.grant_state) == ("in-review", None)
    review = (await counter.duties(identifier))["check-request"]
    assert review.due_at == datetime(2026, 3, 5, tzinfo=BEIJING)  # two working days after Monday, 2 March
    assert (review.debtor_role, review.debtor_organisation_id) == ("authority", None)

    day = timedelta(days=1)
    who: dict[str, Any] = {"actor": counter.reviewer, "recorder": RECORDER}
    back = await deciding.send_back(session, identifier, opinion="请写明应用场景", now=NOW + day, **who)
    assert (back.request.state, review.state) == ("returned", "done")
    again = await service.resubmit(
        session,
        identifier,
        Asked(**(ASKED | {"scene": "子站办事指南页面，每日更新"})),
        actor=counter.editor,
        recorder=RECORDER,
        now=NOW + 2 * day,
    )
    assert (again.request.state, again.request.scene) == ("in-review", "子站办事指南页面，每日更新")
    assert (await service.find_attachment(session, identifier)).digest == LETTER.digest
    passed = await deciding.forward(session, identifier, now=NOW + 3 * day, **who)
    assert (passed.request.state, passed.request.reviewer_id) == ("with-provider", UUID(counter.reviewer.id))
    duties = await counter.duties(identifier)
    assert duties["check-request"].state == "done"
    assert duties["answer-conditional"].due_at == datetime(2026, 3, 20, tzinfo=BEIJING)  # ten after Thursday, 5 March

    granted = await deciding.grant(
        session, identifier, opinion="同意", actor=counter.decider, recorder=RECORDER, now=NOW + 4 * day
    )
    assert (granted.request.state, granted.grant_state) == ("granted", "active")
    duties = await counter.duties(identifier)
    assert duties["answer-conditional"].state == "done"
    assert duties["provide-data"].due_at == datetime(2026, 4, 4, tzinfo=BEIJING)  # twenty after Friday, 6 March
    assert [(s.act, s.opinion, s.role) for s in await repository.steps(session, identifier)] == [
        ("submitted", None, "editor"),
        ("returned", "请写明应用场景", "reviewer"),
        ("resubmitted", None, "editor"),
        ("forwarded", None, "reviewer"),
        ("granted", "同意", "decider"),
    ]
    assert await counter.logged(str(identifier)) == [
        f"access-request.{act}" for act in ("submitted", "returned", "resubmitted", "forwarded", "granted")
    ]
    assert await counter.told(counter.provider) == [("access-request-received", str(identifier))]
    kinds = [kind for kind, _ in await counter.told(counter.consumer)]
    assert kinds == ["access-request-returned", "access-request-granted"]
    with pytest.raises(GrantExists, match=str(granted.request.grant_id)):
        await counter.ask(2)


async def test_without_a_rule_for_the_review_a_request_has_no_deadline_there_and_goes_on(counter: Counter) -> None:
    record = await counter.ask(2)
    assert record.request.state == "in-review"
    assert await counter.duties(record.request.id) == {}


async def test_the_provider_refuses_by_coded_reason_and_text_and_the_consumer_may_ask_again(counter: Counter) -> None:
    session, asked = counter.session, (await counter.ask(2)).request.id
    who: dict[str, Any] = {"actor": counter.decider, "recorder": RECORDER, "now": NOW}
    with pytest.raises(WrongState):
        await deciding.refuse(session, asked, code=2, text="数据在市局", **who)
    await deciding.forward(session, asked, actor=counter.reviewer, recorder=RECORDER, now=NOW)
    with pytest.raises(InvalidField):
        await deciding.refuse(session, asked, code=5, text="数据在市局", **who)
    refused = await deciding.refuse(session, asked, code=2, text="数据在市局", **who)
    row = refused.request
    assert (row.state, row.refusal_code, row.refusal_text) == ("refused", RefusalCode.ELSEWHERE, "数据在市局")
    assert (await counter.duties(asked))["answer-conditional"].state == "done"
    assert (await counter.told(counter.consumer))[-1] == ("access-request-refused", str(asked))
    with pytest.raises(WrongState):
        await deciding.grant(session, asked, **who)
    assert (await counter.ask(2)).request.id != asked


async def test_what_is_not_shared_is_refused_at_once_with_its_basis_and_recorded(counter: Counter) -> None:
    await counter.resource(3)
    before = await barrier.epoch(counter.session)
    record = await counter.ask(3)
    row = record.request
    assert (row.state, row.refusal_code, row.refusal_text) == ("refused", RefusalCode.LAW, "《统计法》第九条")
    assert await counter.logged(str(row.id)) == ["access-request.submitted", "access-request.refused"]
    assert (row.grant_id, await counter.duties(row.id)) == (None, {})
    assert await barrier.epoch(counter.session) == before


async def test_nobody_reviews_or_decides_on_what_they_themselves_asked_for_nor_does_one_person_both(
    counter: Counter,
) -> None:
    session = counter.session
    asked = (await counter.ask(2)).request.id
    with pytest.raises(OwnRequest):
        await deciding.forward(session, asked, actor=counter.editor, recorder=RECORDER, now=NOW)
    await deciding.send_back(session, asked, opinion="补充", actor=counter.reviewer, recorder=RECORDER, now=NOW)
    second = await make_person(session, "editor.two", Role.EDITOR)
    await service.resubmit(session, asked, Asked(**ASKED), actor=second, recorder=RECORDER, now=NOW)
    for applicant in (counter.editor, second):
        with pytest.raises(OwnRequest):
            await deciding.forward(session, asked, actor=applicant, recorder=RECORDER, now=NOW)
    await deciding.forward(session, asked, actor=counter.reviewer, recorder=RECORDER, now=NOW)
    for person, refusal in ((counter.editor, OwnRequest), (second, OwnRequest), (counter.reviewer, ReviewedBefore)):
        with pytest.raises(refusal):
            await deciding.grant(session, asked, actor=person, recorder=RECORDER, now=NOW)
        with pytest.raises(refusal):
            await deciding.refuse(session, asked, code=4, text="其它", actor=person, recorder=RECORDER, now=NOW)
    granted = await deciding.grant(session, asked, actor=counter.decider, recorder=RECORDER, now=NOW)
    assert granted.request.state == "granted"


async def test_the_same_is_asked_for_once_until_it_is_answered_and_not_while_it_is_granted(counter: Counter) -> None:
    session = counter.session
    first = (await counter.ask(2)).request.id
    with pytest.raises(RequestExists, match=str(first)):
        await counter.ask(2, purpose=" 办事指南展示 ")
    other = (await counter.ask(2, purpose="数据校核")).request.id
    await deciding.send_back(session, other, opinion="补充", actor=counter.reviewer, recorder=RECORDER, now=NOW)
    with pytest.raises(RequestExists, match=str(first)):
        await service.resubmit(session, other, Asked(**ASKED), actor=counter.editor, recorder=RECORDER, now=NOW)
    await service.withdraw(session, first, reason="不再需要", actor=counter.editor, recorder=RECORDER, now=NOW)
    with pytest.raises(WrongState):
        await service.withdraw(session, first, reason="再次", actor=counter.editor, recorder=RECORDER, now=NOW)
    granted = await counter.ask(1)
    with pytest.raises(GrantExists, match=str(granted.request.grant_id)):
        await counter.ask(1)


async def test_a_request_is_withdrawn_before_it_is_answered_and_the_provider_that_has_it_is_told(
    counter: Counter,
) -> None:
    session, asked = counter.session, (await counter.ask(2)).request.id
    await deciding.forward(session, asked, opinion="符合", actor=counter.reviewer, recorder=RECORDER, now=NOW)
    gone = await service.withdraw(session, asked, reason="不再需要", actor=counter.editor, recorder=RECORDER, now=NOW)
    assert (gone.request.state, gone.request.closed_at) == ("withdrawn", NOW)
    assert (await counter.duties(asked))["answer-conditional"].state == "cancelled"
    assert (await counter.told(counter.provider))[-1] == ("access-request-withdrawn", str(asked))
    with pytest.raises(WrongState):
        await deciding.grant(session, asked, actor=counter.decider, recorder=RECORDER, now=NOW)


async def test_a_narrower_scope_is_granted_as_it_was_asked_for(counter: Counter) -> None:
    session = counter.session
    record = await counter.ask(1, scope=NARROW)
    assert (record.request.state, record.grant_state) == ("granted", "active")
    assert record.request.grant_id is not None
    grant = (await access.find_grant(session, record.request.grant_id)).grant
    assert (grant.items, grant.rows) == (["item_code"], [{"item": "item_code", "op": "prefix", "values": ["XJ-"]}])
    assert "provide-data" in await counter.duties(record.request.id)
    who: dict[str, Any] = {"actor": OFFICER, "recorder": RECORDER, "now": NOW}
    assert (await access.suspend_grant(session, grant.id, reason="核查", **who)).grant.state == "suspended"
    assert (await access.resume_grant(session, grant.id, **who)).grant.state == "active"
    assert (await access.revoke_grant(session, grant.id, reason="不用", **who)).grant.state == "revoked"
    with pytest.raises(ScopeRefused):
        await counter.ask(1, scope=Scope(("item_code", "phone")))


def _stricter(**share_types: int) -> list[dict[str, Any]]:
    """Items of an unconditional resource, those that are named shared less than it."""
    within = {"field_name": "town", "name": "镇", "data_type": "C", "length": 9}
    items = [
        *MORE_ITEMS,
        {"field_name": "id_number", "name": "公民身份号码", "data_type": "C", "format": "citizen-id"},
        {"field_name": "place", "name": "地点", "data_type": "G", "items": [within]},
    ]
    stricter = [{**item, **_named(item, share_types)} for item in items]
    stricter[-1]["items"] = [{**within, **_named(within, share_types)}]
    return stricter


def _named(item: Any, share_types: dict[str, int]) -> dict[str, int]:
    return {"share_type": share_types[item["field_name"]]} if item["field_name"] in share_types else {}


async def _publish_stricter(counter: Counter, **share_types: int) -> None:
    drafted = await draft(counter.session, counter.provider, counter.publisher, name="示例资源1")
    await publishing.edit_draft(
        counter.session, drafted.resource.id, items=_stricter(**share_types), actor=EDITOR, recorder=RECORDER, now=NOW
    )
    counter.resources[1] = await approve(counter.session, drafted)


@pytest.mark.parametrize("stricter", ["id_number", "town"])
async def test_an_item_that_is_not_shared_leaves_by_no_request_and_no_grant(counter: Counter, stricter: str) -> None:
    """§1.2: an item may be stricter than its resource, which here is shared unconditionally."""
    await _publish_stricter(counter, **{stricter: 3})
    holding = "place" if stricter == "town" else stricter
    rest = tuple(name for name in ("item_code", "item_name", "id_number", "place") if name != holding)
    for scope in (WHOLE, Scope((*rest, holding))):
        with pytest.raises(ScopeRefused) as refused:
            await counter.ask(1, scope=scope)
        (fault,) = refused.value.errors
        assert (fault.pointer, holding in fault.zh, holding in fault.en) == ("/scope/items", True, True)
        given = NewGrant(
            "subsite", counter.resources[1].resource.code, "展示", "依据", NOW, NOW + timedelta(days=9), scope=scope
        )
        with pytest.raises(ScopeRefused):
            await access.create_grant(counter.session, given, actor=OFFICER, recorder=RECORDER, now=NOW)
    record = await counter.ask(1, scope=Scope(rest))
    assert (record.request.state, record.grant_state) == ("granted", "active")


async def test_an_item_that_is_conditional_is_reviewed_and_decided_on_and_the_others_are_granted_at_once(
    counter: Counter,
) -> None:
    await _publish_stricter(counter, id_number=2)
    plain = await counter.ask(1, purpose="展示", scope=Scope(("item_code", "item_name")))
    assert (plain.request.state, plain.grant_state) == ("granted", "active")
    asked = await counter.ask(1, scope=Scope(("item_code", "id_number")))
    assert (asked.request.state, asked.grant_state) == ("in-review", None)
    assert "answer-unconditional" not in await counter.duties(asked.request.id)
    who: dict[str, Any] = {"recorder": RECORDER, "now": NOW}
    await deciding.forward(counter.session, asked.request.id, actor=counter.reviewer, **who)
    granted = await deciding.grant(counter.session, asked.request.id, actor=counter.decider, **who)
    assert (granted.request.state, granted.grant_state) == ("granted", "active")


async def test_of_a_resource_whose_key_is_not_shared_nothing_is_granted(counter: Counter) -> None:
    await _publish_stricter(counter, item_code=3)
    with pytest.raises(ScopeRefused) as refused:
        await counter.ask(1)
    assert "主键项 事项编码（item_code） 不予共享" in refused.value.errors[0].zh


async def test_only_what_may_be_granted_at_once_holds_the_barrier(database: Database, counter: Counter) -> None:
    await counter.resource(1)
    await counter.resource(2)
    await counter.session.commit()
    await counter.ask(2)
    assert not await keeps_acceptances_out(database)
    await counter.session.commit()
    await counter.ask(1)
    assert await keeps_acceptances_out(database)


async def test_of_two_who_ask_or_decide_at_once_the_second_finds_what_the_first_did(
    database: Database, counter: Counter
) -> None:
    await counter.resource(2)
    await counter.session.commit()
    async with database.session() as other:
        second = replace(counter, session=other)
        asked = (await counter.ask(2)).request.id
        waiting = asyncio.create_task(second.ask(2))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await counter.session.commit()
        with pytest.raises(RequestExists, match=str(asked)):
            await waiting
        await other.rollback()

        await deciding.forward(counter.session, asked, actor=counter.reviewer, recorder=RECORDER, now=NOW)
        await counter.session.commit()
        who: dict[str, Any] = {"actor": counter.decider, "recorder": RECORDER, "now": NOW}
        await deciding.grant(counter.session, asked, **who)
        waiting = asyncio.create_task(deciding.refuse(other, asked, code=4, text="其它", **who))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await counter.session.commit()
        with pytest.raises(WrongState):
            await waiting


async def test_who_cannot_be_granted_anything_is_told_when_they_ask(counter: Counter) -> None:
    session = counter.session
    unpublished = await draft(session, counter.provider, counter.publisher, name="未发布")
    asked = Asked(**ASKED)
    who: dict[str, Any] = {"actor": counter.editor, "recorder": RECORDER, "now": NOW}
    with pytest.raises(NothingPublished):
        await service.submit(session, "subsite", unpublished.resource.code, asked, **who)
    code = (await counter.resource(2)).resource.code
    with pytest.raises(InvalidField) as caught:
        await service.submit(session, "provider", code, asked, **who)
    assert [fault.pointer for fault in caught.value.errors] == ["/consumer"]
    await registry.retire_system(session, "subsite", reason="停用", actor=OFFICER, recorder=RECORDER, now=NOW)
    with pytest.raises(ConsumerRetired):
        await service.submit(session, "subsite", code, asked, **who)
    nothing = UUID(int=0)
    with pytest.raises(UnknownRequest):
        await service.find(session, nothing)


async def test_what_was_asked_for_a_time_that_has_passed_is_not_granted(counter: Counter) -> None:
    session = counter.session
    asked = (await counter.ask(2, valid_to=NOW + timedelta(days=3))).request.id
    await deciding.forward(session, asked, actor=counter.reviewer, recorder=RECORDER, now=NOW)
    with pytest.raises(PeriodOver):
        await deciding.grant(session, asked, actor=counter.decider, recorder=RECORDER, now=NOW + timedelta(days=3))


async def test_an_attachment_is_kept_as_it_came_and_replaced_by_the_next(counter: Counter) -> None:
    session = counter.session
    asked = (await counter.ask(2, attachment=LETTER)).request.id
    line = await repository.attachment_line(session, asked)
    assert line is not None
    assert (line.name, line.size, line.digest) == (LETTER.name, len(LETTER.content), LETTER.digest)
    await deciding.send_back(session, asked, opinion="请盖章", actor=counter.reviewer, recorder=RECORDER, now=NOW)
    stamped = Attachment("申请函（盖章）.pdf", "application/pdf", b"%PDF-1.7 stamped")
    await service.resubmit(
        session, asked, Asked(**ASKED, attachment=stamped), actor=counter.editor, recorder=RECORDER, now=NOW
    )
    kept = await service.find_attachment(session, asked)
    assert (kept.name, kept.content) == (stamped.name, stamped.content)
    without = (await counter.ask(2, purpose="数据校核")).request.id
    assert await repository.attachment_line(session, without) is None
    with pytest.raises(NoAttachment):
        await service.find_attachment(session, without)


@pytest.mark.parametrize("change", ["UPDATE access_request_step SET opinion = 'x'", "DELETE FROM access_request_step"])
async def test_a_step_that_was_taken_never_changes(counter: Counter, change: str) -> None:
    await counter.ask(2)
    with pytest.raises(DBAPIError, match="never changes"):
        await counter.session.execute(text(change))


async def test_requests_are_listed_by_party_side_state_consumer_and_resource(counter: Counter) -> None:
    session = counter.session
    first, second = (await counter.ask(2)).request.id, (await counter.ask(1)).request.id
    code = (await counter.resource(1)).resource.code
    for wanted, expected in (
        (Filter(), {first, second}),
        (Filter(asking=counter.consumer.id), {first, second}),
        (Filter(asked=counter.consumer.id), set()),
        (Filter(asked=counter.provider.id, states=("in-review",)), {first}),  # type: ignore[arg-type]
        (Filter(party=counter.provider.id), {first, second}),
        (Filter(party=UUID(int=0)), set()),
        (Filter(consumer="subsite", resource=code), {second}),
        (Filter(consumer="provider"), set()),
    ):
        found = await service.list_requests(session, wanted, after=None, limit=10)
        assert {record.request.id for record in found} == expected, wanted
    page = await service.list_requests(session, Filter(), after=None, limit=1)
    rest = await service.list_requests(session, Filter(), after=page[0].request.id, limit=10)
    assert {record.request.id for record in (*page, *rest)} == {first, second}


async def test_a_grant_made_upon_a_request_pins_schemas_as_any_other(counter: Counter) -> None:
    record = await counter.ask(1)
    assert record.request.grant_id is not None
    (pin,) = await grants.pins(counter.session, [record.request.grant_id])
    assert pin.schema_digest == (await counter.resource(1)).schema_digest
    assert record.request.created_at.tzinfo is UTC
