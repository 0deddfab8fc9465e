"""What a verifier of evidence holds in its hands: the anchors, the file, and where in it things are found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509

from certs.anchors import Anchors
from certs.checkpoint import Checkpoint, open_checkpoint
from certs.evidence_form import Evidence
from certs.evidence_parts import Acknowledged, LogEntry, Projection, Shown, refuse
from certs.paths import find_path, is_authority, may_sign_lists


@dataclass(frozen=True)
class Case(ABC):
    """What a file shows, and what it is measured against. Each thing is looked for once: a file may have any number of most."""

    shown: Shown
    anchors: Anchors
    older: bytes | None

    @property
    @abstractmethod
    def hub(self) -> str:
        """The hub that the file says accepted the exchange."""

    @property
    @abstractmethod
    def resource(self) -> str | None:
        """The resource that was exchanged."""

    @property
    @abstractmethod
    def accepted(self) -> tuple[datetime, datetime]:
        """When it was accepted: not before the first, and before the second if that is later."""

    @property
    @abstractmethod
    def signed(self) -> Sequence[tuple[str, datetime]]:
        """Who signed what was exchanged, and when it must have been theirs to sign: `kid` and moment."""

    @property
    @abstractmethod
    def handed_out(self) -> Mapping[str, Collection[str] | None]:
        """Digests of what may have been delivered, and the systems that it was for; None where the message does not say."""

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint, its signature that of the log we trust. Raises CheckpointError."""
        return open_checkpoint(self.shown.checkpoint, self.anchors.log)

    def entry(self, event: str, object_id: str) -> LogEntry:
        """The only entry of that event on that object. Raises EvidenceError `entry-missing`."""
        found = self.entries(event, object_id)
        if len(found) != 1:
            refuse(
                "entry-missing",
                f"缺少日志条目 {event}，或不止一条",
                f"the log entry {event} is missing, or there are several",
            )
        return found[0]

    def entries(self, event: str, object_id: str) -> Sequence[LogEntry]:
        """The entries of that event on that object, in the order of the log."""
        return self._by_object.get((event, object_id), ())

    @cached_property
    def grants(self) -> Mapping[str, Sequence[LogEntry]]:
        """The grants that the file has entries of, each with these, in the order of the log."""
        found: dict[str, list[LogEntry]] = {}
        for entry in self.shown.entries:
            if entry.event.startswith("grant."):
                found.setdefault(entry.object_id, []).append(entry)
        return found

    def certificate(self, kid: str) -> x509.Certificate:
        """The certificate of that `kid` in the file. Raises EvidenceError `certificate-missing`."""
        found = self.shown.certificates.get(kid)
        if found is None:
            refuse("certificate-missing", f"文件中没有证书 {kid}", f"the file has no certificate {kid}")
        return found

    def path(self, kid: str, at: datetime) -> tuple[x509.Certificate, ...]:
        """From that certificate to an anchor, valid at that moment. Raises PathError, EvidenceError."""
        known = self._paths.get((kid, at))
        if known is None:
            known = find_path(self.certificate(kid), self._issuers, self.anchors.authorities, at)
            self._paths[kid, at] = known
        return known

    def lists(self, issuer: x509.Certificate) -> bool:
        """Whether the revocation list is this authority's."""
        if issuer not in self._lists:
            revocations = self.shown.revocations
            self._lists[issuer] = revocations.issuer == issuer.subject and may_sign_lists(issuer, revocations)
        return self._lists[issuer]

    def acknowledgement_entry(self, one: Acknowledged) -> LogEntry:
        """The log entry of that acknowledgement, by its digest. Raises EvidenceError `entry-missing`."""
        found = self._by_digest.get(one.opened.digest)
        if found is None:
            refuse("entry-missing", "缺少该确认的日志条目", "the log entry of the acknowledgement is missing")
        return found

    @cached_property
    def _by_object(self) -> Mapping[tuple[str, str], Sequence[LogEntry]]:
        found: dict[tuple[str, str], list[LogEntry]] = {}
        for entry in self.shown.entries:
            found.setdefault((entry.event, entry.object_id), []).append(entry)
        return found

    @cached_property
    def _by_digest(self) -> Mapping[str, LogEntry]:
        """The first entry of each acknowledgement, by the digest of its message."""
        found: dict[str, LogEntry] = {}
        for entry in self.shown.entries:
            digest = entry.details.get("envelope_digest")
            if entry.event == "delivery.acknowledged" and isinstance(digest, str):
                found.setdefault(digest, entry)
        return found

    @cached_property
    def _issuers(self) -> Sequence[x509.Certificate]:
        return [one for one in self.shown.certificates.values() if is_authority(one)]

    @cached_property
    def _paths(self) -> dict[tuple[str, datetime], tuple[x509.Certificate, ...]]:
        return {}

    @cached_property
    def _lists(self) -> dict[x509.Certificate, bool]:
        return {}


@dataclass(frozen=True)
class WholeCase(Case):
    """A file about a whole exchange."""

    evidence: Evidence

    @property
    def hub(self) -> str:
        """As the receipt says."""
        return str(self.evidence.receipt.says["hub"])

    @property
    def resource(self) -> str | None:
        """As the envelope says."""
        return self.evidence.envelope.header.res

    @property
    def accepted(self) -> tuple[datetime, datetime]:
        """The receipt's moment."""
        return self.evidence.receipt.accepted_at, self.evidence.receipt.accepted_at

    @property
    def signed(self) -> Sequence[tuple[str, datetime]]:
        """The receipt, the envelope, and projections of it."""
        receipt, sent = self.evidence.receipt, self.evidence.envelope
        own = [(receipt.opened.header.kid, receipt.accepted_at), (sent.header.kid, receipt.accepted_at)]
        return [*own, *_signed(self.shown.projections)]

    @cached_property
    def handed_out(self) -> Mapping[str, Collection[str] | None]:
        """The envelope, for those that it names (`to`) or anybody; each projection, for its addressee if it is one of them."""
        sent = self.evidence.envelope
        to = sent.header.to
        return {sent.digest: to, **_addressees([one for one in self.shown.projections if to is None or one.to in to])}

    @cached_property
    def acceptance(self) -> LogEntry:
        """The one entry of the acceptance. Raises EvidenceError."""
        return self.entry("exchange.accepted", str(self.evidence.receipt.says["exchange"]))


@dataclass(frozen=True)
class ProjectionCase(Case):
    """A file about what a consumer got of an exchange, where that was projections alone: the hub's word for what they say."""

    @property
    def first(self) -> Projection:
        """One of them; that they are of one exchange is a statement of its own."""
        return self.shown.projections[0]

    @property
    def hub(self) -> str:
        """Who made them."""
        return self.first.opened.header.iss

    @property
    def resource(self) -> str | None:
        """As they say."""
        return self.first.opened.header.res

    @property
    def accepted(self) -> tuple[datetime, datetime]:
        """They are made at acceptance, and say the second of it."""
        return self.first.made_at, self.first.made_at + timedelta(seconds=1)

    @property
    def signed(self) -> Sequence[tuple[str, datetime]]:
        """The projections."""
        return _signed(self.shown.projections)

    @cached_property
    def handed_out(self) -> Mapping[str, Collection[str] | None]:
        """Each projection, for its addressee."""
        return _addressees(self.shown.projections)


def _signed(projections: Sequence[Projection]) -> list[tuple[str, datetime]]:
    return [(one.opened.header.kid, one.made_at) for one in projections]


def _addressees(projections: Sequence[Projection]) -> dict[str, Collection[str] | None]:
    return {one.opened.digest: (one.to,) for one in projections}
