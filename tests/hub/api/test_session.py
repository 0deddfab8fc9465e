"""`/v1/session`: what a person, a program and a browser on a foreign page get."""

import base64
from datetime import timedelta
from itertools import count

import httpx
import pytest
from sqlalchemy import select

from hub.audit.models import LogEntry
from hub.identity.roles import Role
from hub.identity.totp import code_at, step_of
from tests.support.gateway import TestGateway, bearer
from tests.support.staff import PASSWORD, make_account

NEW_PASSWORD = "Another-Horse-8"


async def events(gateway: TestGateway) -> list[str]:
    async with gateway.context.transaction() as session:
        return sorted((await session.execute(select(LogEntry.event))).scalars().all())  # type: ignore[call-overload]


async def sign_in(gateway: TestGateway, user: str, password: str, **more: str) -> httpx.Response:
    return await gateway.client.post("/v1/session", json={"user": user, "password": password, **more})


async def test_signing_in_answers_token_person_and_cookie(gateway: TestGateway) -> None:
    await gateway.staff("zhang.san", Role.EDITOR, Role.REVIEWER, organisation="临洮县示例局二")
    answer = await sign_in(gateway, "zhang.san", PASSWORD)
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"token", "expires_at", "user", "name", "roles", "organisation", "must_change_password"}
    assert (body["user"], body["roles"], body["must_change_password"]) == ("zhang.san", ["editor", "reviewer"], False)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"shuniu_session={body['token']};")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    assert answer.headers["cache-control"] == "no-store"
    who = await gateway.client.get("/v1/session", headers={"Authorization": f"Bearer {body['token']}"})
    assert who.json() == {name: body[name] for name in body if name not in ("token", "expires_at")}


async def test_unknown_user_wrong_password_and_closed_account_get_the_same_answer(gateway: TestGateway) -> None:
    operator = await gateway.staff("operator.li", Role.OPERATOR)
    closed = await gateway.staff("closed.one", Role.REVIEWER)
    await gateway.client.post(f"/v1/staff/{closed.caller.id}/disable", headers=bearer(operator))
    answers = [
        await sign_in(gateway, "nobody", PASSWORD),
        await sign_in(gateway, "operator.li", "Wrong-Horse-7"),
        await sign_in(gateway, "closed.one", PASSWORD),
        await sign_in(gateway, "operator.li", PASSWORD, second_factor="123456"),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 201]
    for answer in answers[:3]:
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert body.pop("request_id")
        assert body == {name: value for name, value in answers[0].json().items() if name != "request_id"}


async def test_an_account_is_locked_after_five_failures_and_says_no_more_than_before(gateway: TestGateway) -> None:
    await gateway.staff("zhang.san", Role.REVIEWER)
    wrong = [await sign_in(gateway, "zhang.san", "Wrong-Horse-7") for _ in range(5)]
    right = await sign_in(gateway, "zhang.san", PASSWORD)
    assert right.status_code == 401
    assert right.json()["detail"] == wrong[0].json()["detail"]
    gateway.later(15 * 60)
    assert (await sign_in(gateway, "zhang.san", PASSWORD)).status_code == 201
    found = await events(gateway)
    assert (found.count("session.refused"), found.count("session.locked")) == (5, 1)


async def test_a_first_sign_in_may_change_the_password_and_nothing_else(gateway: TestGateway) -> None:
    async with gateway.context.transaction() as session:
        first = await make_account(
            session, "operator", Role.OPERATOR, now=gateway.now, passwords=gateway.context.identity.passwords
        )
    body = (await sign_in(gateway, "operator", first)).json()
    assert body["must_change_password"]
    headers = {"Authorization": f"Bearer {body['token']}"}
    gateway.client.cookies.clear()
    for method, path in (("GET", "/v1/staff"), ("POST", "/v1/session/second-factor")):
        refused = await gateway.client.request(method, path, headers=headers, json={"password": first})
        assert refused.status_code == 403
        assert "/v1/session/password" in refused.json()["detail"]
    assert (await gateway.client.get("/v1/session", headers=headers)).status_code == 200
    change = {"password": first, "new_password": NEW_PASSWORD}
    changed = await gateway.client.post("/v1/session/password", headers=headers, json=change)
    assert changed.status_code == 201
    assert not changed.json()["must_change_password"]
    gateway.client.cookies.clear()
    assert (await gateway.client.get("/v1/session", headers=headers)).status_code == 401
    renewed = {"Authorization": f"Bearer {changed.json()['token']}"}
    assert (await gateway.client.get("/v1/staff", headers=renewed)).status_code == 200


