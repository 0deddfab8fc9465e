"""Values of JSON members have one spelling each; everything else is a ValueError."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.members import read_hashes, read_moment, read_octets, read_size
from certs.tree import MAX_SIZE


@given(st.binary(min_size=1, max_size=70))
def test_octets_are_read_back_from_their_one_spelling(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    assert read_octets(text) == data
    for other in (f"{text}\n", f" {text}", text + "=", text[:-1], base64.urlsafe_b64encode(data).decode() + "-"):
        with pytest.raises(ValueError):  # noqa: PT011  each in its own words
            read_octets(other)


@pytest.mark.parametrize("value", ["", "AB==", "AA", "é", None, 7, b"AA==", ["AA=="]], ids=repr)
def test_other_octets_are_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_octets(value)


def test_hashes_are_lists_of_32_bytes_each() -> None:
    text = base64.b64encode(bytes(range(32))).decode()
    assert read_hashes([]) == []
    assert read_hashes([text, text]) == [bytes(range(32))] * 2
    for value in (text, {text: text}, [text, "AAAA"], [7], None):
        with pytest.raises(ValueError):  # noqa: PT011
            read_hashes(value)


def test_sizes_are_those_of_logs() -> None:
    assert [read_size(value) for value in (0, 1, MAX_SIZE)] == [0, 1, MAX_SIZE]
    for value in (-1, MAX_SIZE + 1, True, 1.0, "1", None):
        with pytest.raises(ValueError, match="size"):
            read_size(value)


def test_moments_have_their_offset() -> None:
    assert read_moment("2026-11-22T08:00:00+00:00") == datetime(2026, 11, 22, 8, tzinfo=UTC)
    for value in ("2026-11-22T08:00:00", "today", "", 7, None):
        with pytest.raises(ValueError):  # noqa: PT011
            read_moment(value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T08:00:00.1234567+00:00",  # the library would drop the last digit
        "2026-11-22T08:00:00,5+00:00",
        "2026-11-22T08:00:00+08:00:30",
        "2026-11-22 08:00:00+00:00",
        "2026-11-22T08:00+00:00",
        "20261122T080000Z",
        "2026-W47-7T08:00:00Z",
        "2026-11-22T08:00:00Z\n",
    ],
)
def test_a_moment_of_another_spelling_than_the_rfc_has_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        read_moment(text)


def test_a_moment_may_be_in_utc_and_have_microseconds() -> None:
    assert read_moment("2026-11-22T08:00:00.000001Z") == datetime(2026, 11, 22, 8, 0, 0, 1, tzinfo=UTC)
