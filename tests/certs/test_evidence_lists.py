"""The revocation list in a file bears on the hub's certificates too, and nothing in it can change unnoticed."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA224
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import HubKeyRole as Role
from certs.authority import Issued, RevocationReason, Revoked, issue_hub_key
from certs.canonical import canonical
from certs.evidence import Anchors, verify_evidence
from certs.keys import generate_key
from tests.vectors.evidence.changes import both, put, unacknowledged, without
from tests.vectors.evidence.county import Case, Change
from tests.vectors.evidence.keys import HOUR, HUB, MINUTE, NOW, Keys
from tests.vectors.evidence.projected import Own

KEYS = Keys.make()
ANCHORS = Anchors.read(KEYS.ca_pem(), KEYS.log_pub())
DAY = timedelta(days=1)
PUSHED: dict[str, Change] = {
    "members": both(unacknowledged, put("deliveries", to=[])),
    "certificates": without("consumer"),
}
"""What a push's plain 2xx confirmed: the only certificates are the hub's."""


def outcome(data: bytes) -> tuple[str, str] | None:
    failed = verify_evidence(data, ANCHORS).failed
    return None if failed is None or failed.fault is None else (failed.name, failed.fault.reason)


def short_lived(role: Role, days: int) -> Issued:
    key = generate_key("ES256")
    return Issued(key, issue_hub_key(KEYS.issuing, key.public_key(), HUB, role, NOW - HOUR, days))


def test_no_byte_of_the_list_can_change_where_only_the_hub_signed() -> None:
    data = Own(KEYS, PUSHED).write()
    assert outcome(data) is None
    members = json.loads(data)
    der = base64.b64decode(members["revocation_list"])
    for position in range(len(der)):
        changed = bytearray(der)
        changed[position] ^= 1
        members["revocation_list"] = base64.b64encode(changed).decode()
        assert outcome(canonical(members)) is not None, position


def test_a_revoked_key_of_the_hub_is_not_cleared_by_damage_to_the_list_that_has_it() -> None:
    serial = KEYS.holders["projections"].certificate.serial_number
    line = Revoked(serial, NOW - MINUTE, RevocationReason.KEY_COMPROMISE)
    data = Own(KEYS, PUSHED | {"list": put("lines", to=[line])}).write()
    assert outcome(data) == ("projection-signer", "certificate-on-list")
    members = json.loads(data)
    der = bytearray(base64.b64decode(members["revocation_list"]))
    der[-1] ^= 1
    members["revocation_list"] = base64.b64encode(der).decode()
    assert outcome(canonical(members)) == ("nothing-else", "list-idle")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("at", to=NOW - MINUTE), "list-too-old"),
        (put("at", to=NOW + 370 * DAY), "list-too-late"),
        (put("extensions", to=[(x509.DeltaCRLIndicator(1), True)]), "list-not-whole"),
    ],
)
def test_a_list_that_cannot_tell_of_the_hubs_certificate_does_not_clear_it(change: Change, reason: str) -> None:
    assert outcome(Own(KEYS, PUSHED | {"list": change}).write()) == ("nothing-else", reason)


def test_a_list_from_after_the_end_of_the_receipts_certificate_must_keep_what_ran_out() -> None:
    """The sender's certificate lives longer, so that of it this list tells."""
    KEYS.holders["short"] = short_lived(Role.RECEIPTS, 30)
    changes: dict[str, Change] = {
        "receipt-signer": put(0, to="short"),
        "certificates": lambda listed: listed.__setitem__(listed.index("receipt"), "short"),
    }
    late = put("at", to=NOW + 60 * DAY)
    assert outcome(Case(KEYS, changes).write()) is None
    assert outcome(Case(KEYS, changes | {"list": late}).write()) == ("nothing-else", "list-too-late")
    kept = both(late, put("expired_since", to=NOW - HOUR))
    assert outcome(Case(KEYS, changes | {"list": kept}).write()) is None


def test_a_list_signed_over_a_short_hash_is_nobodys() -> None:
    def weak(members: Any) -> None:
        subject = KEYS.issuing.certificate.subject
        builder = x509.CertificateRevocationListBuilder().issuer_name(subject)
        made = builder.last_update(NOW + MINUTE).next_update(NOW + HOUR).sign(KEYS.issuing.key, SHA224())
        members["revocation_list"] = base64.b64encode(made.public_bytes(Encoding.DER)).decode()

    data = Case(KEYS, {"members": weak}).write()
    assert outcome(data) == ("envelope-signer-state", "list-not-the-issuers")
