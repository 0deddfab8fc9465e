"""The profile of RFC 9421 for pushes: what we sign, what we believe, and what another implementation says of both."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519
from hypothesis import given
from hypothesis import strategies as st

from certs.digests import b64u_encode
from certs.http_signature import (
    COMPONENTS,
    HttpSignatureError,
    HttpSigner,
    SignedRequest,
    content_digest,
    sign_request,
    verify_request,
)
from certs.keys import generate_key
from certs.suites import KeySigner, PrivateKey, Verifier

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
EXPIRES = NOW + timedelta(seconds=30)
URL = "https://receiver.example/push?x=1"
BODY = b'{"items":[]}'
NONCE = "bm9uY2Utbm9uY2Utbm9uY2U"
KEYS: dict[str, PrivateKey] = {"ES256": generate_key("ES256"), "EdDSA": generate_key("EdDSA")}
THEIRS = {"ES256": ECDSA_P256_SHA256, "EdDSA": ED25519}

alg = pytest.mark.parametrize("algorithm", list(KEYS))


def kid(key: PrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64u_encode(hashlib.sha256(der).digest()).decode()


def signer(algorithm: str = "EdDSA") -> KeySigner:
    return KeySigner(KEYS[algorithm], kid(KEYS[algorithm]))


def verifier_for(name: str) -> Verifier | None:
    return next((Verifier(key.public_key()) for key in KEYS.values() if kid(key) == name), None)


def fields(body: bytes = BODY) -> dict[str, str]:
    return {
        "content-digest": content_digest(body),
        "content-type": "application/vnd.shuniu.deliveries+json",
        "shuniu-lane": "0199c1f2-0000-7000-8000-000000000001",
        "shuniu-sequence": "41",
        "shuniu-fence": "7",
    }


def signed(algorithm: str = "EdDSA", **changes: Any) -> dict[str, str]:
    """A request's fields with their signature."""
    given: dict[str, Any] = {
        "method": "POST",
        "target_uri": URL,
        "headers": fields(),
        "created": NOW,
        "expires": EXPIRES,
        "nonce": NONCE,
    } | changes
    return {**given["headers"], **sign_request(signer(algorithm), **given)}


def verify(
    headers: Any, *, method: str = "POST", url: str = URL, body: bytes = BODY, now: datetime = NOW
) -> SignedRequest:
    return verify_request(method, url, headers, body, verifier_for=verifier_for, now=now)


def reason(headers: Any, **request: Any) -> str:
    with pytest.raises(HttpSignatureError) as caught:
        verify(headers, **request)
    assert caught.value.zh
    assert caught.value.en
    return caught.value.reason


def resigned(parameters: str, *, components: str | None = None, algorithm: str = "EdDSA") -> dict[str, str]:
    """Fields with a signature that is right over these parameters, whatever they are: signed here, by hand."""
    covered = components or "(" + " ".join(f'"{name}"' for name in COMPONENTS) + ")"
    values = {"@method": "POST", "@target-uri": URL, **fields(), "@path": "/push", "@authority": "receiver.example"}
    lines = [f'"{name}": {values[name]}' for name in re.findall(r'"([^"]+)"', covered)]
    base = "\n".join([*lines, f'"@signature-params": {covered}{parameters}'])
    signature = base64.b64encode(signer(algorithm).sign(base.encode())).decode()
    return {**fields(), "signature-input": f"shuniu={covered}{parameters}", "signature": f"shuniu=:{signature}:"}


def parameters(**changes: str | None) -> str:
    given: dict[str, str | None] = {
        "created": str(int(NOW.timestamp())),
        "expires": str(int(EXPIRES.timestamp())),
        "nonce": f'"{NONCE}"',
        "keyid": f'"{signer().kid}"',
        "tag": '"shuniu-push"',
    }
    return "".join(f";{name}={value}" for name, value in (given | changes).items() if value is not None)


@alg
def test_what_was_signed_is_believed(algorithm: str) -> None:
    found = verify(signed(algorithm))
    assert found == SignedRequest(signer(algorithm).kid, NOW, EXPIRES, NONCE)


