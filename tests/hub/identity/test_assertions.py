"""Client assertions: what proves a system, and every way in which one does not."""

from datetime import timedelta
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.digests import b64u_encode
from certs.keys import generate_key
from certs.suites import KeySigner
from hub.identity.assertions import MAX_BYTES, Assertion, AssertionRefused, verify_assertion
from tests.support.oauth import ENDPOINT, NOW, FakePartner, FakeRegistry, claims, kid, sign

HERE = int(NOW.timestamp())
SKEW = timedelta(seconds=120)

ES256 = FakePartner.make("jiguan-portal", number=1)
ED25519 = FakePartner.make("minzheng", "EdDSA", number=2)


def verify(text: str, registry: FakeRegistry | None = None) -> Assertion:
    return verify_assertion(
        text, token_endpoint=ENDPOINT, registry=registry or FakeRegistry([ES256, ED25519]), skew=SKEW, now=NOW
    )


def refusal_of(text: str, registry: FakeRegistry | None = None) -> AssertionRefused:
    with pytest.raises(AssertionRefused) as refused:
        verify(text, registry)
    return refused.value


def signed(body: dict[str, Any], **header: Any) -> str:
    return sign(ES256.key, ES256.signer.kid, body, **header)


def raw(header: bytes, body: bytes, partner: FakePartner = ES256) -> str:
    """An assertion over any bytes, with a good signature."""
    data = b64u_encode(header) + b"." + b64u_encode(body)
    return (data + b"." + b64u_encode(KeySigner(partner.key, "").sign(data))).decode()


GOOD_HEADER = orjson.dumps({"alg": "ES256", "kid": ES256.signer.kid})


@pytest.mark.parametrize("partner", [ES256, ED25519], ids=["ES256", "EdDSA"])
@pytest.mark.parametrize("typ", ["JWT", "jwt", None, "client-authentication+jwt"])
def test_what_a_stranger_signs_with_the_certificates_key_is_accepted(partner: FakePartner, typ: str | None) -> None:
    body = claims(partner.code, jti="once-1")
    assertion = verify(sign(partner.key, partner.signer.kid, body, typ=typ))
    assert assertion.system.code == partner.code
    assert (assertion.kid, assertion.jti) == (partner.signer.kid, "once-1")
    assert assertion.expires_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "minzheng"}, "signer-mismatch"),
        ({"sub": "minzheng"}, "signer-mismatch"),
        ({"iss": "minzheng", "sub": "minzheng"}, "signer-mismatch"),
        ({"iss": None}, "signer-mismatch"),
        ({"sub": ["jiguan-portal"]}, "signer-mismatch"),
        ({"aud": [ENDPOINT]}, "wrong-audience"),
        ({"aud": ENDPOINT + "/"}, "wrong-audience"),
        ({"aud": "http://127.0.0.1:8640"}, "wrong-audience"),
        ({"aud": None}, "wrong-audience"),
        ({"exp": None}, "assertion-expired"),
        ({"exp": HERE}, "assertion-expired"),
        ({"exp": HERE - 1}, "assertion-expired"),
        ({"exp": HERE + 301}, "assertion-expired"),
        ({"exp": "soon"}, "malformed-claim"),
        ({"exp": True}, "malformed-claim"),
        ({"exp": 1 << 40}, "malformed-claim"),
        ({"exp": -1}, "malformed-claim"),
        ({"iat": HERE + 121}, "stale-message"),
        ({"nbf": HERE + 121}, "stale-message"),
        ({"iat": "now"}, "malformed-claim"),
        ({"jti": None}, "malformed-claim"),
        ({"jti": ""}, "malformed-claim"),
        ({"jti": 7}, "malformed-claim"),
        ({"jti": "x" * 129}, "malformed-claim"),
        ({"jti": "a\u0000b"}, "malformed-claim"),
    ],
    ids=count(),
)
def test_a_claim_that_is_wrong_is_refused_by_name_after_the_signature(changes: dict[str, Any], reason: str) -> None:
    refusal = refusal_of(signed(claims("jiguan-portal", **changes)))
    assert refusal.reason == reason
    assert refusal.signer is ES256.signer


@pytest.mark.parametrize(
    "changes",
    [{"exp": HERE + 300}, {"exp": HERE + 1}, {"exp": HERE + 59.5}, {"iat": None}, {"iat": HERE + 120}, {"nbf": HERE}],
)
def test_a_claim_at_its_limit_is_accepted(changes: dict[str, Any]) -> None:
    assert verify(signed(claims("jiguan-portal", **changes))).system.code == "jiguan-portal"


