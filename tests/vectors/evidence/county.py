"""The exchange that the test vectors of evidence are about, stage by stage."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from certs import authority, envelope
from certs.canonical import canonical
from certs.digests import digest
from certs.evidence_form import write_evidence
from certs.tree import leaf_hash
from certs.tree_proofs import consistency_proof, inclusion_proof, tree_root
from tests.vectors.evidence.keys import HOUR, HUB, MINUTE, NOW, Keys

RES = "306001000001/000042"
EXCHANGE = "019aa8c0-0000-7000-8000-000000000001"
DELIVERY = "019aa8c0-0000-7000-8000-000000000002"
GRANT = "019aa8c0-0000-7000-8000-000000000003"
OTHER_GRANT = "019aa8c0-0000-7000-8000-000000000004"
ACKNOWLEDGEMENT = "019aa8c0-0000-7000-8000-000000000005"
LANE = "019aa8c0-0000-7000-8000-000000000006"
OTHER_LANE = "019aa8c0-0000-7000-8000-000000000007"
SCHEMA = {"type": "object", "properties": {"op": {"const": "upsert"}, "records": {"type": "array", "maxItems": 1000}}}

Change = Callable[[Any], None]


@dataclass(frozen=True)
class Vector:
    """A file, where it fails (None: nowhere) and why, and the older checkpoint that it is checked against."""

    name: str
    data: bytes
    statement: str | None = None
    reason: str | None = None
    older: bytes | None = None


@dataclass
class Case:
    """One exchange, stage by stage; `changes` names the stages at which something is done differently."""

    keys: Keys
    changes: Mapping[str, Change] = field(default_factory=dict)

    def stage(self, name: str, value: Any) -> Any:
        """The value of a stage, changed if it is to be."""
        if name in self.changes:
            self.changes[name](value)
        return value

    def seal(self, name: str, holder: str, header: dict[str, Any], payload: object) -> bytes:
        """A signed message; stages `<name>-header`, `<name>-payload`, and lists of one holder: `<name>-signer`,
        and `<name>-key` for who signs in the signer's name.
        """
        (holder,) = self.stage(f"{name}-signer", [holder])
        (key,) = self.stage(f"{name}-key", [holder])
        members = {"kid": self.keys.kid(holder), "iat": int(NOW.timestamp()), "alg": "ES256"} | header
        self.stage(f"{name}-header", members)
        return envelope.seal_members(
            self.keys.signer(key), members, orjson.dumps(self.stage(f"{name}-payload", payload))
        )

    def leaf(self, event: str, kind: str, identifier: str, at: datetime, actor: str, **more: Any) -> dict[str, Any]:
        """A leaf; stage `<event>-leaf`."""
        made = {
            "v": 1,
            "hub": HUB,
            "id": identifier if kind == "exchange" else f"{event} {identifier}",
            "time": at.isoformat(),
            "event": event,
            "actor": {"kind": "staff" if actor == "officer" else "system", "id": actor},
            "object": {"type": kind, "id": identifier},
            "result": "success",
            **more,
        }
        return self.stage(f"{event}-leaf", made)  # type: ignore[no-any-return]

    def write(self) -> bytes:
        """The file."""
        keys = self.keys
        sent = self.seal(
            "envelope",
            "sender",
            {"typ": "exchange+jws", "iss": "sender", "aud": HUB, "jti": "j-1", "res": RES, "ver": 1},
            self.payload(),
        )
        delivered = self.delivered(sent)
        ack = self.seal(
            "ack",
            "consumer",
            {"typ": "ack+jws", "iss": "consumer", "aud": HUB, "jti": "a-1"},
            {"deliveries": [{"id": DELIVERY, "digest": digest(delivered[0])}]},
        )
        leaves = self.leaves(sent, ack)
        accepted = next((leaf for leaf in leaves if leaf["event"] == "exchange.accepted"), {})
        receipt = self.receipt(sent, accepted)
        self.stage("leaves", leaves)
        hashes = [leaf_hash(canonical(leaf)) for leaf in leaves]
        (size,) = self.stage("size", [len(hashes)])

        def node(level: int, index: int) -> bytes:
            return tree_root(hashes[index << level : (index + 1) << level])

        entries = [
            {
                "index": index,
                "leaf": leaf,
                "proof": [base64.b64encode(one).decode() for one in inclusion_proof(index, len(hashes), node)],
            }
            for index, leaf in enumerate(leaves)
            if "filler" not in leaf
        ]
        earlier = 3
        head = self.stage("checkpoint", {"size": size, "root": tree_root(hashes), "origin": HUB, "keys": keys})
        certificates = self.stage("certificates", self.signers())
        members: dict[str, Any] = {
            "envelope": sent.decode(),
            "receipt": receipt.decode(),
            "deliveries": [{"id": DELIVERY, "acknowledgement": ack.decode()}],
            "certificates": sorted(base64.b64encode(keys.der(holder)).decode() for holder in certificates),
            "revocation_list": base64.b64encode(self.revocations()).decode(),
            "schema": json.loads(json.dumps(SCHEMA)),
            "entries": entries,
            "checkpoint": head["keys"].checkpoint(head["size"], head["root"], head["origin"]).decode(),
            "consistency": {
                "size": earlier,
                "root": base64.b64encode(tree_root(hashes[:earlier])).decode(),
                "proof": [base64.b64encode(one).decode() for one in consistency_proof(earlier, len(hashes), node)],
            },
        }
        self.show(members, delivered)
        self.stage("members", members)
        return self.stage("bytes", [self.writes(members)])[0]  # type: ignore[no-any-return]

    writes = staticmethod(write_evidence)

    def payload(self) -> object:
        """What is sent."""
        return {"records": [{"case_no": "1"}]}

    def delivered(self, sent: bytes) -> list[bytes]:
        """What is delivered; the first is acknowledged."""
        return [sent]

    def signers(self) -> list[str]:
        """Whose certificates are shown."""
        return ["issuing", "receipt", "sender", "consumer"]

    def show(self, members: dict[str, Any], delivered: list[bytes]) -> None:
        """Make the file's members those of another kind."""

    def leaves(self, sent: bytes, ack: bytes) -> list[dict[str, Any]]:
        """What the log has; stage `log` may add or take entries before the receipt is made."""
        keys = self.keys
        signers = {name: self.changes_signer(name) for name in ("sender", "consumer")}
        issued = [
            self.leaf(
                "certificate.issued",
                "certificate",
                keys.kid(holder),
                NOW - HOUR,
                "officer",
                details={"system": code},
            )
            for code, holder in signers.items()
        ]
        granted = {"consumer": "consumer", "resource": RES, "lane": LANE}
        accepted = {
            "envelope_digest": digest(sent),
            "jti": "j-1",
            "kid": keys.kid(signers["sender"]),
            "res": RES,
            "ver": 1,
            "schema_digest": digest(canonical(SCHEMA)),
            "grants": [GRANT],
        }
        acknowledged = {"envelope_digest": digest(ack), "jti": "a-1", "kid": keys.kid(signers["consumer"]), "moved": 1}
        log = [
            *issued,
            {"filler": 1, "event": "filler"},
            self.leaf("grant.created", "grant", GRANT, NOW - 30 * MINUTE, "officer", details=granted),
            self.leaf("exchange.accepted", "exchange", EXCHANGE, NOW, "sender", rows=1, details=accepted),
            {"filler": 2, "event": "filler"},
            self.leaf(
                "delivery.acknowledged",
                "acknowledgement",
                ACKNOWLEDGEMENT,
                NOW + MINUTE,
                "consumer",
                rows=1,
                details=acknowledged,
            ),
        ]
        return self.stage("log", log)  # type: ignore[no-any-return]

    def changes_signer(self, name: str) -> str:
        """Who signs in the place of sender or consumer."""
        return str(self.stage({"sender": "envelope-signer", "consumer": "ack-signer"}[name], [name])[0])

    def receipt(self, sent: bytes, accepted: Mapping[str, Any]) -> bytes:
        """The receipt of what was sent."""
        says = {
            "exchange": EXCHANGE,
            "envelope_digest": digest(sent),
            "sender": "sender",
            "jti": "j-1",
            "res": RES,
            "ver": 1,
            "schema_digest": digest(canonical(SCHEMA)),
            "accepted_at": NOW.isoformat(),
            "lanes": 1,
            "hub": HUB,
            "log": HUB,
            "entry": base64.b64encode(leaf_hash(canonical(accepted))).decode(),
            "seal_by": (NOW + MINUTE).isoformat(),
        }
        header = {
            "typ": "receipt+jws",
            "iss": HUB,
            "aud": "sender",
            "jti": EXCHANGE,
            "res": RES,
            "ver": 1,
            "ref": "j-1",
        }
        return self.seal("receipt", "receipt", header, says)

    def revocations(self) -> bytes:
        """The revocation list; `extensions` are more of them, with whether they are critical."""
        made: dict[str, Any] = {
            "issuing": self.keys.issuing,
            "lines": [],
            "at": NOW + 5 * MINUTE,
            "expired_since": None,
            "extensions": [],
        }
        self.stage("list", made)
        issuing, at = made["issuing"], made["at"]
        der = authority.certificate_revocation_list(
            issuing, made["lines"], 7, at, at + 24 * HOUR, expired_since=made["expired_since"]
        )
        if not made["extensions"]:
            return der
        builder = x509.CertificateRevocationListBuilder().issuer_name(issuing.certificate.subject)
        builder = builder.last_update(at).next_update(at + 24 * HOUR)
        for extension, critical in made["extensions"]:
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuing.key, SHA256()).public_bytes(Encoding.DER)