def test_the_signature_base_is_that_of_rfc_9421() -> None:
    """Written out by hand, so that both directions cannot be wrong together."""
    headers = signed()
    assert headers["signature-input"].startswith(
        'shuniu=("@method" "@target-uri" "content-digest" "content-type" "shuniu-lane" "shuniu-sequence" "shuniu-fence")'
    )
    base = (
        '"@method": POST\n'
        '"@target-uri": https://receiver.example/push?x=1\n'
        '"content-digest": sha-256=:7vRnQa38Op92KU07ePN6RfETCSrJ1E7nfHoDioj/CaE=:\n'
        '"content-type": application/vnd.shuniu.deliveries+json\n'
        '"shuniu-lane": 0199c1f2-0000-7000-8000-000000000001\n'
        '"shuniu-sequence": 41\n'
        '"shuniu-fence": 7\n'
        f'"@signature-params": {headers["signature-input"].removeprefix("shuniu=")}'
    )
    signature = base64.b64decode(headers["signature"].removeprefix("shuniu=:").removesuffix(":"))
    assert Verifier(KEYS["EdDSA"].public_key()).verify("EdDSA", base.encode(), signature)


def test_a_signer_draws_a_nonce_for_each_request_and_shows_no_key() -> None:
    request = {"method": "POST", "target_uri": URL, "headers": fields(), "created": NOW, "expires": EXPIRES}
    http_signer = HttpSigner(signer())
    nonces = {verify({**fields(), **http_signer.sign_request(**request)}).nonce for _ in range(3)}  # type: ignore[arg-type]
    assert len(nonces) == 3
    assert not any(name for name in dir(http_signer) if not name.startswith("_") and name != "sign_request")


def test_names_of_fields_and_blanks_around_values_do_not_matter() -> None:
    headers = {name.title(): f" \t{value} " for name, value in signed().items()}
    verify(headers)
    verify(list(headers.items()))


@pytest.mark.parametrize("name", [*fields(), "signature", "signature-input"])
def test_a_field_missing_twice_there_or_of_several_lines_is_refused(name: str) -> None:
    headers = signed()
    value = headers.pop(name)
    assert reason(headers) == f"{name}-missing"
    assert reason([*headers.items(), (name, value), (name.upper(), value)]) == f"{name}-repeated"
    for bad in ("", "a\nb", "a\rb", "a\x00", "密", "a" * 9000):
        assert reason({**headers, name: bad}) == f"{name}-malformed"


@pytest.mark.parametrize("name", ["content-type", "shuniu-lane", "shuniu-sequence", "shuniu-fence"])
def test_a_covered_field_that_was_changed_is_found(name: str) -> None:
    headers = signed()
    assert reason(headers | {name: headers[name] + "1"}) == "signature-mismatch"


def test_method_target_and_body_are_covered() -> None:
    assert reason(signed(), method="PUT") == "signature-mismatch"
    assert reason(signed(), method="post") == "signature-mismatch"
    assert reason(signed(), method="") == "@method-malformed"
    assert reason(signed(), url=URL + "2") == "signature-mismatch"
    assert reason(signed(), url="https://receiver.example/\npush") == "@target-uri-malformed"
    assert reason(signed(), body=BODY + b" ") == "content-digest-mismatch"
    assert reason(signed() | {"content-digest": content_digest(b"other")}) == "signature-mismatch"


@pytest.mark.parametrize(
    "digest",
    [
        content_digest(BODY).replace("sha-256", "sha-512"),
        content_digest(BODY) + ", sha-512=:YQ==:",
        content_digest(BODY).rstrip(":"),
        "sha-256=:YQ==:",
        hashlib.sha256(BODY).hexdigest(),
    ],
)
def test_a_digest_of_another_form_is_refused_though_it_was_signed(digest: str) -> None:
    headers = fields() | {"content-digest": digest}
    assert reason(signed(headers=headers)) == "content-digest-malformed"


def test_a_request_is_good_until_the_second_it_expires() -> None:
    verify(signed(), now=EXPIRES - timedelta(microseconds=1))
    assert reason(signed(), now=EXPIRES) == "expired"


