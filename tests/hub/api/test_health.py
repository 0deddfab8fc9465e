"""`/livez`, `/readyz`, `/metrics`, the problem pages, the documentation page."""

from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest

from hub.api import health
from hub.api.problems import KINDS, wants_english
from tests.support.gateway import TestGateway


async def test_alive_and_ready(gateway: TestGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "READY_WITHIN_S", 60.0)
    assert (await gateway.client.get("/livez")).json() == {"status": "ok"}
    ready = await gateway.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"


async def test_not_ready_when_the_clocks_differ(gateway: TestGateway) -> None:
    gateway.context.clock.not_before(gateway.now + timedelta(seconds=10))
    answer = await gateway.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_metrics_are_for_loopback(gateway: TestGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "READY_WITHIN_S", 60.0)
    inside = await gateway.client.get("/metrics")
    assert inside.status_code == 200
    assert "shuniu_exchanges_total" in inside.text
    assert "\nshuniu_log_waiting 0.0\n" in inside.text
    gateway.client._transport.client = ("192.0.2.9", 4711)  # type: ignore[attr-defined]
    outside = await gateway.client.get("/metrics")
    assert outside.status_code == 403


async def test_without_the_database_a_process_still_speaks_for_itself(gateway: TestGateway) -> None:
    def away() -> NoReturn:
        raise ConnectionRefusedError

    gateway.app.state.context = replace(gateway.context, acquire=away)
    answer = await gateway.client.get("/metrics")
    assert answer.status_code == 200
    assert "shuniu_exchanges_total" in answer.text
    assert "shuniu_log_waiting" not in answer.text


@pytest.mark.parametrize("slug", KINDS)
async def test_every_problem_has_a_page_in_two_languages(gateway: TestGateway, slug: str) -> None:
    page = await gateway.client.get(f"/problems/{slug}")
    assert page.status_code == 200
    assert KINDS[slug].zh in page.text
    assert slug in page.text


async def test_there_is_no_page_for_an_unknown_problem(gateway: TestGateway) -> None:
    assert (await gateway.client.get("/problems/bad-weather")).status_code == 404


async def test_the_documentation_is_ours_and_complete(gateway: TestGateway) -> None:
    page = (await gateway.client.get("/docs")).text
    document = (await gateway.client.get("/openapi.json")).json()
    for path in document["paths"]:
        assert path.replace("{", "{") in page
    assert "/v1/exchanges" in document["paths"]
    assert "http://" not in page.replace("http://127.0.0.1", "")
    assert "https://" not in page


@pytest.mark.parametrize(
    ("header", "english"),
    [("", False), ("en", True), ("zh-CN,en;q=0.8", False), ("en-US,zh;q=0.5", True), ("fr", False), ("en;q=x", False)],
)
def test_chinese_is_the_default_and_english_on_request(header: str, english: bool) -> None:
    assert wants_english(header) is english
