"""`/v1/exchanges/{id}/evidence`: the proof of an exchange as one file."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from hub.api.context import ContextDep
from hub.api.exchange_examples import EVIDENCE_EXAMPLE
from hub.api.guard import system_or_staff
from hub.api.wire import example
from hub.evidence.building import build_evidence
from hub.exchange.reading import unknown_exchange
from hub.identity.callers import StaffCaller, SystemCaller

router = APIRouter(tags=["交换 / exchanges"])

PartyOrAuditor = Annotated[SystemCaller | StaffCaller, Depends(system_or_staff("audit_read"))]


@router.get(
    "/v1/exchanges/{identifier}/evidence",
    summary="一次交换的证据 / the evidence of an exchange",
    response_class=Response,
    responses=example(EVIDENCE_EXAMPLE),
)
async def get_evidence(
    identifier: str,
    caller: PartyOrAuditor,
    ctx: ContextDep,
    checkpoint_size: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    consumer: Annotated[str | None, Query(max_length=63)] = None,
) -> Response:
    """One file that `shuniu verify` checks offline; `checkpoint_size`: of a checkpoint kept from before, to prove it is one log.

    Who confirmed projections alone gets a file about these, without the provider's envelope and receipt. `consumer` (a system's
    code): of deliveries and grants that one's alone, for files that would be too large.
    """
    try:
        exchange_id = UUID(identifier)
    except ValueError:
        raise unknown_exchange() from None
    now = ctx.clock()
    async with ctx.acquire() as connection:
        body = await build_evidence(
            connection,
            exchange_id,
            caller,
            keyring=ctx.keyring,
            recorder=ctx.recorder,
            now=now,
            since=checkpoint_size,
            consumer=consumer,
        )
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="evidence-{exchange_id}.json"',
    }
    return Response(body, media_type="application/json", headers=headers)
