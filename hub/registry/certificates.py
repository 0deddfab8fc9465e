"""Certificates of partner systems: a CSR in and a certificate out, revocation with an RFC 5280 reason.

A system may hold several active certificates, so that a key is rotated without a gap: issue, switch, revoke as superseded.
Acts hold the barrier and are recorded like all acts on the registry (`service`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.ext.asyncio import AsyncSession

from certs.authority import issue_system
from certs.csr import load_csr
from certs.envelope import kid_of
from certs.errors import AuthorityError, CsrError
from certs.header import is_kid
from certs.suites import suite_for_key
from hub.audit.entry import Actor
from hub.audit.service import Recorder
from hub.registry import barrier, repository
from hub.registry.errors import (
    AuthorityEnded,
    CsrRefused,
    InvalidField,
    KeyCompromised,
    UnknownCertificate,
    WrongState,
)
from hub.registry.fields import within_octets
from hub.registry.keyring import KeyRing
from hub.registry.models import Certificate, System
from hub.registry.recording import fingerprint, record_change
from hub.registry.revocation_list import REASONS
from hub.registry.service import find_system

DEFAULT_DAYS = 365
MAX_DAYS = 1095
"""Three years: a licensed CA in China issues device certificates for one to three."""

LONGEST_SUBJECT = 64
"""Octets of an organisation's name in a certificate: libraries count ub-organization-name (RFC 5280 A.1) in UTF-8.

Longer names are cut; what binds a certificate to its holder is the system code, not the name.
"""

KEY_COMPROMISE = "keyCompromise"


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """What a partner gets back: the row, and the certificate with its issuers in PEM."""

    certificate: Certificate
    system: System
    chain_pem: bytes


def _check_covered(ends: datetime, days: int, now: datetime) -> None:
    """Raises where the authority's own certificate ends before the one that is asked for: it would be cut short without a word."""
    most = (ends - now).days
    if most < 1:
        raise AuthorityEnded(ends)
    if days > most:
        raise InvalidField(
            "/days",
            f"签发证书 {most} 天后到期，days 至多 {most}；请更正",
            f"the issuing certificate ends in {most} days, so days is at most {most}; correct it",
        )


async def issue_certificate(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    system_code: str,
    csr_pem: bytes,
    days: int = DEFAULT_DAYS,
    crl_url: str | None = None,
    actor: Actor,
    recorder: Recorder,
    now: datetime,
) -> IssuedCertificate:
    """Issue a certificate for the key of a CSR; subject, usages and validity (`days`) are ours, not the CSR's.

    Raises InvalidField, CsrRefused, UnknownSystem, WrongState (retired), KeyCompromised, AuthorityEnded.
    """
    if not 1 <= days <= MAX_DAYS:
        raise InvalidField(
            "/days", f"days 须在 1 至 {MAX_DAYS} 之间；请更正", f"days lies between 1 and {MAX_DAYS}; correct it"
        )
    try:
        public_key = load_csr(csr_pem).public_key()
    except CsrError as error:
        raise CsrRefused(error) from error
    now = await barrier.hold(session, now)
    system, organisation = await find_system(session, system_code)
    if system.state == "retired":
        raise WrongState(f"system {system_code}", system.state, "active/suspended")
    await _check_not_compromised(session, public_key)
    _check_covered(keyring.authority.certificate.not_valid_after_utc, days, now)
    owner = name_in_certificates(organisation.name)
    try:
        issued = issue_system(keyring.authority, csr_pem, system_code, owner, now, days, crl_url=crl_url)
    except (CsrError, AuthorityError) as error:
        raise CsrRefused(error) from error
    row = _row(issued, system, now)
    session.add(row)
    record_change(
        session,
        "certificate.issued",
        row.kid,
        row,
        actor=actor,
        recorder=recorder,
        now=now,
        details={"system": system_code, "algorithm": row.algorithm, "serial": row.serial},
    )
    await barrier.bump(session)
    return IssuedCertificate(row, system, keyring.chain_pem(issued))


class Revoked(NamedTuple):
    """What was revoked: the certificate with its system, and the kids of others of the same key that went with it."""

    certificate: Certificate
    system: System
    also: Sequence[str]


