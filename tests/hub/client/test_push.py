"""Receiving pushes: whom to believe, what is well formed, and what was there before."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs import authority
from certs.authority import HubKeyRole, Issued
from certs.digests import digest
from certs.http_signature import HttpSigner, content_digest
from certs.keys import generate_key
from hub.client import (
    FolderError,
    PushRefused,
    PushTrust,
    TrustError,
    check_push,
    verify_push,
)
from hub.client import push as module
from hub.client.push import MEDIA_TYPE, Push, PushItem
from tests.support.client_side import HUB, NOW, RES, County, Desk, pem, signer_of

URL = "https://sub-site.example/shuniu"
LANE = "0199c1f2-0000-7000-8000-000000000001"
EXPIRES = NOW + timedelta(seconds=30)

Later = Callable[..., datetime]


@pytest.fixture
def trust(county: County) -> PushTrust:
    """The county's root alone in `ca.pem`; in `push.pem` the hub's push certificate and who issued it."""
    directory = county.base / "trust"
    chain = pem(county.hub_keys[HubKeyRole.PUSHES].certificate, county.issuing.certificate)
    (directory / "push.pem").write_bytes(chain)
    return PushTrust.load(directory, hub=HUB)


def item(sequence: Any = 1, **changes: Any) -> dict[str, Any]:
    envelope = f"header.{sequence}.signature"
    return {
        "delivery": str(uuid4()),
        "exchange": str(uuid4()),
        "res": RES,
        "ver": 3,
        "lane": LANE,
        "sequence": sequence,
        "digest": digest(envelope.encode()),
        "envelope": envelope,
        "accepted_at": NOW.isoformat(),
    } | changes


def body_of(*items: dict[str, Any]) -> bytes:
    return json.dumps({"items": items}).encode()


def signed(issued: Issued, body: bytes, *, method: str = "POST", **changes: str) -> dict[str, str]:
    headers = {
        "content-digest": content_digest(body),
        "content-type": MEDIA_TYPE,
        "shuniu-lane": LANE,
        "shuniu-sequence": "1",
        "shuniu-fence": "7",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    signer = HttpSigner(signer_of(issued))
    signature = signer.sign_request(method=method, target_uri=URL, headers=headers, created=NOW, expires=EXPIRES)
    return headers | dict(signature)


@pytest.fixture
def receive(county: County, trust: PushTrust) -> Callable[..., Push]:
    """Signs items as the hub and receives them."""

    def received(*items: dict[str, Any], now: datetime = NOW, body: bytes | None = None, **changes: Any) -> Push:
        content = body_of(*items) if body is None else body
        key = changes.pop("key", county.hub_keys[HubKeyRole.PUSHES])
        method = changes.get("method", "POST")
        return verify_push(method, URL, signed(key, content, **changes), content, trust=trust, now=now)

    return received


def refusal(receive: Callable[..., Push], *items: dict[str, Any], **changes: Any) -> tuple[int, str]:
    with pytest.raises(PushRefused) as caught:
        receive(*(items or (item(),)), **changes)
    assert caught.value.zh
    assert caught.value.en
    return caught.value.status, caught.value.reason


def test_a_push_is_believed_and_read(receive: Callable[..., Push]) -> None:
    items = [item(1), item(2), item(5)]
    push = receive(*items)
    assert (push.lane, push.sequence, push.fence, push.expires) == (LANE, 1, 7, EXPIRES)
    assert len({push.nonce, receive(*items).nonce, ""}) == 3
    assert [found.delivery for found in push.items] == [sent["delivery"] for sent in items]
    first = push.items[0]
    assert first == PushItem(
        items[0]["delivery"], items[0]["exchange"], RES, 3, LANE, 1, items[0]["digest"], b"header.1.signature", NOW
    )


def test_fields_may_come_as_pairs_and_in_any_case(county: County, trust: PushTrust) -> None:
    body = body_of(item())
    headers = signed(county.hub_keys[HubKeyRole.PUSHES], body)
    pairs = ((name.title(), f" {value}") for name, value in headers.items())
    assert verify_push("POST", URL, pairs, body, trust=trust, now=NOW).fence == 7


def test_a_push_for_another_address_is_not_believed(county: County, trust: PushTrust) -> None:
    body = body_of(item())
    headers = signed(county.hub_keys[HubKeyRole.PUSHES], body)
    with pytest.raises(PushRefused) as caught:
        verify_push("POST", URL + "/other", headers, body, trust=trust, now=NOW)
    assert caught.value.status == 401


def test_a_push_with_another_body_is_not_believed(county: County, trust: PushTrust) -> None:
    headers = signed(county.hub_keys[HubKeyRole.PUSHES], body_of(item()))
    with pytest.raises(PushRefused) as caught:
        verify_push("POST", URL, headers, body_of(item()), trust=trust, now=NOW)
    assert (caught.value.status, caught.value.reason) == (401, "content-digest-mismatch")


@pytest.mark.parametrize("role", [role for role in HubKeyRole if role is not HubKeyRole.PUSHES])
def test_only_the_push_key_signs_pushes(county: County, trust: PushTrust, role: HubKeyRole) -> None:
    other = county.hub_keys[role]
    believed = PushTrust(HUB, trust.anchors, lambda _: [other.certificate])
    body = body_of(item())
    with pytest.raises(PushRefused) as caught:
        verify_push("POST", URL, signed(other, body), body, trust=believed, now=NOW)
    assert (caught.value.status, caught.value.reason) == (401, "signer-not-trusted")


def test_the_push_key_of_another_hub_or_authority_is_not_believed(county: County, trust: PushTrust) -> None:
    key = generate_key("EdDSA")
    foreign_root = authority.create_root("另一个根", NOW)
    foreign = authority.create_issuing(foreign_root, "另一个签发", NOW)
    body = body_of(item())
    for issuing, hub in ((county.issuing, "other-hub"), (foreign, HUB)):
        certificate = authority.issue_hub_key(issuing, key.public_key(), hub, HubKeyRole.PUSHES, NOW, 30)
        believed = PushTrust(HUB, trust.anchors, lambda _, found=certificate: [found])  # type: ignore[misc]
        with pytest.raises(PushRefused) as caught:
            verify_push("POST", URL, signed(Issued(key, certificate), body), body, trust=believed, now=NOW)
        assert caught.value.reason == "signer-not-trusted"


def test_a_certificate_that_is_not_known_or_not_the_one_named_is_refused(
    county: County, trust: PushTrust, receive: Callable[..., Push]
) -> None:
    tokens = county.hub_keys[HubKeyRole.TOKENS]
    assert refusal(receive, key=tokens) == (401, "keyid-unknown")
    body = body_of(item())
    mixed = PushTrust(HUB, trust.anchors, lambda _: [county.hub_keys[HubKeyRole.PUSHES].certificate])
    with pytest.raises(PushRefused) as caught:
        verify_push("POST", URL, signed(tokens, body), body, trust=mixed, now=NOW)
    assert caught.value.reason == "keyid-unknown"


def test_an_expired_push_is_answered_with_409(receive: Callable[..., Push]) -> None:
    assert refusal(receive, now=EXPIRES) == (409, "expired")


def test_a_push_signed_after_its_certificate_ended_is_refused(receive: Callable[..., Push], later: Later) -> None:
    with pytest.raises(PushRefused):
        receive(item(), now=later(days=400))


def test_a_push_beyond_the_bound_is_refused_unread(trust: PushTrust, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PUSH_BYTES", 10)
    with pytest.raises(PushRefused) as caught:
        verify_push("POST", URL, {}, b"a" * 11, trust=trust, now=NOW)
    assert caught.value.status == 413


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed-body"),
        (b"[]", "malformed-body"),
        (b'{"items":[],"items":[]}', "malformed-body"),
        (b"{}", "malformed-items"),
        (b'{"items":[]}', "malformed-items"),
        (b'{"items":{}}', "malformed-items"),
        (b'{"items":[1]}', "malformed-item"),
        (b'{"items":[{}]}', "malformed-item"),
    ],
)
def test_a_signed_body_of_another_form_is_refused(receive: Callable[..., Push], body: bytes, reason: str) -> None:
    assert refusal(receive, body=body) == (400, reason)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delivery", "1"),
        ("delivery", 1),
        ("delivery", "0199C1F2-0000-7000-8000-000000000001"),
        ("exchange", ""),
        ("lane", None),
        ("lane", "0199c1f2-0000-7000-8000-00000000000a"),
        ("res", "x"),
        ("res", 1),
        ("ver", 0),
        ("ver", True),
        ("ver", "1"),
        ("sequence", 1.0),
        ("sequence", 0),
        ("sequence", 2),
        ("digest", "sha-256:00"),
        ("digest", digest(b"other")),
        ("envelope", "header.other.signature"),
        ("envelope", None),
        ("accepted_at", "yesterday"),
        ("accepted_at", "2026-11-21T08:00:00"),
        ("accepted_at", 1),
    ],
)
def test_an_item_of_another_form_is_refused(receive: Callable[..., Push], name: str, value: Any) -> None:
    status, reason = refusal(receive, item() | {name: value})
    assert status == 400
    assert reason in {f"malformed-{name}", "malformed-digest"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(item())), json_values), st.sets(st.sampled_from(sorted(item()))))
def test_whatever_an_item_holds_it_is_read_or_refused(changes: dict[str, Any], missing: set[str]) -> None:
    members = {name: value for name, value in (item() | changes).items() if name not in missing}
    status = 200
    try:
        (read,) = module._items(body_of(members))
    except PushRefused as refused:
        status = refused.status
    else:
        assert module._members(read).keys() == members.keys()
    assert status in {200, 400}


def test_items_out_of_order_or_twice_there_are_refused(receive: Callable[..., Push]) -> None:
    assert refusal(receive, item(1), item(3), item(2)) == (400, "malformed-sequence")
    assert refusal(receive, item(1), item(1)) == (400, "malformed-sequence")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shuniu_fence": "-1"}, "malformed-shuniu-fence"),
        ({"shuniu_fence": "07"}, "malformed-shuniu-fence"),
        ({"shuniu_fence": "9" * 19}, "malformed-shuniu-fence"),
        ({"shuniu_sequence": "1.0"}, "malformed-shuniu-sequence"),
        ({"shuniu_sequence": "2"}, "malformed-sequence"),
        ({"shuniu_lane": "lane"}, "malformed-shuniu-lane"),
        ({"shuniu_lane": "0199c1f2-0000-7000-8000-00000000000a"}, "malformed-lane"),
        ({"content_type": "application/json"}, "malformed-method"),
        ({"method": "PUT"}, "malformed-method"),
    ],
)
def test_signed_fields_of_another_form_are_refused(
    receive: Callable[..., Push], changes: dict[str, str], reason: str
) -> None:
    assert refusal(receive, **changes) == (400, reason)


def test_envelopes_are_opened_as_those_of_the_inbox_are(
    desk: Desk, trust: PushTrust, receive: Callable[..., Push]
) -> None:
    county = desk.hub.county
    sent = desk.hub.deliver(county.systems["civil-affairs"], item={"lane": LANE, "sequence": 1})
    push = receive(sent)
    chain = [county.systems["civil-affairs"].certificate, county.issuing.certificate]
    opened = check_push(push, system="lintao-subsite", trust=trust, certificates_for=lambda _: chain, now=NOW)
    assert [(found.id, found.sender, len(found.records)) for found in opened] == [
        (sent["delivery"], "civil-affairs", 1)
    ]
    with pytest.raises(TrustError):
        check_push(receive(item()), system="lintao-subsite", trust=trust, certificates_for=lambda _: chain, now=NOW)


@pytest.mark.parametrize("name", ["ca.pem", "push.pem"])
def test_a_trust_folder_that_lacks_something_says_what(county: County, trust: PushTrust, name: str) -> None:
    file = county.base / "trust" / name
    file.write_text("nothing", encoding="utf-8")
    with pytest.raises(FolderError, match=name):
        PushTrust.load(file.parent, hub=HUB)
    file.unlink()
    with pytest.raises(FolderError, match=name):
        PushTrust.load(file.parent, hub=HUB)
