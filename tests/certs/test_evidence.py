"""Evidence is judged against anchors alone: what holds, and at which statement everything else fails."""

import base64
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from certs.canonical import canonical
from certs.errors import CheckpointError
from certs.evidence import PROJECTION_STATEMENTS, STATEMENTS, Anchors, Verdict, verify_evidence
from certs.evidence_form import read_evidence
from certs.evidence_parts import EvidenceError
from certs.paths import find_path
from tests.vectors.evidence.changes import loose_bits, more_log, put
from tests.vectors.evidence.county import GRANT, RES, Case, Vector
from tests.vectors.evidence.keys import MINUTE, NOW, Keys
from tests.vectors.evidence.make import FOLDER, vectors
from tests.vectors.evidence.projected import Projected

INDEX: Sequence[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text(encoding="ascii"))
TRUST = Anchors.read((FOLDER / "trust/ca.pem").read_bytes(), (FOLDER / "trust/log.pub").read_text(encoding="ascii"))
KEYS, MADE = vectors()
ANCHORS = Anchors.read(KEYS.ca_pem(), KEYS.log_pub())
VALID = {vector.name: vector for vector in MADE if vector.statement is None}
DATA = VALID["valid/acknowledged"].data


def is_own(vector: Vector) -> bool:
    """Whether it is of the form for consumers of projections."""
    return "/consumer-" in vector.name


def outcome(verdict: Verdict) -> tuple[str | None, str | None]:
    """The statement that failed, and the reason."""
    failed = verdict.failed
    if failed is None:
        return None, None
    assert failed.fault is not None
    assert failed.fault.zh
    assert failed.fault.en
    return failed.name, failed.fault.reason


@pytest.mark.parametrize("line", INDEX, ids=lambda line: line["file"])
def test_a_stored_vector_fails_where_the_index_says_or_holds(line: dict[str, Any]) -> None:
    older = (FOLDER / line["checkpoint"]).read_bytes() if "checkpoint" in line else None
    verdict = verify_evidence((FOLDER / line["file"]).read_bytes(), TRUST, older=older)
    assert outcome(verdict) == (line["statement"], line["reason"])


@pytest.mark.parametrize("vector", MADE, ids=lambda vector: vector.name)
def test_a_vector_made_now_fails_at_its_statement_and_no_earlier(vector: Vector) -> None:
    verdict = verify_evidence(vector.data, ANCHORS, older=vector.older)
    assert outcome(verdict) == (vector.statement, vector.reason)
    passed = [checked.name for checked in verdict.checked if checked.outcome != "failed"]
    order = [statement.name for statement in (PROJECTION_STATEMENTS if is_own(vector) else STATEMENTS)]
    assert passed == order[: len(order) if vector.statement is None else order.index(vector.statement)]


def test_the_stored_vectors_are_those_that_the_generator_makes() -> None:
    made = [(f"{vector.name}.json", vector.statement, vector.reason) for vector in MADE]
    assert [(line["file"], line["statement"], line["reason"]) for line in INDEX] == made
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*.json")} == {line["file"] for line in INDEX}


def test_every_statement_has_vectors_that_fail_at_it_and_there_are_forty() -> None:
    for own, statements in ((False, STATEMENTS), (True, PROJECTION_STATEMENTS)):
        failing = [vector.statement for vector in MADE if vector.statement is not None and is_own(vector) is own]
        assert set(failing) == {statement.name for statement in statements}
        assert len(failing) >= 40


def test_a_renewal_neither_stops_a_grant_nor_puts_a_stopped_one_in_force_again() -> None:
    case = Case(KEYS)
    events = ("grant.renewed", "grant.suspended", "grant.renewed")
    leaves = [
        case.leaf(event, "grant", GRANT, NOW - minutes * MINUTE, "officer", details={"resource": RES})
        for event, minutes in zip(events, (20, 15, 10), strict=True)
    ]
    renewed = Case(KEYS, {"log": more_log(leaves[0])}).write()
    assert outcome(verify_evidence(renewed, ANCHORS)) == (None, None)
    stopped = Case(KEYS, {"log": more_log(*leaves[1:])}).write()
    assert outcome(verify_evidence(stopped, ANCHORS)) == ("grants", "grant-not-in-force")


