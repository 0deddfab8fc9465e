"""Requests, objections, corrections and renewals in the OpenAPI document: an example for each call, and good ones."""

from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from hub.api import access_requests, corrections, grants, objections
from hub.api.access_request_forms import ASKED_EXAMPLE, NEW_EXAMPLE, AskedBody, NewRequest
from hub.api.scope_forms import AskedScope
from tests.support.gateway import TestGateway

ROUTERS = (access_requests, objections, corrections)


def described() -> dict[str, Any]:
    app = FastAPI()
    for door in (*ROUTERS, grants):
        app.include_router(door.router)
    return app.openapi()


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each call of ours."""
    ours = tuple(door.router.prefix for door in ROUTERS)
    return [
        (method, path, operation)
        for path, methods in described()["paths"].items()
        for method, operation in methods.items()
        if path.startswith(ours) or path.endswith("/renew")
    ]


def test_every_call_shows_what_is_sent_and_what_is_answered() -> None:
    schemas = described()["components"]["schemas"]
    assert len(operations()) == 8 + 7 + 7 + 1
    for method, path, operation in operations():
        (answer,) = [operation["responses"][code] for code in ("200", "201") if code in operation["responses"]]
        (content,) = answer["content"].values()
        assert content.get("example") or content.get("examples"), (method, path)
        if "requestBody" in operation:
            (sent,) = operation["requestBody"]["content"].values()
            schema = schemas[sent["schema"]["$ref"].rpartition("/")[2]]
            assert schema.get("examples") or all("examples" in one for one in schema["properties"].values()), path


@pytest.mark.parametrize(
    ("body", "example"),
    [
        (NewRequest, NEW_EXAMPLE),
        (AskedBody, ASKED_EXAMPLE),
        (objections.NewObjection, objections.NEW_EXAMPLE),
        (corrections.NewCorrection, corrections.NEW_EXAMPLE),
        (grants.Renewal, grants.RENEWAL_EXAMPLE),
        *((AskedScope, example) for example in AskedScope.model_json_schema()["examples"]),
    ],
)
def test_an_example_of_what_is_sent_would_be_taken(body: type[BaseModel], example: dict[str, Any]) -> None:
    assert isinstance(body.model_validate(example), body)


CATALOGUE = (
    "/v1/resources",
    "/v1/reviews",
    "/v1/approval-chains",
    "/v1/classifications",
    "/v1/upstream",
    "/v1/list",
    "/v1/power-suspensions",
    "/v1/notices",
    "/v1/grants",
    "/v1/dut",
    "/v1/holiday",
    "/v1/organisations",
)
"""Calls of the catalogue and of what stands around it."""


async def test_every_call_of_the_catalogue_shows_what_is_answered(gateway: TestGateway) -> None:
    document = (await gateway.client.get("/openapi.json")).json()
    without = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = [operation["responses"].get(status, {}).get("content", {}) for status in ("200", "201", "202")]
            kinds = [(kind, shown) for content in answers for kind, shown in content.items()]
            if path.startswith(CATALOGUE) and not any(
                shown.get("example") or shown.get("examples") or "spreadsheet" in kind for kind, shown in kinds
            ):
                without.append((method, path))
    assert without == []
