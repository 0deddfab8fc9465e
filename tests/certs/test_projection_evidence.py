"""Evidence with projections: nothing in either file is without a guard, and what one is of is found out exactly."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.authority import HubKeyRole
from certs.canonical import canonical
from certs.evidence import Anchors, verify_evidence
from certs.evidence_form import PROJECTION_FORMAT
from certs.evidence_parts import EvidenceError
from certs.reductions import Reducible
from tests.vectors.evidence.changes import put
from tests.vectors.evidence.county import Change
from tests.vectors.evidence.keys import Keys
from tests.vectors.evidence.projected import Own, Projected, masked, more_like

KEYS = Keys.make()
ANCHORS = Anchors.read(KEYS.ca_pem(), KEYS.log_pub())
WHOLE, OWN = Projected(KEYS).write(), Own(KEYS).write()
MASKED = Projected(KEYS, masked("张**", "李*")).write()
VALUES = (
    st.none() | st.booleans() | st.integers(-5, 300) | st.sampled_from(["", "x", "AAAA", [], {}, [{}], [[]], {"a": 1}])
)


def failed_at(data: bytes) -> str | None:
    failed = verify_evidence(data, ANCHORS).failed
    return None if failed is None else failed.name


def has(original: list[dict[str, Any]], reduced: list[dict[str, Any]]) -> bool:
    return Reducible.read(orjson.dumps({"records": original})).has(reduced, {})


def test_both_files_hold() -> None:
    assert (failed_at(WHOLE), failed_at(OWN)) == (None, None)
    assert json.loads(OWN)["format"] == PROJECTION_FORMAT


def test_the_consumers_file_has_nothing_of_the_provider() -> None:
    members = json.loads(OWN)
    assert members.keys() == {
        "format",
        "projections",
        "deliveries",
        "certificates",
        "revocation_list",
        "entries",
        "checkpoint",
        "consistency",
    }
    assert KEYS.kid("sender") not in OWN.decode()
    assert "j-1" not in OWN.decode()


@pytest.mark.parametrize("data", [WHOLE, MASKED, OWN], ids=["whole", "masked", "own"])
@given(position=st.integers(0), by=st.integers(1, 255))
def test_any_changed_byte_fails(data: bytes, position: int, by: int) -> None:
    changed = bytearray(data)
    changed[position % len(data)] ^= by
    assert failed_at(bytes(changed)) is not None


@pytest.mark.parametrize("data", [WHOLE, MASKED, OWN], ids=["whole", "masked", "own"])
@given(draw=st.data(), value=VALUES)
def test_any_value_put_in_the_place_of_another_gets_a_verdict(data: bytes, draw: st.DataObject, value: object) -> None:
    members = json.loads(data)
    place: Any = members
    while True:
        key = draw.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], (dict, list)) and place[key] and draw.draw(st.booleans())):
            break
        place = place[key]
    if place[key] == value:
        return
    place[key] = value
    assert failed_at(canonical(members)) is not None


@pytest.mark.parametrize("kind", [Projected, Own])
@given(draw=st.data(), value=VALUES)
def test_a_hub_that_signs_anything_cannot_break_the_verifier(
    kind: type[Projected], draw: st.DataObject, value: object
) -> None:
    """Projections and leaves with any value in any place, properly signed and sealed."""
    stage = draw.draw(
        st.sampled_from(["projection-payload", "projection-header", "grant.created-leaf", "delivery.acknowledged-leaf"])
    )

    def change(members: Any) -> None:
        place = members["details"] if "details" in members and draw.draw(st.booleans()) else members
        place[draw.draw(st.sampled_from(sorted(place)))] = value

    try:
        made = kind(KEYS, {stage: change}).write()
    except (TypeError, KeyError):
        return  # the generator itself needs the value
    verify_evidence(made, ANCHORS)


@pytest.mark.parametrize(
    "missing", ["projections", "deliveries", "certificates", "revocation_list", "entries", "checkpoint"]
)
def test_a_consumers_file_without_one_of_its_members_is_of_no_form(missing: str) -> None:
    members = json.loads(OWN)
    del members[missing]
    assert failed_at(canonical(members)) == "form"


def test_a_provider_file_stripped_to_projections_is_no_consumers_file() -> None:
    members = json.loads(WHOLE)
    for name in ("envelope", "receipt", "schema"):
        del members[name]
    assert failed_at(canonical(members | {"format": PROJECTION_FORMAT})) == "nothing-else"


def test_projections_of_two_hubs_are_not_of_one_exchange() -> None:
    keys = Keys.make()
    changes: dict[str, Change] = {
        "more": more_like({"iss": "dingxi-hub"}),
        "other-projection-signer": put(0, to="elsewhere"),
        "certificates": lambda listed: listed.append("elsewhere"),
    }
    failed = "checkpoint"
    while failed == "checkpoint":  # which of them is the first in the file, and so names the log, is chance
        keys.hub("elsewhere", HubKeyRole.PROJECTIONS, "dingxi-hub")
        verdict = verify_evidence(Own(keys, changes).write(), Anchors.read(keys.ca_pem(), keys.log_pub()))
        assert verdict.failed is not None
        failed = verdict.failed.name
    assert failed == "projection"


ORIGINAL = [{"k": "1", "a": 1, "b": [1, {"c": None}]}, {"k": "2", "a": 1.5}, {"k": "2", "a": 1.5}]


@pytest.mark.parametrize(
    "reduced",
    [
        [],
        [{}],
        [{"k": "1"}, {"k": "2"}],
        [{"k": "2"}, {"k": "2"}],
        [{"b": [1, {"c": None}]}, {"a": 1.5}],
        [{"a": 1.0}],
        ORIGINAL,
    ],
)
def test_what_has_items_or_records_left_out_is_a_reduction(reduced: list[dict[str, Any]]) -> None:
    assert has(ORIGINAL, reduced)


@pytest.mark.parametrize(
    "reduced",
    [
        [{"k": "3"}],
        [{"k": 1}],
        [{"a": True}],
        [{"a": "1"}],
        [{"a": None}],
        [{"k": "1", "a": 1.5}],
        [{"k": "1"}, {"k": "1"}],
        [{"k": "2"}, {"k": "1"}],
        [{"k": "2"}, {"k": "2"}, {"k": "2"}],
        [{"b": [1]}],
        [{"b": [1, {}]}],
        [{"z": 1}],
    ],
)
def test_anything_else_is_none(reduced: list[dict[str, Any]]) -> None:
    assert not has(ORIGINAL, reduced)


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{}", b'{"records":1}', b'{"records":[1]}', b'{"records":[],"records":[]}']
)
def test_of_what_has_no_records_nothing_is_a_reduction(payload: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        Reducible.read(payload)
    assert caught.value.reason == "envelope-payload"


def test_a_payload_that_does_not_say_what_it_does_upserts() -> None:
    assert Reducible.read(b'{"records":[]}').operation == "upsert"
    assert Reducible.read(b'{"op":"delete","records":[]}').operation == "delete"
