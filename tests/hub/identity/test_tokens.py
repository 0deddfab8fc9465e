"""Access tokens: the profile of RFC 9068, read by nobody but us, and worth what the system is worth now."""

from datetime import timedelta
from itertools import count
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from certs.digests import b64u_encode
from certs.keys import generate_key
from certs.suites import KeySigner, Verifier
from hub.identity.errors import TokenRefused
from hub.identity.sessions import Origin
from hub.identity.tokens import AccessTokens, caller_of
from tests.support.oauth import ISSUER, NOW, FakePartner, FakeRegistry, kid

HUB_KEY = generate_key("ES256")
SIGNER = KeySigner(HUB_KEY, kid(50))
TOKENS = AccessTokens(issuer=ISSUER, seconds=300, signer=SIGNER, verifiers={SIGNER.kid: Verifier(HUB_KEY.public_key())})
PARTNER = FakePartner.make("jiguan-portal")


def forged(header: dict[str, Any], claims: dict[str, Any], signer: KeySigner = SIGNER) -> str:
    data = b64u_encode(orjson.dumps(header)) + b"." + b64u_encode(orjson.dumps(claims))
    return (data + b"." + b64u_encode(signer.sign(data))).decode()


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    assert isinstance(HUB_KEY, EllipticCurvePrivateKey)
    pem = HUB_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    read = jwt.decode(token, ECKey.import_key(pem), algorithms=["ES256"])
    return dict(read.header), dict(read.claims)


def test_a_token_has_the_header_and_claims_of_rfc_9068() -> None:
    header, claims = parts_of(TOKENS.issue("jiguan-portal", kid(1), now=NOW))
    assert header == {"alg": "ES256", "kid": kid(50), "typ": "at+jwt"}
    here = int(NOW.timestamp())
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER, "sub": "jiguan-portal", "client_id": "jiguan-portal", "aud": ISSUER, "iat": here,
        "exp": here + 300, "certificate": kid(1),
    }  # fmt: skip


def test_two_tokens_of_one_moment_differ() -> None:
    assert TOKENS.issue("a1", kid(1), now=NOW) != TOKENS.issue("a1", kid(1), now=NOW)


@pytest.mark.parametrize(("seconds", "runs"), [(0, True), (299, True), (300, False), (3600, False)])
def test_a_token_runs_until_exp_and_not_a_second_longer(seconds: int, runs: bool) -> None:
    token = TOKENS.issue("jiguan-portal", kid(1), now=NOW)
    then = NOW + timedelta(seconds=seconds)
    if runs:
        assert TOKENS.read(token, now=then).system_code == "jiguan-portal"
    else:
        with pytest.raises(TokenRefused, match="expired"):
            TOKENS.read(token, now=then)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": "receipt+jws"}, {}),
        ({"alg": "none"}, {}),
        ({"alg": "EdDSA"}, {}),
        ({"kid": kid(51)}, {}),
        ({"kid": None}, {}),
        ({}, {"iss": "http://elsewhere"}),
        ({}, {"aud": "http://elsewhere"}),
        ({}, {"aud": [ISSUER]}),
    ],
    ids=count(),
)
def test_what_we_did_not_issue_for_ourselves_is_refused(header: dict[str, Any], claims: dict[str, Any]) -> None:
    good_header, good_claims = parts_of(TOKENS.issue("jiguan-portal", kid(1), now=NOW))
    assert TOKENS.read(forged(good_header, good_claims), now=NOW).kid == kid(1)
    with pytest.raises(TokenRefused, match="not issued by this hub"):
        TOKENS.read(forged(good_header | header, good_claims | claims), now=NOW)


def test_a_token_signed_by_another_key_is_refused() -> None:
    header, claims = parts_of(TOKENS.issue("jiguan-portal", kid(1), now=NOW))
    with pytest.raises(TokenRefused, match="not issued by this hub"):
        TOKENS.read(forged(header, claims, KeySigner(PARTNER.key, kid(50))), now=NOW)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,90}"))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(text, now=NOW)


def test_the_caller_is_the_system_as_the_log_names_it() -> None:
    access = TOKENS.read(TOKENS.issue("jiguan-portal", kid(1), now=NOW), now=NOW)
    caller = caller_of(access, FakeRegistry([PARTNER]), origin=Origin("192.0.2.1", "curl"), now=NOW)
    assert (caller.code, caller.system_id, caller.kid) == ("jiguan-portal", PARTNER.signer.system.id, kid(1))
    assert caller.organisation_id == PARTNER.signer.system.organisation_id
    actor = caller.actor
    assert (actor.kind, actor.id, actor.organisation) == ("system", "jiguan-portal", "11621124000000001X")
    assert (actor.address, actor.terminal) == ("192.0.2.1", "curl")


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        (lambda r: r.change_system("jiguan-portal", state="suspended"), "system-suspended"),
        (lambda r: r.change_system("jiguan-portal", state="retired"), "system-suspended"),
        (lambda r: r.change_certificate(kid(1), state="revoked"), "certificate-revoked"),
        (lambda r: r.change_certificate(kid(1), not_after=NOW), "certificate-expired"),
        (lambda r: r.partners.clear(), "system-suspended"),
        (
            lambda r: r.partners.append(FakePartner.make("jiguan-portal", number=9)) or r.partners.pop(0),
            "certificate-revoked",
        ),
    ],
)
def test_a_running_token_is_worth_nothing_once_system_or_certificate_is_not_active(change: Any, slug: str) -> None:
    access = TOKENS.read(TOKENS.issue("jiguan-portal", kid(1), now=NOW), now=NOW)
    registry = FakeRegistry([FakePartner(PARTNER.code, PARTNER.key, PARTNER.signer)])
    assert caller_of(access, registry, origin=Origin(), now=NOW).code == "jiguan-portal"
    change(registry)
    with pytest.raises(TokenRefused) as refused:
        caller_of(access, registry, origin=Origin(), now=NOW)
    assert refused.value.slug == slug
