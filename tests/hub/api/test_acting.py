"""Who acts is judged again under the barrier of rights: what ended while a request waited allows nothing any more."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from catalog.codes import ShareType
from hub.db.engine import Database
from hub.db.locks import REGISTRY_BARRIER
from hub.identity.permissions import ACTIONS
from hub.identity.roles import Role
from hub.reorganisation.carrying_out import Work
from tests.hub.api.test_examples import models, of_model
from tests.hub.api.test_guard import ID, Found, guarded_by
from tests.hub.api.test_organisation_changes import Town, town
from tests.support.gateway import TestGateway, bearer
from tests.support.locks import until_waiting
from tests.support.staff import make_signed_in

__all__ = ["town"]

HOLD = f"SELECT pg_advisory_xact_lock({REGISTRY_BARRIER})"

NOT_UNDER_IT = re.compile(
    r"""
    /v1/session .*                               # of the caller alone
    | /v1/staff .*                               # asked below: the caller's account is held
    | /v1/(approval-chains|classifications|duty-rules|holiday-notices|upstream-catalogues|harvests|upstream-resources) .*
    | /v1/audit/exports | /v1/resources/.*/upstream
    | /v1/resources/imports .*                    # the worker judges who ordered it before it writes
    | /v1/resources | /v1/resources/.*/(draft|versions) | /v1/list-types/.*/resources    # judged again under the resource's lock
    | /v1/access-requests (/\{id\})?               # asked below: which lock they take depends on the resource
    | /v1/resources/reindex | /v1/notices/.*/read | /v1/lanes/.* | /v1/dead-letters/.*
    | /v1/organisation-changes (/plan | /.*/(refuse|withdraw))?    # change the proposal alone
    """,
    re.VERBOSE,
)
"""What neither changes rights nor is done for one organisation, and what is judged again in another way."""


async def asked_meanwhile(
    database: Database, statements: Sequence[str], ask: Callable[[], Awaitable[httpx.Response]]
) -> httpx.Response:
    """The answer of who asks while that change is under way: it commits once they wait for it, or did not wait at all."""
    async with database.connection() as connection, connection.transaction():
        for statement in statements:
            await connection.execute(statement)
        asking = asyncio.ensure_future(ask())
        waiting = asyncio.create_task(until_waiting(database))
        await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    return await asking


def body_of(document: dict[str, Any], route: Found) -> Any:
    path = re.sub(r":\w+\}", "}", route.path)
    sent = document["paths"][path][route.method.lower()].get("requestBody")
    if sent is None:
        return None
    (name,) = models(sent["content"]["application/json"]["schema"])
    return of_model(document["components"]["schemas"][name])[0]


async def test_no_act_under_the_barrier_is_done_by_a_session_that_ended_while_it_waited(gateway: TestGateway) -> None:
    people = [
        # A reviewer of no organisation is the authority's.
        await gateway.staff(f"one.{role}", role, organisation=None if role is Role.REVIEWER else f"{role}局")
        for role in Role
    ]
    database, document = gateway.context.database, gateway.app.openapi()
    acts = [
        route
        for route in guarded_by(gateway.app, "staff", "system-or-staff")
        if route.method != "GET" and not NOT_UNDER_IT.fullmatch(route.path)
    ]
    assert len(acts) > 50
    done = []
    for route in acts:
        who = next(one for one in people if ACTIONS[route.marks[0].action](one.caller))
        address = re.sub(f"(publications|versions)/{ID}", r"\1/1", route.address)
        body = body_of(document, route)
        answer = await asked_meanwhile(
            database,
            [HOLD, "UPDATE staff_session SET ended_at = now()"],
            partial(gateway.client.request, route.method, address, json=body, headers=bearer(who)),
        )
        if answer.status_code != 401:
            done.append((route.method, route.path, answer.status_code))
        async with gateway.context.transaction() as session:
            await session.execute(text("UPDATE staff_session SET ended_at = NULL"))
    assert done == []


@pytest.mark.parametrize("act", ["propose", "approve", "disable", "reset", "unlock"])
async def test_no_act_upon_accounts_is_done_by_an_officer_who_is_disabled_while_it_waits(
    gateway: TestGateway, act: str
) -> None:
    officer = await gateway.staff("officer", Role.OPERATOR if act in ("propose", "reset") else Role.SECURITY)
    other = await gateway.staff("other", Role.EDITOR, organisation="示例局")
    body = (
        {"login": "new", "display_name": "新", "roles": ["editor"], "organisation": None} if act == "propose" else None
    )
    path = "/v1/staff" if act == "propose" else f"/v1/staff/{other.caller.actor.id}/{act}"
    answer = await asked_meanwhile(
        gateway.context.database,
        ["UPDATE staff SET state = 'disabled' WHERE login = 'officer'"],
        partial(gateway.client.post, path, json=body, headers=bearer(officer)),
    )
    assert answer.status_code == 401, answer.text


async def test_no_act_of_a_system_is_done_once_it_was_suspended_while_it_waited(town: Town) -> None:
    kid = town.partners["office"].certificate.kid
    token = town.gateway.context.identity.tokens.issue("office", kid, now=town.gateway.now)
    path = f"/v1/lists/{town.resources['甲']}/publications/1/loaded"
    answer = await asked_meanwhile(
        town.gateway.context.database,
        [HOLD, "UPDATE system SET state = 'suspended' WHERE code = 'office'"],
        partial(town.gateway.client.post, path, headers={"Authorization": f"Bearer {token}"}),
    )
    assert answer.status_code == 401, answer.text


async def test_no_version_is_begun_by_a_session_that_ended_while_the_resource_was_held(town: Town) -> None:
    await member(town, "editor.jia", Role.EDITOR, "甲")
    path = f"/v1/resources/{town.resources['甲']}"
    answer = await asked_meanwhile(
        town.gateway.context.database,
        ["SELECT 1 FROM resource FOR UPDATE", "UPDATE staff_session SET ended_at = now()"],
        partial(town.gateway.client.post, f"{path}/versions", json={}, headers=town.staff["editor.jia"]),
    )
    assert answer.status_code == 401, answer.text
    async with town.gateway.context.transaction() as session:
        assert await session.scalar(text("SELECT max(number) FROM resource_version")) == 1


async def member(town: Town, login: str, role: Role, body: str) -> None:
    """A member of staff of that body, signed in, under this login."""
    gateway = town.gateway
    async with gateway.context.transaction() as session:
        opened = await make_signed_in(
            session,
            login,
            role,
            now=gateway.now,
            passwords=gateway.context.identity.passwords,
            organisation_id=town.bodies[body].id,
        )
    town.staff[login] = bearer(opened)


async def merged_meanwhile(
    town: Town, monkeypatch: pytest.MonkeyPatch, ask: Callable[[], Awaitable[httpx.Response]]
) -> httpx.Response:
    """The answer of who asks while 甲 is merged into 丙: all is written, and commits once they wait for it or have an answer."""
    begun, go, carry_out = asyncio.Event(), asyncio.Event(), Work.carry_out

    async def slowly(work: Work) -> None:
        await carry_out(work)
        begun.set()
        await go.wait()

    monkeypatch.setattr(Work, "carry_out", slowly)
    merging = asyncio.create_task(town.change(town.asked("merger", "甲", "丙")))
    await begun.wait()
    asking = asyncio.ensure_future(ask())
    waiting = asyncio.create_task(until_waiting(town.gateway.context.database))
    await asyncio.wait({asking, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    go.set()
    assert (await merging)["state"] == "confirmed"
    return await asking


def days_from_now(town: Town, days: int) -> str:
    return (town.gateway.now + timedelta(days=days)).isoformat()


async def test_a_decider_of_a_body_that_ends_while_the_grant_waits_decides_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await member(town, "decider.jia", Role.DECIDER, "甲")
    grant = {"consumer": "funds", "resource": town.resources["甲"], "purpose": "新用途", "basis": "依据"}
    ask = partial(
        town.gateway.client.post,
        "/v1/grants",
        json=grant | {"valid_to": days_from_now(town, 30)},
        headers=town.staff["decider.jia"],
    )
    answer = await merged_meanwhile(town, monkeypatch, ask)
    assert answer.status_code == 401, answer.text
    async with town.gateway.context.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM access_grant WHERE purpose = '新用途'")) == 0


async def asked_for(town: Town, consumer: str, name: str) -> dict[str, Any]:
    """A request of that system for that body's resource, which is shared on conditions from now on."""
    code = town.resources[name]
    async with town.gateway.context.transaction() as session:
        await session.execute(
            text("UPDATE resource SET share_type = :type, share_condition = '核对' WHERE code = :code"),
            {"type": ShareType.CONDITIONAL.value, "code": code},
        )
    asked = {"consumer": consumer, "resource": code, "basis": "依据", "scene": "场景", "purpose": "另一用途"}
    return asked | {"valid_to": days_from_now(town, 30)}


