"""What a verifier of evidence holds in its hands: the anchors, the file, and where in it things are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509

from certs.checkpoint import Checkpoint, VerifierKey, open_checkpoint, parse_verifier_key
from certs.evidence_form import Acknowledged, Evidence, LogEntry, refuse
from certs.paths import find_path, read_certificates


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the verifier trusts beforehand: certificates of authorities, and the key of the log."""

    authorities: Sequence[x509.Certificate]
    log: VerifierKey

    @classmethod
    def read(cls, ca_pem: bytes, log_pub: str) -> Anchors:
        """The anchors in `ca.pem` and `log.pub`. Raises ValueError, CheckpointError."""
        return cls(read_certificates(ca_pem), parse_verifier_key(log_pub.strip()))


@dataclass(frozen=True)
class Case:
    """The file, and what it is measured against."""

    evidence: Evidence
    anchors: Anchors
    older: bytes | None

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint, its signature that of the log we trust. Raises CheckpointError."""
        return open_checkpoint(self.evidence.checkpoint, self.anchors.log)

    @cached_property
    def acceptance(self) -> LogEntry:
        """The one entry of the acceptance. Raises EvidenceError."""
        return self.entry("exchange.accepted", str(self.evidence.receipt.says["exchange"]))

    def entry(self, event: str, object_id: str) -> LogEntry:
        """The only entry of that event on that object. Raises EvidenceError `entry-missing`."""
        found = [entry for entry in self.evidence.entries if (entry.event, entry.object_id) == (event, object_id)]
        if len(found) != 1:
            refuse(
                "entry-missing",
                f"缺少日志条目 {event}，或不止一条",
                f"the log entry {event} is missing, or there are several",
            )
        return found[0]

    def certificate(self, kid: str) -> x509.Certificate:
        """The certificate of that `kid` in the file. Raises EvidenceError `certificate-missing`."""
        found = self.evidence.certificates.get(kid)
        if found is None:
            refuse("certificate-missing", f"文件中没有证书 {kid}", f"the file has no certificate {kid}")
        return found

    def path(self, kid: str, at: datetime) -> tuple[x509.Certificate, ...]:
        """From that certificate to an anchor, valid at that moment. Raises PathError, EvidenceError."""
        issuers = [one for one in self.evidence.certificates.values() if one != self.certificate(kid)]
        return find_path(self.certificate(kid), issuers, self.anchors.authorities, at)

    def acknowledgement_entry(self, one: Acknowledged) -> LogEntry:
        """The log entry of that acknowledgement, by its digest. Raises EvidenceError `entry-missing`."""
        digest = one.opened.digest
        for entry in self.evidence.entries:
            if entry.event == "delivery.acknowledged" and entry.details.get("envelope_digest") == digest:
                return entry
        return refuse("entry-missing", "缺少该确认的日志条目", "the log entry of the acknowledgement is missing")
