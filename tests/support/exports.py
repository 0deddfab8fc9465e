"""Exported logs made by hand: the parts of a log, signed as a hub signs them, so that tests can change any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import HubKeyRole, Issued, create_issuing, create_root, issue_hub_key
from certs.checkpoint import Checkpoint, parse_verifier_key, sign, verifier_key
from certs.digests import digest
from certs.envelope import kid_of
from certs.evidence import Anchors
from certs.export_form import Counts, Head
from certs.export_writing import write_end, write_head, write_line, write_manifest
from certs.keys import generate_key
from certs.suites import KeySigner
from certs.tiles import TileWriter, node_reader
from certs.tree import Frontier, leaf_hash
from certs.tree_proofs import consistency_proof

HUB = "lintao-hub"
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def leaves(count: int) -> list[bytes]:
    """So many leaves."""
    return [b'{"event":"system.suspended","id":"%06d"}' % number for number in range(count)]


@dataclass
class Exporting:
    """A hub with its keys, and what it exports."""

    hub: str = HUB
    root: Issued = field(default_factory=lambda: create_root("示例根", NOW))
    log_key: Any = field(default_factory=lambda: generate_key("EdDSA"))
    role: HubKeyRole = HubKeyRole.RECEIPTS

    def __post_init__(self) -> None:
        self.issuing = create_issuing(self.root, "示例签发", NOW)
        key = generate_key("ES256")
        self.certificate = issue_hub_key(self.issuing, key.public_key(), self.hub, self.role, NOW, 365)
        self.signer = KeySigner(key, kid_of(_der(self.certificate)))
        self.key = parse_verifier_key(verifier_key(self.hub, self.log_key.public_key()))

    @property
    def anchors(self) -> Anchors:
        """What the hub's officer hands out."""
        return Anchors([self.root.certificate], self.key)

    def note(self, entries: Sequence[bytes]) -> bytes:
        """The checkpoint over these entries."""
        tree = Frontier().extend(map(leaf_hash, entries))
        return sign(Checkpoint(self.hub, tree.size, tree.root()), KeySigner(self.log_key, "log"), self.key)

    def head(self, entries: Sequence[bytes], first: int, until: int, **only: str) -> Head:
        """The head of an export of that part."""
        prefix = Frontier().extend(map(leaf_hash, entries[:first])).hashes
        return Head("01a2014e-08fe-763c-8d26-636643b1f483", self.hub, "staff", NOW, first, until, only, prefix)

    def lines(
        self, entries: Sequence[bytes], first: int = 0, until: int | None = None, *, every: int = 1
    ) -> list[bytes]:
        """Head, leaves (each `every`-th shown, the others as hashes) and end, of the part under a checkpoint over everything."""
        last = len(entries) if until is None else until
        only = {} if every == 1 else {"event": "system.suspended"}
        shown = range(first, last)
        body = [
            write_line(at, leaf_hash(entries[at]), entries[at] if (at - first) % every == 0 else None) for at in shown
        ]
        entries_shown = len(shown[::every])
        counts = Counts(entries_shown, len(shown) - entries_shown)
        return [write_head(self.head(entries, first, last, **only)), *body, self.end(entries, last, counts)]

    def end(self, entries: Sequence[bytes], until: int, counts: Counts) -> bytes:
        """The end of an export up to `until`."""
        hashes = list(map(leaf_hash, entries))
        tiles = dict(TileWriter().extend(hashes)[0])
        proof = consistency_proof(until, len(entries), node_reader(len(entries), lambda tile: tiles[tile]))
        return write_end(self.note(entries), proof, [_der(self.certificate), _der(self.issuing.certificate)], counts)

    def signed(self, above: Sequence[bytes], **changes: Any) -> bytes:
        """The file with these lines and a manifest over them."""
        body = b"".join(above)
        says: dict[str, Any] = {
            "hub": self.hub,
            "export": "01a2014e-08fe-763c-8d26-636643b1f483",
            "digest": digest(body),
            "lines": len(above),
            "now": NOW,
        }
        return body + write_manifest(self.signer, **(says | changes))

    def file(self, entries: Sequence[bytes], first: int = 0, until: int | None = None, *, every: int = 1) -> bytes:
        """A whole, good export."""
        return self.signed(self.lines(entries, first, until, every=every))


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
