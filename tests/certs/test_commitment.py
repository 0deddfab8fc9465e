"""Salted commitments: bind to a value without telling it."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.commitment import SALT_BYTES, check, commit

_values = st.text(st.characters(codec="utf-8"))
_salts = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)


@given(_values, _salts)
def test_a_commitment_is_the_hmac_of_the_value_keyed_with_the_salt(value: str, salt: bytes) -> None:
    assert commit(value, salt) == "hmac-sha-256:" + hmac.digest(salt, value.encode(), hashlib.sha256).hex()
    assert check(commit(value, salt), value, salt)


@given(_values, _values, _salts, _salts)
def test_another_value_or_another_salt_does_not_fit(value: str, other: str, salt: bytes, other_salt: bytes) -> None:
    if value != other:
        assert not check(commit(value, salt), other, salt)
    if salt != other_salt:
        assert not check(commit(value, salt), value, other_salt)


def test_a_commitment_of_another_form_does_not_fit() -> None:
    salt = bytes(SALT_BYTES)
    assert not check(commit("示例", salt).upper(), "示例", salt)
    assert not check("承诺", "示例", salt)


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_salt_has_sixteen_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        commit("示例", bytes(length))