async def test_nothing_is_asked_for_in_the_name_of_a_body_that_ends_meanwhile(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await member(town, "editor.jia", Role.EDITOR, "甲")
    await member(town, "editor.bing", Role.EDITOR, "丙")
    path, asked = "/v1/access-requests", await asked_for(town, "office", "乙")
    ask = partial(town.gateway.client.post, path, json=asked, headers=town.staff["editor.jia"])
    answer = await merged_meanwhile(town, monkeypatch, ask)
    assert answer.status_code == 401, answer.text
    made = await town.ask("editor.bing", "POST", path, asked, 201)
    assert made["organisation"]["name"] == "丙局"


async def test_what_a_request_has_owed_is_owed_by_the_body_that_took_over_meanwhile(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await member(town, "editor.yi", Role.EDITOR, "乙")
    made = await town.ask("editor.yi", "POST", "/v1/access-requests", await asked_for(town, "funds", "甲"), 201)
    path, verdict = f"/v1/access-requests/{made['id']}/review", {"verdict": "pass"}
    ask = partial(town.gateway.client.post, path, json=verdict, headers=town.staff["reviewer"])
    # Who confirms the change is a reviewer as well; another session of theirs would do the same.
    answer = await merged_meanwhile(town, monkeypatch, ask)
    assert answer.status_code == 200, answer.text
    heir = town.bodies["丙"].id
    async with town.gateway.context.transaction() as session:
        owed = "SELECT debtor_organisation_id FROM duty WHERE subject_id = :request AND state = 'open'"
        assert list(await session.scalars(text(owed), {"request": made["id"]})) == [heir]
        told = "SELECT organisation_id FROM notice WHERE kind = 'access-request-received'"
        assert list(await session.scalars(text(told))) == [heir]
