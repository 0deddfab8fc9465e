"""RFC 8785: the fast writer and the slow one write the same bytes, and the specification's own examples hold."""

from __future__ import annotations

import enum
import math
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from certs import canonical as canonical_module
from certs.canonical import canonical

_text = st.text(st.characters(codec="utf-8"))
_integers = st.integers(-(2**53) + 1, 2**53 - 1)
_plain = st.recursive(
    st.one_of(st.none(), st.booleans(), _integers, _text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(st.characters(max_codepoint=0x7F)), inner, max_size=5),
    ),
    max_leaves=15,
)
_any_json = st.recursive(
    st.one_of(st.none(), st.booleans(), _integers, _text, st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_text, inner, max_size=5)),
    max_leaves=15,
)


@pytest.mark.usefixtures("unmeasured")
@settings(max_examples=500)
@given(_plain)
def test_the_fast_path_writes_the_bytes_of_the_reference(value: Any) -> None:
    assert canonical_module._is_plain(value)
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.usefixtures("unmeasured")
@settings(max_examples=500)
@given(_any_json)
def test_every_json_value_gets_the_bytes_of_the_reference(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(_plain)
def test_plain_values_do_not_take_the_slow_path(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rfc8785, "dumps", None)
        canonical(value)


def test_every_control_character_is_escaped_as_the_specification_says() -> None:
    for code in (*range(0x80), 0x2028, 0xFEFF, 0x1F600):
        value = {"k": chr(code)}
        assert canonical(value) == rfc8785.dumps(value), hex(code)


def test_names_are_sorted_by_utf_16_code_units() -> None:
    # RFC 8785 §3.2.3: the emoji's leading surrogate sorts before U+FB33, although its code point is larger
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(orjson.loads(canonical(value)).values()) == [2, 4, 6, 7, 1, 5, 3]


def test_the_example_of_the_specification_holds() -> None:
    # RFC 8785 §3.2.2
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert (
        canonical(value)
        == (
            '{"literals":[null,true,false],'
            '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        # RFC 8785 Appendix B
        ("0000000000000000", b"0"),
        ("8000000000000000", b"0"),
        ("0000000000000001", b"5e-324"),
        ("7fefffffffffffff", b"1.7976931348623157e+308"),
        ("4340000000000000", b"9007199254740992"),
        ("4430000000000000", b"295147905179352830000"),
        ("44b52d02c7e14af5", b"9.999999999999997e+22"),
        ("444b1ae4d6e2ef4e", b"999999999999999700000"),
        ("444b1ae4d6e2ef50", b"1e+21"),
        ("3eb0c6f7a0b5ed8c", b"9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", b"0.000001"),
        ("41b3de4355555557", b"333333333.33333343"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(bits: str, text: bytes) -> None:
    import struct

    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == text


class _Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        {"n": 2**53},
        {"n": -(2**53)},
        {"n": math.nan},
        [math.inf],
        {"s": "\ud800"},
        {"\ud800": 1},
        {1: "name that is no text"},
        {"d": datetime(2025, 1, 1, tzinfo=UTC)},
        {"u": uuid.UUID(int=0)},
        {"e": _Colour.RED},
        {"b": b"bytes"},
    ],
    ids=repr,
)
def test_what_is_no_json_value_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical(value)


def test_endless_nesting_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested"):
        canonical(endless)


def test_deep_nesting_beyond_the_fast_writer_is_still_written() -> None:
    value: Any = 0
    for _ in range(300):
        value = [value]
    assert canonical(value) == b"[" * 300 + b"0" + b"]" * 300
