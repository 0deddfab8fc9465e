"""Makes the test vectors of evidence: files that hold, and files that fail at one statement.

Every invalid file is made by somebody who holds every key of the county, so that all statements before the one that fails
do hold. `python -m tests.vectors.evidence.make` writes the files anew; keys are made each time and thrown away.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import authority
from certs.authority import HubKeyRole, Issued, RevocationReason, Revoked
from certs.digests import digest
from certs.envelope import kid_of
from certs.evidence_parts import MAX_AUTHORITIES
from certs.tree import EMPTY_ROOT
from tests.vectors.evidence import projected
from tests.vectors.evidence.changes import (
    both,
    drop_entry,
    entry_of,
    flip,
    loose_bits,
    more_log,
    of_version,
    put,
    text,
    unacknowledged,
    without,
)
from tests.vectors.evidence.county import EXCHANGE, GRANT, OTHER_GRANT, RES, Case, Change, Vector
from tests.vectors.evidence.keys import HOUR, MINUTE, NOW, Keys

FOLDER = Path(__file__).parent

_ONLY_AUTHORITIES = x509.IssuingDistributionPoint(None, None, False, True, None, False, False)
_SOME_REASONS = x509.IssuingDistributionPoint(
    None, None, False, False, frozenset({x509.ReasonFlags.superseded}), False, False
)


def vectors() -> tuple[Keys, list[Vector]]:
    """The county's keys (its anchors are the trust folder), and every vector."""
    keys, evil = Keys.make(), Keys.make()
    keys.system("expired", "sender", at=NOW - 60 * 24 * HOUR, days=30)
    keys.system("expired-consumer", "consumer", at=NOW - 60 * 24 * HOUR, days=30)
    keys.system("stranger")
    keys.hub("other-hub", hub="dingxi-hub")
    keys.hub("other-projections", HubKeyRole.PROJECTIONS, "dingxi-hub")
    for holder in ("sender", "consumer", "receipt", "projections"):
        keys.holders[f"evil-{holder}"] = evil.holders[holder]
    keys.holders |= {"evil-issuing": evil.issuing, "evil-root": evil.root}
    keys.holders["stamping"] = _for_stamping(keys)
    for number in range(MAX_AUTHORITIES):
        keys.holders[f"authority-{number}"] = authority.create_issuing(evil.root, "示例签发", NOW - HOUR)
    found = [*_valid(keys)]
    for statement, name, reason, changes in _invalid(keys, evil):
        found.append(Vector(f"{statement}/{name}", Case(keys, changes).write(), statement, reason))
    return keys, [*found, *_compared(keys, evil), *projected.vectors(keys)]


def _for_stamping(keys: Keys) -> Issued:
    """The receipt key, certified for time stamps and, critically, nothing else."""
    held = keys.holders["receipt"]
    found = held.certificate
    builder = x509.CertificateBuilder().serial_number(5).subject_name(found.subject).issuer_name(found.issuer)
    builder = builder.public_key(found.public_key()).not_valid_before(found.not_valid_before_utc)
    builder = builder.not_valid_after(found.not_valid_after_utc)
    for extension in found.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return Issued(held.key, builder.sign(keys.issuing.key, SHA256()))


def _valid(keys: Keys) -> list[Vector]:
    case = Case(keys)
    stop = case.leaf("grant.suspended", "grant", GRANT, NOW - 20 * MINUTE, "officer", details={"resource": RES})
    go_on = case.leaf("grant.resumed", "grant", GRANT, NOW - 10 * MINUTE, "officer", details={"resource": RES})
    end = case.leaf("grant.revoked", "grant", GRANT, NOW + 2 * MINUTE, "officer", details={"resource": RES})
    gone = case.leaf("certificate.revoked", "certificate", keys.kid("sender"), NOW + 3 * MINUTE, "officer")
    later = {
        "lines": [
            Revoked(keys.holders["sender"].certificate.serial_number, NOW + 3 * MINUTE, RevocationReason.KEY_COMPROMISE)
        ]
    }
    made = {
        "acknowledged": {},
        "no-claim-of-consistency": {"members": without("consistency")},
        "not-acknowledged": {
            "members": both(unacknowledged, put("deliveries", to=[])),
            "certificates": without("consumer"),
        },
        "no-lanes": {
            "exchange.accepted-leaf": put("details", "grants", to=[]),
            "receipt-payload": put("lanes", to=0),
            "members": both(unacknowledged, drop_entry("grant.created"), put("deliveries", to=[])),
            "certificates": without("consumer"),
        },
        "suspended-and-resumed-before": {"log": more_log(stop, go_on)},
        "revoked-afterwards": {"log": more_log(end, gone), "list": lambda made: made.update(later)},
        "asked-for-years-later": {
            "list": both(put("at", to=NOW + 370 * 24 * HOUR), put("expired_since", to=NOW - HOUR)),
        },
    }
    return [Vector(f"valid/{name}", Case(keys, changes).write()) for name, changes in made.items()]


