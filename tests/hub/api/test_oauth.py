"""`POST /oauth/token` at the door, with assertions that a stranger's library signed, and tokens at their use."""

from typing import Any

import httpx
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from sqlalchemy import select

from hub.audit.models import LogEntry
from hub.db.locks import REGISTRY_BARRIER
from hub.exchange import refusals
from tests.support.gateway import TestGateway
from tests.support.oauth import claims, form, sign
from tests.support.registry import Partner


def assertion(gateway: TestGateway, partner: Partner, **changes: Any) -> str:
    return sign(partner.key, partner.certificate.kid, claims(partner.system.code, now=gateway.now, **changes))


async def ask(gateway: TestGateway, text: str, **changes: str | None) -> httpx.Response:
    return await gateway.client.post("/oauth/token", data=form(text, **changes))


async def token(gateway: TestGateway, partner: Partner) -> dict[str, str]:
    answer = await ask(gateway, assertion(gateway, partner))
    assert answer.status_code == 200
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def change(gateway: TestGateway, statement: str, *arguments: object) -> None:
    """A change of rights as the registry makes it: barrier first, epoch last."""
    async with gateway.context.database.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", REGISTRY_BARRIER)
        await connection.execute(statement, *arguments)
        await connection.execute("UPDATE registry_epoch SET epoch = epoch + 1")


async def events(gateway: TestGateway) -> list[tuple[str, str]]:
    async with gateway.context.transaction() as session:
        rows = (await session.execute(select(LogEntry))).scalars().all()
    return sorted((row.event, row.actor) for row in rows if row.event.startswith("token."))


async def test_a_system_gets_a_token_that_opens_its_inbox(gateway: TestGateway) -> None:
    partner = await gateway.partner("jiguan-portal")
    answer = await ask(gateway, assertion(gateway, partner))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    inbox = await gateway.client.get("/v1/inbox", headers=headers)
    assert (inbox.status_code, inbox.json()) == (200, {"items": []})
    assert await events(gateway) == [("token.issued", "jiguan-portal")]


async def test_an_assertion_buys_one_token_only(gateway: TestGateway) -> None:
    partner = await gateway.partner("jiguan-portal")
    text = assertion(gateway, partner)
    assert (await ask(gateway, text)).status_code == 200
    again = await ask(gateway, text)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "jti" in again.json()["error_description"]
    assert again.headers["www-authenticate"] == 'Bearer error="invalid_client"'
    assert await events(gateway) == [("token.issued", "jiguan-portal"), ("token.refused", "jiguan-portal")]


