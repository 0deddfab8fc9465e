"""What is exported and comes back unchanged changes nothing, and in another hub makes the same."""

import io
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from catalog.blanks import trimmed
from catalog.codes import DataType
from catalog.items import Item
from catalog.metadata import Metadata
from catalog.sheets.examining import Fate
from catalog.sheets.export import Exported, export
from catalog.sheets.known import Existing
from catalog.sheets.workbook import Workbook
from tests.catalog.item_strategies import item_lists
from tests.catalog.metadata_strategies import metadata
from tests.support.publishing import ITEMS, METADATA
from tests.support.workbooks import OWN, examined, existing, known

resources = st.lists(st.tuples(metadata(), item_lists), min_size=1, max_size=4)


def exported(found: Existing) -> Exported:
    return Exported(found.code, OWN.name, OWN.code, found.system, found.said, found.items)


def stored(said: Metadata, items: list[Item], number: int = 1) -> Existing:
    return existing(number, said=said.to_json(), items=[item.to_json() for item in items], state="published")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(resources)
def test_an_export_that_comes_back_changes_nothing(drawn: list[tuple[Metadata, list[Item]]]) -> None:
    there = [stored(said, items, number) for number, (said, items) in enumerate(drawn, start=1)]
    found = examined(export(exported(one) for one in there), known(*there))
    assert found.is_clean, found.faults()
    assert [one.fate for one in found.judged] == [Fate.UNCHANGED] * len(there)
    for one, (said, items) in zip(found.judged, drawn, strict=True):
        assert one.draft is not None
        assert one.draft.metadata == said
        assert [item.to_json() for item in one.draft.items] == [item.to_json() for item in items]


def _is_tidy(value: Any) -> bool:
    """Whether reading would leave a value as it is: without blanks around it, and not a text that is an empty cell."""
    if isinstance(value, str):
        return trimmed(value) == value != ""
    return not isinstance(value, list | tuple) or all(map(_is_tidy, value))


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(metadata(), item_lists.map(lambda drawn: drawn[:3]))
def test_what_one_hub_exports_another_takes_as_it_is(said: Metadata, items: list[Item]) -> None:
    tidy = all(map(_is_tidy, said.model_dump().values()))
    tidy = tidy and all(_is_tidy(value) for item in items for value in item.model_dump().values())
    if not tidy:
        return
    book = load_workbook(io.BytesIO(export([exported(stored(said, items))])))
    for name in ("目录", "信息项"):
        for row in range(2, len(items) + 2):
            book[name].cell(row, 1).value = None
    out = io.BytesIO()
    for sheet in book:  # what another library makes formulas of is text
        for line in sheet.iter_rows():
            for cell in line:
                if cell.data_type == "f":
                    cell.data_type = "s"
    book.save(out)
    found = examined(out.getvalue())
    assert found.is_clean, found.faults()
    (one,) = found.judged
    assert one.draft is not None
    assert one.draft.metadata.to_json() == said.to_json()
    assert [item.to_json() for item in one.draft.items] == [item.to_json() for item in items]


def test_an_enumeration_that_no_cell_holds_stays_as_it_is() -> None:
    values = tuple(f"{number:04d}" + "值" * 50 for number in range(1000))
    item = Item(field_name="kind", name="种类", data_type=DataType.C, length=60, enumeration=values)
    there = stored(Metadata.model_validate(METADATA), [item])
    found = examined(export([exported(there)]), known(there))
    assert [one.fate for one in found.judged] == [Fate.UNCHANGED]


def test_an_export_follows_the_template_and_holds_texts_only() -> None:
    there = stored(
        Metadata.model_validate({**METADATA, "name": "=1+1", "summary": "@x"}), [Item(**item) for item in ITEMS]
    )
    data = export([exported(there)])
    book = load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["说明", "目录", "信息项", "字典"]
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert (book["目录"]["B2"].value, book["目录"]["A2"].number_format) == ("=1+1", "@")
    assert book["信息项"]["F2"].value == 31
    assert Workbook.open(data).names >= {"shuniu_template_1"}
    assert [sheet.title for sheet in load_workbook(io.BytesIO(export([])))] == book.sheetnames