def _invalid(keys: Keys, evil: Keys) -> list[tuple[str, str, str, dict[str, Change]]]:
    case = Case(keys)
    base = case.leaf("grant.suspended", "grant", GRANT, NOW - MINUTE, "officer", details={"resource": RES})
    revoked = base | {"event": "grant.revoked"}
    other_grant = base | {"event": "grant.created", "object": {"type": "grant", "id": OTHER_GRANT}}
    gone = case.leaf("certificate.revoked", "certificate", keys.kid("sender"), NOW - MINUTE, "officer")
    gone_too = case.leaf("certificate.revoked", "certificate", keys.kid("consumer"), NOW + MINUTE / 2, "officer")
    twice = case.leaf(
        "certificate.issued", "certificate", keys.kid("sender"), NOW - MINUTE, "officer", details={"system": "sender"}
    )
    idle = case.leaf("system.registered", "system", "sender", NOW - HOUR, "officer")

    def swap(holder: str, by: str) -> Change:
        return lambda listed: listed.__setitem__(listed.index(holder), by)

    def listed(holder: str, at: datetime) -> Change:
        line = Revoked(keys.holders[holder].certificate.serial_number, at, RevocationReason.KEY_COMPROMISE)
        return put("lines", to=[line])

    def forged(holder: str, *issuers: str) -> dict[str, Change]:
        stage = {"sender": "envelope-signer", "consumer": "ack-signer", "receipt": "receipt-signer"}[holder]
        return {
            stage: put(0, to=f"evil-{holder}"),
            "certificates": both(
                swap(holder, f"evil-{holder}"), lambda found: found.extend(["evil-issuing", *issuers])
            ),
        }

    def signed_as(name: str, holder: str, by: str) -> dict[str, Change]:
        return {f"{name}-signer": put(0, to=by), "certificates": swap(holder, by)}

    between = (NOW + MINUTE / 2).isoformat()

    def leaf_of(event: str, *path: str | int, to: object) -> dict[str, Change]:
        return {f"{event}-leaf": put(*path, to=to)}

    own_log = {"checkpoint": put("keys", to=evil)}
    der_3, der_6 = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"
    late, unknown = NOW + 370 * 24 * HOUR, x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    too_little = both(put("at", to=late), put("expired_since", to=late - HOUR))
    changes_only = [(x509.CRLNumber(9), False), (x509.DeltaCRLIndicator(3), True)]
    authorities = [f"authority-{number}" for number in range(MAX_AUTHORITIES)]
    return [
        ("form", "not-json", "not-json", text(lambda data: data[:-1])),
        ("form", "a-member-twice", "not-json", text(lambda data: data[:-1] + b',"schema":{}}')),
        ("form", "a-space", "not-canonical", text(lambda data: data.replace(b",", b", ", 1))),
        ("form", "a-newline-at-the-end", "not-canonical", text(lambda data: data + b"\n")),
        ("form", "another-format", "format", text(lambda data: data.replace(b"shuniu-evidence/1", b"shuniu-evidence/2"))),
        ("form", "unknown-member", "members", {"members": put("openings", to={})}),
        ("form", "missing-member", "members", {"members": without("schema")}),
        ("form", "a-projection", "projection", {"envelope-header": put("orig", to=digest(b"original"))}),
        ("form", "envelope-of-another-type", "envelope-form", {"envelope-header": put("typ", to="query+jws")}),
        ("form", "receipt-with-more", "receipt-form", {"receipt-payload": put("note", to="x")}),
        ("form", "receipt-time-without-offset", "receipt-form", {"receipt-payload": put("accepted_at", to="2026-11-22T01:00:00")}),
        ("form", "delivery-with-more", "deliveries-form", {"members": put("deliveries", 0, "state", to="acknowledged")}),
        ("form", "delivery-twice", "deliveries-form", {"members": lambda m: m["deliveries"].append(m["deliveries"][0])}),
        ("form", "certificate-version", "certificates-form", {"members": of_version("certificates", der_3, der_6)}),
        ("form", "too-many-authorities", "certificates-form", {"certificates": lambda found: found.extend(authorities)}),
        ("form", "list-version", "revocation-list-form", {"members": of_version("revocation_list", b"\x02\x01\x01", b"\x02\x01\x09")}),
        ("form", "certificates-out-of-order", "certificates-form", {"members": lambda members: members["certificates"].reverse()}),
        ("form", "loose-bits", "certificates-form", {"members": loose_bits}),
        ("form", "list-no-der", "revocation-list-form", {"members": put("revocation_list", to="AAAA")}),
        ("form", "entries-out-of-order", "entries-form", {"members": lambda members: members["entries"].reverse()}),
        ("form", "proof-of-short-hashes", "entries-form", {"members": put("entries", 0, "proof", to=["AAAA"])}),
        ("form", "cosigned-checkpoint", "checkpoint-form", {"members": lambda m: m.update(checkpoint=m["checkpoint"] + "— witness AAAAAAAA\n")}),
        ("checkpoint", "another-log-key", "not-signed", own_log),
        ("checkpoint", "own-authority-and-log", "not-signed", forged("sender") | forged("receipt") | forged("consumer") | own_log),
        ("checkpoint", "another-origin", "not-signed", {"checkpoint": put("origin", to="dingxi-hub")}),
        ("checkpoint", "larger-than-signed", "bad-signature", {"members": lambda m: m.update(checkpoint=m["checkpoint"].replace("\n7\n", "\n8\n"))}),
        ("checkpoint", "receipt-of-another-log", "log-mismatch", {"receipt-payload": put("log", to="dingxi-hub")}),
        ("receipt-signer", "own-authority", "not-trusted", forged("receipt")),
        ("receipt-signer", "own-authority-with-its-root", "not-trusted", forged("receipt", "evil-root")),
        ("receipt-signer", "key-of-another-purpose", "signer-mismatch", signed_as("receipt", "receipt", "projections")),
        ("receipt-signer", "another-hub", "signer-mismatch", signed_as("receipt", "receipt", "other-hub")),
        ("receipt-signer", "before-its-validity", "not-valid-then", {"receipt-payload": put("accepted_at", to="2026-11-20T01:00:00+00:00")}),
        ("receipt-signer", "of-another-use", "critical-extension", signed_as("receipt", "receipt", "stamping")),
        ("receipt-signer", "listed-from-before", "certificate-on-list", {"list": listed("receipt", NOW - MINUTE)}),
        ("receipt-signer", "certificate-left-out", "certificate-missing", {"certificates": without("receipt")}),
        ("receipt-signer", "issuer-left-out", "not-trusted", {"certificates": without("issuing")}),
        ("receipt-signature", "by-another-key", "signature-mismatch", {"receipt-key": put(0, to="projections")}),
        ("envelope-signer", "own-authority", "not-trusted", forged("sender")),
        ("envelope-signer", "expired", "not-valid-then", signed_as("envelope", "sender", "expired")),
        ("envelope-signer", "another-system", "signer-mismatch", signed_as("envelope", "sender", "stranger")),
        ("envelope-signer", "certificate-left-out", "certificate-missing", {"certificates": without("sender")}),
        ("envelope-signer", "an-authority-signs", "not-for-signatures", {"envelope-header": put("kid", to=kid_of(keys.der("issuing")))}),
        ("envelope-signature", "by-another-key", "signature-mismatch", {"envelope-key": put(0, to="stranger")}),
        ("receipt", "of-another-envelope", "receipt-unlike-envelope", {"receipt-payload": put("envelope_digest", to=digest(b"other"))}),
        ("receipt", "of-another-sender", "receipt-unlike-envelope", {"receipt-payload": put("sender", to="stranger")}),
        ("receipt", "of-another-jti", "receipt-unlike-envelope", {"receipt-header": put("ref", to="j-2")}),
        ("receipt", "of-another-resource", "receipt-unlike-envelope", {"receipt-payload": put("res", to="306001000001/000043")}),
        ("receipt", "of-another-version", "receipt-unlike-envelope", {"receipt-header": put("ver", to=2)}),
        ("receipt", "of-another-hub", "receipt-unlike-envelope", {"envelope-header": put("aud", to="dingxi-hub")}),
        ("receipt", "for-somebody-else", "receipt-unlike-envelope", {"receipt-header": put("aud", to="stranger")}),
        ("receipt", "promise-in-the-past", "seal-by", {"receipt-payload": put("seal_by", to=NOW.isoformat())}),
        ("schema", "another-schema", "schema-unlike-receipt", {"members": put("schema", "type", to="array")}),
        ("inclusion", "proof-of-another-tree", "root-mismatch", {"members": flip("entries", 0, "proof", 0)}),
        ("inclusion", "proof-too-short", "proof-length", {"members": lambda m: m["entries"][0]["proof"].pop()}),
        ("inclusion", "another-index", "root-mismatch", {"members": entry_of("exchange.accepted", put("index", to=5))}),
        ("inclusion", "leaf-changed", "root-mismatch", {"members": entry_of("exchange.accepted", put("leaf", "rows", to=2))}),
        ("inclusion", "beyond-the-tree", "index-outside-tree", {"members": entry_of("delivery.acknowledged", put("index", to=7))}),
        ("acceptance", "entry-left-out", "entry-missing", {"members": drop_entry("exchange.accepted")}),
        ("acceptance", "not-the-promised-entry", "acceptance-unlike-receipt", {"leaves": lambda log: log[4].update(rows=2)}),
        ("acceptance", "refused", "acceptance-unlike-receipt", leaf_of("exchange.accepted", "result", to="fail")),
        ("acceptance", "another-time", "acceptance-unlike-receipt", leaf_of("exchange.accepted", "time", to=(NOW + MINUTE).isoformat())),
        ("acceptance", "another-sender", "acceptance-unlike-receipt", leaf_of("exchange.accepted", "actor", "id", to="stranger")),
        ("acceptance", "another-envelope", "acceptance-unlike-receipt", leaf_of("exchange.accepted", "details", "envelope_digest", to=digest(b"x"))),
        ("acceptance", "another-kid", "acceptance-unlike-receipt", leaf_of("exchange.accepted", "details", "kid", to=keys.kid("consumer"))),
        ("acceptance", "another-schema", "acceptance-unlike-receipt", leaf_of("exchange.accepted", "details", "schema_digest", to=digest(b"x"))),
        ("acceptance", "more-lanes", "acceptance-unlike-receipt", leaf_of("exchange.accepted", "details", "grants", to=[GRANT, OTHER_GRANT])),
        ("envelope-signer-state", "issue-left-out", "entry-missing", {"members": drop_entry("certificate.issued")}),
        ("envelope-signer-state", "issued-twice", "entry-missing", {"log": more_log(twice)}),
        ("envelope-signer-state", "issued-later", "certificate-issued-later", leaf_of("certificate.issued", "time", to=between)),
        ("envelope-signer-state", "issued-to-another", "certificate-unlike-log", leaf_of("certificate.issued", "details", "system", to="stranger")),
        ("envelope-signer-state", "revoked-before", "certificate-revoked", {"log": more_log(gone)}),
        ("envelope-signer-state", "list-of-another-authority", "list-not-the-issuers", {"list": put("issuing", to=evil.issuing)}),
        ("envelope-signer-state", "list-too-old", "list-too-old", {"list": put("at", to=NOW - MINUTE)}),
        ("envelope-signer-state", "list-after-its-end", "list-too-late", {"list": put("at", to=late)}),
        ("envelope-signer-state", "list-keeps-too-little", "list-too-late", {"list": too_little}),
        ("envelope-signer-state", "list-of-changes", "list-not-whole", {"list": put("extensions", to=changes_only)}),
        ("envelope-signer-state", "list-of-authorities", "list-not-whole", {"list": put("extensions", to=[(_ONLY_AUTHORITIES, True)])}),
        ("envelope-signer-state", "list-for-some-reasons", "list-not-whole", {"list": put("extensions", to=[(_SOME_REASONS, False)])}),
        ("envelope-signer-state", "list-with-the-unknown", "list-not-whole", {"list": put("extensions", to=[(unknown, True)])}),
        ("envelope-signer-state", "listed-from-before", "certificate-on-list", {"list": listed("sender", NOW - MINUTE)}),
        ("grants", "of-another-exchange", "grant-not-used", {"log": more_log(other_grant)}),
        ("grants", "made-afterwards", "grant-not-created", leaf_of("grant.created", "time", to=between)),
        ("grants", "suspended-before", "grant-not-in-force", {"log": more_log(base)}),
        ("grants", "revoked-before", "grant-not-in-force", {"log": more_log(revoked)}),
        ("grants", "for-another-resource", "grant-unlike-envelope", leaf_of("grant.created", "details", "resource", to="306001000001/000043")),
        ("acknowledgement-entry", "left-out", "entry-missing", {"members": drop_entry("delivery.acknowledged")}),
        ("acknowledgement-entry", "by-another-system", "acknowledgement-unlike-log", leaf_of("delivery.acknowledged", "actor", "id", to="stranger")),
        ("acknowledgement-entry", "of-more-deliveries", "acknowledgement-unlike-log", leaf_of("delivery.acknowledged", "rows", to=2)),
        ("acknowledgement-entry", "before-acceptance", "acknowledged-before", leaf_of("delivery.acknowledged", "time", to=NOW.isoformat())),
        ("acknowledgement-signer", "own-authority", "not-trusted", forged("consumer")),
        ("acknowledgement-signer", "expired", "not-valid-then", signed_as("ack", "consumer", "expired-consumer")),
        ("acknowledgement-signer", "another-system", "signer-mismatch", signed_as("ack", "consumer", "stranger")),
        ("acknowledgement-signer", "revoked-before", "certificate-revoked", {"log": more_log(gone_too)}),
        ("acknowledgement-signer", "listed-from-before", "certificate-on-list", {"list": listed("consumer", NOW + MINUTE / 2)}),
        ("acknowledgement-signature", "by-another-key", "signature-mismatch", {"ack-key": put(0, to="stranger")}),
        ("acknowledgement", "of-other-bytes", "acknowledgement-unlike-delivery", {"ack-payload": put("deliveries", 0, "digest", to=digest(b"x"))}),
        ("acknowledgement", "of-another-delivery", "acknowledgement-unlike-delivery", {"members": put("deliveries", 0, "id", to=EXCHANGE)}),
        ("acknowledgement", "for-another-hub", "acknowledgement-unlike-delivery", {"ack-header": put("aud", to="dingxi-hub")}),
        ("acknowledgement", "without-a-grant", "acknowledged-without-grant", leaf_of("grant.created", "details", "consumer", to="stranger")),
        ("nothing-else", "an-idle-certificate", "certificate-idle", {"certificates": lambda found: found.append("stranger")}),
        ("nothing-else", "an-idle-entry", "entry-idle", {"log": more_log(idle)}),
        ("consistency", "another-root", "old-root-mismatch", {"members": flip("consistency", "root")}),
        ("consistency", "another-proof", "old-root-mismatch", {"members": flip("consistency", "proof", 0)}),
        ("consistency", "another-size", "proof-length", {"members": put("consistency", "size", to=4)}),
    ]  # fmt: skip