def test_a_changed_byte_or_another_key_is_a_bad_signature() -> None:
    text = signed(claims("jiguan-portal"))
    header, _, signature = text.split(".")
    other = b64u_encode(orjson.dumps(claims("jiguan-portal"))).decode()
    assert refusal_of(f"{header}.{other}.{signature}").reason == "bad-signature"
    foreign = sign(generate_key("ES256"), ES256.signer.kid, claims("jiguan-portal"))
    assert refusal_of(foreign).reason == "bad-signature"
    assert refusal_of(foreign).signer is None


@pytest.mark.parametrize("alg", ["none", "HS256", "EdDSA", "ES384", "es256"])
def test_the_algorithm_is_the_keys_whatever_the_message_says(alg: str) -> None:
    header = orjson.dumps({"alg": alg, "kid": ES256.signer.kid})
    assert refusal_of(raw(header, orjson.dumps(claims("jiguan-portal")))).reason == "bad-signature"


def test_a_certificate_that_nobody_registered_is_unknown_and_perhaps_only_new() -> None:
    refusal = refusal_of(sign(ES256.key, kid(99), claims("jiguan-portal")))
    assert (refusal.reason, refusal.may_be_stale, refusal.signer) == ("unknown-signer", True, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        "你好.b.c",
        "\udcff.b.c",
        raw(GOOD_HEADER, b"[]"),
        raw(GOOD_HEADER, b'{"iss":"a","iss":"b"}'),
        raw(b'"x"', b"{}"),
        raw(b"{}", b"{}"),
        raw(b'{"alg":7,"kid":"x"}', b"{}"),
        raw(orjson.dumps({"alg": "ES256"}), b"{}"),
        raw(orjson.dumps({"alg": "ES256", "kid": "short"}), b"{}"),
        raw(orjson.dumps({"alg": "ES256", "kid": ["x"]}), b"{}"),
        raw(orjson.dumps({"alg": "ES256", "kid": ES256.signer.kid, "typ": "at+jwt"}), b"{}"),
        raw(orjson.dumps({"alg": "ES256", "kid": ES256.signer.kid, "crit": ["exp"]}), b"{}"),
        raw(orjson.dumps({"alg": "ES256", "kid": ES256.signer.kid, "b64": False}), b"{}"),
        signed(claims("jiguan-portal")) + "=",
        signed(claims("jiguan-portal", padding="x" * MAX_BYTES)),
    ],
    ids=count(),  # the texts are signed anew in every process
)
def test_what_is_no_assertion_is_malformed(text: str) -> None:
    assert refusal_of(text).reason == "malformed-assertion"


@pytest.mark.parametrize(
    ("change", "reason", "may_be_stale"),
    [
        (lambda r: r.change_system("jiguan-portal", state="suspended"), "system-suspended", True),
        (lambda r: r.change_system("jiguan-portal", state="retired"), "system-suspended", True),
        (lambda r: r.change_certificate(kid(1), state="revoked"), "certificate-revoked", True),
        (lambda r: r.change_certificate(kid(1), not_after=NOW), "certificate-expired", False),
        (lambda r: r.change_certificate(kid(1), not_before=NOW + timedelta(seconds=1)), "certificate-expired", False),
    ],
)
def test_a_system_or_certificate_that_is_not_active_gets_nothing(change: Any, reason: str, may_be_stale: bool) -> None:
    registry = FakeRegistry([FakePartner(ES256.code, ES256.key, ES256.signer)])
    change(registry)
    refusal = refusal_of(signed(claims("jiguan-portal")), registry)
    assert (refusal.reason, refusal.may_be_stale) == (reason, may_be_stale)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
    | st.lists(st.text(max_size=3), max_size=2)
)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,90}"))
def test_any_text_is_refused_and_nothing_else_happens(text: str) -> None:
    refusal_of(text)


@given(st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]), VALUES))
def test_any_claims_are_refused_in_ascii_that_oauth_may_carry(changes: dict[str, Any]) -> None:
    body = {"iss": "jiguan-portal", "sub": "jiguan-portal"} | changes
    refusal = refusal_of(raw(GOOD_HEADER, orjson.dumps(body)))
    assert all(" " <= character <= "~" and character not in '"\\' for character in refusal.en)
