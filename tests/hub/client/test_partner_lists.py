"""What a sub-site's system asks and says about lists, and that a message says which one it corrects."""

import json

import httpx
import pytest

from certs import envelope
from certs.errors import EnvelopeError
from certs.header import EXCHANGE
from hub.client import TrustError
from tests.support.client_side import RECORDS, RES, Desk

AT = f"/v1/lists/{RES}/publications/2"


def answers(desk: Desk, path: str, *bodies: object) -> None:
    """Let the hub answer calls of that path with these bodies in turn."""
    left = iter(bodies)
    desk.hub.faults.append(lambda request: httpx.Response(200, json=next(left)) if request.url.path == path else None)


def test_lists_are_read_over_their_pages(desk: Desk) -> None:
    answers(desk, "/v1/lists", {"items": [{"code": "1"}], "next": "abc"}, {"items": [{"code": "2"}], "next": None})
    assert [one["code"] for one in desk.partner.lists()] == ["1", "2"]
    asked = [request.url.params.get("cursor") for request in desk.hub.requests if request.url.path == "/v1/lists"]
    assert asked == [None, "abc"]


def test_an_answer_that_is_no_list_is_not_believed(desk: Desk) -> None:
    answers(desk, "/v1/lists", {"lists": []})
    with pytest.raises(TrustError, match="items"):
        desk.partner.lists()


def test_loaded_and_online_are_posted_with_the_token(desk: Desk) -> None:
    answers(desk, f"{AT}/loaded", {"number": 2})
    answers(desk, f"{AT}/online", {"number": 2})
    assert desk.partner.list_loaded(RES, 2) == {"number": 2}
    assert desk.partner.list_online(RES, 2, "https://lintao.example/") == {"number": 2}
    assert json.loads(desk.hub.posts(f"{AT}/online")[0]) == {"url": "https://lintao.example/"}


def test_a_correction_names_the_message_that_it_corrects_and_its_receiver_sees_it(desk: Desk) -> None:
    desk.partner.publish(RES, RECORDS, ref="wrong-1")
    sent = envelope.read(desk.hub.posts("/v1/exchanges")[0], max_bytes=4 << 20, allowed_types=frozenset({EXCHANGE}))
    assert sent.header.ref == "wrong-1"
    with pytest.raises(EnvelopeError):
        desk.partner.publish(RES, RECORDS, ref="no jti")
    issued = desk.hub.county.systems["civil-affairs"]
    desk.hub.deliver(issued)
    desk.hub.deliver(issued, ref="wrong-1")
    assert [item.ref for item in desk.partner.inbox()] == [None, "wrong-1"]
