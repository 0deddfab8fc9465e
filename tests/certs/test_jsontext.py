"""Strict JSON: read exactly one way or refused, by two parsers that must never disagree."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from certs import jsontext
from certs.errors import JsonError
from certs.jsontext import parse_object

MIB = 1024 * 1024


def reason_of(data: bytes) -> str | None:
    try:
        parse_object(data)
    except JsonError as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not-json"),
        (b" ", "not-json"),
        (b"{", "not-json"),
        (b'{"a":1,}', "not-json"),
        (b"{'a':1}", "not-json"),
        (b"{}{}", "not-json"),
        (b"{} x", "not-json"),
        (b"{}\x00", "not-json"),
        (b'{"a":01}', "not-json"),
        (b'{"a":+1}', "not-json"),
        (b'{"a":.5}', "not-json"),
        (b'{"a":1.}', "not-json"),
        (b'{"a":0x1}', "not-json"),
        (b'{"a":"\n"}', "not-json"),
        (b'{"a":"\\x41"}', "not-json"),
        (b'{"a":1}// note', "not-json"),
        (b"\x0c{}", "not-json"),
        ("{\u00a0}".encode(), "not-json"),
        (b"[]", "not-an-object"),
        (b"null", "not-an-object"),
        (b'"text"', "not-an-object"),
        (b"7", "not-an-object"),
        (b"\xef\xbb\xbf{}", "byte-order-mark"),
        (b'{"a":"\xff"}', "not-utf8"),
        (b'{"a":"\xc0\x80"}', "not-utf8"),
        (b'{"a":"\xed\xa0\x80"}', "not-utf8"),
        ('{"名称":1}'.encode("gbk"), "not-utf8"),
        ('{"a":1}'.encode("utf-16"), "not-utf8"),
        ('{"a":1}'.encode("utf-16-le"), "not-json"),
        (b'{"a":1,"a":1}', "duplicate-name"),
        (b'{"a":1,"\\u0061":2}', "duplicate-name"),
        (b'{"x":[{"y":{"a":1,"b":2,"a":3}}]}', "duplicate-name"),
        (b'{"a":"\\u003a","b":1,"b":2}', "duplicate-name"),
        (b'{"a":"x\\u003ay","":0,"":0}', "duplicate-name"),
        (b'{"a":NaN}', "not-a-number"),
        (b'{"a":Infinity}', "not-a-number"),
        (b'{"a":-Infinity}', "not-a-number"),
        (b'{"a":1e309}', "number-too-large"),
        (b'{"a":-1e309}', "number-too-large"),
        (b'{"a":9007199254740992}', "integer-too-large"),
        (b'{"a":-9007199254740992}', "integer-too-large"),
        (b'{"a":18446744073709551615}', "integer-too-large"),
        (b'{"a":18446744073709551616}', "integer-too-large"),
        (b'{"a":-9223372036854775809}', "integer-too-large"),
        (b'{"a":100000000000000000000,"b":1.0e300}', "integer-too-large"),
        (b'{"a":' + b"9" * 5000 + b"}", "integer-too-large"),
        (b'{"a":"\\ud800"}', "lone-surrogate"),
        (b'{"a":"\\udc00\\ud800"}', "lone-surrogate"),
        (b'{"\\ud83d":1}', "lone-surrogate"),
        (b'{"a":"\\ud83dx"}', "lone-surrogate"),
    ],
)
def test_malformed_json_is_refused_with_its_own_reason(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


@pytest.mark.parametrize("data", [b'{"a":9007199254740992}', b'{"n":1,"n":2}', b"[", b'{"a":"\\ud800"}', b"\xff"])
def test_a_refusal_speaks_chinese_and_english_and_has_the_slug_of_payloads(data: bytes) -> None:
    with pytest.raises(JsonError) as refused:
        parse_object(data)
    error = refused.value
    assert error.slug == "malformed-payload"
    assert "；请" in error.zh
    assert "; " in error.en
    assert str(error) == f"{error.zh} / {error.en}"


def test_a_refusal_shows_no_more_than_a_piece_of_the_text() -> None:
    with pytest.raises(JsonError) as refused:
        parse_object(b'{"%s":1,"%s":2}' % (b"n" * 5000, b"n" * 5000))
    assert len(refused.value.en) < 200


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (b' \t\r\n{ "a" : [ ] } \n', {"a": []}),
        (b'{"a":9007199254740991,"b":-9007199254740991}', {"a": 2**53 - 1, "b": 1 - 2**53}),
        (b'{"a":1.0,"b":1e2,"c":-0.0,"d":1E+2}', {"a": 1.0, "b": 100.0, "c": -0.0, "d": 100.0}),
        (b'{"a":-0}', {"a": 0}),
        (b'{"a":9007199254740992.0,"b":1e300}', {"a": 9007199254740992.0, "b": 1e300}),
        (b'{"a":1e-400}', {"a": 0.0}),
        (b'{"a":"620102199001011234567890"}', {"a": "620102199001011234567890"}),
        (b'{"a":"\\u003a:\\u003A"}', {"a": ":::"}),
        (b'{"a":"\\ud83d\\ude00\\u0000\\/"}', {"a": "😀\x00/"}),
        ('{"姓名":"张三\u2028"}'.encode(), {"姓名": "张三\u2028"}),
        (b'{"a":{"a":1},"b":[{"a":1},{"a":2}]}', {"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}),
        (b'{"b":true,"a":null}', {"b": True, "a": None}),
    ],
)
def test_well_formed_json_is_read_as_it_says(data: bytes, value: dict[str, Any]) -> None:
    # repr tells 1 from 1.0, 0.0 from -0.0 and keeps the order of the names
    assert repr(parse_object(data)) == repr(value)


@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")])
def test_sixty_four_levels_are_read_and_sixty_five_are_refused(opening: bytes, closing: bytes) -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' + opening * (levels - 1) + b"0" + closing * (levels - 1) + b"}"

    assert reason_of(nested(64)) is None
    assert reason_of(b'{"wide":[' + b"[]," * 100 + nested(62) + b"]}") is None
    assert reason_of(b'{"wide":[' + b"[]," * 100 + nested(63) + b"]}") == "nested-too-deep"
    for levels in (65, 66, 253, 254, 255, 1023, 1024, 1025, 5000, 100_000):
        assert reason_of(nested(levels)) == "nested-too-deep", levels


def test_brackets_inside_strings_do_not_count_as_levels() -> None:
    assert parse_object(b'{"a":"' + b"[{" * 500 + b'"}') == {"a": "[{" * 500}
    hiding = b'{"a":' + b'["]",' * 70 + b"0" + b',"["]' * 70 + b"}"
    assert reason_of(hiding) == "nested-too-deep"


def test_the_depth_can_be_set_lower() -> None:
    assert parse_object(b'{"a":[1]}', max_depth=2) == {"a": [1]}
    with pytest.raises(JsonError, match="2"):
        parse_object(b'{"a":[[]]}', max_depth=2)
    with pytest.raises(JsonError, match="2"):
        parse_object(b'{"a":[[]],"long":"12345678901234567890"}', max_depth=2)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * (4 * MIB),
        b'{"a":' * (4 * MIB // 5),
        b'{"a":' + b"[" * (2 * MIB) + b"]" * (2 * MIB) + b"}",
        b'{"a":[' + b"[" * 60 + b"]" * 60 + (b"," + b"[" * 64 + b"]" * 64) * 20_000 + b"]}",
        b'{"a":[' + b"[" * 64 + b"]" * 64 + (b"," + b"[" * 62 + b"]" * 62) * 32_000 + b"]}",
        b'{"a":[' + (b"[" * 62 + b"]" * 62 + b",") * 32_000 + b"[" * 64 + b"]" * 64 + b"]}",
        b"{" + b'"a":1,' * (4 * MIB // 6) + b'"a":1}',
        b'{"a":"' + b"\\ud800" * (4 * MIB // 6) + b'"}',
        b'{"a":' + b"9" * (4 * MIB) + b"}",
        b'{"a":[' + b"1," * (2 * MIB) + b"18446744073709551616]}",
    ],
    ids=[
        "arrays",
        "objects",
        "closed",
        "too deep everywhere",
        "too deep first",
        "too deep last",
        "names",
        "surrogates",
        "digits",
        "large integer last",
    ],
)
def test_four_hostile_mebibytes_are_refused_in_a_moment(data: bytes) -> None:
    tracer = sys.gettrace()
    sys.settrace(None)  # what is measured is the parser, not the coverage tool that watches it
    try:
        started = time.process_time()
        reason = reason_of(data)
        taken = time.process_time() - started
    finally:
        sys.settrace(tracer)
    assert reason is not None
    assert taken < 5.0  # takes 0.003 to 0.8 s


# Pieces that a sloppy sender or an attacker would combine: equal names in different escapes, numbers at every edge.
_names = st.sampled_from(
    ['"a"', '"\\u0061"', '"b"', '""', '":"', '"\\u003a"', '"\\u003A"', '"姓"', '"\\ud800"', '"a b"']
)
_strings = st.sampled_from(
    [
        '"x"',
        '":"',
        '"\\u003a"',
        '"a:b"',
        '"[{"',
        '"\\""',
        '"\\\\u003a"',
        '"1234567890123456789"',
        '"\\ud83d\\ude00"',
        '"\\/"',
    ]
)
_numbers = st.one_of(
    st.sampled_from(
        [
            *("0", "-0", "-0.0", "1.0", "1e2", "1.5e300", "1.0e300", "1e309", "1e-400", "NaN", "01", "1.50", "1E+2"),
            *("9007199254740991", "9007199254740992", "9223372036854775808", "-9223372036854775809"),
            *("18446744073709551615", "18446744073709551616"),
        ]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
_scalars = st.one_of(_numbers, _strings, st.sampled_from(["true", "false", "null"]))
_spaces = st.sampled_from(["", "", "", " ", "\n", "\t "])


def _join(items: list[str], spaces: list[str], brackets: str) -> str:
    return brackets[0] + ",".join(space + item for item, space in zip(items, spaces, strict=False)) + brackets[1]


def _containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    spaces = st.lists(_spaces, min_size=6, max_size=6)
    members = st.lists(st.builds("{}{}:{}".format, _names, _spaces, inner), max_size=6)
    return st.one_of(
        st.builds(_join, members, spaces, st.just("{}")),
        st.builds(_join, st.lists(inner, max_size=6), spaces, st.just("[]")),
    )


_texts = st.one_of(
    _containers(st.recursive(_scalars, _containers, max_leaves=12)).map(str.encode),
    st.builds(lambda text: text.encode(), st.text(max_size=20)),
    st.binary(max_size=20),
)


def _verdict(parse: Any, data: bytes) -> str:
    try:
        return repr(parse(data, 64))
    except JsonError as error:
        return error.reason


@pytest.mark.usefixtures("unmeasured")
@settings(max_examples=800)
@given(_texts)
@example(b'{"a":"\\u003a","b":1,"b":2}')
@example(b'{"a":18446744073709551616,"b":1.0e300}')
@example(b'{"a":100000000000000000000}')
def test_the_fast_parser_and_the_exact_one_never_disagree(data: bytes) -> None:
    fast = _verdict(lambda data, depth: parse_object(data, max_depth=depth), data)
    assert fast == _verdict(jsontext._parse_exactly, data)


_json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53) + 1, 2**53 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=5)
    ),
    max_leaves=20,
)
_objects = st.dictionaries(st.text(st.characters(codec="utf-8")), _json_values, max_size=6)


@pytest.mark.usefixtures("unmeasured")
@given(_objects, st.booleans(), st.sampled_from([None, 2]))
def test_whatever_a_json_library_writes_is_read_back(
    value: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    assert repr(parse_object(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode())) == repr(value)
    assert repr(parse_object(orjson.dumps(value))) == repr(value)


@pytest.mark.usefixtures("unmeasured")
@given(_objects.filter(bool), st.data())
def test_a_name_repeated_at_the_end_of_any_object_is_refused(value: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    text = json.dumps(value)[:-1] + ", " + json.dumps(name) + ": 0}"
    assert reason_of(text.encode()) == "duplicate-name"
    assert reason_of(b'{"deep": [' + text.encode() + b"]}") == "duplicate-name"
