"""Formats: what each takes, with and without the check that a pattern cannot see; nothing raises, nothing is quoted."""

import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catalog.codes import DataType, ItemFormat
from catalog.compiler import check_schema_in_child, compile_schema
from catalog.formats import FORMATS, LAST_BIRTH, PREDICATES
from catalog.item import Item
from catalog.payload_errors import PayloadError
from catalog.schema import derive_schema
from tests.catalog.item_strategies import VALUES_OF_FORMATS

formats = st.sampled_from(list(ItemFormat))


def faults(form: ItemFormat, value: str) -> list[PayloadError]:
    """Return the faults of one record whose item has this format."""
    item = Item(field_name="x", name="某项", data_type=DataType.M, format=form)
    schema = derive_schema([item], title="某资源", code="306001000001/000001", version=1)
    return compile_schema(schema).errors({"op": "snapshot", "records": [{"x": value}]})


@pytest.mark.parametrize("form", list(ItemFormat))
def test_every_format_has_a_valid_example_a_linear_pattern_and_words(form: ItemFormat) -> None:
    described = FORMATS[form]
    assert described.takes(described.example)
    assert re.search(described.anchored, described.example)
    assert not re.search(r"\(\?[=!<]", described.pattern)
    assert described.zh
    assert described.en
    assert faults(form, described.example) == []


@given(formats.flatmap(lambda form: st.tuples(st.just(form), VALUES_OF_FORMATS[form])))
def test_values_of_a_format_are_taken_by_check_pattern_and_length(drawn: tuple[ItemFormat, str]) -> None:
    form, value = drawn
    described = FORMATS[form]
    assert described.takes(value)
    assert re.fullmatch(described.pattern, value)
    assert described.shortest <= len(value) <= described.longest


@pytest.mark.usefixtures("unmeasured")
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(formats.flatmap(lambda form: st.tuples(st.just(form), st.from_regex(FORMATS[form].pattern, fullmatch=True))))
def test_what_the_pattern_takes_has_the_lengths_that_the_format_tells(drawn: tuple[ItemFormat, str]) -> None:
    form, value = drawn
    assert FORMATS[form].shortest <= len(value) <= FORMATS[form].longest


@given(formats, st.text())
def test_no_text_makes_a_predicate_raise_and_none_passes_without_its_pattern(form: ItemFormat, text: str) -> None:
    described = FORMATS[form]
    if described.takes(text):
        assert re.fullmatch(described.pattern, text)


@settings(max_examples=30)
@given(
    formats.flatmap(lambda form: st.tuples(st.just(form), VALUES_OF_FORMATS[form])), st.sampled_from("Zz！\ud800\n ")
)
def test_a_fault_is_told_once_in_the_formats_words_and_never_quotes_the_value(
    drawn: tuple[ItemFormat, str], spoiled: str
) -> None:
    form, value = drawn
    wrong = value[:-1] + spoiled
    if FORMATS[form].takes(wrong):  # Z may be the right check character
        return
    assume(value[:-1] not in FORMATS[form].zh + FORMATS[form].en)  # our own example is quoted
    (fault,) = faults(form, wrong.replace("\ud800", "？"))
    assert fault == PayloadError("/records/0/x", f"“某项”{FORMATS[form].zh}", FORMATS[form].en)
    assert value[:-1] not in fault.zh + fault.en


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (ItemFormat.USCC, "11621124000000000P"),
        (ItemFormat.CITIZEN_ID, "621124199001010003"),
        (ItemFormat.CITIZEN_ID, "621124199002300001"),
        (ItemFormat.LICENCE_ID, "1.2.156.3005.2.11100000000013338W032.11621124013912345D.2026000001.001.5"),
        (ItemFormat.TIME, "20260230T090000"),
        (ItemFormat.TIME, "00000101T090000"),
        (ItemFormat.COLON_TIME, "2026023009:00:00"),
        (ItemFormat.DAY, "20230229"),
        (ItemFormat.MONTH, "0000-01"),
        (ItemFormat.YEAR, "0000"),
    ],
)
def test_what_only_the_check_sees_is_found_behind_the_pattern(form: ItemFormat, value: str) -> None:
    assert re.fullmatch(FORMATS[form].pattern, value)
    assert not FORMATS[form].takes(value)
    assert len(faults(form, value)) == 1


@pytest.mark.parametrize(
    ("form", "taken", "refused"),
    [
        (
            ItemFormat.TIME,
            ["20260131T235959", "20260131235959", "20240229000000"],
            [
                "20260131T240000",
                "20260131T090060",
                "20260131 090000",
                "20260131T0900",
                "20260131T090000Z",
                "2026-01-31T09:00:00",
            ],
        ),
        (ItemFormat.COLON_TIME, ["2026013123:59:59"], ["20260131T23:59:59", "20260131235959", "2026013124:00:00"]),
        (ItemFormat.DAY, ["20240229"], ["2024-02-29", "20241301", "20240431", "240229"]),
        (ItemFormat.MONTH, ["2026-12"], ["2026-13", "2026-00", "2026-1", "202601"]),
        (ItemFormat.YEAR, ["2026", "0001"], ["26", "2026年", "２０２６"]),
    ],
)
def test_times_are_those_of_the_national_tables(form: ItemFormat, taken: list[str], refused: list[str]) -> None:
    assert [value for value in taken if not FORMATS[form].takes(value)] == []
    assert [value for value in refused if FORMATS[form].takes(value)] == []
    assert all(faults(form, value) for value in refused)


def test_the_birth_date_of_a_citizen_id_is_judged_alike_on_every_day() -> None:
    assert LAST_BIRTH.year == 2099
    takes = PREDICATES["citizen-id"]
    assert takes("621124209912310002")
    assert not takes("621124210001010007")


def test_the_child_knows_the_formats_too() -> None:
    items = [
        Item(field_name=f"f{place}", name=form.zh, data_type=DataType.C, format=form)
        for place, form in enumerate(ItemFormat)
    ]
    check_schema_in_child(derive_schema(items, title="某资源", code="306001000001/000001", version=1))
