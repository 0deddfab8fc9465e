"""What a partner does not believe."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs import authority
from certs.authority import HubKeyRole, Issued
from certs.digests import b64u_decode, b64u_encode, digest
from certs.keys import generate_key
from hub.client import TrustError
from tests.support.client_side import HUB, NOW, RECORDS, RES, Desk, signer_of

Change = Callable[[Desk], None]


def payload(**changes: Any) -> Change:
    return lambda desk: desk.hub.receipt_changes.update(changes)


def header(**changes: Any) -> Change:
    return lambda desk: desk.hub.header_changes.update(changes)


def key(role: HubKeyRole) -> Change:
    def change(desk: Desk) -> None:
        desk.hub.receipt_key = desk.hub.county.hub_keys[role]

    return change


def own_key(desk: Desk) -> None:
    desk.hub.receipt_key = desk.hub.county.systems["lintao-subsite"]


def flipped(desk: Desk) -> None:
    """One changed bit in a receipt's signature."""

    def fault(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/v1/exchanges":
            return None
        receipt = desk.hub._exchange(request.content).content
        head, _, signature = receipt.rpartition(b".")
        return httpx.Response(201, content=head + b"." + bytes([signature[0] ^ 1]) + signature[1:])

    desk.hub.faults.append(fault)


OTHER = digest(b"other")

RECEIPT_LIES: dict[str, Change] = {
    "another envelope's digest": payload(envelope_digest=OTHER),
    "another sender": payload(sender="civil-affairs"),
    "another jti": payload(jti="other"),
    "another resource": payload(res="306001000001/000043"),
    "another version": payload(ver=4),
    "another hub": payload(hub="dingxi-hub"),
    "a digest of no form": payload(schema_digest="sha-1:00"),
    "no exchange": payload(exchange=None),
    "an exchange that is no uuid": payload(exchange="../../etc"),
    "lanes that are no number": payload(lanes="2"),
    "lanes that are a truth value": payload(lanes=True),
    "a leaf hash of another length": payload(entry="AAAA"),
    "a leaf hash that is no base64": payload(entry="*"),
    "a time without offset": payload(accepted_at="2026-11-21T08:00:00"),
    "a time that is none": payload(seal_by="soon"),
    "a header for another system": header(aud="civil-affairs"),
    "a header of another hub": header(iss="dingxi-hub"),
    "a header that answers another message": header(ref="other"),
    "a header of another resource": header(res="306001000001/000043"),
    "a header of another version": header(ver=4),
    "another type of message": header(typ="answer+jws"),
    "a time in the future": header(iat=int((NOW + timedelta(minutes=6)).timestamp())),
    "a time before the certificate": header(iat=int((NOW - timedelta(days=1)).timestamp())),
    "a time that cannot be": header(iat=2**53 - 1),
    "the signature of our own key": own_key,
    "the signature of the key for projections": key(HubKeyRole.PROJECTIONS),
    "a changed signature": flipped,
}


@pytest.mark.parametrize("lie", RECEIPT_LIES.values(), ids=RECEIPT_LIES)
def test_a_receipt_is_not_believed_with(lie: Change, desk: Desk) -> None:
    lie(desk)
    with pytest.raises(TrustError) as caught:
        desk.partner.publish(RES, RECORDS, ver=3)
    assert caught.value.zh
    assert caught.value.en
    assert len(desk.outbox()) == 1


def test_a_receipt_that_is_no_envelope_is_not_believed(desk: Desk) -> None:
    desk.hub.faults.append(
        lambda request: httpx.Response(201, content=b"{}") if request.url.path == "/v1/exchanges" else None
    )
    with pytest.raises(TrustError):
        desk.partner.publish(RES, RECORDS, ver=3)


def test_a_pushes_key_in_hub_pem_signs_no_receipts(desk: Desk) -> None:
    county = desk.hub.county
    key(HubKeyRole.PUSHES)(desk)
    pushes = county.hub_keys[HubKeyRole.PUSHES].certificate.public_bytes(Encoding.PEM)
    anchors = county.base / "trust" / "hub.pem"
    anchors.write_bytes(anchors.read_bytes() + pushes)
    with pytest.raises(TrustError, match="not the receipt key"):
        desk.again().publish(RES, RECORDS, ver=3)


def test_an_old_receipt_is_believed_although_its_certificate_has_expired_since(desk: Desk, later: Any) -> None:
    first = desk.partner.publish(RES, RECORDS, ver=3)
    (desk.folder / "outbox" / f"{first.jti}.jws").write_bytes(desk.hub.posts("/v1/exchanges")[0])
    desk.clock.now = later(days=400)
    assert desk.again().resume().receipts[0].compact == first.compact


def provider(desk: Desk) -> Issued:
    return desk.hub.county.systems["civil-affairs"]


def stranger(desk: Desk, *, code: str = "civil-affairs") -> Issued:
    """A certificate for the provider's name from an authority that nobody trusts."""
    root = authority.create_root("另一个根", NOW)
    issuing = authority.create_issuing(root, "另一个签发", NOW)
    private = generate_key("ES256")
    return Issued(private, authority.issue_system(issuing, authority.make_csr(private, code), code, "示例", NOW, 30))


def deliver(item: dict[str, Any] | None = None, **names: Any) -> Change:
    def change(desk: Desk) -> None:
        desk.hub.deliver(provider(desk), item=item, **names)

    return change


def strange_authority(desk: Desk) -> None:
    desk.hub.county.systems["stranger"] = stranger(desk)
    desk.hub.deliver(desk.hub.county.systems["stranger"])


def other_certificate(desk: Desk) -> None:
    """The hub serves a certificate that is not the one that kid names."""
    desk.hub.deliver(provider(desk))
    chain = desk.hub.county.chain(desk.hub.county.systems["lintao-subsite"])
    desk.hub.faults.append(
        lambda request: httpx.Response(200, content=chain) if request.url.path.startswith("/pki/") else None
    )


def changed_payload(desk: Desk) -> None:
    """Another payload of good form under the same signature."""
    entry = desk.hub.deliver(provider(desk))
    head, _, signature = entry["envelope"].split(".")
    other = b64u_encode(json.dumps({"records": [{"case_no": "forged"}]}).encode()).decode()
    entry["envelope"] = f"{head}.{other}.{signature}"
    entry["digest"] = digest(entry["envelope"].encode())


def renewed_certificate(desk: Desk) -> None:
    """The same key of the same system, but in a certificate that kid does not name."""
    county, issued = desk.hub.county, provider(desk)
    desk.hub.deliver(issued)
    csr = authority.make_csr(issued.key, "civil-affairs")
    renewed = Issued(issued.key, authority.issue_system(county.issuing, csr, "civil-affairs", "示例", NOW, 60))
    desk.hub.faults.append(
        lambda request: (
            httpx.Response(200, content=county.chain(renewed)) if request.url.path.startswith("/pki/") else None
        )
    )


def by_another_system(desk: Desk) -> None:
    desk.hub.deliver(desk.hub.county.systems["lintao-subsite"], iss="civil-affairs")


def as_projection(desk: Desk, *, role: HubKeyRole = HubKeyRole.PROJECTIONS, **names: Any) -> None:
    projected = {"iss": HUB, "aud": "lintao-subsite", "orig": OTHER} | names
    desk.hub.deliver(desk.hub.county.hub_keys[role], **{n: v for n, v in projected.items() if v is not None})


DELIVERY_LIES: dict[str, Change] = {
    "another digest": deliver(item={"digest": OTHER}),
    "another resource": deliver(item={"res": "306001000001/000043"}),
    "another version": deliver(item={"ver": 4}),
    "an id that is a path": deliver(item={"delivery": "../../etc/passwd"}),
    "no lane": deliver(item={"lane": None}),
    "a sequence that is no number": deliver(item={"sequence": "1"}),
    "an envelope that is none": deliver(item={"envelope": "a.b"}),
    "an envelope with other characters": deliver(item={"envelope": "枢.纽.枢"}),
    "another hub": deliver(aud="dingxi-hub"),
    "others as addressees": deliver(to=["dingxi-platform"]),
    "a provider that claims to project": deliver(orig=OTHER),
    "a time in the future": deliver(iat=int((NOW + timedelta(minutes=6)).timestamp())),
    "a time after the certificate": deliver(iat=int((NOW - timedelta(days=1)).timestamp())),
    "another type": deliver(typ="ack+jws", res=None, ver=None),
    "no records": deliver(payload=b'{"op": "upsert"}'),
    "records that are no objects": deliver(payload=b'{"records": [1]}'),
    "an op that is none": deliver(payload=b'{"op": 1, "records": []}'),
    "a repeated name in its payload": deliver(payload=b'{"records": [], "records": []}'),
    "an unknown authority": strange_authority,
    "a certificate that kid does not name": other_certificate,
    "another certificate for the same key": renewed_certificate,
    "a changed payload": changed_payload,
    "another system's signature": by_another_system,
    "a projection without its original": lambda desk: as_projection(desk, orig=None),
    "a projection for another": lambda desk: as_projection(desk, aud="civil-affairs"),
    "a projection signed by the receipt key": lambda desk: as_projection(desk, role=HubKeyRole.RECEIPTS),
}


@pytest.mark.parametrize("lie", DELIVERY_LIES.values(), ids=DELIVERY_LIES)
def test_a_delivery_is_not_believed_with(lie: Change, desk: Desk) -> None:
    lie(desk)
    with pytest.raises(TrustError) as caught:
        desk.partner.inbox()
    assert caught.value.zh
    assert caught.value.en


def test_a_projection_of_the_hub_is_believed(desk: Desk) -> None:
    as_projection(desk)
    (item,) = desk.partner.inbox()
    assert (item.sender, item.records) == (HUB, RECORDS)


def test_an_addressee_believes_what_names_it(desk: Desk) -> None:
    desk.hub.deliver(provider(desk), to=["dingxi-platform", "lintao-subsite"])
    assert len(desk.partner.inbox()) == 1


def test_a_delivery_whose_certificate_has_expired_since_is_believed(desk: Desk, later: Any) -> None:
    desk.hub.deliver(provider(desk))
    desk.clock.now = later(days=60)
    assert len(desk.partner.inbox()) == 1


def test_one_lie_among_many_is_named(desk: Desk) -> None:
    desk.hub.deliver(provider(desk))
    entry = desk.hub.deliver(provider(desk), aud="dingxi-hub")
    with pytest.raises(TrustError, match=entry["delivery"]):
        desk.partner.inbox()


def test_eddsa_signers_are_believed(desk: Desk) -> None:
    desk.hub.county.system("education", algorithm="EdDSA")
    desk.hub.deliver(desk.hub.county.systems["education"], iss="education")
    assert desk.partner.inbox()[0].sender == "education"


def test_a_receipt_names_only_what_the_contract_says(desk: Desk) -> None:
    receipt = desk.partner.publish(RES, RECORDS, ver=3)
    sent = desk.hub.posts("/v1/exchanges")[0]
    assert receipt.envelope_digest == digest(sent)
    assert signer_of(desk.hub.county.hub_keys[HubKeyRole.RECEIPTS]).kid in _header(receipt.compact)["kid"]


def _header(compact: bytes) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(b64u_decode(compact.split(b".")[0]))
    return members