async def test_a_simple_new_password_is_refused_by_field_and_a_wrong_current_one_as_at_sign_in(
    gateway: TestGateway,
) -> None:
    opened = await gateway.staff("zhang.san", Role.REVIEWER)
    simple = await gateway.client.post(
        "/v1/session/password", headers=bearer(opened), json={"password": PASSWORD, "new_password": "simple"}
    )
    assert simple.status_code == 422
    assert simple.json()["errors"][0]["pointer"] == "/new_password"
    wrong = await gateway.client.post(
        "/v1/session/password", headers=bearer(opened), json={"password": "wrong", "new_password": NEW_PASSWORD}
    )
    assert wrong.status_code == 401
    assert "session.refused" in await events(gateway)


async def test_signing_out_ends_the_session(gateway: TestGateway) -> None:
    opened = await gateway.staff("zhang.san", Role.REVIEWER)
    out = await gateway.client.delete("/v1/session", headers=bearer(opened))
    assert out.status_code == 204
    assert 'shuniu_session=""' in out.headers["set-cookie"]
    assert (await gateway.client.get("/v1/session", headers=bearer(opened))).status_code == 401
    assert (await events(gateway)).count("session.ended") == 1


async def test_an_idle_session_is_over(gateway: TestGateway) -> None:
    opened = await gateway.staff("zhang.san", Role.REVIEWER)
    gateway.later(timedelta(minutes=gateway.context.settings.session_minutes).total_seconds())
    assert (await gateway.client.get("/v1/session", headers=bearer(opened))).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8640"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://127.0.0.1:8640"}, 204),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
    ids=count(),
)
async def test_a_cookie_changes_something_only_for_a_page_of_ours(
    gateway: TestGateway, headers: dict[str, str], status: int
) -> None:
    opened = await gateway.staff("zhang.san", Role.REVIEWER)
    cookie = {"Cookie": f"shuniu_session={opened.token}"}
    assert (await gateway.client.get("/v1/session", headers=cookie)).status_code == 200
    assert (await gateway.client.delete("/v1/session", headers=cookie | headers)).status_code == status


async def test_a_foreign_page_cannot_sign_anybody_in(gateway: TestGateway) -> None:
    await gateway.staff("zhang.san", Role.REVIEWER)
    body = {"user": "zhang.san", "password": PASSWORD}
    for headers, status in (({"Origin": "http://evil.example"}, 403), ({"Sec-Fetch-Site": "same-origin"}, 201)):
        assert (await gateway.client.post("/v1/session", json=body, headers=headers)).status_code == status


@pytest.mark.parametrize(
    "value", ["Basic eDp5", "Bearer", "Bearer ", "Bearer nonsense", "Bearer a.b.c", "nonsense"], ids=repr
)
async def test_credentials_of_another_kind_are_none(gateway: TestGateway, value: str) -> None:
    answer = await gateway.client.get("/v1/session", headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_second_factor_is_enrolled_in_two_steps_and_asked_for(gateway: TestGateway) -> None:
    opened = await gateway.staff("security.wang", Role.SECURITY)
    path, headers = "/v1/session/second-factor", bearer(opened)
    wrong = await gateway.client.post(path, headers=headers, json={"password": "wrong"})
    assert wrong.status_code == 401
    begun = await gateway.client.post(path, headers=headers, json={"password": PASSWORD})
    assert begun.status_code == 201
    assert begun.headers["cache-control"] == "no-store"
    secret = base64.b32decode(begun.json()["secret"])
    assert begun.json()["uri"].startswith("otpauth://totp/lintao-hub:security.wang?")
    bad = await gateway.client.put(path, headers=headers, json={"code": "12345"})
    assert bad.status_code == 422
    good = await gateway.client.put(path, headers=headers, json={"code": code_at(secret, step_of(gateway.now))})
    assert good.status_code == 204
    assert (await sign_in(gateway, "security.wang", PASSWORD)).status_code == 401
    gateway.later(30)
    code = code_at(secret, step_of(gateway.now))
    assert (await sign_in(gateway, "security.wang", PASSWORD, second_factor=code)).status_code == 201
    assert (await sign_in(gateway, "security.wang", PASSWORD, second_factor=code)).status_code == 401


async def test_a_body_with_an_unknown_field_is_refused(gateway: TestGateway) -> None:
    answer = await sign_in(gateway, "zhang.san", PASSWORD, remember="yes")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/remember"


@pytest.mark.parametrize("odd", ["a\\u0000b", "\\ud800x", "Zhang San", "\\u5f20\\u4e09"])
async def test_odd_characters_are_a_wrong_user_or_a_wrong_field_and_never_a_fault(
    gateway: TestGateway, odd: str
) -> None:
    await gateway.staff("zhang.san", Role.REVIEWER)
    for body in (f'{{"user":"{odd}","password":"x"}}', f'{{"user":"zhang.san","password":"{odd}"}}'):
        answer = await gateway.client.post(
            "/v1/session", content=body.encode(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (401, 422)