def test_a_grants_entry_that_says_it_failed_puts_nothing_in_force() -> None:
    failed = Case(KEYS, {"grant.created-leaf": put("result", to="fail")}).write()
    assert outcome(verify_evidence(failed, ANCHORS)) == ("grants", "grant-unlike-envelope")


@pytest.mark.parametrize("to", [["consumer"], ["stranger", "consumer"]])
def test_who_acknowledged_is_among_those_that_the_envelope_was_for(to: list[str]) -> None:
    assert outcome(verify_evidence(Case(KEYS, {"envelope-header": put("to", to=to)}).write(), ANCHORS)) == (None, None)


@pytest.mark.parametrize("kind", [Case, Projected])
def test_an_envelope_for_named_systems_was_not_to_be_delivered_to_another(kind: type[Case]) -> None:
    data = kind(KEYS, {"envelope-header": put("to", to=["stranger"])}).write()
    assert outcome(verify_evidence(data, ANCHORS)) == ("acknowledgement", "acknowledgement-unlike-delivery")


def test_an_acknowledgement_names_a_delivery_once_and_says_nothing_else() -> None:
    def twice(payload: Any) -> None:
        payload["deliveries"].insert(0, payload["deliveries"][0] | {"digest": "sha-256:" + 64 * "0"})

    for change in (twice, put("note", to="x")):
        data = Case(KEYS, {"ack-payload": change}).write()
        assert outcome(verify_evidence(data, ANCHORS))[0] == "form"


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_any_changed_byte_fails(position: int, by: int) -> None:
    changed = bytearray(DATA)
    changed[position] ^= by
    assert verify_evidence(bytes(changed), ANCHORS).failed is not None


@given(st.integers(0, len(DATA)), st.binary(min_size=1, max_size=3))
def test_any_byte_more_fails(position: int, more: bytes) -> None:
    assert verify_evidence(DATA[:position] + more + DATA[position:], ANCHORS).failed is not None


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_get_a_verdict(data: bytes) -> None:
    assert outcome(verify_evidence(data, ANCHORS))[0] == "form"


VALUES = (
    st.none() | st.booleans() | st.integers(-5, 300) | st.sampled_from(["", "x", "AAAA", [], {}, [{}], [[]], {"a": 1}])
)


@given(st.data(), VALUES)
def test_any_value_put_in_the_place_of_another_gets_a_verdict(data: st.DataObject, value: object) -> None:
    members = json.loads(DATA)
    place: Any = members
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    if place[key] == value:
        return
    place[key] = value
    assert verify_evidence(canonical(members), ANCHORS).failed is not None


@given(st.data(), VALUES)
def test_a_log_that_signs_anything_cannot_break_the_verifier(data: st.DataObject, value: object) -> None:
    """Leaves with any value in any place, properly sealed by the log."""
    event = data.draw(
        st.sampled_from(["exchange.accepted", "grant.created", "delivery.acknowledged", "certificate.issued"])
    )

    def change(leaf: Any) -> None:
        place = leaf if data.draw(st.booleans()) else leaf["details"]
        place[data.draw(st.sampled_from(sorted(place)))] = value

    try:
        made = Case(KEYS, {f"{event}-leaf": change}).write()
    except (TypeError, KeyError):
        return  # the generator itself needs the value
    verify_evidence(made, ANCHORS)


def test_evidence_made_with_an_authority_and_a_log_of_ones_own_fails_at_the_first_statement_with_an_anchor() -> None:
    forged = Case(Keys.make()).write()
    assert outcome(verify_evidence(forged, ANCHORS)) == ("checkpoint", "not-signed")
    own_authority = Anchors(ANCHORS.authorities, Anchors.read(KEYS.ca_pem(), KEYS.log_pub()).log)
    assert verify_evidence(DATA, own_authority).failed is None


def test_a_genuine_log_does_not_help_an_authority_of_ones_own() -> None:
    other = Keys.make()
    other.log = KEYS.log
    assert outcome(verify_evidence(Case(other).write(), ANCHORS)) == ("receipt-signer", "not-trusted")


def test_the_issuing_certificate_may_be_an_anchor_itself() -> None:
    both = Anchors.read(KEYS.ca_pem() + KEYS.issuing.certificate.public_bytes(Encoding.PEM), KEYS.log_pub())
    assert verify_evidence(DATA, both).failed is None


