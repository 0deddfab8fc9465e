"""A receipt and copies of the log that is to keep what it promises, or does not: leaves by their times, real signatures."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs import envelope
from certs.canonical import canonical
from certs.digests import digest
from certs.evidence import Anchors
from certs.export_form import Counts, Head
from certs.export_writing import write_end, write_head, write_line, write_manifest
from certs.tile_files import TILE_WIDTH, Tile, entries_path, tile_path, write_bundle
from certs.tree import Frontier, leaf_hash
from certs.tree_proofs import tree_root
from tests.vectors.evidence.county import EXCHANGE, RES
from tests.vectors.evidence.keys import HUB, NOW, Keys

SENT = digest(b"an envelope")
SEAL_BY = NOW + timedelta(seconds=60)


def filler(number: int, at: datetime = NOW) -> bytes:
    """A leaf of somebody else's act."""
    return canonical({"event": "filler", "number": number, "time": at.isoformat()})


def acceptance(**changes: Any) -> bytes:
    """The leaf that the receipt promises."""
    details = {"envelope_digest": SENT}
    leaf = {"event": "exchange.accepted", "id": EXCHANGE, "time": NOW.isoformat(), "details": details}
    return canonical(leaf | changes)


def receipt(
    keys: Keys, *, promised: bytes | None = None, holder: str = "receipt", key: str = "", **changes: Any
) -> bytes:
    """A signed receipt that promises the entry with the leaf `promised`; `changes` are made to its payload."""
    says: dict[str, Any] = {
        "exchange": EXCHANGE,
        "envelope_digest": SENT,
        "sender": "sender",
        "jti": "j-1",
        "res": RES,
        "ver": 1,
        "schema_digest": digest(b"schema"),
        "accepted_at": NOW.isoformat(),
        "lanes": 1,
        "hub": HUB,
        "log": HUB,
        "entry": base64.b64encode(leaf_hash(promised or acceptance())).decode(),
        "seal_by": SEAL_BY.isoformat(),
    } | changes
    header = {
        "alg": "ES256",
        "kid": keys.kid(holder),
        "typ": "receipt+jws",
        "iss": HUB,
        "aud": "sender",
        "iat": int(NOW.timestamp()),
        "jti": EXCHANGE,
        "res": RES,
        "ver": 1,
        "ref": "j-1",
    }
    return envelope.seal_members(keys.signer(key or holder), header, json.dumps(says).encode())


def certificates(keys: Keys) -> list[x509.Certificate]:
    """What `hub.pem` holds."""
    return [keys.holders["receipt"].certificate]


def anchors(keys: Keys) -> Anchors:
    """What an auditor has beforehand: root and issuing certificate, as a hub hands them out, and the log's key."""
    return Anchors.read(keys.ca_pem() + pem(keys.issuing.certificate), keys.log_pub())


def pem(certificate: x509.Certificate) -> bytes:
    """In PEM."""
    return certificate.public_bytes(Encoding.PEM)


def write_trust(keys: Keys, folder: Path) -> None:
    """The files of `trust/` that a receipt is checked with."""
    folder.mkdir()
    (folder / "ca.pem").write_bytes(keys.ca_pem() + pem(keys.issuing.certificate))
    (folder / "log.pub").write_text(keys.log_pub() + "\n", encoding="ascii")
    (folder / "hub.pem").write_bytes(pem(keys.holders["receipt"].certificate))


def export_of(
    keys: Keys, leaves: Sequence[bytes], *, first: int = 0, shown: Callable[[bytes], bool] = lambda _: True
) -> bytes:
    """The exported log of these leaves from `first` on; a filter leaves the contents of those out that are not `shown`."""
    hashes = [leaf_hash(leaf) for leaf in leaves]
    only = {} if all(map(shown, leaves)) else {"event": "…"}
    prefix = Frontier().extend(hashes[:first]).hashes
    lines = [write_head(Head(EXCHANGE, HUB, "auditor", NOW, first, len(leaves), only, prefix))]
    lines += [write_line(n, hashes[n], leaves[n] if shown(leaves[n]) else None) for n in range(first, len(leaves))]
    left_out = sum(not shown(leaf) for leaf in leaves[first:])
    counts = Counts(len(leaves) - first - left_out, left_out)
    note = keys.checkpoint(len(hashes), tree_root(hashes))
    lines.append(write_end(note, (), [keys.der("receipt"), keys.der("issuing")], counts))
    data = b"".join(lines)
    manifest = write_manifest(
        keys.signer("receipt"), hub=HUB, export=EXCHANGE, digest=digest(data), lines=len(lines), now=NOW
    )
    return data + manifest


@dataclass
class Served:
    """What `/tlog/` serves of a log with these leaves; `paths` may be changed to plant faults."""

    keys: Keys
    leaves: Sequence[bytes]
    paths: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        hashes = [leaf_hash(leaf) for leaf in self.leaves]
        self.paths["checkpoint"] = self.note(len(hashes))
        for number in range(-(-len(hashes) // TILE_WIDTH)):
            part = slice(number * TILE_WIDTH, (number + 1) * TILE_WIDTH)
            width = len(hashes[part])
            self.paths[tile_path(Tile(0, number, width))] = b"".join(hashes[part])
            self.paths[entries_path(number, width).removeprefix("tile/")] = write_bundle(list(self.leaves[part]))

    def note(self, size: int) -> bytes:
        """The signed checkpoint at that size."""
        return self.keys.checkpoint(size, tree_root([leaf_hash(leaf) for leaf in self.leaves[:size]]))

    def without_entries(self) -> Mapping[str, bytes]:
        """As those have it who are no auditors."""
        return {path: data for path, data in self.paths.items() if not path.startswith("entries/")}
