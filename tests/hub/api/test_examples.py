"""The OpenAPI document has an example for each call, and good ones: bodies would be taken, hashes and signatures hold."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, TypeAdapter

from catalog.dcat.pages import Syntax
from certs.canonical import canonical
from certs.checkpoint import open_checkpoint
from certs.commitment import commit
from certs.csr import load_csr
from certs.digests import b64u_decode
from certs.tree import leaf_hash
from hub.api import (
    audit_events,
    audit_examples,
    certificates,
    corrections,
    deliveries,
    delivery_examples,
    exchange_examples,
    exchanges,
    grants,
    inbox,
    oauth,
    objections,
    session,
    staff,
    staff_examples,
    systems,
    upstream_catalogues,
)
from hub.api.access_request_forms import ASKED_EXAMPLE, NEW_EXAMPLE, AskedBody, NewRequest
from hub.api.scope_forms import AskedScope
from hub.app.application import create_app
from hub.app.description import UNSAID, UNSAID_OF_INPUT
from hub.audit.entry import entry_reference
from hub.identity import totp
from hub.identity.oauth import TokenServer
from hub.publishing.harvesting import parse_page
from tests.support.gateway import TestGateway

VECTORS = Path(__file__).parents[3] / "docs" / "vectors"


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


BINARY = (
    "application/octet-stream",
    "application/pkix-crl",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
"""Kinds of bytes that an example would not explain."""


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The whole application, of which only the description is asked."""
    return create_app(MagicMock())


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def calls(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each call of the document, by method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def shown(content: dict[str, Any]) -> list[Any]:
    """The examples that one kind of content has of its own."""
    own = [content["example"]] if content.get("example") else []
    return own + [one["value"] for one in content.get("examples", {}).values()]


def good_answers(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(status, answer) for status, answer in operation["responses"].items() if status.startswith("2")]


def models(schema: dict[str, Any]) -> list[str]:
    """The names of the models that a body may be of."""
    references = [schema.get("$ref"), *(one.get("$ref") for one in schema.get("anyOf", ()))]
    return [reference.rpartition("/")[2] for reference in references if reference]


def of_model(schema: dict[str, Any]) -> list[Any]:
    """The examples of a model, or one put together from those of its properties, if all have one."""
    if "examples" in schema:
        return list(schema["examples"])
    properties = schema.get("properties", {})
    if not properties or not all(one.get("examples") for one in properties.values()):
        return []
    return [{name: one["examples"][0] for name, one in properties.items()}]


def test_every_call_shows_what_is_answered(document: dict[str, Any]) -> None:
    without = []
    for name, operation in calls(document):
        answers = good_answers(operation)
        assert answers, name
        for status, answer in answers:
            content = answer.get("content", {})
            if (status == "204") != (not content):
                without.append((name, status, "no content"))
            for kind, one in content.items():
                if kind in BINARY:
                    assert one["schema"]["format"] == "binary", name
                elif not shown(one):
                    without.append((name, status, kind))
    assert without == []


def test_every_answer_is_described_in_both_languages(document: dict[str, Any]) -> None:
    for name, operation in calls(document):
        for status, answer in operation["responses"].items():
            zh, _, en = answer["description"].partition("/")
            assert re.search(r"[\u4e00-\u9fff]", zh), (name, status, answer)
            assert re.search(r"[a-z]{3}", en), (name, status, answer)
            assert answer["description"] not in (UNSAID, UNSAID_OF_INPUT), (name, status)


@pytest.mark.parametrize(
    ("call", "status", "described"),
    [
        ("GET /v1/grants/{id}", "200", "一项授权 / one grant"),
        (
            "GET /v1/grants",
            "200",
            (
                "授权列表：一页；next 为下一页的游标，末页为 null / "
                "list grants: a page; next is the next page's cursor, null on the last"
            ),
        ),
        (
            "POST /v1/organisations",
            "201",
            "登记机构：已办，返回由此建立的对象 / register an organisation: carried out; the answer is what it made",
        ),
        (
            "POST /v1/grants/{id}/suspend",
            "200",
            "暂停授权：已办，返回办理后的对象 / suspend a grant: carried out; the answer is the object as it then is",
        ),
        (
            "POST /v1/lanes/{identifier}/pause",
            "204",
            "暂停通道：已办，没有内容 / pause a lane: carried out; no content",
        ),
        ("POST /oauth/token", "200", "访问令牌，有效秒数 / the access token, and how many seconds it lasts"),
    ],
)
def test_an_answer_is_described_by_its_call_unless_the_route_says_it_better(
    document: dict[str, Any], call: str, status: str, described: str
) -> None:
    assert dict(calls(document))[call]["responses"][status]["description"] == described


async def test_what_is_said_of_bad_input_is_what_is_answered(gateway: TestGateway, document: dict[str, Any]) -> None:
    refused = await gateway.client.post("/v1/session", json={"user": "someone"})
    said = dict(calls(document))["POST /v1/session"]["responses"][str(refused.status_code)]["content"]
    shown_body = said[refused.headers["content-type"]]["example"]
    answered = refused.json()
    assert shown_body.keys() == answered.keys()
    varying = {"errors": shown_body["errors"], "request_id": shown_body["request_id"]}
    assert shown_body == answered | varying
    assert shown_body["errors"][0]["detail"] == answered["errors"][0]["detail"]
    assert "ValidationError" not in json.dumps(document)


def test_every_body_shows_what_is_sent(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    without = []
    for name, operation in calls(document):
        for kind, one in operation.get("requestBody", {}).get("content", {}).items():
            found = shown(one) + [each for model in models(one["schema"]) for each in of_model(schemas[model])]
            if kind not in BINARY and not found:
                without.append((name, kind))
    assert without == []


def test_every_example_of_a_body_would_be_taken(app: FastAPI, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    checked = 0
    for route in iter_route_contexts(app.routes):
        field = getattr(route, "body_field", None)
        if field is None:
            continue
        (method,) = {one.lower() for one in route.methods or ()}
        (one,) = document["paths"][route.path_format][method]["requestBody"]["content"].values()
        for example in (each for model in models(one["schema"]) for each in of_model(schemas[model])):
            TypeAdapter(field.field_info.annotation).validate_python(example)
            checked += 1
    assert checked >= 70, checked


def test_what_comes_by_pages_shows_a_page(document: dict[str, Any]) -> None:
    pages, without = 0, []
    for name, operation in calls(document):
        asked = {parameter["name"] for parameter in operation.get("parameters", ())}
        content = operation["responses"].get("200", {}).get("content", {})
        if {"limit", "cursor"} <= asked and "application/json" in content:
            pages += 1
            if not all(
                "next" in page and page.keys() & {"items", "changes"} for page in shown(content["application/json"])
            ):
                without.append(name)
    assert without == []
    assert pages >= 25


def texts(value: Any) -> Iterator[str]:
    """Every text in an example."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def test_identifiers_are_uuid_7_and_times_have_an_offset(document: dict[str, Any]) -> None:
    identifiers = times = 0
    for name, operation in calls(document):
        contents = [content for _, answer in good_answers(operation) for content in answer.get("content", {}).values()]
        for text in (text for content in contents for example in shown(content) for text in texts(example)):
            if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
                assert UUID(text).version == 7, (name, text)
                identifiers += 1
            if re.fullmatch(r"\d{4}-\d\d-\d\dT\S+", text):
                assert datetime.fromisoformat(text).tzinfo is not None, (name, text)
                times += 1
    assert identifiers > 100
    assert times > 100


NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


def row(**members: Any) -> MagicMock:
    """A row whose members are there, all of them."""
    return MagicMock(**members)


@pytest.mark.parametrize(
    ("example", "read"),
    [
        (systems.SUSPENDED_EXAMPLE, lambda: systems.read((row(), row())) | {"draining": {}}),
        (certificates.REVOKED_EXAMPLE, lambda: certificates.read((row(), row()))),
        (delivery_examples.PAUSED_EXAMPLE, lambda: deliveries._target("", row()) | {"draining": {}}),
        (delivery_examples.LANE_EXAMPLE, lambda: deliveries._lane(row())),
        (delivery_examples.LETTER_EXAMPLE, lambda: deliveries._letter(row())),
        (staff_examples.ACTIVE_EXAMPLE, lambda: staff._shown(row())),
        (staff_examples.PERSON_EXAMPLE, lambda: session._person(row())),
        (audit_examples.ENTRY_EXAMPLE, lambda: audit_events.read(row(leaf=b"{}", leaf_hash=b""), 0)),
        (exchange_examples.INBOX_EXAMPLE["items"][0], lambda: inbox.shown(row(accepted_at=NOW))),
        (exchange_examples.STATE_EXAMPLE, lambda: exchanges._shown(row(accepted_at=NOW))),
        (oauth.METADATA_EXAMPLE, lambda: TokenServer(row(), token_endpoint="", skew=timedelta()).metadata()),
    ],
)
def test_the_members_shown_are_those_that_the_call_writes(
    example: dict[str, Any], read: Callable[[], dict[str, Any]]
) -> None:
    assert example.keys() <= read().keys()


def test_the_examples_of_the_log_hold() -> None:
    entry = audit_examples.ENTRY_EXAMPLE
    assert entry_reference(leaf_hash(canonical(entry["leaf"]))) == entry["leaf_hash"]
    for name, opening in entry["openings"].items():
        assert entry["leaf"]["actor"][name] == commit(opening["value"], bytes.fromhex(opening["salt"]))
    note = audit_examples.CHECKPOINT_EXAMPLE.encode()
    assert open_checkpoint(note, audit_examples.CHECKPOINT_KEY).size == entry["leaf_index"] + 1
    lines = [json.loads(line) for line in audit_examples.LINES_EXAMPLE.splitlines()]
    assert [next(iter(line)) for line in lines] == ["export", "hash", "hash", "end", "manifest"]
    assert lines[2] == {"hash": entry["leaf_hash"], "index": entry["leaf_index"], "leaf": entry["leaf"]}


@pytest.mark.parametrize(
    ("page", "example"),
    [
        ("envelopes", exchange_examples.ENVELOPE_EXAMPLE),
        ("receipts", exchange_examples.RECEIPT_EXAMPLE),
        ("acknowledgements", exchange_examples.ACKNOWLEDGEMENT_EXAMPLE),
    ],
)
def test_signed_examples_are_beginnings_of_the_published_ones(page: str, example: str) -> None:
    case = json.loads((VECTORS / f"{page}.json").read_text(encoding="utf-8"))["cases"][0]
    whole = case["receipt" if page == "receipts" else "envelope"].split(".")
    for part, begun in zip(whole, example.split("."), strict=True):
        assert part.startswith(begun.removesuffix("…"))


def test_the_state_of_an_exchange_is_that_of_the_published_receipt() -> None:
    receipt = json.loads((VECTORS / "receipts.json").read_text(encoding="utf-8"))["cases"][0]["receipt"]
    says = json.loads(b64u_decode(receipt.split(".")[1].encode()))
    state = exchange_examples.STATE_EXAMPLE
    assert (state["id"], state["envelope_digest"]) == (says["exchange"], says["envelope_digest"])
    assert all(state[name] == says[name] for name in ("sender", "jti", "res", "ver", "schema_digest", "lanes"))
    assert datetime.fromisoformat(state["accepted_at"]) == datetime.fromisoformat(says["accepted_at"])


def test_what_programs_would_read_can_be_read() -> None:
    load_csr(certificates.CSR_EXAMPLE.encode())
    page = parse_page(upstream_catalogues.TURTLE_EXAMPLE.encode(), Syntax.TURTLE)
    assert page == parse_page(json.dumps(upstream_catalogues.JSON_LD_EXAMPLE).encode(), Syntax.JSON_LD)
    secret = base64.b32decode(staff_examples.ENROLMENT_EXAMPLE["secret"])
    assert totp.code_at(secret, 1) == staff_examples.SIGN_IN_EXAMPLE["second_factor"]
    uri = totp.provisioning_uri(secret, login=staff_examples.PERSON_EXAMPLE["user"], issuer="lintao-hub")
    assert staff_examples.ENROLMENT_EXAMPLE["uri"] == uri
