"""`/v1/certificates`: a signing request in and a certificate out; revocation with an RFC 5280 reason."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field

from hub.api.acting import changing_rights
from hub.api.context import Context, ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, example, present, shown_draining
from hub.delivery.draining import draining_certificate
from hub.identity.callers import StaffCaller
from hub.registry import certificates, repository
from hub.registry import service as registry
from hub.registry.models import Certificate, System
from hub.registry.revocation_list import REASONS

router = APIRouter(prefix="/v1/certificates", tags=["数字证书 / certificates"])

EXAMPLE = {
    "kid": "Ft8WD9pTgXgLpCmnRxLWnaoDoAtHmRV0VjSdTBMwv5c",
    "system": "lintao-subsite",
    "serial": "5f0c3a9e7d1b2c4d6e8f90a1b2c3d4e5f6071829",
    "subject": "CN=lintao-subsite,O=临洮县示例局,C=CN",
    "algorithm": "ES256",
    "not_before": "2026-03-02T01:25:00.000000+00:00",
    "not_after": "2027-03-02T01:30:00.000000+00:00",
    "state": "active",
    "issued_at": "2026-03-02T01:30:00.000000+00:00",
}

REVOKED_EXAMPLE = EXAMPLE | {
    "state": "revoked",
    "revoked_at": "2026-09-01T02:00:00.000000+00:00",
    "revocation_reason": "superseded",
}

PEM_EXAMPLE = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n"

CSR_EXAMPLE = """-----BEGIN CERTIFICATE REQUEST-----
MIHTMHsCAQAwGTEXMBUGA1UEAwwObGludGFvLXN1YnNpdGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAScmRvM9O+AouzyMY88BCfs2dKbaOmnWLu5ziuDMEBCi8Vm
5aVVwPfcu5WCRFmhqQMvrumafLPvTk4b+Amfo5jLoAAwCgYIKoZIzj0EAwIDSAAw
RQIgV0+2CAcCE6nOa7Y8jimozNfdcva1rCq0rAjEFIjRXn0CIQCDlf0qJRy0y0GK
C4yn//zk1KawvXD0mIz9LoU9dbSVjg==
-----END CERTIFICATE REQUEST-----
"""
"""Of a key that nobody has kept."""


class Application(Body):
    """A signing request for a system's key."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"system": "lintao-subsite", "csr": CSR_EXAMPLE, "days": 365}]}
    )

    system: Annotated[str, Field(description="系统代码 / code of the system", examples=["lintao-subsite"])]
    csr: Annotated[
        str,
        Field(
            max_length=20_000,
            description="PKCS#10 证书请求（PEM）：P-256 或 Ed25519 / signing request in PEM: P-256 or Ed25519",
        ),
    ]
    days: Annotated[int, Field(description=f"有效天数，至多 {certificates.MAX_DAYS} / days of validity")] = (
        certificates.DEFAULT_DAYS
    )


class Revocation(Body):
    """Why a certificate is revoked."""

    reason: Annotated[
        str,
        Field(
            description="RFC 5280 吊销原因 / reason: "
            + "、".join(f"{word} {each.zh}" for word, each in REASONS.items()),
            examples=["superseded"],
        ),
    ]


@router.post(
    "",
    status_code=201,
    summary="签发证书 / issue a certificate",
    responses=example(EXAMPLE | {"certificate": PEM_EXAMPLE}, 201),
)
async def issue(
    body: Application, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("certificate_issue"))]
) -> dict[str, Any]:
    """Issue for the key of the CSR; subject, usages and validity are set here. Several may be active, for rotation."""
    async with changing_rights(ctx, caller) as session:
        issued = await certificates.issue_certificate(
            session,
            ctx.keyring,
            system_code=body.system,
            csr_pem=body.csr.encode(errors="replace"),
            days=body.days,
            crl_url=crl_url(ctx),
            actor=caller.actor,
            recorder=ctx.recorder,
            now=ctx.clock(),
        )
    return read((issued.certificate, issued.system)) | {"certificate": issued.chain_pem.decode()}


@router.get(
    "",
    summary="证书列表 / list certificates",
    dependencies=[Depends(staff_may("certificate_read"))],
    responses=example({"items": [EXAMPLE], "next": None}),
)
async def listing(
    ctx: ContextDep,
    page: Page,
    system: Annotated[str | None, Query(description="系统代码 / code of a system")] = None,
) -> dict[str, Any]:
    """Certificates, newest first."""
    async with ctx.transaction() as session:
        owner = None if system is None else (await registry.find_system(session, system))[0].id
        rows = await repository.certificates(session, after=page.after_moment(), limit=page.fetch, system_id=owner)
    return page.page(rows, read, lambda row: (row[0].issued_at, row[0].kid))


@router.get(
    "/{kid}",
    summary="一张证书 / one certificate",
    dependencies=[Depends(staff_may("certificate_read"))],
    responses=example(EXAMPLE),
)
async def one(kid: str, ctx: ContextDep) -> dict[str, Any]:
    """The certificate of that kid; its PEM is at `/pki/certificates/{kid}.pem`. `draining` as the revocation tells it."""
    async with ctx.transaction() as session:
        row = await certificates.find_certificate(session, kid)
        return read(row) | shown_draining(await draining_certificate(session, kid))


@router.post("/{kid}/revoke", summary="吊销证书 / revoke a certificate", responses=example(REVOKED_EXAMPLE))
async def revoke(
    kid: str,
    body: Revocation,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("certificate_revoke"))],
) -> dict[str, Any]:
    """From the answer on, nothing signed with it is accepted; `keyCompromise` and `privilegeWithdrawn` also stop deliveries.

    With `keyCompromise` every other certificate of the same key is revoked too; `also_revoked` names them.
    `draining` while pushes that began before, and would not begin any more, are under way.
    """
    async with changing_rights(ctx, caller) as session:
        row, system, also = await certificates.revoke_certificate(
            session, kid, reason=body.reason, actor=caller.actor, recorder=ctx.recorder, now=ctx.clock()
        )
        shown = read((row, system)) | ({"also_revoked": also} if also else {})
        return shown | shown_draining(await draining_certificate(session, kid, *also))


def crl_url(ctx: Context) -> str:
    """Where the revocation list is, as certificates say."""
    return f"{ctx.settings.public_url.rstrip('/')}/pki/crl.der"


def read(found: tuple[Certificate, System]) -> dict[str, Any]:
    """A certificate as the API shows it."""
    row, system = found
    return present(
        kid=row.kid,
        system=system.code,
        serial=row.serial,
        subject=row.subject,
        algorithm=row.algorithm,
        not_before=row.not_before,
        not_after=row.not_after,
        state=row.state,
        revoked_at=row.revoked_at,
        revocation_reason=row.revocation_reason,
        issued_at=row.issued_at,
    )
