"""docs/vectors: what the published cases say is what the hub and its client really answer."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from catalog.compiler import compile_schema
from certs import envelope
from certs.digests import digest
from certs.header import ACK, EXCHANGE
from certs.paths import certificate_kid, read_certificates
from certs.suites import Verifier
from hub.api.problems import KINDS
from hub.client import PushGuard, PushRefused, PushTrust, TrustError, verify_push
from hub.client.messages import check_receipt
from hub.client.push import Push, PushItem
from hub.errors import Refused
from hub.exchange.ack_payload import read_deliveries
from hub.exchange.judging import (
    BeforeSignature,
    RegistryDependent,
    check_parties,
    check_sender,
    find_signer,
    judge_exchange,
    open_message,
)
from hub.registry.picture import LaneState, LiveVersion, Picture, ResourceState, SignerState, SystemState
from tests.docs.pages import ROOT

FOLDER = ROOT / "docs/vectors"
SPACE = UUID("019aa8c0-0000-7000-8000-000000000000")


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


KEYS, ENVELOPES, ACKNOWLEDGEMENTS = load("keys"), load("envelopes"), load("acknowledgements")
RECEIPTS, PUSHES, DIGESTS = load("receipts"), load("pushes"), load("digests")
NOW = datetime.fromisoformat(ENVELOPES["now"])


def named(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


def identifier(code: str) -> UUID:
    return uuid5(SPACE, code)


def signers() -> dict[str, SignerState]:
    found = {}
    for one in KEYS["systems"]:
        if one["state"] == "not registered":
            continue
        (certificate,) = read_certificates(one["certificate"].encode())
        state = "suspended" if one["state"] == "suspended" else "active"
        system = SystemState(identifier(one["system"]), one["system"], state, SPACE, "", "621124")
        found[one["kid"]] = SignerState(
            one["kid"],
            system,
            Verifier(certificate.public_key()),
            "revoked" if one["state"] == "revoked" else "active",
            "superseded" if one["state"] == "revoked" else "",
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )
    return found


@pytest.fixture(scope="module")
def picture() -> Picture:
    """The registry that the envelopes are judged by, as the file describes it."""
    known = signers()
    schema = ENVELOPES["schema"]
    hashed = digest(rfc8785.dumps(schema))
    names = frozenset(schema["$defs"]["record"]["properties"])
    version = LiveVersion(
        1,
        hashed,
        bytes.fromhex(hashed.removeprefix("sha-256:")),
        compile_schema(schema),
        names,
        frozenset(),
        frozenset(),
        frozenset(),
    )
    resources = {}
    for one in ENVELOPES["resources"]:
        resource = identifier(one["code"])
        lanes = tuple(lane(code, resource, one["code"]) for code in ENVELOPES["granted_to"])
        resources[one["code"]] = ResourceState(
            resource, one["code"], one["status"], identifier(one["system"]), {1: version}, lanes
        )
    return Picture(1, {}, known, resources, {}, ())


def lane(code: str, resource: UUID, res: str) -> LaneState:
    consumer = SystemState(identifier(code), code, "active", SPACE, "", "621124")
    return LaneState(
        grant_id=SPACE,
        grant_text=str(SPACE),
        id=SPACE,
        consumer=consumer,
        resource_id=resource,
        resource_code=res,
        purpose="业务协同",
        mode="inbox",
        in_inbox=True,
        state="active",
        versions=frozenset({1}),
        valid_from=NOW - timedelta(days=1),
        valid_to=NOW + timedelta(days=1),
    )


def answer_to_envelope(compact: bytes, picture: Picture) -> str:
    """The slug that the hub's own judging ends with."""
    try:
        opened = open_message(compact, max_bytes=ENVELOPES["max_bytes"], allowed=frozenset({EXCHANGE}))
        signer = find_signer(opened, picture)
        check_parties(opened.header, signer, hub_id=ENVELOPES["hub"])
        judge_exchange(opened, signer, picture, now=NOW, skew_s=ENVELOPES["skew_s"])
    except (BeforeSignature, RegistryDependent) as refused:
        return refused.refusal.slug
    return "accepted"


def answer_to_acknowledgement(compact: bytes, picture: Picture) -> str:
    try:
        opened = open_message(compact, max_bytes=1 << 20, allowed=frozenset({ACK}))
        signer = find_signer(opened, picture)
        check_parties(opened.header, signer, hub_id=ACKNOWLEDGEMENTS["hub"])
        check_sender(opened.header, signer, now=NOW, skew_s=ACKNOWLEDGEMENTS["skew_s"])
        read_deliveries(opened.payload_bytes)
    except (BeforeSignature, RegistryDependent) as refused:
        return refused.refusal.slug
    except Refused as refused:
        return refused.slug
    return "accepted"


