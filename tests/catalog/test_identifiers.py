"""Identifiers: published codes are taken, wrong ones are not, and what each check algorithm promises to find is found."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog.errors import InvalidIdentifier
from catalog.identifiers import (
    USCC_ALPHABET,
    check_citizen_id,
    check_region,
    check_uscc,
    citizen_id_check,
    organisation_code_check,
    parent_region,
    parse_resource_code,
    uscc_check_character,
)

TODAY = date(2026, 7, 1)

PUBLISHED_USCC = (
    "11100000000013338W",
    "11220000013544541J",
    "113700000045046442",
    "11330105002500287C",
    "11430000006122244L",
    "91350100M000100Y43",
    "11320982014392332G",
)

bodies = st.builds(
    lambda kind, region, rest: kind + region + rest,
    st.text(USCC_ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(USCC_ALPHABET, min_size=9, max_size=9),
)


@pytest.mark.parametrize("code", PUBLISHED_USCC)
def test_published_unified_codes_are_taken(code: str) -> None:
    check_uscc(code)


@given(bodies, st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_any_substituted_character_of_a_unified_code_is_found(body: str, place: int, other: str) -> None:
    code = body + uscc_check_character(body)
    check_uscc(code)
    assume(code[place] != other)
    with pytest.raises(InvalidIdentifier):
        check_uscc(code[:place] + other + code[place + 1 :])


@given(bodies, st.integers(8, 15))
def test_exchanged_neighbours_in_a_unified_code_are_found(body: str, place: int) -> None:
    code = body + uscc_check_character(body)
    assume(code[place] != code[place + 1])
    with pytest.raises(InvalidIdentifier, match="校验位不符"):
        check_uscc(code[:place] + code[place + 1] + code[place] + code[place + 2 :])


@pytest.mark.parametrize(
    "code",
    [
        "",
        "11100000000013338w",
        "1110000000001333W",
        "I1100000000013338W",
        "11100000000013338W\n",
        "１1100000000013338W",
    ],
)
def test_malformed_unified_codes_are_refused_without_being_quoted(code: str) -> None:
    with pytest.raises(InvalidIdentifier, match="18 位") as refused:
        check_uscc(code, field="/code")
    assert refused.value.field == "/code"
    assert not code or code not in str(refused.value)


@pytest.mark.parametrize("body", ["1110000000001333", "1110000000001333O", "111000000000133388"])
def test_check_character_needs_seventeen_characters_of_the_alphabet(body: str) -> None:
    with pytest.raises(InvalidIdentifier):
        uscc_check_character(body)


@pytest.mark.parametrize(
    ("body", "check"), [("01439233", "2"), ("00001333", "8"), ("M000100Y", "4"), ("MB032716", "9")]
)
def test_published_organisation_codes_have_their_check_character(body: str, check: str) -> None:
    assert organisation_code_check(body) == check


@pytest.mark.parametrize("code", PUBLISHED_USCC)
def test_the_body_of_a_unified_code_is_an_organisation_code(code: str) -> None:
    assert organisation_code_check(code[8:16]) == code[16]


@given(st.text("0123456789", min_size=8, max_size=8), st.integers(0, 7), st.sampled_from("0123456789"))
def test_any_substituted_digit_of_an_organisation_code_is_found(body: str, place: int, other: str) -> None:
    assume(body[place] != other)
    changed = body[:place] + other + body[place + 1 :]
    assert organisation_code_check(changed) != organisation_code_check(body)


def test_letters_eleven_apart_look_the_same_to_an_organisation_code() -> None:
    assert organisation_code_check("A0000000") == organisation_code_check("L0000000")


def test_organisation_code_check_refuses_other_lengths() -> None:
    with pytest.raises(InvalidIdentifier):
        organisation_code_check("0143923")


@pytest.mark.parametrize(
    "code", ["620000", "621100", "621124", "623001", "623024", "320982", "429004", "810000", "110000"]
)
def test_region_codes_of_the_standard_are_taken(code: str) -> None:
    check_region(code)


@pytest.mark.parametrize(
    "code", ["62112", "6211240", "621124000000", "990000", "160000", "620024", "62112a", "６21124", "621124\n", ""]
)
def test_what_is_no_region_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidIdentifier, match="行政区划代码"):
        check_region(code)


def test_the_parent_of_a_region_is_found_by_zeroing_pairs() -> None:
    assert parent_region("621124") == "621100"
    assert parent_region("621100") == "620000"
    assert parent_region("620000") is None
    with pytest.raises(InvalidIdentifier):
        parent_region("000000")


def test_the_published_sample_of_a_citizen_id_is_taken() -> None:
    check_citizen_id("34052419800101001X", on=TODAY)


citizen_bodies = st.builds(
    lambda region, born, sequence: f"{region}{born:%Y%m%d}{sequence:03d}",
    st.sampled_from(["621124", "320982", "621100"]),
    st.dates(date(1900, 1, 1), TODAY),
    st.just(0),  # a sequence that is not given to anybody
)


@given(citizen_bodies, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_any_substituted_digit_of_a_citizen_id_is_found(body: str, place: int, other: str) -> None:
    number = body + citizen_id_check(body)
    check_citizen_id(number, on=TODAY)
    assume(number[place] != other)
    with pytest.raises(InvalidIdentifier) as refused:
        check_citizen_id(number[:place] + other + number[place + 1 :], on=TODAY)
    assert body not in str(refused.value)


@pytest.mark.parametrize("body", ["62112420230230000", "62112420261231000", "62112400000101000", "62112417991231000"])
def test_birth_dates_that_are_none_or_lie_ahead_are_refused(body: str) -> None:
    with pytest.raises(InvalidIdentifier, match="出生日期"):
        check_citizen_id(body + citizen_id_check(body), on=TODAY)


def test_citizen_ids_have_a_region_and_a_capital_x() -> None:
    for number in ("34052419800101001x", "000000198001010000", "3405241980010100"):
        with pytest.raises(InvalidIdentifier, match="17 位数字"):
            check_citizen_id(number, on=TODAY)
    with pytest.raises(InvalidIdentifier):
        citizen_id_check("3405241980010100X")


def test_a_resource_code_comes_apart_into_classification_and_sequence() -> None:
    code = parse_resource_code("306001000001/000042")
    assert (code.cls, code.item, code.cat, code.detail, code.seq) == ("3", "06", "001", "000001", "000042")
    assert code.prefix == "306001000001"
    assert parse_resource_code("112461/1").detail == ""


@pytest.mark.parametrize(
    "code", ["", "406001/1", "30600/1", "306001000001-000042", "306001000001/", "306001/1/2", "３06001/1", "306001/1\n"]
)
def test_what_is_no_resource_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidIdentifier, match="信息资源代码"):
        parse_resource_code(code)
