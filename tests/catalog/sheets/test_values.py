"""What one cell says, and that what is written is read back."""

from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.blanks import trimmed
from catalog.codes import DataType, FormatClass, LabelledText, ShareModeClass, ShareType, UpdateCycle
from catalog.items import Item
from catalog.metadata import Metadata
from catalog.sheets.cells import Cell, Kind, is_date_format, moment_of, number_cell, shows_dates, text_cell
from catalog.sheets.choices import read_choice
from catalog.sheets.columns import (
    ITEM_COLUMNS,
    ITEM_SHEET,
    METADATA_COLUMNS,
    RESOURCE_SHEET,
    Column,
    Form,
    find_column,
    form_of,
    headings,
)
from catalog.sheets.limits import MAX_CELL_CHARACTERS
from catalog.sheets.provincial import PROVINCIAL_COLUMNS, PROVINCIAL_SHEET
from catalog.sheets.texts import Unreadable
from catalog.sheets.values import OVERLONG, read, write

FLAG = METADATA_COLUMNS["is_secret"]
ENUMERATION = ITEM_COLUMNS["enumeration"]
EXAMPLE = ITEM_COLUMNS["example"]
MINIMUM = ITEM_COLUMNS["exclusive_minimum"]
CHOICES = [column.choices for column in (*METADATA_COLUMNS.values(), *ITEM_COLUMNS.values()) if column.choices]


def test_every_field_of_metadata_and_items_is_a_column_of_one_heading() -> None:
    assert {column.key for column in RESOURCE_SHEET} >= set(Metadata.model_fields)
    assert {column.field for column in ITEM_SHEET if column.is_of_item} == set(Item.model_fields)
    for sheet in (RESOURCE_SHEET, ITEM_SHEET, PROVINCIAL_SHEET):
        assert len({column.zh for column in sheet}) == len(sheet)
        assert all(find_column(headings(sheet), column.zh) == column for column in sheet)
    assert len(PROVINCIAL_SHEET) == 25
    assert find_column(headings(PROVINCIAL_COLUMNS), "部门类信息资源分类") == PROVINCIAL_SHEET[0]


def test_a_field_of_an_unknown_type_has_no_column() -> None:
    assert form_of(tuple[str, ...]) == (Form.CODES, None)
    with pytest.raises(TypeError):
        form_of(bytes)


@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: choices.__name__)
def test_a_choice_is_read_by_value_label_and_both(choices: type[Enum]) -> None:
    for value in choices:
        label = value.zh  # type: ignore[attr-defined]
        for text in (
            str(value.value),
            label,
            f"{value.value} {label}",
            f"{value.value}、{label}",
            f"{label}（{value.value}）",
        ):
            assert read_choice(choices, text) is value, text
    for nothing in ("", "/", "—", "无"):
        assert read_choice(choices, nothing) is None


@pytest.mark.parametrize("text", ["有条件", "1 有条件共享", "4", "1 2", "条件" * 50_000, "2 有条件共享 3"])
def test_what_names_no_choice_or_two_is_refused_with_all_of_them(text: str) -> None:
    with pytest.raises(Unreadable, match="1 无条件共享、2 有条件共享、3 不予共享"):
        read_choice(ShareType, text)


def test_other_names_of_choices_are_known() -> None:
    assert read_choice(ShareModeClass, "共享平台方式") is ShareModeClass.PLATFORM
    assert read_choice(UpdateCycle, "不定时") is UpdateCycle.IRREGULAR
    assert read_choice(FormatClass, "2.电子表格") is FormatClass.SPREADSHEET


@pytest.mark.parametrize(
    ("text", "value"), [("是", True), ("Ｙ", True), ("√", True), ("否", False), ("0", False), ("", None)]
)
def test_flags(text: str, value: bool | None) -> None:
    assert read(FLAG, text_cell(text)) is value


@pytest.mark.parametrize(
    ("column", "cell", "rule"),
    [
        (FLAG, text_cell("也许"), "sheet-flag"),
        (ITEM_COLUMNS["length"], text_cell("50字"), "sheet-number"),
        (ITEM_COLUMNS["length"], text_cell("1.5"), "sheet-number"),
        (ITEM_COLUMNS["length"], Cell(Kind.DATE, "2026-01-31"), "sheet-number"),
        (MINIMUM, text_cell("nan"), "sheet-number"),
        (MINIMUM, text_cell("约 3"), "sheet-number"),
        (MINIMUM, text_cell("9" * 40), "sheet-number"),
        (PROVINCIAL_SHEET[23], text_cell("2026-02-30"), "sheet-date"),
        (PROVINCIAL_SHEET[23], text_cell("去年"), "sheet-date"),
        (ENUMERATION, text_cell(OVERLONG), "sheet-overlong"),
    ],
)
def test_what_is_no_value_of_its_column_is_told_by_its_rule(column: Any, cell: Cell, rule: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(column, cell)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("男、女", DataType.C, ("男", "女")),
        ("男\n女\n", DataType.C, ("男", "女")),
        ("男；女;未知", DataType.C, ("男", "女", "未知")),
        ("1、2", DataType.C, ("1", "2")),
        ("1,2", DataType.I, (1, 2)),
        ('["a、b", "c"]', DataType.C, ("a、b", "c")),
        ("[甲]", DataType.C, ("[甲]",)),
        ("", DataType.C, None),
    ],
)
def test_an_enumeration_is_read_whatever_stands_between_its_values(text: str, kind: DataType, values: Any) -> None:
    assert read(ENUMERATION, text_cell(text), kind) == values


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (DataType.L, text_cell("否"), False),
        (DataType.I, Cell(Kind.NUMBER, "7"), 7),
        (DataType.N, text_cell("1e3"), 1000.0),
        (DataType.Y, text_cell(" １００．００ "), "100.00"),
        (DataType.D, text_cell("去年"), "去年"),  # the rules find it, with the item's own words
        (DataType.T, text_cell("2026-01-31T09:00:00+08:00"), "2026-01-31T09:00:00+08:00"),
        (DataType.T, Cell(Kind.DATE, "2026-01-31"), "2026-01-31T00:00:00+08:00"),
        (DataType.C, Cell(Kind.DATE, "2026-01-31"), "2026-01-31"),
        (DataType.M, text_cell("　长文本 "), "长文本"),
        (None, text_cell("7"), "7"),
    ],
)
def test_an_example_is_of_the_items_own_type(kind: DataType | None, cell: Cell, value: Any) -> None:
    found = read(EXAMPLE, cell, kind)
    assert (found, type(found)) == (value, type(value))