@named(ENVELOPES["cases"])
def test_an_envelope_gets_the_answer_that_is_published(case: Mapping[str, str], picture: Picture) -> None:
    assert answer_to_envelope(case["envelope"].encode(), picture) == case["answer"]


@named(ACKNOWLEDGEMENTS["cases"])
def test_an_acknowledgement_gets_the_answer_that_is_published(case: Mapping[str, str], picture: Picture) -> None:
    assert answer_to_acknowledgement(case["envelope"].encode(), picture) == case["answer"]


@named(RECEIPTS["cases"])
def test_a_receipt_is_believed_where_it_is_published_so(case: Mapping[str, Any]) -> None:
    sent = envelope.read(RECEIPTS["sent"].encode(), max_bytes=1 << 20, allowed_types=frozenset({EXCHANGE}))
    certificates = {certificate_kid(one): one for one in read_certificates(KEYS["hub.pem"].encode())}
    try:
        check_receipt(case["receipt"].encode(), sent, hub=RECEIPTS["hub"], hub_certificates=certificates, now=NOW)
    except TrustError:
        believed = False
    else:
        believed = True
    assert believed is case["believed"]


@pytest.fixture(scope="module")
def push_trust() -> PushTrust:
    """What a receiver believes: `ca.pem`; every certificate may be found, and only the push key's will do."""
    known = read_certificates(KEYS["push.pem"].encode()) + read_certificates(KEYS["hub.pem"].encode())
    for one in KEYS["systems"]:
        if one["state"] != "not registered":
            known += read_certificates(one["certificate"].encode())

    def certificates_for(kid: str) -> list[x509.Certificate]:
        return [found for found in known if certificate_kid(found) == kid]

    return PushTrust(PUSHES["hub"], read_certificates(KEYS["ca.pem"].encode()), certificates_for)


@named(PUSHES["cases"])
def test_a_push_is_answered_as_published(case: Mapping[str, Any], push_trust: PushTrust) -> None:
    headers = [(name, value) for name, value in case["headers"]]
    try:
        verify_push(case["method"], PUSHES["url"], headers, case["body"].encode(), trust=push_trust, now=NOW)
        answer = (200, "")
    except PushRefused as refused:
        answer = (refused.status, refused.reason)
    assert answer == (case["status"], case["reason"])


def test_the_receivers_memory_is_that_of_the_published_day() -> None:
    guard = PushGuard()
    for step in PUSHES["memory"]:
        items = tuple(
            PushItem(one, one, "306001000002/000001", 1, step["lane"], place, digest(b""), b"", NOW)
            for place, one in enumerate(step["deliveries"], 1)
        )
        push = Push(step["lane"], 1, step["fence"], datetime.fromisoformat(step["expires"]), items)
        judgement = guard.judge(push, now=datetime.fromisoformat(step["now"]))
        found = (judgement.verdict, judgement.status, [item.delivery for item in judgement.items])
        assert found == (step["verdict"], step["status"], step["act_on"])
        guard.keep(judgement.items)


def test_digests_are_those_of_the_canonical_form() -> None:
    for one in DIGESTS["canonical"]:
        assert rfc8785.dumps(one["value"]).decode() == one["rfc8785"]
        assert hashlib.sha256(one["rfc8785"].encode()).hexdigest() == one["sha-256"]
    schema = DIGESTS["schema"]
    assert digest(rfc8785.dumps(schema["schema"])) == schema["schema_digest"]
    assert digest(DIGESTS["envelope"]["envelope"].encode()) == DIGESTS["envelope"]["digest"]


def test_every_published_key_belongs_to_its_certificate_and_kid() -> None:
    for one in KEYS["systems"]:
        (certificate,) = read_certificates(one["certificate"].encode())
        key = load_pem_private_key(one["key"].encode(), None)
        assert certificate.public_key() == key.public_key()
        assert certificate_kid(certificate) == one["kid"]


def test_the_cases_cover_every_slug_that_one_envelope_alone_can_show() -> None:
    """`jti-reused` takes two, `quota-exceeded` takes many."""
    order = list(KINDS)[: list(KINDS).index("quota-exceeded") + 1]
    shown = [case["answer"] for case in ENVELOPES["cases"]]
    assert set(shown) == {"accepted", *order} - {"jti-reused", "quota-exceeded"}
    assert len({case["name"] for case in ENVELOPES["cases"]}) == len(shown)


def test_the_cases_are_those_that_the_maker_writes() -> None:
    from tests.vectors.partner.make import made

    for name, members in made().items():
        published = load(name)
        assert outline(published) == outline(members), name


def outline(members: Mapping[str, Any]) -> list[object]:
    """The cases by what they are, without what keys make of them."""
    return [
        [case["name"], case.get("answer"), case.get("believed"), case.get("reason")]
        for case in members.get("cases", [])
    ] + [members.get("memory")]
