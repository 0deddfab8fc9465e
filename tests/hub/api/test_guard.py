"""Nothing is open but what the contract opens: every route of the whole application, walked.

The two tables below are written by hand from the contract. A route that is in neither must name an action of
`hub.identity.permissions`, and is then asked with no credentials, with every role, with a system's token, with a session
that is due for a new password, and with a cookie from a foreign page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from hub.api.guard import ANYONE, SIGNED_MESSAGE, SYSTEM, Mark, anyone, staff_may
from hub.identity.permissions import ACTIONS
from hub.identity.roles import Role
from tests.support.gateway import TestGateway, bearer
from tests.support.oauth import claims, form, sign
from tests.support.staff import make_account

OPEN_TO_ALL = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),  # loopback only
    ("GET", "/problems/{slug}"),
    ("GET", "/docs"),
    ("GET", "/pki/ca.pem"),
    ("GET", "/pki/crl.der"),
    ("GET", "/pki/certificates/{kid}.pem"),
    ("GET", "/tlog/checkpoint"),
    ("GET", "/tlog/tile/{path:path}"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("POST", "/v1/session"),
}

SIGNED = {("POST", "/v1/inbox/acks"), ("POST", "/oauth/token")}

GUARD_THEMSELVES = {
    ("GET", "/openapi.json"): ANYONE,
    ("HEAD", "/openapi.json"): ANYONE,
    ("POST", "/v1/exchanges"): SIGNED_MESSAGE,
}
"""Plain ASGI endpoints, which have no dependencies."""

ID = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Found:
    """One method of one route, with the marks that its dependencies carry."""

    method: str
    path: str
    marks: tuple[Mark, ...]

    @property
    def address(self) -> str:
        """The path with something in its parameters."""
        return re.sub(r"\{[^}]*\}", ID, self.path)


def marks_of(dependant: Dependant) -> Iterator[Mark]:
    if (mark := getattr(dependant.call, "shuniu_guard", None)) is not None:
        yield mark
    for inner in dependant.dependencies:
        yield from marks_of(inner)


def walk(app: FastAPI) -> list[Found]:
    """Every method of every route, mounted and included ones too."""
    found = []
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        for method in sorted(route.methods or {"ANY"}):
            own = GUARD_THEMSELVES.get((method, str(route.path)))
            marks = tuple(marks_of(dependant)) if dependant is not None else (own,) if own else ()
            found.append(Found(method, str(route.path), marks))
    return found


def unguarded(app: FastAPI) -> list[tuple[str, str]]:
    """The routes that do not carry exactly one guard."""
    return [(route.method, route.path) for route in walk(app) if len(route.marks) != 1]


def guarded_by(app: FastAPI, *kinds: str) -> list[Found]:
    return [route for route in walk(app) if route.marks[0].kind in kinds]


async def ask(gateway: TestGateway, route: Found, headers: dict[str, str] | None = None) -> httpx.Response:
    """Ask without the cookies of those before."""
    gateway.client.cookies.clear()
    body: dict[str, str] | None = {} if route.method in ("POST", "PUT", "PATCH") else None
    return await gateway.client.request(route.method, route.address, headers=headers or {}, json=body)


def test_the_walk_finds_a_route_without_a_guard_or_with_two() -> None:
    app, router = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), APIRouter(prefix="/inner")
    app.get("/bare")(lambda: None)
    app.get("/once", dependencies=[Depends(anyone)])(lambda: None)
    router.get("/bare")(lambda: None)
    router.post("/twice", dependencies=[Depends(anyone), Depends(staff_may("audit_read"))])(lambda: None)
    app.include_router(router, prefix="/outer")
    assert unguarded(app) == [("GET", "/bare"), ("GET", "/outer/inner/bare"), ("POST", "/outer/inner/twice")]


async def test_every_route_carries_exactly_one_guard(gateway: TestGateway) -> None:
    assert unguarded(gateway.app) == []


async def test_open_and_signed_routes_are_those_of_the_contract_and_no_others(gateway: TestGateway) -> None:
    routes = walk(gateway.app)
    plain = set(GUARD_THEMSELVES)
    opened = {(r.method, r.path) for r in routes if r.marks == (ANYONE,)} - plain
    signed = {(r.method, r.path) for r in routes if r.marks == (SIGNED_MESSAGE,)} - plain
    assert (opened, signed) == (OPEN_TO_ALL, SIGNED)
    number = "/v1/lists/{id:path}/publications/{number}"
    asked = {r.path for r in routes if r.marks == (SYSTEM,)}
    assert asked == {"/v1/inbox", f"{number}/loaded", f"{number}/online"}


async def test_every_guarded_route_refuses_who_has_no_credentials(gateway: TestGateway) -> None:
    routes = guarded_by(gateway.app, "staff", "system", "system-or-staff")
    assert len(routes) > 30
    wrong = {"Authorization": "Bearer nonsense"}
    answers = {
        (route.method, route.path, bool(headers)): (await ask(gateway, route, headers)).status_code
        for route in routes
        for headers in ({}, wrong)
    }
    assert {key: status for key, status in answers.items() if status != 401} == {}


async def test_every_staff_route_refuses_the_roles_that_may_not_and_no_others(gateway: TestGateway) -> None:
    routes = guarded_by(gateway.app, "staff", "system-or-staff")
    routes.sort(key=lambda route: (route.method, route.path) == ("DELETE", "/v1/session"))  # it ends the session
    wrong = {}
    for role in Role:
        # A reviewer of no organisation is the authority's.
        own = None if role is Role.REVIEWER else f"{role}的示例局"
        opened = await gateway.staff(f"{role}.one", role, organisation=own)
        for route in routes:
            allowed = ACTIONS[route.marks[0].action](opened.caller)
            status = (await ask(gateway, route, bearer(opened))).status_code
            if status == 401 or (status == 403) == allowed:
                wrong[role, route.method, route.path] = status
    assert wrong == {}


async def test_a_session_due_for_a_new_password_opens_nothing_but_that(gateway: TestGateway) -> None:
    passwords = gateway.context.identity.passwords
    async with gateway.context.transaction() as session:
        first = await make_account(
            session, "secadmin", Role.SECURITY, Role.SECRECY, now=gateway.now, passwords=passwords
        )
    answer = await gateway.client.post("/v1/session", json={"user": "secadmin", "password": first})
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    routes = guarded_by(gateway.app, "staff", "system-or-staff")
    routes.sort(key=lambda route: (route.method, route.path) == ("DELETE", "/v1/session"))
    opened = {(route.method, route.path) for route in routes if (await ask(gateway, route, headers)).status_code != 403}
    assert opened == {("GET", "/v1/session"), ("DELETE", "/v1/session"), ("POST", "/v1/session/password")}


async def test_a_cookie_from_a_foreign_page_changes_nothing_on_any_route(gateway: TestGateway) -> None:
    opened = await gateway.staff("secadmin", Role.SECURITY)
    headers = {"Cookie": f"shuniu_session={opened.token}", "Origin": "http://evil.example"}
    routes = [r for r in guarded_by(gateway.app, "staff", "system-or-staff") if r.method != "GET"]
    answers = {(r.method, r.path): (await ask(gateway, r, headers)).status_code for r in routes}
    assert {key: status for key, status in answers.items() if status != 403} == {}
    assert len(answers) > 15


async def test_an_origin_that_is_none_is_a_foreign_one(gateway: TestGateway) -> None:
    opened = await gateway.staff("secadmin", Role.SECURITY)
    headers = {"Cookie": f"shuniu_session={opened.token}", "Origin": "http://[x"}
    assert (await gateway.client.delete("/v1/session", headers=headers)).status_code == 403


async def test_tokens_of_systems_open_no_staff_route_and_sessions_no_route_of_systems(gateway: TestGateway) -> None:
    partner = await gateway.partner("jiguan-portal")
    text = sign(partner.key, partner.certificate.kid, claims("jiguan-portal", now=gateway.now))
    token = (await gateway.client.post("/oauth/token", data=form(text))).json()["access_token"]
    session = bearer(await gateway.staff("secadmin", Role.SECURITY))
    system = {"Authorization": f"Bearer {token}"}
    for route in guarded_by(gateway.app, "staff"):
        assert (await ask(gateway, route, system)).status_code == 401, route
    for route in guarded_by(gateway.app, "system"):
        assert (await ask(gateway, route, session)).status_code == 401, route
    for route in guarded_by(gateway.app, "system-or-staff"):
        assert (await ask(gateway, route, system)).status_code not in (401, 403), route


def test_a_guard_for_an_action_that_does_not_exist_cannot_be_made() -> None:
    with pytest.raises(KeyError):
        staff_may("everything")
