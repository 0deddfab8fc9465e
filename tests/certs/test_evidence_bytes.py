"""Any changed byte fails: token by token, in every kind of file that somebody can be given."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from certs.digests import digest
from certs.evidence import Anchors, verify_evidence
from tests.vectors.evidence.changes import both, put, unacknowledged, without
from tests.vectors.evidence.county import DELIVERY, GRANT, OTHER_GRANT, RES, Case
from tests.vectors.evidence.keys import HOUR, HUB, MINUTE, NOW, Keys
from tests.vectors.evidence.projected import Own, Projected, more_like

KEYS = Keys.make()
KEYS.system("stranger")
ANCHORS = Anchors.read(KEYS.ca_pem(), KEYS.log_pub())
OTHER_DELIVERY = DELIVERY[:-1] + "9"

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?|true|false|null|[{}\[\]:,]')
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PLACES = 4
"""Bytes that are changed in a long token."""


class Audited(Case):
    """What an auditor is given: two consumers had a grant, got the envelope and acknowledged it."""

    other: bytes = b""

    def leaves(self, sent: bytes, ack: bytes) -> list[dict[str, Any]]:
        """The second consumer's certificate, grant and acknowledgement after the first one's."""
        header = {"typ": "ack+jws", "iss": "stranger", "aud": HUB, "jti": "a-2"}
        says = {"deliveries": [{"id": OTHER_DELIVERY, "digest": digest(sent)}]}
        self.other = self.seal("other-ack", "stranger", header, says)
        kid = self.keys.kid("stranger")
        granted = {"consumer": "stranger", "resource": RES, "lane": "other"}
        acknowledged = {"envelope_digest": digest(self.other), "jti": "a-2", "kid": kid, "moved": 1}
        made, got = ("grant.created", "grant", OTHER_GRANT), ("delivery.acknowledged", "acknowledgement", "other")
        return [
            *super().leaves(sent, ack),
            self.leaf("certificate.issued", "certificate", kid, NOW - HOUR, "officer", details={"system": "stranger"}),
            self.leaf(*made, NOW - 30 * MINUTE, "officer", details=granted),
            self.leaf(*got, NOW + MINUTE, "stranger", rows=1, details=acknowledged),
        ]

    def signers(self) -> list[str]:
        """The second consumer beside the others."""
        return [*super().signers(), "stranger"]

    def show(self, members: dict[str, Any], delivered: list[bytes]) -> None:
        """Both deliveries."""
        members["deliveries"].append({"id": OTHER_DELIVERY, "acknowledgement": self.other.decode()})


MAKERS: Mapping[str, Callable[[], Case]] = {
    "provider": lambda: Projected(KEYS),
    "provider, nobody acknowledged": lambda: Case(
        KEYS, {"members": both(unacknowledged, put("deliveries", to=[])), "certificates": without("consumer")}
    ),
    "consumer of the envelope": lambda: Case(KEYS, {"members": lambda members: members.pop("consistency")}),
    "consumer of projections": lambda: Own(KEYS, {"more": more_like({})}),
    "consumer of pushed projections": lambda: Own(
        KEYS, {"members": both(unacknowledged, put("deliveries", to=[])), "certificates": without("consumer")}
    ),
    "auditor": lambda: Audited(
        KEYS,
        {
            "exchange.accepted-leaf": put("details", "grants", to=[GRANT, OTHER_GRANT]),
            "receipt-payload": put("lanes", to=2),
        },
    ),
}


@cache
def file_of(who: str) -> bytes:
    return MAKERS[who]().write()


def changes_of(data: bytes) -> Iterator[tuple[int, int]]:
    """Places and other bytes to put there: in every token the first and the last byte, and some between.

    Letters go to their neighbour in base64 where they have one, so that at the end of a value it is the unused bits that change.
    """
    end = 0
    for token in _TOKEN.finditer(data):
        assert token.start() == end, "every byte is part of a token"
        start, end = token.span()
        step = max(1, (end - start) // _PLACES)
        for place in sorted({*range(start, end, step), max(start, end - 2), end - 1}):
            at = _ALPHABET.find(data[place])
            yield place, data[place] ^ 1 if at < 0 else _ALPHABET[at ^ 1]
    assert end == len(data)


@pytest.mark.parametrize("who", MAKERS)
def test_any_changed_byte_fails_in_every_member_of_a_file_for(who: str) -> None:
    data = file_of(who)
    assert verify_evidence(data, ANCHORS).failed is None
    for place, other in changes_of(data):
        changed = bytearray(data)
        changed[place] = other
        assert verify_evidence(bytes(changed), ANCHORS).failed is not None, data[max(0, place - 30) : place + 30]


@pytest.mark.parametrize("who", MAKERS)
def test_any_token_left_out_or_said_twice_fails_in_a_file_for(who: str) -> None:
    data = file_of(who)
    for token in list(_TOKEN.finditer(data))[::3]:
        start, end = token.span()
        for changed in (data[:start] + data[end:], data[:end] + data[start:]):
            assert verify_evidence(changed, ANCHORS).failed is not None, data[max(0, start - 30) : end]
