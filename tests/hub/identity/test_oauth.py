"""The token endpoint's grant: forms, the flow on Authlib's classes, and errors in OAuth's form."""

import logging
from datetime import timedelta
from itertools import count
from urllib.parse import urlencode

import pytest
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from certs.keys import generate_key
from certs.suites import KeySigner, Verifier
from hub.identity.oauth import TokenError, TokenServer, error_reply, read_form
from hub.identity.tokens import AccessTokens
from tests.support.oauth import ENDPOINT, ISSUER, NOW, FakePartner, FakeRegistry, claims, form, kid, sign

FORM = "application/x-www-form-urlencoded"
PARTNER = FakePartner.make("jiguan-portal")
REGISTRY = FakeRegistry([PARTNER])
HUB_KEY = generate_key("EdDSA")


def server(token_endpoint: str = ENDPOINT) -> TokenServer:
    signer = KeySigner(HUB_KEY, kid(50))
    tokens = AccessTokens(
        issuer=ISSUER, seconds=120, signer=signer, verifiers={signer.kid: Verifier(HUB_KEY.public_key())}
    )
    return TokenServer(tokens, token_endpoint=token_endpoint, skew=timedelta(seconds=300))


def good() -> dict[str, str]:
    return form(sign(PARTNER.key, PARTNER.signer.kid, claims("jiguan-portal")))


def error_of(parameters: dict[str, str], at: TokenServer | None = None) -> OAuth2Error:
    with pytest.raises(OAuth2Error) as refused:
        (at or server()).authenticate(parameters, REGISTRY, now=NOW)
    return refused.value


def test_an_authenticated_request_is_answered_with_a_bearer_token() -> None:
    judge = server()
    grant = judge.authenticate(good() | {"client_id": "jiguan-portal", "resource": ISSUER}, REGISTRY, now=NOW)
    assert grant.client.assertion.system.code == "jiguan-portal"
    status, body, headers = judge.answer(grant)
    assert status == 200
    assert {name: value for name, value in body.items() if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 120,
    }
    assert judge.tokens.read(str(body["access_token"]), now=NOW).kid == PARTNER.signer.kid
    assert ("Cache-Control", "no-store") in headers


def test_no_token_is_written_into_any_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    judge = server()
    _, body, _ = judge.answer(judge.authenticate(good(), REGISTRY, now=NOW))
    assert str(body["access_token"]) not in caplog.text


@pytest.mark.parametrize(
    ("changes", "error", "status"),
    [
        ({"grant_type": None}, "invalid_request", 400),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type", 400),
        ({"grant_type": 'x"\\你'}, "unsupported_grant_type", 400),
        ({"client_assertion_type": None}, "invalid_client", 401),
        ({"client_assertion_type": "urn:else"}, "invalid_client", 401),
        ({"client_assertion": None}, "invalid_client", 401),
        ({"client_assertion": "nonsense"}, "invalid_client", 401),
        ({"client_assertion": None, "client_id": "jiguan-portal", "client_secret": "x"}, "invalid_client", 401),
        ({"client_id": "minzheng"}, "invalid_request", 400),
        ({"scope": "all"}, "invalid_scope", 400),
    ],
    ids=count(),
)
def test_a_refused_request_gets_oauths_error_with_a_cure(
    changes: dict[str, str | None], error: str, status: int
) -> None:
    parameters = {name: value for name, value in (good() | changes).items() if value is not None}
    found = error_of(parameters)
    answered, body, headers = error_reply(found)
    assert (answered, body["error"]) == (status, error)
    assert str(body["error_description"]).isascii()
    assert body["error_description#zh-CN"]
    assert ("Cache-Control", "no-store") in headers
    assert any(name == "WWW-Authenticate" for name, _ in headers) is (status == 401)


def test_an_address_without_tls_beyond_this_machine_issues_no_tokens() -> None:
    plain = "http://hub.example/oauth/token"
    parameters = form(sign(PARTNER.key, PARTNER.signer.kid, claims("jiguan-portal", aud=plain)))
    status, body, _ = error_reply(error_of(parameters, server(plain)))
    assert (status, body["error"]) == (400, "insecure_transport")


def test_a_form_is_read_with_or_without_a_charset() -> None:
    body = urlencode({"grant_type": "client_credentials", "client_id": "a b"}).encode()
    for content_type in (FORM, f"{FORM}; charset=UTF-8", FORM.upper()):
        assert read_form(content_type, body) == {"grant_type": "client_credentials", "client_id": "a b"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("", b"a=b"),
        (FORM, b"a=b&a=c"),
        (FORM, b"a=\xff"),
        (FORM, b"a=%ff"),
        (FORM, b"&".join(b"a%d=b" % n for n in range(17))),
    ],
)
def test_what_is_no_form_is_an_invalid_request(content_type: str, body: bytes) -> None:
    with pytest.raises(TokenError) as refused:
        read_form(content_type, body)
    assert error_reply(refused.value)[1]["error"] == "invalid_request"


def test_the_metadata_is_sound_by_rfc_8414_and_names_what_the_contract_says() -> None:
    found = server().metadata()
    assert (found["issuer"], found["token_endpoint"]) == (ISSUER, ENDPOINT)
    assert found["grant_types_supported"] == ["client_credentials"]
    assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert found["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "EdDSA"]
    AuthorizationServerMetadata(found).validate()
