"""`GET /v1/inbox` as a server meets it: the client may hang up."""

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any

import pytest

from hub.exchange import inbox
from tests.support.gateway import TestGateway


async def test_a_long_poll_whose_client_hung_up_gives_its_place_back(
    gateway: TestGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "LOOK_AGAIN_S", 0.2)
    partner = await gateway.partner("consumer")
    issued = gateway.context.identity.tokens.issue("consumer", partner.certificate.kid, now=gateway.now)
    hung_up = asyncio.Event()
    told: list[MutableMapping[str, Any]] = []
    arriving = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        if arriving:
            return arriving.pop()
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/inbox",
        "raw_path": b"/v1/inbox",
        "root_path": "",
        "query_string": b"wait=30",
        "headers": [(b"authorization", f"Bearer {issued}".encode())],
    }
    polling = asyncio.create_task(gateway.app(scope, receive, send))
    await asyncio.sleep(0.3)
    assert not polling.done()
    began = time.monotonic()
    hung_up.set()
    await polling
    assert time.monotonic() - began < 20, "long before its wait is over"
    assert told[0]["status"] == 200
