"""`/pki`: whom to believe, open to anyone: the authority, its revocations, and every certificate with its issuers."""

from fastapi import APIRouter
from starlette.responses import Response

from hub.api.certificates import PEM_EXAMPLE
from hub.api.context import ContextDep
from hub.api.guard import Anyone
from hub.api.wire import answers
from hub.registry import certificates

router = APIRouter(prefix="/pki", tags=["信任 / trust"])

PEM_TYPE = "application/pem-certificate-chain"
"""RFC 8555 §9.1."""

CRL_TYPE = "application/pkix-crl"
"""RFC 2585 §4.2."""

_CHAIN = answers(PEM_TYPE, PEM_EXAMPLE * 2, described="PEM 格式的证书 / certificates in PEM")


@router.get(
    "/ca.pem", summary="根证书与签发证书 / root and issuing certificate", response_class=Response, responses=_CHAIN
)
async def authority(_: Anyone, ctx: ContextDep) -> Response:
    """The authority of this hub in PEM, root first; compare the root's digest with what the hub's officer tells you."""
    return Response(ctx.keyring.ca_pem(), media_type=PEM_TYPE)


@router.get(
    "/crl.der",
    summary="证书吊销列表 / certificate revocation list",
    response_class=Response,
    responses=answers(CRL_TYPE, described="DER 格式的吊销列表 / the list in DER"),
)
async def revocations(_: Anyone, ctx: ContextDep) -> Response:
    """The authority's current list (RFC 5280), in DER; a revocation is on it as soon as it has happened."""
    async with ctx.transaction() as session:
        der = await ctx.keyring.revocations.der(session, ctx.clock())
    return Response(der, media_type=CRL_TYPE, headers={"Cache-Control": "no-cache"})


@router.get(
    "/certificates/{kid}.pem",
    summary="证书及其签发者 / a certificate with its issuers",
    response_class=Response,
    responses=_CHAIN,
)
async def certificate(_: Anyone, kid: str, ctx: ContextDep) -> Response:
    """The certificate that envelopes and receipts name by `kid`, then its issuers up to the root, in PEM."""
    async with ctx.transaction() as session:
        chain = await certificates.certificate_chain(session, ctx.keyring, kid)
    return Response(chain, media_type=PEM_TYPE)
