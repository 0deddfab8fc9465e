"""The token endpoint's grant: `client_credentials` by `private_key_jwt`, on Authlib's framework-free grant classes.

Authlib's flow is synchronous and ours has a table in its middle, so it runs in two halves: `TokenServer.authenticate` up
to the authenticated client, then the caller has the assertion's `jti` remembered, then `TokenServer.answer`. Errors are
Authlib's, in the form of RFC 6749 §5.2, whose texts are ASCII; the Chinese text stands beside it under the tagged name
that RFC 7591 §2.2 uses for translations. Knows no web framework.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from authlib.consts import default_json_headers
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidScopeError, OAuth2Request, UnsupportedGrantTypeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE

from certs.suites import SUITES
from hub.identity.assertions import Assertion, AssertionRefused, Registry, verify_assertion
from hub.identity.tokens import AccessTokens

AUTH_METHOD = "private_key_jwt"
GRANT_TYPE = "client_credentials"
FORM = "application/x-www-form-urlencoded"

MAX_BODY_BYTES = 16384
"""An assertion (`MAX_BYTES`) and four short parameters fit in twice."""

MAX_FIELDS = 16

Reply = tuple[int, dict[str, object], list[tuple[str, str]]]
"""Status, JSON body, headers."""


class TokenError(OAuth2Error):  # type: ignore[misc]  # Authlib has no type information
    """An error of the token endpoint. `refusal` is what was wrong with the assertion or with what came along with it."""

    def __init__(
        self, error: str, zh: str, en: str, *, status: int = 400, refusal: AssertionRefused | None = None
    ) -> None:
        super().__init__(error=error, description=en, status_code=status)
        self.zh = zh
        self.refusal = refusal


def invalid_client(refusal: AssertionRefused) -> TokenError:
    """The error for an assertion that proves nothing: 401 (RFC 6749 §5.2)."""
    return TokenError("invalid_client", refusal.zh, refusal.en, status=401, refusal=refusal)


def _beside_the_assertion(error: str, refusal: AssertionRefused) -> TokenError:
    """The error for a parameter beside an assertion that is good."""
    return TokenError(error, refusal.zh, refusal.en, refusal=refusal)


def _refuse_scope(form: dict[str, str], assertion: Assertion) -> None:
    """There are no scopes: what a system may do is in its grants. Raises TokenError."""
    if form.get("scope"):
        raise _beside_the_assertion(
            InvalidScopeError.error,
            AssertionRefused(
                "scope-not-supported",
                "本枢纽没有 scope；请不要写该参数",
                "this hub has no scopes; leave scope out",
                signer=assertion.signer,
            ),
        )


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """The parameters of a token request. Raises TokenError for another type, a repeated or unreadable parameter."""
    if content_type.split(";")[0].strip().lower() != FORM:
        raise TokenError("invalid_request", f"Content-Type 须为 {FORM}", f"Content-Type must be {FORM}")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise TokenError("invalid_request", "请求体不是 UTF-8 表单", "the body is no form in UTF-8") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenError("invalid_request", "参数重复；每个只写一次", "a parameter is repeated; give each once")
    return form


@dataclass(frozen=True, slots=True)
class Client:
    """The authenticated system, as Authlib asks a client about itself."""

    assertion: Assertion
    now: datetime

    def get_client_id(self) -> str:
        """The system's code."""
        return self.assertion.system.code

    def check_grant_type(self, grant_type: str) -> bool:
        """Systems act for themselves only."""
        return grant_type == GRANT_TYPE

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Systems prove themselves in one way only."""
        return method == AUTH_METHOD and endpoint == "token"


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no type information
    """A token request that came in: its parameters, and what they are judged by.

    Authlib refuses (`insecure_transport`) an endpoint that is neither https nor on loopback.
    """

    def __init__(self, form: dict[str, str], *, token_endpoint: str, registry: Registry, now: datetime) -> None:
        super().__init__("POST", token_endpoint)
        self.payload = BasicOAuth2Payload(form)
        self.registry = registry
        self.now = now

    @property
    def form(self) -> dict[str, str]:
        """The parameters."""
        form: dict[str, str] = self.payload.data
        return form


class TokenGrant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no type information
    """A token request on its way through Authlib's flow; `client` is set once it is authenticated."""

    client: Client
    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)

    def create_token_response(self) -> Reply:
        """As Authlib's, which also writes the token into its debug log."""
        token = self.generate_token(scope=None, include_refresh_token=False)
        return 200, token, self.TOKEN_RESPONSE_HEADER


