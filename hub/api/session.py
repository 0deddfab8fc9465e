"""`/v1/session`: staff sign in, see who they are, change their password, enrol a second factor, sign out."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ConfigDict, Field

from hub.api.context import Context, ContextDep
from hub.api.guard import COOKIE, Anyone, is_same_origin, origin_of, staff_may
from hub.api.requests import address_of
from hub.api.staff_examples import (
    ENROLMENT_EXAMPLE,
    PASSWORD_EXAMPLE,
    PERSON_EXAMPLE,
    SESSION_EXAMPLE,
    SIGN_IN_EXAMPLE,
)
from hub.api.wire import Body, example, present
from hub.audit.entry import instant
from hub.errors import Forbidden
from hub.identity import password_change, proof, second_factor, sessions
from hub.identity.callers import StaffCaller
from hub.identity.errors import SignInRefused
from hub.identity.passwords import MAX_LENGTH
from hub.identity.proof import LOCK_TIME, MAX_FAILURES, Refusal
from hub.identity.roles import sorted_roles
from hub.identity.sessions import Opened

router = APIRouter(tags=["会话 / session"])

_SESSION = "会话令牌，何时结束，本人是谁 / the session's token, when it ends, and who one is"

OwnSession = Annotated[StaffCaller, Depends(staff_may("session_own"))]
OwnSessionBeforeChange = Annotated[StaffCaller, Depends(staff_may("session_own", before_password_change=True))]

Password = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="6 位动态口令 / six digits of the app")]


class SignIn(Body):
    """Who signs in."""

    model_config = ConfigDict(json_schema_extra={"examples": [SIGN_IN_EXAMPLE]})

    user: Annotated[str, Field(min_length=1, max_length=64)]
    password: Password
    second_factor: Code | None = None


class PasswordChange(Body):
    """The current password, and the one that takes its place."""

    model_config = ConfigDict(json_schema_extra={"examples": [PASSWORD_EXAMPLE]})

    password: Password
    new_password: Password


class EnrolmentRequest(Body):
    """The current password once more: a session left open is no way to lock its holder out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": SIGN_IN_EXAMPLE["password"]}]})

    password: Password


class EnrolmentCode(Body):
    """What the app shows."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": SIGN_IN_EXAMPLE["second_factor"]}]})

    code: Code


@router.post(
    "/v1/session",
    status_code=201,
    summary="登录 / sign in",
    responses=example(SESSION_EXAMPLE, 201, described=_SESSION),
)
async def sign_in(body: SignIn, request: Request, response: Response, _: Anyone, ctx: ContextDep) -> dict[str, Any]:
    """A token, to be sent as bearer, and the same as cookie for browsers; one answer for every failure."""
    if is_same_origin(request) is False:
        raise Forbidden("不接受其他网站发来的登录", "sign-in from another site's page is not accepted")
    async with ctx.transaction() as session:
        against = await proof.credentials(session, body.user)
    matches = await ctx.identity.passwords.verify(against.password_hash, body.password)
    async with ctx.transaction() as session:
        outcome = await sessions.sign_in(
            session,
            against,
            password_matches=matches,
            code=body.second_factor,
            master_key=ctx.identity.master_key,
            origin=origin_of(request),
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
    return _opened(outcome, request, response, ctx)


@router.get("/v1/session", summary="我是谁 / who am I", responses=example(PERSON_EXAMPLE))
async def who_am_i(caller: OwnSessionBeforeChange) -> dict[str, Any]:
    """The holder of the session with the roles held now."""
    return _person(caller)


@router.delete("/v1/session", status_code=204, summary="退出 / sign out")
async def sign_out(caller: OwnSessionBeforeChange, response: Response, ctx: ContextDep) -> None:
    """The session ends, its token is worth nothing."""
    async with ctx.transaction() as session:
        await sessions.sign_out(session, caller, recorder=ctx.recorder, now=ctx.clock())
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=ctx.identity.secure_cookie)


@router.post(
    "/v1/session/password",
    status_code=201,
    summary="修改口令 / change the password",
    responses=example(SESSION_EXAMPLE, 201, described=_SESSION),
)
async def change_password(
    body: PasswordChange, caller: OwnSessionBeforeChange, request: Request, response: Response, ctx: ContextDep
) -> dict[str, Any]:
    """Every session of the account ends, and a new one is answered, as at sign-in."""
    password_change.check_new_password(caller, current=body.password, new=body.new_password)
    async with ctx.transaction() as session:
        against = await proof.own_credentials(session, caller)
    matches = await ctx.identity.passwords.verify(against.password_hash, body.password, is_own=True)
    new_hash = await ctx.identity.passwords.hash(body.new_password)
    async with ctx.transaction() as session:
        outcome = await password_change.change_password(
            session,
            caller,
            against,
            password_matches=matches,
            new_hash=new_hash,
            origin=origin_of(request),
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
    return _opened(outcome, request, response, ctx)


@router.post(
    "/v1/session/second-factor",
    status_code=201,
    summary="登记第二因素 / enrol a second factor",
    responses=example(ENROLMENT_EXAMPLE, 201, described="密钥及其 otpauth 地址 / the secret, and as an otpauth URI"),
)
async def begin_enrolment(
    body: EnrolmentRequest, caller: OwnSession, response: Response, ctx: ContextDep
) -> dict[str, Any]:
    """A secret for an authenticator app (RFC 6238), told this once; it counts once `PUT` has brought a code."""
    async with ctx.transaction() as session:
        against = await proof.own_credentials(session, caller)
    matches = await ctx.identity.passwords.verify(against.password_hash, body.password, is_own=True)
    async with ctx.transaction() as session:
        outcome = await second_factor.begin_enrolment(
            session,
            caller,
            against,
            password_matches=matches,
            issuer=ctx.settings.hub_id,
            master_key=ctx.identity.master_key,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
    if isinstance(outcome, Refusal):
        raise _refused()
    response.headers["Cache-Control"] = "no-store"
    return {"secret": outcome.secret, "uri": outcome.uri}


@router.put("/v1/session/second-factor", status_code=204, summary="确认第二因素 / confirm the second factor")
async def confirm_enrolment(body: EnrolmentCode, caller: OwnSession, ctx: ContextDep) -> None:
    """From now on sign-in asks for a code."""
    async with ctx.transaction() as session:
        await second_factor.confirm_enrolment(
            session,
            caller,
            body.code,
            master_key=ctx.identity.master_key,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )


def _opened(outcome: Opened | Refusal, request: Request, response: Response, ctx: Context) -> dict[str, Any]:
    """The answer to who proved who they are. Raises SignInRefused for who did not."""
    if isinstance(outcome, Refusal):
        if not outcome.recorded:
            ctx.refusals.count("sign-in", address_of(request.scope), now=ctx.clock())
        raise _refused()
    response.set_cookie(
        COOKIE,
        outcome.token,
        expires=outcome.expires_at,
        httponly=True,
        samesite="strict",
        secure=ctx.identity.secure_cookie,
    )
    response.headers["Cache-Control"] = "no-store"
    return {"token": outcome.token, "expires_at": instant(outcome.expires_at), **_person(outcome.caller)}


def _refused() -> SignInRefused:
    return SignInRefused(MAX_FAILURES, int(LOCK_TIME.total_seconds()) // 60)


def _person(caller: StaffCaller) -> dict[str, Any]:
    return present(
        user=caller.login,
        name=caller.display_name,
        roles=[str(role) for role in sorted_roles(caller.roles)],
        organisation=caller.organisation_id,
        must_change_password=caller.must_change_password,
    )
