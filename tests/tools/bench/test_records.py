"""Payloads are of the exact size asked for, satisfy the schema, and differ from one another."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.compiler import compile_schema
from catalog.items import parse_items
from catalog.schema import derive_schema
from catalog.secrecy import may_hold_marking
from tools.bench.records import ITEMS, RECORD_BYTES, payload

VALIDATOR = compile_schema(derive_schema(parse_items(ITEMS), title="示例", code="306001000001/000001", version=1))


@settings(deadline=None)  # the machine may be busy
@given(number=st.integers(0, 10**12), size=st.integers(512, 12_000))
def test_a_payload_has_the_size_asked_for_and_satisfies_the_schema(number: int, size: int) -> None:
    written = payload(number, size)
    assert len(written) == size
    assert VALIDATOR.is_valid(orjson.loads(written))
    assert not may_hold_marking(written)


@settings(deadline=None)  # the machine may be busy
@given(number=st.integers(0, 10**8))
def test_the_next_payload_is_another_one(number: int) -> None:
    assert payload(number, 1024) != payload(number + 1, 1024)


def test_ten_kibibytes_are_many_records_in_chinese() -> None:
    records = orjson.loads(payload(1, 10_240))["records"]
    assert len(records) == 10_240 // RECORD_BYTES
    assert all("，" in record["note"] for record in records)


def test_a_size_that_holds_no_record_is_refused() -> None:
    with pytest.raises(ValueError, match="100 bytes"):
        payload(1, 100)
