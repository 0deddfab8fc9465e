"""Manifests of bundles: signed, canonical, and never to be taken for anything else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs import envelope
from certs.bundles import BundleError, Manifest, Part, open_manifest, seal_manifest
from certs.canonical import canonical
from certs.digests import b64u_encode
from certs.envelope import read
from certs.errors import EnvelopeError
from certs.header import ACK, TYPES
from certs.keys import generate_key
from certs.suites import KeySigner, Verifier

KEY = generate_key("EdDSA")
KID = "A" * 43
SIGNER = KeySigner(KEY, KID)
DIGEST = "sha-256:" + "0" * 64
LANE = "0199c1f2-0000-7000-8000-000000000001"


def members(**changes: Any) -> dict[str, Any]:
    return {
        "format": "shuniu-bundle/1",
        "kind": "deliveries",
        "hub": "lintao-hub",
        "system": "consumer-b",
        "series": "ABCDEFGH",
        "number": 7,
        "made_at": "2026-11-22T08:00:00.000000+00:00",
        "lane": LANE,
        "fence": 3,
        "first": 6,
        "parts": [{"kind": "certificates", "size": 5, "digest": DIGEST}, {"kind": "item", "size": 9, "digest": DIGEST}],
    } | changes


def acknowledgement(**changes: Any) -> dict[str, Any]:
    kept = {name: value for name, value in members().items() if name not in {"lane", "fence", "first"}}
    part = {"kind": "acknowledgement", "size": 5, "digest": DIGEST}
    return kept | {"kind": "acknowledgement", "parts": [part]} | changes


def opened(compact: bytes, key: Any = KEY) -> Manifest:
    return open_manifest(compact, verifier_for=lambda kid: Verifier(key.public_key()) if kid == KID else None)


def refusal(compact: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        opened(compact)
    return caught.value.reason


def signed(header: object, payload: bytes) -> bytes:
    """A compact JWS of any header and payload, with a right signature."""
    signing_input = b64u_encode(json.dumps(header).encode()) + b"." + b64u_encode(payload)
    return signing_input + b"." + b64u_encode(SIGNER.sign(signing_input))


HEADER = {"alg": "EdDSA", "kid": KID, "typ": "bundle+jws"}


def test_a_manifest_says_what_was_signed() -> None:
    found = opened(seal_manifest(SIGNER, members()))
    assert (found.kind, found.hub, found.system, found.series, found.number) == (
        "deliveries", "lintao-hub", "consumer-b", "ABCDEFGH", 7,
    )  # fmt: skip
    assert (found.lane, found.fence, found.made_at.isoformat()) == (LANE, 3, "2026-11-22T08:00:00+00:00")
    assert found.first == 6
    assert found.parts == (Part("certificates", 5, DIGEST), Part("item", 9, DIGEST))
    other = opened(seal_manifest(SIGNER, acknowledgement()))
    assert (other.kind, other.lane, other.fence, other.first) == ("acknowledgement", "", 0, 0)


@given(st.data())
def test_no_changed_byte_is_believed(data: st.DataObject) -> None:
    compact = bytearray(seal_manifest(SIGNER, members()))
    place = data.draw(st.integers(0, len(compact) - 1))
    compact[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != compact[place]))
    assert refusal(bytes(compact))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(data: bytes) -> None:
    assert refusal(data)


def test_another_key_and_an_unknown_signer_are_not_believed() -> None:
    compact = seal_manifest(SIGNER, members())
    with pytest.raises(BundleError) as caught:
        opened(compact, generate_key("EdDSA"))
    assert caught.value.reason == "bad-signature"
    assert refusal(seal_manifest(KeySigner(KEY, "A" * 42 + "E"), members())) == "unknown-signer"


def test_a_manifest_and_an_envelope_are_never_taken_for_each_other() -> None:
    assert "bundle+jws" not in TYPES
    with pytest.raises(EnvelopeError):
        read(seal_manifest(SIGNER, members()), max_bytes=1 << 20, allowed_types=TYPES)
    ack = envelope.seal(SIGNER, typ=ACK, iss="consumer-b", aud="lintao-hub", iat=1, jti="1", payload=b"{}")
    assert refusal(ack) == "not-a-manifest"


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"typ": "ack+jws"},
        HEADER | {"iss": "lintao-hub"},
        HEADER | {"kid": "short"},
        {"alg": "EdDSA", "kid": KID},
        [],
    ],
    ids=["other-type", "one-more", "no-kid", "no-type", "no-object"],
)
def test_a_header_is_exactly_what_it_should_be(header: object) -> None:
    assert refusal(signed(header, canonical(members()))) == "not-a-manifest"


def test_an_algorithm_unlike_the_key_is_refused() -> None:
    assert refusal(signed(HEADER | {"alg": "ES256"}, canonical(members()))) == "bad-signature"
    assert refusal(signed(HEADER | {"alg": None}, canonical(members()))) == "bad-signature"


def test_one_manifest_has_one_text() -> None:
    assert refusal(signed(HEADER, json.dumps(members()).encode())) == "not-canonical"
    padded = base64.urlsafe_b64encode(canonical(members()))
    compact = seal_manifest(SIGNER, members()).split(b".")
    assert refusal(b".".join([compact[0], padded + b"=" * (len(padded) % 4 == 0), compact[2]]))


def test_a_manifest_without_end_is_not_read() -> None:
    assert refusal(b"a" * (300 << 10)) == "not-a-manifest"


BAD = [
    ("format", "shuniu-bundle/2"), ("kind", "other"), ("hub", "No Hub"), ("system", 3), ("series", "abc"), ("series", 1),
    ("number", 0), ("number", True), ("number", 1.5), ("made_at", "2026-11-22T08:00:00"), ("made_at", "x"),
    ("made_at", 1), ("lane", "x"), ("lane", 1), ("lane", LANE.upper()), ("fence", 0), ("first", 0), ("first", 8), ("parts", []), ("parts", {}),
    ("parts", [1]), ("parts", [{"kind": "item", "size": 1}]), ("parts", [{"kind": "acknowledgement", "size": 1, "digest": DIGEST}]),
    ("parts", [{"kind": "item", "size": 1, "digest": "md5:0"}]), ("parts", [{"kind": "item", "size": 1, "digest": 1}]),
    ("parts", [{"kind": "item", "size": 0, "digest": DIGEST}]), ("parts", [{"kind": "item", "size": 1 << 40, "digest": DIGEST}]),
    ("parts", [{"kind": "item", "size": 1, "digest": DIGEST}] * 1001), ("more", 1),
    ("kind", []), ("kind", {}), ("parts", [{"kind": [], "size": 1, "digest": DIGEST}]), ("hub", []), ("series", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD, ids=[f"{place}-{name}" for place, (name, _) in enumerate(BAD)])
def test_members_of_another_form_are_neither_signed_nor_read(name: str, value: object) -> None:
    changed = members(**{name: value})
    with pytest.raises(BundleError):
        seal_manifest(SIGNER, changed)
    assert refusal(signed(HEADER, canonical(changed))) == "malformed-manifest"


def test_an_acknowledgement_has_neither_lane_nor_fence() -> None:
    for extra in ({"lane": LANE}, {"fence": 1}, {"first": 1}):
        with pytest.raises(BundleError):
            seal_manifest(SIGNER, acknowledgement(**extra))
