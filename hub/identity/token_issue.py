"""What a token request leaves behind: the assertion that must not come again, and the entry in the log."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Event
from hub.audit.service import Recorder
from hub.identity import repository
from hub.identity.assertions import Assertion, AssertionRefused
from hub.identity.sessions import Origin
from hub.identity.tokens import actor_of_system
from hub.registry.picture import SignerState

KEPT_BEYOND = timedelta(seconds=60)
"""A used assertion is kept past its end, for gateways whose clocks differ by a little (2 s at most when they are ready)."""


async def spend(
    session: AsyncSession, assertion: Assertion, *, origin: Origin, recorder: Recorder, now: datetime
) -> AssertionRefused | None:
    """Use an assertion up and record that a token is issued for it; or, it having been used before, return why not.

    To be committed before anybody is answered.
    """
    system = assertion.system
    await repository.forget_assertions(session, system.code, before=now - KEPT_BEYOND)
    first = await repository.remember_assertion(session, system.code, assertion.jti, expires_at=assertion.expires_at)
    if not first:
        return AssertionRefused(
            "jti-reused",
            "该断言（jti）已使用过；每次请求请用新的 jti 重新签名",
            "this assertion (jti) was used before; sign a new one with a new jti for each request",
            signer=assertion.signer,
        )
    actor = actor_of_system(system.code, system.organisation_code, origin)
    event = Event("token.issued", actor, "system", system.code, details={"kid": assertion.kid})
    recorder.record(session, event, now=now)
    return None


def record_refusal(
    session: AsyncSession,
    refusal: AssertionRefused,
    signer: SignerState,
    *,
    origin: Origin,
    recorder: Recorder,
    now: datetime,
) -> None:
    """Record that an assertion with a good signature was refused."""
    system = signer.system
    event = Event(
        "token.refused",
        actor_of_system(system.code, system.organisation_code, origin),
        "system",
        system.code,
        outcome="fail",
        error=refusal.reason,
        details={"kid": signer.kid},
    )
    recorder.record(session, event, now=now)