def test_a_request_from_the_future_is_refused_beyond_the_skew() -> None:
    verify(signed(), now=NOW - timedelta(minutes=5))
    assert reason(signed(), now=NOW - timedelta(minutes=5, seconds=1)) == "created-in-future"


def test_fractions_of_a_second_never_make_a_request_last_longer() -> None:
    found = verify(signed(expires=EXPIRES + timedelta(milliseconds=999)))
    assert found.expires == EXPIRES


def test_another_key_or_no_known_key_is_refused() -> None:
    stranger = generate_key("EdDSA")
    other = sign_request(
        KeySigner(stranger, signer().kid),
        method="POST",
        target_uri=URL,
        headers=fields(),
        created=NOW,
        expires=EXPIRES,
        nonce=NONCE,
    )
    assert reason({**fields(), **other}) == "signature-mismatch"
    assert reason(resigned(parameters(keyid=f'"{kid(stranger)}"'))) == "keyid-unknown"


def test_the_parameters_may_come_in_any_order_and_with_the_keys_own_algorithm() -> None:
    verify(resigned(parameters()))
    verify(resigned(parameters(alg='"ed25519"')))
    reordered = "".join(f";{part}" for part in sorted(parameters()[1:].split(";"), reverse=True))
    verify(resigned(reordered))
    ecdsa = parameters(alg='"ecdsa-p256-sha256"', keyid=f'"{signer("ES256").kid}"')
    verify(resigned(ecdsa, algorithm="ES256"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"alg": '"ecdsa-p256-sha256"'}, "alg-unlike-key"),
        ({"alg": '"EdDSA"'}, "alg-unlike-key"),
        ({"alg": "1"}, "parameter-malformed"),
        ({"tag": None}, "parameters-differ"),
        ({"tag": '"other"'}, "tag-differs"),
        ({"nonce": None}, "parameters-differ"),
        ({"nonce": '"short"'}, "nonce-malformed"),
        ({"nonce": f'"{"a" * 65}"'}, "nonce-malformed"),
        ({"nonce": '"aaaa aaaa aaaa aaaa"'}, "nonce-malformed"),
        ({"created": None}, "parameters-differ"),
        ({"created": '"1"'}, "parameter-malformed"),
        ({"created": "-1"}, "signature-input-malformed"),
        ({"created": "01"}, "signature-input-malformed"),
        ({"created": "1.5"}, "signature-input-malformed"),
        ({"created": "9" * 15}, "parameter-malformed"),
        ({"expires": None}, "parameters-differ"),
        ({"expires": str(int(NOW.timestamp()))}, "expires-not-later"),
        ({"expires": "1"}, "expires-not-later"),
        ({"expires": str(int(NOW.timestamp()) + 601)}, "lifetime-too-long"),
        ({"keyid": None}, "parameters-differ"),
        ({"keyid": '"abc"'}, "keyid-malformed"),
        ({"extra": '"x"'}, "parameters-differ"),
        ({"tag": '"shuniu-push";tag="shuniu-push"'}, "parameter-repeated"),
        ({"tag": "?1"}, "signature-input-malformed"),
        ({"tag": '"shuniu-push", other=()'}, "signature-input-malformed"),
    ],
)
def test_parameters_outside_the_profile_are_refused_though_they_were_signed(
    changes: Mapping[str, str | None], expected: str
) -> None:
    assert reason(resigned(parameters(**changes))) == expected


@pytest.mark.parametrize(
    "components",
    [
        '("@method" "@target-uri")',
        '("@target-uri" "@method" "content-digest" "content-type" "shuniu-lane" "shuniu-sequence" "shuniu-fence")',
        '("@method" "@path" "content-digest" "content-type" "shuniu-lane" "shuniu-sequence" "shuniu-fence")',
        "()",
    ],
)
def test_other_components_are_refused_though_they_were_signed(components: str) -> None:
    assert reason(resigned(parameters(), components=components)) == "components-differ"


@pytest.mark.parametrize("label", ["sig1", "SHUNIU", "shuniu2"])
def test_another_label_is_refused(label: str) -> None:
    headers = signed()
    renamed = {name: value.replace("shuniu=", f"{label}=", 1) for name, value in headers.items()}
    assert reason(renamed) == "signature-input-malformed"
    assert reason(headers | {"signature": renamed["signature"]}) == "signature-malformed"


