"""`POST /oauth/token` and its metadata. OAuth keeps its own form of errors (RFC 6749 §5.2)."""

from typing import Any

from authlib.oauth2 import OAuth2Error
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from hub.api.context import Context, ContextDep
from hub.api.guard import Anyone, SignedMessage, origin_of
from hub.api.requests import address_of, read_body
from hub.api.wire import example
from hub.errors import Refused, Unavailable
from hub.identity import token_issue
from hub.identity.oauth import (
    MAX_BODY_BYTES,
    Reply,
    TokenError,
    TokenGrant,
    error_reply,
    invalid_client,
    read_form,
)

router = APIRouter(tags=["令牌 / tokens"])

FORM_SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
                        "client_assertion": {
                            "type": "string",
                            "description": "JWT：header alg、kid（同信封）；iss = sub = 系统代码，aud = 本地址（字符串），"
                            "exp ≤ 300 秒，jti 只用一次 / signed with the key of the system's certificate",
                        },
                    },
                },
                "example": {
                    "grant_type": "client_credentials",
                    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    "client_assertion": "eyJhbGciOiJFUzI1NiIsImtp….eyJpc3MiOiJsaW50YW8tc3Vi….c2lnbmF0dXJl…",
                },
            }
        },
    }
}

METADATA_EXAMPLE: dict[str, Any] = {
    "issuer": "https://hub.example",
    "token_endpoint": "https://hub.example/oauth/token",
    "grant_types_supported": ["client_credentials"],
    "response_types_supported": ["none"],
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    "token_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA"],
    "ui_locales_supported": ["zh-CN", "en"],
}

TOKEN_EXAMPLE: dict[str, Any] = {
    "access_token": "eyJhbGciOiJFUzI1NiIsImtp….eyJpc3MiOiJodHRwczovL2h1….c2lnbmF0dXJl…",
    "token_type": "Bearer",
    "expires_in": 300,
}


@router.get(
    "/.well-known/oauth-authorization-server",
    summary="令牌服务的元数据 / metadata (RFC 8414)",
    responses=example(METADATA_EXAMPLE),
)
async def authorization_server(_: Anyone, ctx: ContextDep) -> dict[str, Any]:
    """Where and how a system gets a token."""
    return ctx.identity.token_server.metadata()


@router.post(
    "/oauth/token",
    summary="换取访问令牌 / get an access token",
    openapi_extra=FORM_SCHEMA,
    responses=example(TOKEN_EXAMPLE, described="访问令牌，有效秒数 / the access token, and how many seconds it lasts"),
)
async def token(request: Request, _: SignedMessage, ctx: ContextDep) -> JSONResponse:
    """`client_credentials` with `private_key_jwt` (RFC 7523); errors as in RFC 6749 §5.2."""
    try:
        status, body, headers = await _issue(request, ctx)
    except OAuth2Error as error:
        await _record(error, request, ctx)
        status, body, headers = error_reply(error)
    return JSONResponse(body, status, dict(headers))


async def _issue(request: Request, ctx: Context) -> Reply:
    try:
        body = await read_body(request.scope, request.receive, MAX_BODY_BYTES)
    except Unavailable:
        raise
    except Refused:
        raise TokenError(
            "invalid_request",
            f"请求体超过 {MAX_BODY_BYTES} 字节，或未及时到齐",
            f"the body exceeds {MAX_BODY_BYTES} bytes, or did not arrive in time",
        ) from None
    form = read_form(request.headers.get("content-type", ""), body)
    grant = await _authenticate(form, ctx)
    async with ctx.transaction() as session:
        refusal = await token_issue.spend(
            session,
            grant.client.assertion,
            origin=origin_of(request),
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
    if refusal is not None:
        raise invalid_client(refusal)
    return ctx.identity.token_server.answer(grant)


async def _authenticate(form: dict[str, str], ctx: Context) -> TokenGrant:
    server = ctx.identity.token_server
    try:
        return server.authenticate(form, ctx.pictures.picture, now=ctx.clock())
    except TokenError as error:
        if error.refusal is None or not error.refusal.may_be_stale:
            raise
    # A refusal must not rest on an old picture: the certificate may have been issued a moment ago.
    return server.authenticate(form, await ctx.pictures.at_least_now(), now=ctx.clock())


async def _record(error: OAuth2Error, request: Request, ctx: Context) -> None:
    """Log a refusal that a known system answers for, singly and within its rate; count every other."""
    now = ctx.clock()
    refusal = error.refusal if isinstance(error, TokenError) else None
    cause = str(error.error) if refusal is None else refusal.reason
    if refusal is None or refusal.signer is None:
        ctx.refusals.count(cause, address_of(request.scope), now=now)
    elif ctx.refusals.may_be_single(refusal.signer.system.code, cause, now=now):
        async with ctx.transaction() as session:
            token_issue.record_refusal(
                session, refusal, refusal.signer, origin=origin_of(request), recorder=ctx.recorder, now=now
            )
