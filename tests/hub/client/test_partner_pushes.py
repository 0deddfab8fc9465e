"""A partner that receives pushes: whom it believes, what it opens, what it remembers, and how it signs for it."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from certs import envelope
from certs.authority import HubKeyRole
from certs.header import ACK
from certs.http_signature import HttpSigner, content_digest
from certs.suites import Verifier
from hub.client import FolderError, HubUnreachable, Push, PushRefused, TrustError, Verdict
from hub.client.push import MEDIA_TYPE
from tests.support.client_side import HUB, NOW, RECORDS, County, Desk, open_partner, pem, signer_of

URL = "https://sub-site.example/shuniu"
LANE = "0199c1f2-0000-7000-8000-000000000001"


@pytest.fixture
def receiver(county: County, desk: Desk) -> Desk:
    """The sub-site with the hub's push certificate in its trust, below others that come first."""
    push = county.hub_keys[HubKeyRole.PUSHES].certificate
    (county.base / "trust/push.pem").write_bytes(pem(county.issuing.certificate, push))
    desk.again()
    return desk


def pushed(desk: Desk, *, role: HubKeyRole = HubKeyRole.PUSHES, fence: int = 1) -> tuple[dict[str, str], bytes]:
    """A signed request with one envelope of civil affairs."""
    item = desk.hub.deliver(desk.hub.county.systems["civil-affairs"], item={"lane": LANE, "sequence": 1})
    body = json.dumps({"items": [item]}).encode()
    fields = {
        "content-digest": content_digest(body),
        "content-type": MEDIA_TYPE,
        "shuniu-lane": LANE,
        "shuniu-sequence": "1",
        "shuniu-fence": str(fence),
    }
    signer = HttpSigner(signer_of(desk.hub.county.hub_keys[role]))
    signed = signer.sign_request(
        method="POST", target_uri=URL, headers=fields, created=NOW, expires=NOW + timedelta(seconds=30)
    )
    return {**fields, **signed}, body


def receive(desk: Desk, fence: int = 1) -> Push:
    return desk.partner.verify_push(URL, *pushed(desk, fence=fence))


def test_a_push_is_believed_opened_stored_and_signed_for(receiver: Desk) -> None:
    partner = receiver.partner
    push = receive(receiver)
    (delivery,) = partner.check_push(push)
    assert (delivery.sender, delivery.records, delivery.lane) == ("civil-affairs", RECORDS, LANE)
    with partner.push_guard() as guard, guard.receiving(push) as judged:
        assert [item.delivery for item in judged.items] == [delivery.id]
    opened = envelope.read(partner.sign_acknowledgement([delivery]), max_bytes=1 << 16, allowed_types=frozenset({ACK}))
    envelope.verify(opened, Verifier(receiver.hub.county.systems["lintao-subsite"].certificate.public_key()))
    assert (opened.header.iss, opened.header.aud, opened.header.iat) == ("lintao-subsite", HUB, int(NOW.timestamp()))
    assert json.loads(opened.payload_bytes) == {"deliveries": [{"id": delivery.id, "digest": delivery.digest}]}
    assert receiver.outbox() == []
    with receiver.again().push_guard() as guard, guard.receiving(push) as judged:
        assert judged.verdict is Verdict.ALREADY_HAD
    assert (receiver.folder / "pushes.sqlite3").exists()


def test_each_acknowledgement_is_a_message_of_its_own(receiver: Desk) -> None:
    deliveries = receiver.partner.check_push(receive(receiver))
    first, second = (receiver.partner.sign_acknowledgement(deliveries) for _ in range(2))
    assert first != second


def test_a_push_of_another_key_or_for_another_address_is_refused(receiver: Desk) -> None:
    for role in (HubKeyRole.RECEIPTS, HubKeyRole.PROJECTIONS):
        with pytest.raises(PushRefused) as caught:
            receiver.partner.verify_push(URL, *pushed(receiver, role=role))
        assert caught.value.status == 401
    for changed in ({"url": URL + "/other"}, {"method": "PUT"}):
        headers, body = pushed(receiver)
        with pytest.raises(PushRefused) as caught:
            receiver.partner.verify_push(changed.get("url", URL), headers, body, method=changed.get("method", "POST"))
        assert caught.value.status == 401


def test_an_expired_push_is_refused_by_the_partners_clock(receiver: Desk) -> None:
    request = pushed(receiver)
    receiver.clock.now = NOW + timedelta(seconds=30)
    with pytest.raises(PushRefused) as caught:
        receiver.partner.verify_push(URL, *request)
    assert (caught.value.status, caught.value.reason) == (409, "expired")


def test_a_push_certificate_that_is_not_known_is_not_believed(receiver: Desk, county: County) -> None:
    (county.base / "trust/push.pem").write_bytes(pem(county.systems["civil-affairs"].certificate))
    receiver.again()
    with pytest.raises(PushRefused) as caught:
        receive(receiver)
    assert caught.value.status == 401


def test_an_envelope_that_is_not_believed_is_not_opened(receiver: Desk) -> None:
    receiver.hub.county.systems["civil-affairs"] = receiver.hub.county.systems["lintao-subsite"]
    with pytest.raises(TrustError):
        receiver.partner.check_push(receive(receiver))


def test_without_the_hub_a_certificate_that_is_not_known_yet_cannot_be_had(receiver: Desk) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    push = receive(receiver)
    receiver.hub.faults.append(away)
    with pytest.raises(HubUnreachable):
        receiver.partner.check_push(push)
    receiver.hub.faults.clear()
    receiver.partner.check_push(push)
    receiver.hub.faults.append(away)
    receiver.partner.check_push(push)  # known by now


def test_without_the_hubs_push_certificate_it_says_what_is_missing(desk: Desk) -> None:
    with pytest.raises(FolderError, match=r"push\.pem"):
        desk.partner.verify_push(URL, {}, b"")


def test_a_push_certificate_that_cannot_be_read_is_reported_at_once(county: County, desk: Desk) -> None:
    (county.base / "trust/push.pem").write_text(f"nothing {uuid4()}")
    with pytest.raises(FolderError, match=r"push\.pem"):
        open_partner(desk.folder, desk.hub, desk.clock, [])
