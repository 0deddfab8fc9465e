"""Identifiers: published codes are taken, wrong ones are not, and what each check algorithm promises to find is found."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog.errors import InvalidIdentifier
from catalog.identifiers import (
    MOD_37_36_ALPHABET,
    USCC_ALPHABET,
    check_citizen_id,
    check_document_number,
    check_licence_id,
    check_region,
    check_uscc,
    citizen_id_check,
    mod_37_36_check,
    normal_document_number,
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


PUBLISHED_LICENCES = (
    "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
    "1.2.156.3005.2.11100000000013338W032.11621124013912345D.2026000001.001.4",
)
WRONG_SAMPLE = "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M"


@pytest.mark.parametrize("text", ["A12425GABC1234002M", "B159D8FA01240000K", "188166C7342000003"])
def test_the_vectors_of_iso_7064_have_their_check_character(text: str) -> None:
    assert mod_37_36_check(text[:-1]) == text[-1]


@given(st.text(MOD_37_36_ALPHABET, min_size=1, max_size=80), st.integers(0, 79), st.sampled_from(MOD_37_36_ALPHABET))
def test_any_substituted_character_is_found_by_mod_37_36(body: str, place: int, other: str) -> None:
    place %= len(body)
    assume(body[place] != other)
    assert mod_37_36_check(body[:place] + other + body[place + 1 :]) != mod_37_36_check(body)


@given(st.text(MOD_37_36_ALPHABET, min_size=1, max_size=80))
def test_the_check_is_the_recursion_of_the_standard(body: str) -> None:
    product = 36
    for character in body:
        product = (product + MOD_37_36_ALPHABET.index(character)) % 36 or 36
        product = product * 2 % 37
    assert (product + MOD_37_36_ALPHABET.index(mod_37_36_check(body))) % 36 == 1


@pytest.mark.parametrize("body", ["", "a", "1.2", "１"])
def test_mod_37_36_is_over_digits_and_capitals(body: str) -> None:
    with pytest.raises(InvalidIdentifier):
        mod_37_36_check(body)


@pytest.mark.parametrize("identifier", PUBLISHED_LICENCES)
def test_published_licence_identifiers_are_taken(identifier: str) -> None:
    check_licence_id(identifier)


def test_a_published_sample_with_a_wrong_check_is_refused() -> None:
    with pytest.raises(InvalidIdentifier, match="校验位不符") as refused:
        check_licence_id(WRONG_SAMPLE, field="/oid")
    assert refused.value.field == "/oid"
    assert "209FA4E8" not in str(refused.value)
    check_licence_id(WRONG_SAMPLE[:-1] + "D")


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        PUBLISHED_LICENCES[0].lower(),
        PUBLISHED_LICENCES[0].replace("1.2.156.3005.2.", "1.2.156.3005.1."),
        PUBLISHED_LICENCES[0].replace(".001.", ".1."),
        PUBLISHED_LICENCES[0] + "\n",
        PUBLISHED_LICENCES[2].replace("340100", "34010"),
        PUBLISHED_LICENCES[0].replace("2430599", "1" * 65),
    ],
)
def test_malformed_licence_identifiers_are_refused(identifier: str) -> None:
    with pytest.raises(InvalidIdentifier, match=r"1\.2\.156\.3005\.2"):
        check_licence_id(identifier)


@pytest.mark.parametrize(
    ("number", "normal"),
    [
        ("临政办发〔2017〕55号", "临政办发〔2017〕55号"),
        ("临政办发[2017]55号", "临政办发〔2017〕55号"),
        ("临政办发2017 55号", "临政办发〔2017〕55号"),
        ("临政办发201755号", "临政办发〔2017〕55号"),
        ("国发〔2016〕51号", "国发〔2016〕51号"),
        ("大环〔2010〕123号", "大环〔2010〕123号"),
        ("甘办发〔2014〕66号", "甘办发〔2014〕66号"),
        ("发改高技〔2017〕1272号", "发改高技〔2017〕1272号"),
        ("國辦發〔2017〕42号", "國辦發〔2017〕42号"),
    ],
)
def test_document_numbers_are_taken_with_both_brackets_and_without(number: str, normal: str) -> None:
    check_document_number(number)
    assert normal_document_number(number) == normal
    assert normal_document_number(normal) == normal


@pytest.mark.parametrize(
    "number",
    [
        "",
        "临政办发（2017）55号",
        "临政办发(2017)55号",
        "临政办发［2017］55号",
        "临政办发【2017】55号",
        "临政办发〔2017]55号",
        "临政办发?2017?55号",
        "临政办发〔17〕55号",
        "临政办发〔2117〕55号",
        "临政办发〔2017〕第55号",
        "临政办发〔2017〕055号",
        "临政办发〔2017〕0号",
        "临政办发〔2017〕123456号",
        "临政办发〔2017〕55",
        "临政办发 〔2017〕55号",
        "临政办发2017  55号",
        "临政办发2017-55号",
        "發〔2017〕42號",
        "发〔2017〕42号",
        "国务院令第809号",
        "临政办发〔2017〕55号\n",
        "LZBF〔2017〕55号",
    ],
)
def test_other_forms_of_a_document_number_are_refused(number: str) -> None:
    for judge in (check_document_number, normal_document_number):
        with pytest.raises(InvalidIdentifier, match="六角括号") as refused:
            judge(number, field="/number")
        assert refused.value.field == "/number"
