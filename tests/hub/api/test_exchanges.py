"""`/v1/exchanges` and `/v1/inbox` over HTTP: what the contract promises of the calls."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

import certs.envelope
from certs.suites import Signer
from hub.api import exchanges
from hub.api.exchanges import ExchangeDoor, Headers, post_route
from hub.api.guard import Mark
from hub.app import application
from hub.app.logs import JsonLines
from hub.identity.roles import Role
from tests.support.gateway import TestGateway, bearer
from tests.support.world import TestSystem, World, record

JOSE = {"Content-Type": "application/jose"}
RES = "306001000001/000001"
HUB = "lintao-hub"


@dataclass
class Town:
    """A gateway with a provider, a consumer and a stranger."""

    gateway: TestGateway
    world: World
    provider: TestSystem
    consumer: TestSystem
    stranger: TestSystem

    async def post(self, envelope: bytes, **headers: str) -> httpx.Response:
        return await self.gateway.client.post("/v1/exchanges", content=envelope, headers=JOSE | headers)

    async def token(self, system: TestSystem) -> dict[str, str]:
        """Headers of a system with an access token."""
        token = self.gateway.context.identity.tokens.issue(system.code, system.kid, now=self.gateway.now)
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def town(gateway: TestGateway) -> AsyncIterator[Town]:
    """A published resource, one grant."""
    async with gateway.context.acquire() as connection:
        world = await World.make(connection)
        systems = [await world.system(code) for code in ("provider-a", "consumer-b", "stranger-c")]
        await world.grant(systems[1], await world.resource(RES, systems[0]))
        await gateway.refresh()
        yield Town(gateway, world, *systems)


def envelope(system: TestSystem, **changes: Any) -> bytes:
    return system.exchange(RES, aud=HUB, **changes)


async def test_the_first_post_is_created_and_the_second_gets_the_same_bytes(town: Town) -> None:
    sent = envelope(town.provider)
    first, second = await town.post(sent), await town.post(sent)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
    assert first.headers["content-type"] == "application/jose"
    assert first.headers["location"] == second.headers["location"]


@pytest.mark.parametrize(("slice_s", "is_in_one_go"), [(0.0, False), (60.0, True)])
async def test_what_arrives_together_is_judged_at_stretches_between_which_others_have_their_turn(
    town: Town, monkeypatch: pytest.MonkeyPatch, slice_s: float, is_in_one_go: bool
) -> None:
    loop, answers, turn, judged = asyncio.get_running_loop(), asyncio.Queue[tuple[str, int]](), 0, list[int]()

    def others() -> None:
        nonlocal turn
        turn += 1
        if answers.qsize() < 4:
            loop.call_soon(others)

    def sign(signer: Signer, unsigned: bytes) -> bytes:
        judged.append(turn)
        return really(signer, unsigned)

    really = certs.envelope.sign
    monkeypatch.setattr(certs.envelope, "sign", sign)
    monkeypatch.setattr(exchanges, "SLICE_S", slice_s)
    monkeypatch.setattr(exchanges, "GROUP", 2)
    sent = [envelope(town.provider) for _ in "abcd"]
    judged.clear()
    express(ExchangeDoor(town.gateway.context), sent, answers)
    others()
    assert [await taken(answers) for _ in "abcd"] == [("0", 201), ("1", 201), ("2", 201), ("3", 201)], (
        "the oldest first"
    )
    assert len(judged) == 4
    assert (len(set(judged)) == 1) is is_in_one_go


async def test_messages_that_are_judged_together_do_not_share_their_faults(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sign(signer: Signer, unsigned: bytes) -> bytes:
        if next(signed) == 2:
            raise RuntimeError("unforeseen")
        return really(signer, unsigned)

    sent = [envelope(town.provider) for _ in range(exchanges.GROUP + 1)]
    sent[1] = sent[1][:-9] + b"AAAAAAAAA"
    sent[4] = envelope(town.provider, records=[record(accepted_on="昨天")])
    really, signed = certs.envelope.sign, count()
    monkeypatch.setattr(certs.envelope, "sign", sign)
    answers = asyncio.Queue[tuple[str, int]]()
    express(ExchangeDoor(town.gateway.context), sent, answers)
    told = dict([await taken(answers) for _ in sent])
    assert told == {str(place): {1: 401, 4: 422}.get(place, 201) for place in range(len(sent))}
    assert next(signed) == len(sent) - 1, "what one fault befell was judged again, and nothing else was"


def express(door: ExchangeDoor, sent: Sequence[bytes], answers: "asyncio.Queue[tuple[str, int]]") -> None:
    """Hand messages over as a server does that has read them in one turn; answers go by their places."""
    for place, message in enumerate(sent):

        def answer(status: int, _: Headers, __: bytes, place: int = place) -> None:
            answers.put_nowait((str(place), status))

        door.express([(b"content-type", b"application/jose")], message, "192.0.2.7", answer)


async def taken(answers: "asyncio.Queue[tuple[str, int]]") -> tuple[str, int]:
    async with asyncio.timeout(60):
        return await answers.get()


async def test_a_refusal_is_a_problem_in_the_callers_language(town: Town) -> None:
    sent = envelope(town.provider, records=[record(accepted_on="昨天")])
    chinese = (await town.post(sent)).json()
    english = await town.post(sent, **{"Accept-Language": "en-GB, zh;q=0.5", "X-Request-Id": "abc-1"})
    assert english.status_code == 422
    assert english.headers["content-type"] == "application/problem+json"
    problem = english.json()
    assert problem["type"] == "/problems/schema-violation"
    assert problem["request_id"] == "abc-1"
    assert problem["errors"][0]["pointer"] == "/records/0/accepted_on"
    assert chinese["title"] != problem["title"]
    assert "昨天" not in english.text


async def test_an_envelope_must_call_itself_one(town: Town) -> None:
    answer = await town.gateway.client.post("/v1/exchanges", content=envelope(town.provider))
    assert answer.status_code == 415


async def test_an_oversized_body_is_refused_before_it_is_read(town: Town) -> None:
    answer = await town.post(b"x" * ((4 << 20) + 1))
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/too-large"


async def test_who_is_no_party_does_not_learn_of_an_exchange(town: Town) -> None:
    location = (await town.post(envelope(town.provider))).headers["location"]
    get = town.gateway.client.get
    as_sender = (await get(location, headers=await town.token(town.provider))).json()
    assert as_sender["state"] == "open"
    assert [d["state"] for d in as_sender["deliveries"]] == ["queued"]
    as_consumer = (await get(location, headers=await town.token(town.consumer))).json()
    assert as_consumer["lanes"] == 1
    assert (await get(location, headers=await town.token(town.stranger))).status_code == 404
    assert (await get("/v1/exchanges/no-uuid", headers=await town.token(town.consumer))).status_code == 404
    auditor = await town.gateway.staff("watcher", Role.AUDITOR)
    assert (await get(location, headers=bearer(auditor))).status_code == 200
    assert (await get(location)).status_code == 401


async def test_pull_and_acknowledge_over_http(town: Town) -> None:
    sent = envelope(town.provider)
    location = (await town.post(sent)).headers["location"]
    headers = await town.token(town.consumer)
    answer = await town.gateway.client.get("/v1/inbox?limit=10&wait=0", headers=headers)
    (item,) = answer.json()["items"]
    assert set(item) == {
        "delivery",
        "exchange",
        "res",
        "ver",
        "lane",
        "sequence",
        "digest",
        "envelope",
        "accepted_at",
    }
    assert item["envelope"].encode() == sent
    ack = town.consumer.ack([(item["delivery"], item["digest"])], aud=HUB)
    done = await town.gateway.client.post("/v1/inbox/acks", content=ack, headers=JOSE)
    assert done.json() == {"acknowledged": 1}
    assert (await town.gateway.client.get("/v1/inbox", headers=headers)).json() == {"items": []}
    closed = (await town.gateway.client.get(location, headers=headers)).json()
    assert closed["state"] == "closed"
    assert closed["deliveries"][0]["state"] == "acknowledged"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "wait=31", "wait=-1", "limit=many"])
async def test_a_wrong_parameter_is_named(town: Town, query: str) -> None:
    answer = await town.gateway.client.get(f"/v1/inbox?{query}", headers=await town.token(town.consumer))
    problem: Mapping[str, Any] = answer.json()
    assert answer.status_code == 422
    assert problem["errors"][0]["pointer"] == "/" + query.split("=")[0]


async def test_an_unknown_address_or_method_is_a_problem(town: Town) -> None:
    assert (await town.gateway.client.get("/v1/nothing")).json()["type"] == "/problems/not-found"
    refused = await town.gateway.client.put("/v1/exchanges")
    assert refused.json()["type"] == "/problems/method-not-allowed"
    assert refused.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/v1/session/", "/oauth/token/", "/v1/inbox/"])
async def test_an_address_with_a_slash_too_many_is_unknown_and_no_body_is_sent_on(town: Town, path: str) -> None:
    answer = await town.gateway.client.post(path, json={})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert answer.json()["type"] == "/problems/not-found"


async def test_json_that_is_not_marked_as_json_is_told_so(town: Town) -> None:
    said = {"content": b"{}", "headers": {"content-type": "application/x-www-form-urlencoded", "accept-language": "en"}}
    answer = await town.gateway.client.post("/v1/session", **said)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert "send Content-Type: application/json" in answer.json()["detail"]
    marked = await town.gateway.client.post("/v1/session", content=b"[]", headers={"content-type": "application/json"})
    assert marked.status_code == 422


def test_the_posting_door_guards_itself() -> None:
    route = post_route(None)  # type: ignore[arg-type]
    assert vars(route.endpoint)["shuniu_guard"] == Mark("signed-message")


async def test_nothing_is_accepted_while_the_clocks_disagree(town: Town) -> None:
    town.gateway.context.clock.not_before(town.gateway.now + timedelta(seconds=10))
    answer = await town.post(envelope(town.provider))
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/unavailable"


async def test_a_request_is_one_line_of_the_log_with_its_id_and_nothing_of_what_was_sent(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    transport = httpx.ASGITransport(app=application.Front(town.gateway.app))
    exchange = (await town.post(envelope(town.provider))).headers["Location"]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8640") as client:
        with caplog.at_level("INFO", "hub.access"):
            headers = await town.token(town.provider) | {"X-Request-Id": "mine-1"}
            assert (await client.get(f"{exchange}?name=某某", headers=headers)).headers["X-Request-Id"] == "mine-1"
            await client.post("/v1/session", json={"user": "zhang.san", "password": "secret-of-zhang"})
    lines = [JsonLines().format(record) for record in caplog.records if record.name == "hub.access"]
    shown = [{name: orjson.loads(line)[name] for name in ("method", "route", "status")} for line in lines]
    assert shown == [
        {"method": "GET", "route": "/v1/exchanges/{identifier}", "status": 200},
        {"method": "POST", "route": "/v1/session", "status": 401},
    ]
    assert orjson.loads(lines[0])["request_id"] == "mine-1"
    for word in (exchange.rpartition("/")[2], "某某", "zhang", headers["Authorization"]):
        assert word not in "".join(lines)


async def test_the_front_holds_no_more_of_all_bodies_together_than_its_bound(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "MAX_HELD_BYTES", 3000)
    front = application.Front(town.gateway.app)
    taken, stopped = asyncio.Event(), asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield b'{"user": "' + b"x" * 2500
        taken.set()
        await stopped.wait()
        yield b'"}'

    async def sign_in(content: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=front), base_url="http://127.0.0.1") as client:
            return await client.post("/v1/session", content=content, headers={"Content-Type": "application/json"})

    slow = asyncio.create_task(sign_in(drip()))
    await taken.wait()
    await asyncio.sleep(0.1)
    turned_away = await sign_in(b'{"user": "' + b"x" * 600 + b'"}')
    assert (turned_away.status_code, turned_away.json()["type"]) == (503, "/problems/unavailable")
    assert turned_away.headers["Retry-After"]
    stopped.set()
    assert (await slow).status_code == 422
    assert (await sign_in(b'{"user": "' + b"x" * 2800 + b'"}')).status_code == 422


async def test_the_front_bounds_the_bodies_of_ordinary_routes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "MAX_JSON_BYTES", 1000)
    transport = httpx.ASGITransport(app=application.Front(town.gateway.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8640") as client:
        small = await client.post("/v1/session", json={"user": "nobody-here", "password": "x" * 100})
        large = await client.post("/v1/session", json={"user": "nobody-here", "password": "x" * 1000})
    assert small.status_code == 401
    assert large.status_code == 413
    assert large.json()["type"] == "/problems/too-large"


async def test_who_is_waited_for_no_longer_as_the_process_ends_is_told_so(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.Event()

    async def wait_for_ever(*_: object) -> None:
        waiting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(exchanges, "read_exchange", wait_for_ever)
    front = application.Front(town.gateway.app)
    serving: list[asyncio.Task[None]] = []

    async def served(scope: Any, receive: Any, send: Any) -> None:
        serving.append(asyncio.create_task(front(scope, receive, send)))
        await serving[0]

    headers = {**await town.token(town.consumer), "X-Request-Id": "mine"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=served), base_url="http://127.0.0.1:8640", headers=headers
    ) as client:
        asking = asyncio.create_task(client.get(f"/v1/exchanges/{uuid4()}"))
        await waiting.wait()
        serving[0].cancel()  # as the server does with what is left at its end
        answer = await asking
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert (answer.json()["request_id"], answer.headers["Retry-After"]) == ("mine", "5")


async def test_an_envelope_that_is_waited_for_no_longer_as_the_process_ends_is_told_to_be_sent_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.Event()

    async def wait_for_ever(*_: object, **__: object) -> None:
        waiting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(type(town.gateway.context.intake), "accept", wait_for_ever)
    asking = asyncio.create_task(town.post(envelope(town.provider)))
    await waiting.wait()
    asking.cancel()  # it serves the request, too
    answer = await asking
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


async def test_an_unforeseen_error_is_a_problem_and_what_it_says_is_not_logged(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("payload of somebody")

    monkeypatch.setattr(exchanges, "read_exchange", fail)
    transport = httpx.ASGITransport(app=application.Front(town.gateway.app))
    headers = {**await town.token(town.consumer), "X-Request-Id": "mine"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8640", headers=headers) as client:
        answer = await client.get(f"/v1/exchanges/{uuid4()}")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert (answer.json()["request_id"], answer.headers["X-Request-Id"]) == ("mine", "mine")
    (told,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert vars(told)["fault"] == "RuntimeError"
    assert any("in fail" in line for line in vars(told)["where"])
    assert "payload" not in "".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
