"""Leaves are never longer than the log's bundles can hold: what would not fit is not recorded, and so does not happen."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from certs.leaf_grants import write_grants
from certs.tile_files import LONGEST_ENTRY, read_bundle, write_bundle
from hub.audit.entry import Actor, Entry, Event, make_entry
from hub.audit.errors import LeafTooLong
from hub.exchange.inbox import MAX_LANES_IN_ENTRY

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def entry(details: dict[str, object], event: str = "exchange.accepted") -> Entry:
    actor = Actor("system", "x" * 63, organisation="y" * 18, address="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
    return make_entry(
        Event(event, actor, "exchange", "z" * 64, details=details), hub="h" * 63, region="621124", now=NOW
    )


def test_a_leaf_as_long_as_a_bundle_can_hold_is_made_and_one_byte_more_is_not() -> None:
    shortest = len(entry({"pad": ""}).leaf)
    longest = entry({"pad": "x" * (LONGEST_ENTRY - shortest)}).leaf
    assert read_bundle(write_bundle([longest])) == [longest]
    with pytest.raises(LeafTooLong, match=r"exchange\.accepted .*65536"):
        entry({"pad": "x" * (LONGEST_ENTRY - shortest + 1)})


def test_an_exchange_to_three_thousand_lanes_fits_with_its_longest_names() -> None:
    said = {
        "envelope_digest": "sha-256:" + "0" * 64,
        "jti": "j" * 64,
        "kid": "k" * 43,
        "res": "1" * 64,
        "ver": 2**53 - 1,
    }
    grants = [str(UUID(int=number)) for number in range(3_000)]
    leaf = entry({**said, "schema_digest": "sha-256:" + "1" * 64, **write_grants(grants)}).leaf
    assert write_bundle([leaf])


def test_a_claim_in_as_many_lanes_as_one_entry_names_fits() -> None:
    lane = {"lane": "0" * 36, "first": 2**53 - 2, "last": 2**53 - 1, "deliveries": "sha-256:" + "0" * 64}
    assert write_bundle([entry({"lanes": [lane] * MAX_LANES_IN_ENTRY}, "delivery.claimed").leaf])
