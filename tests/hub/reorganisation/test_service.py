"""Proposing, confirming and refusing on a real database: all of a plan or nothing, by two people, under the barrier."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import Resource
from hub.access import service as access
from hub.access.repository import GrantRecord
from hub.access.requests import service as requests
from hub.access.requests.asked import Asked
from hub.access.service import NewGrant
from hub.db.engine import Database
from hub.duties import service as duties
from hub.errors import InvalidInput
from hub.identity import repository as identity
from hub.identity import staff
from hub.identity.callers import StaffCaller
from hub.identity.models import Staff
from hub.identity.roles import Role
from hub.notices import service as notices
from hub.publishing import service as publishing
from hub.publishing.repository import ResourceRecord
from hub.registry import barrier
from hub.registry import repository as registry_rows
from hub.registry import service as registry
from hub.registry.errors import InvalidField, OrganisationEnded, OrganisationTaken, UnknownOrganisation, WrongState
from hub.registry.keyring import KeyRing
from hub.registry.models import Organisation, System
from hub.registry.service import NewOrganisation
from hub.reorganisation import repository, service
from hub.reorganisation.errors import (
    NotYetEffective,
    OtherPlan,
    OwnChange,
    PlanBlocked,
    PlanOutdated,
    UnknownChange,
)
from hub.reorganisation.handing_on import HANDED_ON
from hub.reorganisation.models import Kind, What
from hub.reorganisation.service import Act
from hub.responsibility import repository as people_rows
from hub.responsibility import service as responsibility
from hub.responsibility.models import ResponsibleRole
from hub.responsibility.service import Particulars
from tests.support.applying import ASKED, make_person
from tests.support.publishing import EDITOR, describe, draft, published
from tests.support.registry import (
    LINTAO,
    NOW,
    OFFICER,
    RECORDER,
    Partner,
    example_code,
    keeps_acceptances_out,
    make_organisation,
    make_partner,
    make_system,
)
from tests.support.reorganisation import TODAY, asked, confirm, make_caller, propose


@dataclass
class County:
    """Two bodies that provide and one that is to take over, with all that belongs to them."""

    session: AsyncSession
    security: StaffCaller
    reviewer: StaffCaller
    first: Organisation
    second: Organisation
    heir: Organisation
    office: Partner
    funds: System
    guides: ResourceRecord
    money: ResourceRecord
    grant: GrantRecord
    editor: StaffCaller
    person: UUID

    @property
    def merger(self) -> Any:
        return asked(Kind.MERGER, [self.first.id, self.second.id], [self.heir.id])

    async def leaves(self, event: str) -> list[dict[str, Any]]:
        rows = await self.session.execute(
            text("SELECT leaf FROM log_entry WHERE event = :e ORDER BY occurred_at, ctid"), {"e": event}
        )
        return [orjson.loads(row.leaf) for row in rows]


@pytest.fixture
async def county(session: AsyncSession, keyring: KeyRing) -> County:
    """Committed, and the session open on it."""
    first, second, heir = [await make_organisation(session, name) for name in ("甲局", "乙局", "丙局")]
    office = await make_partner(session, keyring, "office", first)
    funds = await make_system(session, "funds", second)
    guides = await published(session, first, office.system)
    money = await published(session, second, funds)
    grant = await access.create_grant(
        session,
        NewGrant("office", money.resource.code, "核对", "依据", NOW, NOW + timedelta(days=365)),
        actor=OFFICER,
        recorder=RECORDER,
        now=NOW,
    )
    editor = await make_caller(session, "editor.li", Role.EDITOR, organisation_id=first.id)
    row = await responsibility.appoint(
        session,
        first.id,
        ResponsibleRole.LEADER,
        Particulars("示例人员甲", "0932-0000000"),
        act=responsibility.Act(OFFICER, RECORDER, NOW),
    )
    made = County(
        session,
        await make_caller(session, "security.wang", Role.SECURITY),
        await make_caller(session, "reviewer.zhao", Role.REVIEWER),
        *(first, second, heir, office, funds, guides, money, grant, editor, row.id),
    )
    await session.commit()
    return made


async def resource(session: AsyncSession, code: str) -> Resource:
    return await access.find_resource(session, code)


async def test_a_merger_moves_everything_ends_the_bodies_and_is_in_the_log(county: County) -> None:
    session, heir = county.session, county.heir.id
    proposed = await propose(session, county.merger, county.security)
    assert (await registry.find_organisation(session, county.first.id)).state == "active"
    done = await confirm(session, proposed, county.reviewer)
    await session.commit()
    assert (done.state, done.decided_by) == ("confirmed", county.reviewer.id)

    for code, publisher in ((county.guides.resource.code, "office"), (county.money.resource.code, "funds")):
        found = await publishing.find_resource(session, code)
        assert (found.provider.id, found.system, found.resource.status) == (heir, publisher, "published")
    for code in ("office", "funds"):
        assert (await registry.find_system(session, code))[1].id == heir
    grant = await access.find_grant(session, county.grant.grant.id)
    assert (grant.provider_id, grant.grant.state, grant.grant.basis) == (heir, "active", "依据")
    ended = await registry.find_organisation(session, county.first.id)
    assert (ended.state, ended.ended_at) == ("ended", done.decided_at)
    endings = await repository.endings(session, [county.first.id, county.second.id, heir])
    assert {body: [s.id for s in ending.successors] for body, ending in endings.items()} == {
        county.first.id: [heir],
        county.second.id: [heir],
    }
    assert endings[county.first.id].kind == "merger"
    account = await identity.staff(session, county.editor.id)
    assert account is not None
    assert (account.state, account.organisation_id) == ("disabled", county.first.id)
    (person,) = await people_rows.people(session, county.first.id, after=None, limit=9, day=None)
    assert (person.valid_to, person.note) == (TODAY, f"机构变更 {done.id}")

    moves = await repository.moves(session, done.id, after=0, limit=99)
    assert [(move.what, move.to_id) for move in moves] == [
        ("system", heir),
        ("system", heir),
        ("certificate", heir),
        ("resource", heir),
        ("resource", heir),
        ("grant-given", heir),
        ("grant-held", heir),
        ("staff", None),
        ("person", None),
    ]
    (leaf,) = await county.leaves("reorganisation.confirmed")
    assert leaf["object"] == {"type": "reorganisation", "id": str(done.id)}
    assert (leaf["details"]["kind"], leaf["details"]["plan"]) == ("merger", done.plan_digest)
    assert leaf["details"]["moved"]["grant-held"] == 1
    assert {one["object"]["id"] for one in await county.leaves("organisation.ended")} == {
        str(county.first.id),
        str(county.second.id),
    }
    transfers = {one["object"]["id"]: one for one in await county.leaves("resource.transferred")}
    assert transfers[county.guides.resource.code]["details"] == {
        "change": str(done.id),
        "from": str(county.first.id),
        "to": str(heir),
        "system": "office",
    }
    assert len(await county.leaves("system.transferred")) == 2
    assert len(await county.leaves("staff.disabled")) == 1
    assert len(await county.leaves("person.ended")) == 1
    everything = b"".join(await session.scalars(text("SELECT leaf FROM log_entry")))
    for secret in ("示例人员甲", "0932-0000000", county.merger.basis, "editor.li"):
        assert secret.encode() not in everything


async def test_nobody_confirms_what_they_proposed_and_nobody_confirms_another_plan(county: County) -> None:
    session = county.session
    proposed = await propose(session, county.merger, county.security)
    await session.commit()
    with pytest.raises(OwnChange):
        await confirm(session, proposed, county.security)
    other = "sha-256:" + "0" * 64
    with pytest.raises(OtherPlan, match=proposed.plan_digest):
        await service.confirm(session, proposed.id, digest=other, act=Act(county.reviewer, RECORDER, NOW))
    with pytest.raises(UnknownChange):
        await service.confirm(session, UUID(int=1), digest=other, act=Act(county.reviewer, RECORDER, NOW))
    await confirm(session, proposed, county.reviewer)
    with pytest.raises(WrongState, match="confirmed"):
        await confirm(session, proposed, county.reviewer)


async def test_what_changed_since_the_proposal_stops_the_confirmation_and_nothing_is_half_done(county: County) -> None:
    session = county.session
    proposed = await propose(session, county.merger, county.security)
    extra = await make_system(session, "extra", county.first)
    await session.commit()
    with pytest.raises(PlanOutdated):
        await confirm(session, proposed, county.reviewer)
    assert (await registry.find_organisation(session, county.first.id)).state == "active"
    assert (await registry.find_system(session, "office"))[1].id == county.first.id
    found = await service.present_plan(session, proposed.id, now=NOW)
    assert found.digest != proposed.plan_digest
    await registry.retire_system(session, extra.code, reason="误登", actor=OFFICER, recorder=RECORDER, now=NOW)
    await confirm(session, proposed, county.reviewer)  # things are again as they were when it was proposed


async def test_a_body_that_ended_meanwhile_is_in_the_way(county: County) -> None:
    session = county.session
    proposed = await propose(session, county.merger, county.security)
    other = asked(Kind.MERGER, [county.second.id], [county.first.id])
    await confirm(session, await propose(session, other, county.security), county.reviewer)
    with pytest.raises(PlanBlocked) as caught:
        await confirm(session, proposed, county.reviewer)
    assert [error.pointer for error in caught.value.errors] == ["/from/1"]


async def test_a_change_waits_for_its_day(county: County) -> None:
    session = county.session
    tomorrow = replace(county.merger, effective_on=TODAY + timedelta(days=1))
    proposed = await propose(session, tomorrow, county.security)
    with pytest.raises(NotYetEffective):
        await confirm(session, proposed, county.reviewer)
    done = await confirm(session, proposed, county.reviewer, NOW + timedelta(days=1))
    assert done.state == "confirmed"


@pytest.mark.parametrize("drop", [service.refuse, service.withdraw])
async def test_a_proposal_that_is_dropped_changes_nothing(county: County, drop: Any) -> None:
    session = county.session
    proposed = await propose(session, county.merger, county.security)
    with pytest.raises(InvalidField):
        await drop(session, proposed.id, reason=" ", act=Act(county.reviewer, RECORDER, NOW))
    dropped = await drop(session, proposed.id, reason="依据未附", act=Act(county.reviewer, RECORDER, NOW))
    assert dropped.state in ("refused", "withdrawn")
    assert dropped.state_reason == "依据未附"
    with pytest.raises(WrongState):
        await confirm(session, proposed, county.reviewer)
    with pytest.raises(WrongState):
        await service.present_plan(session, proposed.id, now=NOW)
    (leaf,) = await county.leaves(f"reorganisation.{dropped.state}")
    assert "依据未附" not in str(leaf)


async def test_what_is_blocked_or_unknown_is_not_proposed(county: County) -> None:
    session = county.session
    split = asked(Kind.SPLIT, [county.first.id], [county.second.id, county.heir.id])
    with pytest.raises(PlanBlocked) as caught:
        await propose(session, split, county.security)
    pointers = {error.pointer for error in caught.value.errors}
    assert pointers == {"/systems/office", f"/resources/{county.guides.resource.code.replace('/', '~1')}"}
    with pytest.raises(UnknownOrganisation):
        await propose(session, replace(county.merger, targets=(UUID(int=1),)), county.security)
    with pytest.raises(InvalidInput):
        await propose(session, replace(county.merger, targets=()), county.security)
    assert await repository.changes(session, after=None, limit=9, state=None, organisation_id=None) == []


async def test_changes_are_listed_by_state_and_by_who_takes_part(county: County) -> None:
    session = county.session
    merger = await propose(session, county.merger, county.security)
    renaming = await propose(session, asked(Kind.RENAMING, [county.heir.id], name="丙丙局"), county.security)
    await service.refuse(session, renaming.id, reason="误", act=Act(county.reviewer, RECORDER, NOW))

    async def listed(state: str | None, organisation_id: UUID | None) -> set[UUID]:
        rows = await repository.changes(session, after=None, limit=9, state=state, organisation_id=organisation_id)
        return {row.id for row in rows}

    assert await listed(None, None) == {merger.id, renaming.id}
    assert await listed("proposed", None) == {merger.id}
    assert await listed(None, county.first.id) == {merger.id}
    assert await listed("refused", county.heir.id) == {renaming.id}
    first, *rest = sorted([merger.id, renaming.id])
    page = await repository.changes(session, after=first, limit=9, state=None, organisation_id=None)
    assert [row.id for row in page] == rest


async def test_accounts_and_people_that_are_assigned_go_along_and_the_accounts_are_approved_anew(
    county: County,
) -> None:
    session = county.session
    change = replace(county.merger, staff={county.editor.id: county.heir.id}, people={county.person: county.heir.id})
    done = await confirm(session, await propose(session, change, county.security), county.reviewer)
    account = await identity.staff(session, county.editor.id)
    assert account is not None
    assert (account.state, account.organisation_id, account.password_hash) == ("proposed", county.heir.id, None)
    assert account.proposed_by == county.reviewer.id
    opened = await staff.approve(
        session, account.id, password_hash="x", caller=county.security, recorder=RECORDER, now=NOW
    )
    assert opened.row.state == "active"
    (person,) = await people_rows.people(session, county.heir.id, after=None, limit=9, day=TODAY)
    assert (person.name, person.follows, person.valid_from) == ("示例人员甲", county.person, TODAY)
    staffs = [move for move in await repository.moves(session, done.id, after=0, limit=99) if move.what == What.STAFF]
    assert [(move.before, move.after) for move in staffs] == [("active", "proposed")]
    assert len(await county.leaves("staff.moved")) == 1
    assert len(await county.leaves("person.handed-over")) == 1


async def test_duties_are_transferred_with_another_publisher_and_children_with_their_parent(county: County) -> None:
    session = county.session
    child = await registry.register_organisation(
        session, NewOrganisation("县审改办", LINTAO, parent=county.first.id), actor=OFFICER, recorder=RECORDER, now=NOW
    )
    await make_system(session, "heir-system", county.heir)
    code = county.guides.resource.code
    change = asked(
        Kind.TRANSFER,
        [county.first.id],
        [county.heir.id],
        resources={code: county.heir.id},
        children={child.id: county.heir.id},
        publishers={code: "heir-system"},
    )
    await confirm(session, await propose(session, change, county.security), county.reviewer)
    found = await publishing.find_resource(session, code)
    assert (found.provider.id, found.system) == (county.heir.id, "heir-system")
    assert (await registry.find_organisation(session, child.id)).parent_id == county.heir.id
    assert (await registry.find_organisation(session, county.first.id)).state == "active"
    assert (await registry.find_system(session, "office"))[1].id == county.first.id
    (leaf,) = await county.leaves("organisation.moved")
    assert leaf["object"]["id"] == str(child.id)


async def test_a_body_is_abolished_when_nothing_is_left(county: County) -> None:
    session = county.session
    abolition = asked(Kind.ABOLITION, [county.heir.id])
    await confirm(session, await propose(session, abolition, county.security), county.reviewer)
    assert (await registry.find_organisation(session, county.heir.id)).state == "ended"
    assert (await repository.endings(session, [county.heir.id]))[county.heir.id].successors == ()
    with pytest.raises(PlanBlocked):
        await propose(session, asked(Kind.ABOLITION, [county.first.id]), county.security)


async def test_a_renaming_keeps_the_body_and_finds_it_by_its_old_code(county: County) -> None:
    session, body = county.session, county.first
    old, new = body.code, example_code()
    assert old is not None
    later = NOW + timedelta(days=30)
    change = asked(Kind.RENAMING, [body.id], name="甲甲局", name_en="Alpha", code=new)
    await confirm(session, await propose(session, change, county.security), county.reviewer, later)
    row = await registry.find_organisation(session, body.id)
    assert (row.id, row.name, row.name_en, row.code) == (body.id, "甲甲局", "Alpha", new)
    for code in (old, new):
        assert [one.id for one in await registry_rows.organisations(session, after=None, limit=9, code=code)] == [
            body.id
        ]
    assert [(one.name, one.code) for one in await registry_rows.names(session, body.id)] == [
        ("甲局", old),
        ("甲甲局", new),
    ]
    for moment, expected in ((NOW, "甲局"), (later - timedelta(seconds=1), "甲局"), (later, "甲甲局")):
        found = await registry_rows.name_at(session, body.id, moment)
        assert found is not None
        assert found.name == expected
    assert await registry_rows.name_at(session, body.id, NOW - timedelta(days=1)) is None
    with pytest.raises(OrganisationTaken, match="甲甲局"):
        await registry.register_organisation(
            session, NewOrganisation("丁局", LINTAO, old), actor=OFFICER, recorder=RECORDER, now=later
        )
    (leaf,) = await county.leaves("organisation.renamed")
    assert "甲甲局" not in str(leaf)
    back = asked(Kind.RENAMING, [body.id], code=old)
    await confirm(session, await propose(session, back, county.security), county.reviewer, later + timedelta(days=1))
    assert (await registry.find_organisation(session, body.id)).code == old


async def test_a_name_or_code_of_others_stops_a_renaming_but_one_of_a_body_that_ended_is_free(county: County) -> None:
    session = county.session
    taken = asked(Kind.RENAMING, [county.first.id], name="乙局", code=county.second.code)
    with pytest.raises(PlanBlocked) as caught:
        await propose(session, taken, county.security)
    assert {error.pointer for error in caught.value.errors} == {"/name", "/code"}
    merger = asked(Kind.MERGER, [county.second.id], [county.heir.id])
    await confirm(session, await propose(session, merger, county.security), county.reviewer)
    later = NOW + timedelta(days=1)
    await confirm(session, await propose(session, replace(taken, code=None), county.security), county.reviewer, later)
    assert (await registry.find_organisation(session, county.first.id)).name == "乙局"
    with pytest.raises(PlanBlocked):
        await propose(session, asked(Kind.RENAMING, [county.first.id], code=county.second.code), county.security)


async def test_confirming_keeps_acceptances_out_and_counts_as_a_change_of_rights(
    database: Database, county: County
) -> None:
    session = county.session
    before = await barrier.epoch(session)
    proposed = await propose(session, county.merger, county.security)
    assert not await keeps_acceptances_out(database)
    await session.commit()
    assert await barrier.epoch(session) == before
    await session.commit()
    await confirm(session, proposed, county.reviewer)
    assert await keeps_acceptances_out(database)
    await session.commit()
    assert await barrier.epoch(session) == before + 1


async def test_nothing_new_is_given_to_a_body_that_ended(county: County) -> None:
    session = county.session
    await confirm(session, await propose(session, county.merger, county.security), county.reviewer)
    await session.commit()
    ended = await registry.find_organisation(session, county.first.id)
    act: dict[str, Any] = {"actor": OFFICER, "recorder": RECORDER, "now": NOW}
    new = NewOrganisation("县审改办", LINTAO, parent=ended.id)
    account = staff.NewAccount("late.one", "示例", frozenset({Role.EDITOR}), ended.id)
    system = (await registry.find_system(session, "office"))[0]
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: make_system(session, "late", ended),
        lambda: registry.register_organisation(session, new, **act),
        lambda: staff.propose(session, account, caller=county.reviewer, recorder=RECORDER, now=NOW),
        lambda: publishing.find_parties(session, ended.id, "office"),
        lambda: draft(session, ended, system),
        lambda: responsibility.appoint(
            session,
            ended.id,
            ResponsibleRole.LEADER,
            Particulars("示例"),
            act=responsibility.Act(OFFICER, RECORDER, NOW),
        ),
    ]
    for attempt in attempts:
        with pytest.raises(OrganisationEnded, match="甲局"):
            async with session.begin_nested():
                await attempt()
    await staff.reset(session, county.editor.id, caller=county.reviewer, recorder=RECORDER, now=NOW)
    with pytest.raises(OrganisationEnded):
        await staff.approve(
            session, county.editor.id, password_hash="x", caller=county.security, recorder=RECORDER, now=NOW
        )


async def test_a_draft_registered_while_its_provider_ends_waits_and_is_refused(
    database: Database, county: County
) -> None:
    session = county.session
    proposed = await propose(session, county.merger, county.security)
    await session.commit()
    await confirm(session, proposed, county.reviewer)

    async def register() -> None:
        async with database.session() as other, other.begin():
            await draft(other, county.first, county.office.system)

    late = asyncio.create_task(register())
    await asyncio.sleep(0.5)
    assert not late.done()
    await session.commit()
    with pytest.raises(OrganisationEnded):
        await late


async def test_a_draft_opened_before_a_transfer_does_not_take_the_resource_back(county: County) -> None:
    session = county.session
    record = await draft(session, county.first, county.office.system, name="草稿")
    change = asked(
        Kind.TRANSFER,
        [county.first.id],
        [county.heir.id],
        resources={record.resource.code: county.heir.id},
        publishers={record.resource.code: "funds"},
    )
    await confirm(session, await propose(session, change, county.security), county.reviewer)
    with pytest.raises(Exception, match="提供机构"):
        await publishing.edit_draft(
            session,
            record.resource.id,
            metadata=describe(),
            provider_id=county.first.id,
            actor=EDITOR,
            recorder=RECORDER,
            now=NOW,
        )
    await session.rollback()


async def test_what_is_open_of_an_ended_body_is_its_successors(county: County) -> None:
    session, first, second, heir = county.session, county.first.id, county.second.id, county.heir.id
    act: dict[str, Any] = {"anchored_at": NOW, "actor": OFFICER, "recorder": RECORDER, "now": NOW}
    both = duties.Subject("access-request", "both")
    for owed, debtor in ((duties.Subject("access-request", "one"), first), (both, first), (both, second)):
        await duties.owe(session, "answer-conditional", owed, debtor=duties.Debtor(debtor), **act)
    await notices.tell(session, first, "correction", "subject", {}, NOW)
    await confirm(session, await propose(session, county.merger, county.security), county.reviewer)
    await session.commit()
    debtors = await session.execute(
        text("SELECT subject_id, debtor_organisation_id FROM duty WHERE state = 'open' ORDER BY subject_id, 2")
    )
    assert [tuple(row) for row in debtors] == [("both", heir), ("one", heir)]
    assert (await session.scalar(text("SELECT organisation_id FROM notice"))) == heir
    (leaf,) = [leaf for leaf in await county.leaves("organisation.ended") if leaf["object"]["id"] == str(first)]
    assert leaf["details"]["notices"] == 1


async def test_what_is_open_of_a_resource_and_of_a_system_goes_where_they_go(county: County) -> None:
    session, first, second, heir = county.session, county.first.id, county.second.id, county.heir.id
    await make_system(session, "heir-system", county.heir)
    editor, code = await make_person(session, "editor.wang", Role.EDITOR), county.guides.resource.code
    conditional: dict[str, Any] = {"share_type": 2, "share_condition": "仅用于办事", "name": "有条件的资源"}
    kept = await published(session, county.first, county.office.system, **conditional)
    act: dict[str, Any] = {"actor": editor, "recorder": RECORDER, "now": NOW}
    granted = await requests.submit(session, "funds", code, Asked(**ASKED), **act)
    waiting = await requests.submit(session, "funds", kept.resource.code, Asked(**ASKED), **act)
    for duty, of in (("update-catalogue", code), ("update-catalogue", kept.resource.code)):
        debtor = duties.Debtor(first)
        await duties.owe(session, duty, duties.Subject("resource", of), debtor=debtor, anchored_at=NOW, **act)

    guides = asked(Kind.TRANSFER, [first], [heir], resources={code: heir}, publishers={code: "heir-system"})
    await confirm(session, await propose(session, guides, county.security), county.reviewer)
    owed = await session.execute(text("SELECT duty, subject_id, debtor_organisation_id FROM duty WHERE state = 'open'"))
    assert {tuple(row) for row in owed} == {
        ("provide-data", str(granted.request.id), heir),
        ("update-catalogue", code, heir),
        ("update-catalogue", kept.resource.code, first),
    }
    money = county.money.resource.code
    funds = asked(Kind.TRANSFER, [second], [heir], resources={money: heir}, systems={"funds": heir})
    await confirm(session, await propose(session, funds, county.security), county.reviewer)
    asking = await session.execute(text("SELECT id, organisation_id FROM access_request"))
    assert {tuple(row) for row in asking} == {(granted.request.id, second), (waiting.request.id, heir)}


async def test_every_column_that_names_an_organisation_is_moved_or_is_history(session: AsyncSession) -> None:
    moved = {"system.organisation_id", "resource.provider_id", "organisation.parent_id", "staff.organisation_id"}
    closed = {"responsible_person.organisation_id"}
    history = {
        "organisation_name.organisation_id",
        "organisation_change_party.organisation_id",
        "organisation_change_move.from_id",
        "organisation_change_move.to_id",
        "catalogue_import.organisation_id",  # tried on the catalogue as it was: the successor's people try their workbook again
    }
    found = await session.scalars(
        text("""
            SELECT conrelid::regclass || '.' || attname FROM pg_constraint
            JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
            WHERE contype = 'f' AND confrelid = 'organisation'::regclass
        """)
    )
    assert set(found) == moved | closed | history | HANDED_ON


async def test_an_account_that_is_disabled_already_stays_where_it_was(county: County) -> None:
    session = county.session
    await staff.disable(session, county.editor.id, caller=county.security, recorder=RECORDER, now=NOW)
    done = await confirm(session, await propose(session, county.merger, county.security), county.reviewer)
    assert What.STAFF not in {move.what for move in await repository.moves(session, done.id, after=0, limit=99)}
    row = await session.get_one(Staff, county.editor.id, populate_existing=True)
    assert row.organisation_id == county.first.id