@pytest.mark.parametrize(
    "value", ["shuniu=::", "shuniu=:YR==:", "shuniu=:Y:", "shuniu=:Y===:", "shuniu=YQ==", ":YQ==:"]
)
def test_a_signature_that_is_no_canonical_byte_sequence_is_refused(value: str) -> None:
    assert reason(signed() | {"signature": value}) == "signature-malformed"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"expires": NOW}, "expires-not-later"),
        ({"expires": NOW + timedelta(minutes=10, seconds=1)}, "lifetime-too-long"),
        ({"nonce": "short"}, "nonce-malformed"),
        ({"nonce": f'{NONCE}";tag="other'}, "parameter-repeated"),
        ({"nonce": f"{NONCE}\\"}, "signature-input-malformed"),
        ({"headers": {}}, "content-digest-missing"),
        ({"headers": fields() | {"shuniu-lane": "a\nb"}}, "shuniu-lane-malformed"),
        ({"target_uri": "https://a/\n"}, "@target-uri-malformed"),
    ],
)
def test_what_would_be_refused_is_not_signed(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(HttpSignatureError) as caught:
        signed(**changes)
    assert caught.value.reason == expected


@given(st.data())
def test_no_change_of_one_character_anywhere_is_believed(data: st.DataObject) -> None:
    headers = signed("ES256")
    name = data.draw(st.sampled_from(sorted(headers)))
    place = data.draw(st.integers(0, len(headers[name]) - 1))
    character = data.draw(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
    changed = headers[name][:place] + character + headers[name][place + 1 :]
    if changed.strip(" ") == headers[name]:
        return
    reason(headers | {name: changed})


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_text_breaks_the_parser(signature_input: str, signature: str) -> None:
    reason(signed() | {"signature-input": signature_input, "signature": signature})
    reason(signed() | {"signature-input": "shuniu=" + signature_input})


@dataclass
class Message:
    """A request as the other implementation sees it."""

    headers: dict[str, str]
    method: str = "POST"
    url: str = URL
    body: bytes = field(default=BODY)


class Keys(HTTPSignatureKeyResolver):
    """Finds our keys by `keyid`."""

    def resolve_private_key(self, key_id: str) -> Any:
        return next(key for key in KEYS.values() if kid(key) == key_id)

    def resolve_public_key(self, key_id: str) -> Any:
        return self.resolve_private_key(key_id).public_key()


def their_verifier(algorithm: str) -> HTTPMessageVerifier:
    return HTTPMessageVerifier(signature_algorithm=THEIRS[algorithm], key_resolver=Keys())


@alg
def test_another_implementation_believes_what_we_sign(algorithm: str) -> None:
    now = datetime.now(UTC)
    headers = signed(algorithm, created=now, expires=now + timedelta(seconds=30))
    results = their_verifier(algorithm).verify(
        Message(headers), expect_tag="shuniu-push", expect_label="shuniu", require_components=COMPONENTS, body=BODY
    )
    assert len(results) == 1
    assert results[0].body == BODY
    assert results[0].parameters["keyid"] == signer(algorithm).kid
    with pytest.raises(InvalidSignature):
        their_verifier(algorithm).verify(Message(headers | {"shuniu-fence": "8"}), expect_tag="shuniu-push")


@alg
@pytest.mark.parametrize("include_alg", [True, False])
def test_what_another_implementation_signs_is_believed(algorithm: str, include_alg: bool) -> None:
    message = Message(fields())
    HTTPMessageSigner(signature_algorithm=THEIRS[algorithm], key_resolver=Keys()).sign(
        message,
        key_id=signer(algorithm).kid,
        created=NOW,
        expires=EXPIRES,
        nonce=NONCE,
        label="shuniu",
        tag="shuniu-push",
        include_alg=include_alg,
        covered_component_ids=COMPONENTS,
        body=BODY,
        use_existing_digest=True,
    )
    found = verify(message.headers)
    assert found == SignedRequest(signer(algorithm).kid, NOW, EXPIRES, NONCE)