def _compared(keys: Keys, evil: Keys) -> list[Vector]:
    """Files that are checked against a checkpoint from another time."""
    data = Case(keys).write()
    members = json.loads(data)
    claim = members["consistency"]
    root = base64.b64decode(members["checkpoint"].split("\n")[2])
    size = int(members["checkpoint"].split("\n")[1])
    earlier = keys.checkpoint(claim["size"], base64.b64decode(claim["root"]))
    other = digest(b"x").encode()[-32:]
    consistency = "consistency"
    return [
        Vector("valid/same-checkpoint", data, older=keys.checkpoint(size, root)),
        Vector("valid/earlier-checkpoint", data, older=earlier),
        Vector("valid/checkpoint-of-the-empty-log", data, older=keys.checkpoint(0, EMPTY_ROOT)),
        Vector(
            "consistency/another-log-of-this-size", data, consistency, "not-consistent", keys.checkpoint(size, other)
        ),
        Vector(
            "consistency/history-rewritten", data, consistency, "not-consistent", keys.checkpoint(claim["size"], other)
        ),
        Vector(
            "consistency/no-proof-from-there", data, consistency, "consistency-not-shown", keys.checkpoint(2, other)
        ),
        Vector(
            "consistency/newer-than-the-file",
            data,
            consistency,
            "consistency-not-shown",
            keys.checkpoint(size + 1, other),
        ),
        Vector("consistency/kept-of-another-key", data, consistency, "not-signed", evil.checkpoint(size, root)),
    ]


def main() -> None:
    """Write `trust/`, every file, and `index.json` that says what to expect."""
    keys, made = vectors()
    trust = FOLDER / "trust"
    trust.mkdir(exist_ok=True)
    (trust / "ca.pem").write_bytes(keys.ca_pem())
    (trust / "log.pub").write_text(keys.log_pub() + "\n", encoding="ascii")
    index = []
    for vector in made:
        path = FOLDER / f"{vector.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(vector.data)
        line = {"file": f"{vector.name}.json", "statement": vector.statement, "reason": vector.reason}
        if vector.older is not None:
            path.with_suffix(".checkpoint").write_bytes(vector.older)
            line["checkpoint"] = f"{vector.name}.checkpoint"
        index.append(line)
    (FOLDER / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
