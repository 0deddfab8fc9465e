"""What several statements of evidence ask of a certificate, a signature or two values; what does not hold is raised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from certs import envelope
from certs.envelope import Opened
from certs.evidence_case import Case
from certs.evidence_parts import refuse
from certs.paths import names, verifier_of
from certs.revocation import is_whole_list, lists_expired_since


def must_be_the_hubs(case: Case, opened: Opened, purpose: str, at: datetime) -> None:
    """The signer is a key of the hub for that purpose; not on the list from before, if the list is its issuer's."""
    header = opened.header
    certificate, issuer = case.path(header.kid, at)[:2]
    must_be_for(certificate, f"urn:shuniu:hub:{header.iss}:{purpose}")
    if case.lists(issuer):  # the partners' authority may be another
        _must_not_be_listed(case, certificate, at)


def must_be_in_good_standing(case: Case, kid: str, system: str, at: datetime) -> bool:
    """The log says that the certificate was issued to the system before; neither log nor list says that it was revoked."""
    issued = case.entry("certificate.issued", kid)
    pairs = (("system", issued.details.get("system"), system), ("result", issued.leaf.get("result"), "success"))
    must_agree("certificate-unlike-log", "证书与其签发条目不符", "certificate and its log entry do not fit", pairs)
    must(issued.time <= at, "certificate-issued-later", "证书在此之后才签发", "the certificate was issued only later")
    for entry in case.entries("certificate.revoked", kid):
        must(entry.time > at, "certificate-revoked", "当时证书已吊销", "the certificate had been revoked")
    certificate, issuer = case.path(kid, at)[:2]
    must(
        case.lists(issuer),
        "list-not-the-issuers",
        "撤销列表不是证书签发机构签的",
        "the revocation list is not the issuer's",
    )
    must_be_told_of(case, certificate, at)
    _must_not_be_listed(case, certificate, at)
    return True


def must_be_told_of(case: Case, certificate: x509.Certificate, at: datetime) -> None:
    """The list, its issuer's, would have the certificate if it was revoked by then: it is whole, of that time and keeps it.

    Times have whole seconds.
    """
    revocations = case.shown.revocations
    must(
        is_whole_list(revocations),
        "list-not-whole",
        "撤销列表只是一部分，或含有不认识的关键扩展",
        "the revocation list is a part of one, or has a critical extension that is not known",
    )
    made = revocations.last_update_utc
    must(made >= _second(at), "list-too-old", "撤销列表早于当时", "the revocation list is older than that moment")
    kept = lists_expired_since(revocations)
    must(
        made < certificate.not_valid_after_utc or (kept is not None and kept <= certificate.not_valid_after_utc),
        "list-too-late",
        "撤销列表晚于证书到期，且未写明仍列出已到期的证书",
        "the revocation list is from after the certificate's end and does not say that it keeps such",
    )


def _must_not_be_listed(case: Case, certificate: x509.Certificate, at: datetime) -> None:
    since = case.shown.revoked.get(certificate.serial_number)
    must(
        since is None or since >= _second(at),
        "certificate-on-list",
        "当时证书已在撤销列表中",
        "the revocation list has the certificate from before",
    )


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def must_be_signed(case: Case, opened: Opened) -> bool:
    """The signature is that of the certificate which the message names."""
    envelope.verify(opened, verifier_of(case.certificate(opened.header.kid)))
    return True


def must_be_for(certificate: x509.Certificate, name: str) -> None:
    """The certificate has that name."""
    must(name in names(certificate), "signer-mismatch", f"证书不是 {name} 的", f"the certificate is not that of {name}")


def must_agree(reason: str, zh: str, en: str, pairs: Sequence[tuple[str, object, object]]) -> None:
    """In each pair, which has a name, both values are one."""
    for name, found, expected in pairs:
        must(found == expected, reason, f"{zh}（{name}）", f"{en} ({name})")


def must(holds: bool, reason: str, zh: str, en: str) -> None:
    """It holds, or EvidenceError is raised."""
    if not holds:
        refuse(reason, zh, en)