class TokenServer(AuthorizationServer):  # type: ignore[misc]  # Authlib has no type information
    """Judges token requests and answers them; one for each process, it keeps nothing of a request."""

    def __init__(self, tokens: AccessTokens, *, token_endpoint: str, skew: timedelta) -> None:
        super().__init__()
        self.tokens = tokens
        self._token_endpoint = token_endpoint
        self._skew = skew
        self.register_grant(TokenGrant)
        self.register_client_auth_method(AUTH_METHOD, self._authenticate)
        self.register_token_generator("default", self._generate)

    def authenticate(self, form: dict[str, str], registry: Registry, *, now: datetime) -> TokenGrant:
        """The request with its client authenticated, its assertion not yet remembered. Raises OAuth2Error."""
        if not form.get("grant_type"):
            raise TokenError("invalid_request", f"缺少 grant_type={GRANT_TYPE}", f"grant_type={GRANT_TYPE} is missing")
        request = TokenRequest(form, token_endpoint=self._token_endpoint, registry=registry, now=now)
        try:
            grant: TokenGrant = self.get_token_grant(request)
        except UnsupportedGrantTypeError:
            raise TokenError(
                "unsupported_grant_type", f"grant_type 只能是 {GRANT_TYPE}", f"grant_type must be {GRANT_TYPE}"
            ) from None
        grant.validate_token_request()
        _refuse_scope(form, grant.request.client.assertion)
        return grant

    def answer(self, grant: TokenGrant) -> Reply:
        """The reply with the access token (RFC 6749 §5.1)."""
        return grant.create_token_response()

    def metadata(self) -> dict[str, object]:
        """The authorization server's description of itself (RFC 8414 §2)."""
        return {
            "issuer": self.tokens.issuer,
            "token_endpoint": self._token_endpoint,
            "grant_types_supported": [GRANT_TYPE],
            # Required, and must not be empty (RFC 8414 §2, §3.2); there is no authorization endpoint to ask for any.
            "response_types_supported": ["none"],
            "token_endpoint_auth_methods_supported": [AUTH_METHOD],
            "token_endpoint_auth_signing_alg_values_supported": list(SUITES),
            "ui_locales_supported": ["zh-CN", "en"],
        }

    def validate_requested_scope(self, scope: str | None) -> None:
        """Nothing: `_refuse_scope` looks at it, where it is known who asks."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens to Authlib's signals here."""

    def _authenticate(self, _query_client: object, request: TokenRequest) -> Client:
        form = request.form
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            missing = AssertionRefused(
                "assertion-missing",
                f"须以 client_assertion_type={ASSERTION_TYPE} 与 client_assertion 证明身份",
                f"authenticate with client_assertion_type={ASSERTION_TYPE} and client_assertion",
            )
            raise invalid_client(missing)
        try:
            assertion = verify_assertion(
                form["client_assertion"],
                token_endpoint=self._token_endpoint,
                registry=request.registry,
                skew=self._skew,
                now=request.now,
            )
        except AssertionRefused as refusal:
            raise invalid_client(refusal) from None
        if form.get("client_id", assertion.system.code) != assertion.system.code:
            raise _beside_the_assertion(
                "invalid_request",
                AssertionRefused(
                    "client-id-mismatch",
                    "client_id 与断言的 sub 不一致；请填写系统代码或不写",
                    "client_id is not the sub of the assertion; send the system's code or leave it out",
                    signer=assertion.signer,
                ),
            )
        return Client(assertion, request.now)

    def _generate(self, client: Client, **_: object) -> dict[str, object]:
        token = self.tokens.issue(client.get_client_id(), client.assertion.kid, now=client.now)
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.tokens.seconds}


def error_reply(error: OAuth2Error) -> Reply:
    """The reply to a refused request (RFC 6749 §5.2), in English for programs and with the Chinese text beside it."""
    body: dict[str, object] = dict(error.get_body())
    if isinstance(error, TokenError):
        body["error_description#zh-CN"] = error.zh
    headers = list(default_json_headers)
    if error.status_code == 401:
        headers.append(("WWW-Authenticate", f'Bearer error="{error.error}"'))
    return error.status_code, body, headers