async def test_a_refusal_after_a_good_signature_is_logged_and_one_before_it_is_counted(gateway: TestGateway) -> None:
    partner = await gateway.partner("jiguan-portal")
    listed = await ask(gateway, assertion(gateway, partner, aud=[gateway.context.settings.token_endpoint]))
    assert (listed.status_code, listed.json()["error"]) == (401, "invalid_client")
    assert gateway.context.settings.token_endpoint in listed.json()["error_description"]
    assert "数组" in listed.json()["error_description#zh-CN"]
    assert (await ask(gateway, "nonsense")).status_code == 401
    assert await events(gateway) == [("token.refused", "jiguan-portal")]
    async with gateway.context.acquire() as connection:
        assert await gateway.context.refusals.flush(connection) == 1
        assert await connection.fetchval("SELECT cause FROM refusal_count") == "malformed-assertion"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", b"{}"), ("application/x-www-form-urlencoded", b"x=" + b"y" * 20000), ("", b"")],
)
async def test_what_is_no_form_is_refused_in_oauths_own_form(
    gateway: TestGateway, content_type: str, body: bytes
) -> None:
    answer = await gateway.client.post("/oauth/token", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def counted(gateway: TestGateway) -> dict[str, int]:
    async with gateway.context.acquire() as connection:
        await gateway.context.refusals.flush(connection)
        rows = await connection.fetch("SELECT cause, sum(count)::integer AS count FROM refusal_count GROUP BY cause")
    return {row["cause"]: row["count"] for row in rows}


async def test_another_grant_is_refused_and_counted(gateway: TestGateway) -> None:
    partner = await gateway.partner("jiguan-portal")
    answer = await ask(gateway, assertion(gateway, partner), grant_type="password")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    assert await events(gateway) == []
    assert await counted(gateway) == {"unsupported_grant_type": 1}


@pytest.mark.parametrize(
    ("changes", "error", "cause"),
    [
        ({"client_id": "somebody-else"}, "invalid_request", "client-id-mismatch"),
        ({"scope": "inbox"}, "invalid_scope", "scope-not-supported"),
    ],
)
async def test_a_wrong_parameter_beside_a_good_assertion_is_logged(
    gateway: TestGateway, changes: dict[str, str], error: str, cause: str
) -> None:
    partner = await gateway.partner("jiguan-portal")
    answer = await ask(gateway, assertion(gateway, partner), **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    async with gateway.context.transaction() as session:
        rows = (await session.execute(select(LogEntry))).scalars().all()
    refused = [row for row in rows if row.event == "token.refused"]
    assert [b'"error":"%s"' % cause.encode() in row.leaf for row in refused] == [True]
    assert await counted(gateway) == {}


async def test_refusals_beyond_a_systems_rate_are_counted(
    gateway: TestGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "SINGLE_BURST", 3.0)
    monkeypatch.setattr(refusals, "SINGLE_RATE_PER_S", 0.0)
    partner = await gateway.partner("jiguan-portal")
    text = assertion(gateway, partner)
    answers = [await ask(gateway, text) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] + [401] * 7
    assert [event for event, _ in await events(gateway)] == ["token.issued"] + ["token.refused"] * 3
    assert await counted(gateway) == {"jti-reused": 4}


async def test_a_certificate_that_was_issued_a_moment_ago_is_known(gateway: TestGateway) -> None:
    partner = await gateway.partner("jiguan-portal")
    await change(gateway, "UPDATE system SET state = 'suspended'")
    await gateway.refresh()
    suspended = await ask(gateway, assertion(gateway, partner))
    assert (suspended.status_code, suspended.json()["error"]) == (401, "invalid_client")
    await change(gateway, "UPDATE system SET state = 'active'")
    gateway.context.pictures._checked_at = 0.0
    assert (await ask(gateway, assertion(gateway, partner))).status_code == 200


@pytest.mark.parametrize(
    ("statement", "status", "slug"),
    [
        ("UPDATE system SET state = 'suspended'", 403, "system-suspended"),
        ("UPDATE system SET state = 'retired'", 403, "system-suspended"),
        (
            "UPDATE certificate SET state = 'revoked', revoked_at = now(), revocation_reason = 'superseded'",
            401,
            "certificate-revoked",
        ),
    ],
)
async def test_a_token_is_worth_nothing_from_the_change_on(
    gateway: TestGateway, statement: str, status: int, slug: str
) -> None:
    partner = await gateway.partner("jiguan-portal")
    headers = await token(gateway, partner)
    path = "/v1/exchanges/00000000-0000-7000-8000-000000000000"
    assert (await gateway.client.get(path, headers=headers)).status_code == 404
    await change(gateway, statement)
    refused = await gateway.client.get(path, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{slug}")
    assert (await gateway.client.get("/v1/inbox", headers=headers)).status_code == status


async def test_a_token_that_was_refused_counts_again_once_its_system_is_resumed(gateway: TestGateway) -> None:
    partner = await gateway.partner("jiguan-portal")
    headers = await token(gateway, partner)
    await change(gateway, "UPDATE system SET state = 'suspended'")
    await gateway.refresh()
    assert (await gateway.client.get("/v1/inbox", headers=headers)).status_code == 403
    await change(gateway, "UPDATE system SET state = 'active'")
    gateway.context.pictures._checked_at = 0.0
    assert (await gateway.client.get("/v1/inbox", headers=headers)).status_code == 200


async def test_a_token_runs_out(gateway: TestGateway) -> None:
    headers = await token(gateway, await gateway.partner("jiguan-portal"))
    gateway.later(300)
    expired = await gateway.client.get("/v1/inbox", headers=headers)
    assert (expired.status_code, expired.json()["type"]) == (401, "/problems/unauthenticated")


async def test_a_system_is_no_member_of_staff(gateway: TestGateway) -> None:
    headers = await token(gateway, await gateway.partner("jiguan-portal"))
    for path in ("/v1/staff", "/v1/session", "/v1/organisations", "/v1/audit/events"):
        assert (await gateway.client.get(path, headers=headers)).status_code == 401


async def test_the_metadata_names_this_endpoint(gateway: TestGateway) -> None:
    answer = await gateway.client.get("/.well-known/oauth-authorization-server")
    found = AuthorizationServerMetadata(answer.json())
    found.validate()
    assert found["token_endpoint"] == gateway.context.settings.token_endpoint
    assert found["issuer"] == gateway.context.settings.public_url