item_values = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)


@given(st.lists(item_values.filter(lambda text: trimmed(text) == text and text != ""), min_size=1, max_size=6))
def test_an_enumeration_that_is_written_is_read_back(values: list[str]) -> None:
    assert read(ENUMERATION, text_cell(write(ENUMERATION, tuple(values))), DataType.C) == tuple(values)


@pytest.mark.parametrize("text", ["扶贫项目清单", "poverty-projects", " 扶贫 项目清单"])
def test_a_type_of_list_is_read_by_title_and_by_key_and_shown_by_its_title(text: str) -> None:
    column = METADATA_COLUMNS["list_type"]
    assert read(column, text_cell(text)) == "poverty-projects"
    assert write(column, "poverty-projects") == "扶贫项目清单"
    assert (read(column, text_cell("别的清单")), write(column, "gone")) == ("别的清单", "gone")
    assert read(column, text_cell("/")) is None


class Alike(LabelledText):
    """Two values whose labels differ in punctuation alone."""

    PLAIN = "a", "时间（年月日）", "plain"
    COLONS = "b", "时间（年:月:日）", "colons"


def test_a_label_that_is_two_choices_without_its_punctuation_names_neither() -> None:
    assert read_choice(Alike, Alike.COLONS.zh) is Alike.COLONS
    assert read_choice(Alike, Alike.PLAIN.zh) is Alike.PLAIN
    with pytest.raises(Unreadable):
        read_choice(Alike, "时间年月日")


@pytest.mark.parametrize(
    ("column", "text", "kind", "value"),
    [
        (ITEM_COLUMNS["minimum"], "100.00", DataType.Y, "100.00"),
        (ITEM_COLUMNS["minimum"], "100", DataType.I, 100),
        (ITEM_COLUMNS["minimum"], "/", DataType.I, None),
        (ITEM_COLUMNS["exclusive_minimum"], "1.5", DataType.N, 1.5),
        (ITEM_COLUMNS["items"], '[{"field_name": "x"}]', DataType.G, [{"field_name": "x"}]),
    ],
)
def test_bounds_and_items_within_are_read(column: Column, text: str, kind: DataType, value: Any) -> None:
    assert read(column, text_cell(text), kind) == value


@pytest.mark.parametrize("text", ["x", "[1]", "{}"])
def test_items_within_that_are_no_json_list_are_refused(text: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(ITEM_COLUMNS["items"], text_cell(text), DataType.G)
    assert refused.value.rule == "sheet-group"


@given(st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15))
def test_a_number_that_is_written_is_read_back(value: float) -> None:
    assert read(MINIMUM, text_cell(write(MINIMUM, value))) == value


def test_what_no_cell_holds_is_not_cut_off_but_marked() -> None:
    assert write(ENUMERATION, tuple("值" * MAX_CELL_CHARACTERS for _ in range(2))) == OVERLONG
    assert len(write(ENUMERATION, ("值" * MAX_CELL_CHARACTERS,))) == MAX_CELL_CHARACTERS


@pytest.mark.parametrize(
    ("serial", "from_1904", "moment"),
    [
        (1, False, "1900-01-01"),
        (59, False, "1900-02-28"),
        (61, False, "1900-03-01"),
        (46053.5, False, "2026-01-31T12:00:00"),
        (0, True, "1904-01-01"),
        (-1, False, None),
        (1e9, False, None),
    ],
)
def test_a_serial_is_the_day_that_spreadsheets_show(serial: float, from_1904: bool, moment: str | None) -> None:
    assert moment_of(serial, from_1904=from_1904) == moment


def test_formats_that_show_dates_are_told_from_those_that_do_not() -> None:
    for code in ("yyyy-mm-dd", 'yyyy"年"m"月"d"日"', "[$-804]yyyy/m/d;@", "[h]:mm:ss", "上午/下午h时mm分"):
        assert shows_dates(code), code
    for code in ("General", "0.00", '"d"0', "#,##0_d;[Red]0", "@", '0"年"', r"\d0"):
        assert not shows_dates(code), code
    assert is_date_format(14)
    assert not is_date_format(49)


def test_numbers_are_the_shortest_text_and_long_ones_are_known_to_have_lost_their_end() -> None:
    assert number_cell("30.600000000000001", is_date=False, from_1904=False) == Cell(Kind.NUMBER, "30.6")
    assert number_cell("306001000001", is_date=False, from_1904=False) == Cell(Kind.NUMBER, "306001000001")
    assert number_cell("1E15", is_date=False, from_1904=False).kind is Kind.IMPRECISE
    assert number_cell("x", is_date=False, from_1904=False).kind is Kind.ERROR
    assert number_cell("-5", is_date=True, from_1904=False) == Cell(Kind.NUMBER, "-5")