def test_no_bit_of_a_signature_may_be_called_unused() -> None:
    members = json.loads(DATA)
    while all(base64.b64decode(one)[-1] % 2 for one in members["certificates"]):
        members = json.loads(Case(Keys.make()).write())
    loose_bits(members)
    with pytest.raises(EvidenceError, match="certificates"):
        read_evidence(canonical(members))


def test_what_a_file_has_nothing_of_is_said_to_be_absent() -> None:
    verdict = verify_evidence(VALID["valid/no-lanes"].data, ANCHORS)
    absent = [checked.name for checked in verdict.checked if checked.outcome == "absent"]
    projections = ["projection-signer", "projection-signature", "projection"]
    assert absent == [
        "grants",
        *projections,
        *(f"acknowledgement{part}" for part in ("-entry", "-signer", "-signature", "")),
    ]


def test_a_file_beyond_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certs.evidence_form.MAX_BYTES", 100)
    assert outcome(verify_evidence(DATA, ANCHORS)) == ("form", "too-large")


def test_anchors_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="PEM"):
        Anchors.read(b"", KEYS.log_pub())
    with pytest.raises(CheckpointError):
        Anchors.read(KEYS.ca_pem(), "nothing")


def test_any_bytes_in_a_certificate_or_list_get_a_verdict_and_nothing_else_is_said(
    recwarn: pytest.WarningsRecorder,
) -> None:
    chance = random.Random(20261122)
    for _ in range(1_000):
        members = json.loads(DATA)
        place = chance.choice([0, 1, 2, 3, None])
        der = bytearray(
            base64.b64decode(members["revocation_list"] if place is None else members["certificates"][place])
        )
        for _ in range(chance.choice([1, 1, 2, 3])):
            at = chance.randrange(len(der))
            der[at] = chance.choice([chance.randrange(256), der[at] ^ 1 << chance.randrange(8)])
        text = base64.b64encode(der).decode()
        if place is None:
            members["revocation_list"] = text
        else:
            members["certificates"][place] = text
            members["certificates"].sort()
        verify_evidence(canonical(members), ANCHORS)
    # an issuer whose organisation is called its country: the library warns each time it reads it
    members = json.loads(DATA)
    renamed = base64.b64decode(members["revocation_list"]).replace(b"\x55\x04\x0a", b"\x55\x04\x06")
    members["revocation_list"] = base64.b64encode(renamed).decode()
    assert outcome(verify_evidence(canonical(members), ANCHORS))[0] == "envelope-signer-state"
    assert not recwarn.list


def test_one_delivery_cannot_stand_in_the_place_of_another_under_one_acknowledgement() -> None:
    other = "019aa8c0-0000-7000-8000-000000000009"

    def both_deliveries(payload: Any) -> None:
        payload["deliveries"].append({"id": other, "digest": payload["deliveries"][0]["digest"]})

    def both_shown(members: Any) -> None:
        members["deliveries"].append(members["deliveries"][0] | {"id": other})

    log = {"ack-payload": both_deliveries, "delivery.acknowledged-leaf": lambda leaf: leaf.update(rows=2)}
    data = Case(KEYS, log | {"members": both_shown}).write()
    assert verify_evidence(data, ANCHORS).failed is None
    for first, second in ((0, 1), (1, 0)):
        members = json.loads(data)
        members["deliveries"][first]["id"] = members["deliveries"][second]["id"]
        assert outcome(verify_evidence(canonical(members), ANCHORS)) == ("form", "deliveries-form")


def test_a_file_with_hundreds_of_acknowledgements_looks_for_each_thing_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def find(*arguments: Any) -> tuple[x509.Certificate, ...]:
        asked.append(arguments[0])
        return find_path(*arguments)

    monkeypatch.setattr("certs.evidence_case.find_path", find)
    ids = [f"019aa8c0-0000-7000-8000-{number:012d}" for number in range(1, 301)]

    def all_of_them(payload: Any) -> None:
        payload["deliveries"] = [payload["deliveries"][0] | {"id": one} for one in ids]

    def shown(members: Any) -> None:
        members["deliveries"] = [members["deliveries"][0] | {"id": one} for one in ids]

    log = {"ack-payload": all_of_them, "delivery.acknowledged-leaf": lambda leaf: leaf.update(rows=len(ids))}
    assert verify_evidence(Case(KEYS, log | {"members": shown}).write(), ANCHORS).failed is None
    assert len(asked) == 3