async def revoke_certificate(
    session: AsyncSession, kid: str, *, reason: str, actor: Actor, recorder: Recorder, now: datetime
) -> Revoked:
    """Revoke for good. A certificate revoked for another reason may still be revoked for `keyCompromise`, once known.

    Its time of revocation then stays the first. What is compromised is the key: with `keyCompromise` every other certificate of it
    is revoked as well, whatever system has it. Raises InvalidField (reason), UnknownCertificate, WrongState.
    """
    if reason not in REASONS:
        raise InvalidField(
            "/reason",
            f"reason 须为 RFC 5280 的吊销原因之一：{'、'.join(REASONS)}",
            f"reason is one of RFC 5280: {', '.join(REASONS)}",
        )
    now = await barrier.hold(session, now)
    row, system = await find_certificate(session, kid)
    worsened = reason == KEY_COMPROMISE and row.revocation_reason != KEY_COMPROMISE
    if row.state != "active" and not worsened:
        raise WrongState(f"certificate {kid}", f"{row.state} ({row.revocation_reason})", "active")
    others = await _others_of_its_key(session, row) if reason == KEY_COMPROMISE else []
    for one, owner in ((row, system), *others):
        before = fingerprint(one)
        one.state, one.revocation_reason, one.revoked_at = "revoked", reason, one.revoked_at or now
        record_change(
            session,
            "certificate.revoked",
            one.kid,
            one,
            actor=actor,
            recorder=recorder,
            now=now,
            before=before,
            details={"system": owner.code, "reason": reason},
        )
    await barrier.bump(session)
    return Revoked(row, system, [one.kid for one, _ in others])


async def _others_of_its_key(session: AsyncSession, row: Certificate) -> Sequence[tuple[Certificate, System]]:
    """The other certificates of the same key that are not revoked as compromised yet."""
    key = _key_of(row)
    found = await repository.uncompromised(session, row.algorithm)
    return [(one, system) for one, system in found if one.kid != row.kid and _key_of(one) == key]


def _key_of(row: Certificate) -> bytes:
    return _key_bytes(x509.load_der_x509_certificate(row.der).public_key())


def name_in_certificates(organisation: str) -> str:
    """An organisation's name as the subject of its systems' certificates has it."""
    return within_octets(organisation, LONGEST_SUBJECT)


async def find_certificate(session: AsyncSession, kid: str) -> tuple[Certificate, System]:
    """The certificate of that kid with its system. Raises UnknownCertificate."""
    found = await repository.certificate(session, kid) if is_kid(kid) else None
    if found is None:
        raise UnknownCertificate(kid)
    return found


async def certificate_chain(session: AsyncSession, keyring: KeyRing, kid: str) -> bytes:
    """The certificate of that kid, a system's or the hub's own, with its issuers, in PEM. Raises UnknownCertificate."""
    if not is_kid(kid):
        raise UnknownCertificate(kid)
    if (found := await repository.certificate(session, kid)) is not None:
        return keyring.chain_pem(x509.load_der_x509_certificate(found[0].der))
    own = await repository.hub_key(session, kid)
    if own is None or own.certificate is None:
        raise UnknownCertificate(kid)
    return keyring.chain_pem(x509.load_der_x509_certificate(own.certificate))


async def _check_not_compromised(session: AsyncSession, public_key: CertificatePublicKeyTypes) -> None:
    offered = _key_bytes(public_key)
    for row in await repository.revoked(session, reason=KEY_COMPROMISE):
        if _key_of(row) == offered:
            raise KeyCompromised(row.kid)


def _key_bytes(public_key: CertificatePublicKeyTypes) -> bytes:
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _row(issued: x509.Certificate, system: System, now: datetime) -> Certificate:
    der = issued.public_bytes(Encoding.DER)
    return Certificate(
        kid=kid_of(der),
        system_id=system.id,
        der=der,
        serial=f"{issued.serial_number:x}",
        subject=issued.subject.rfc4514_string(),
        algorithm=suite_for_key(issued.public_key()).name,
        not_before=issued.not_valid_before_utc,
        not_after=issued.not_valid_after_utc,
        state="active",
        issued_at=now,
    )
