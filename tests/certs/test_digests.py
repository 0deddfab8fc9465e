"""Digests and base64url: one value, one text."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.digests import b64u_decode, b64u_encode, digest, digest_bytes, is_digest, parse_digest

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary())
def test_a_digest_is_written_and_read_back(data: bytes) -> None:
    text = digest(data)
    assert text == "sha-256:" + hashlib.sha256(data).hexdigest()
    assert is_digest(text)
    assert parse_digest(text) == digest_bytes(data) == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha-256:",
        "sha-256:" + "a" * 63,
        "sha-256:" + "a" * 65,
        "sha-256:" + "A" * 64,
        "sha-256:" + "g" * 64,
        "sha256:" + "a" * 64,
        "SHA-256:" + "a" * 64,
        "sha-256:" + "a" * 64 + "\n",
        " sha-256:" + "a" * 64,
        "sha-256:" + "٠" * 64,
        "a" * 64,
    ],
)
def test_anything_else_is_no_digest(text: str) -> None:
    assert not is_digest(text)
    with pytest.raises(ValueError, match="digest"):
        parse_digest(text)


@given(st.binary())
def test_base64url_is_the_standard_one_without_padding_and_comes_back(data: bytes) -> None:
    text = b64u_encode(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=")
    assert b64u_decode(text) == data


@given(
    st.one_of(st.binary(max_size=12), st.lists(st.sampled_from(list(ALPHABET + b"+/=. \n")), max_size=12).map(bytes))
)
def test_a_text_is_read_exactly_when_it_is_what_would_be_written(text: bytes) -> None:
    try:
        data = b64u_decode(text)
    except ValueError:
        padded = text + b"=" * (-len(text) % 4)
        in_alphabet = all(byte in ALPHABET for byte in text)
        assert not (in_alphabet and len(text) % 4 != 1 and b64u_encode(base64.urlsafe_b64decode(padded)) == text)
    else:
        assert b64u_encode(data) == text


@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_of_all_last_characters_only_those_with_zero_unused_bits_are_read(size: int) -> None:
    text = b64u_encode(bytes(size))
    readable = []
    for last in ALPHABET:
        try:
            b64u_decode(text[:-1] + bytes((last,)))
        except ValueError:
            continue
        readable.append(last)
    assert len(readable) == (4 if size % 3 == 1 else 16)


@pytest.mark.parametrize(
    "text",
    [
        *(b"A", b"AAAAA", b"AA==", b"AAA=", b"AA=", b"AAAA====", b"=", b"====", b"AA A", b"AAAA\n", b" AAA", b"A\tAA"),
        *(
            b"AB",
            b"AAB",
            b"A+AA",
            b"A/AA",
            b"A.AA",
            b"\xc3\xa9AA",
            b"AAA\x00",
            b"AA=A",
            b"A!AA",
            b"++",
            b"AA-=",
            b"!!!!",
        ),
    ],
)
def test_padding_whitespace_strangers_and_unused_bits_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="base64url"):
        b64u_decode(text)


def test_nothing_is_the_text_of_nothing() -> None:
    assert b64u_encode(b"") == b""
    assert b64u_decode(b"") == b""
