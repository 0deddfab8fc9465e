"""docs/items.md tells the truth: its tables are those of the code, its examples are taken and refused as it says."""

import json
import re
from itertools import chain

import pytest

from catalog.codes import ChangeKind, Effect, ItemFormat
from catalog.compatibility import MEANINGS
from catalog.compiler import compile_schema
from catalog.formats import FORMATS
from catalog.items import Item, parse_items
from catalog.labels import label_of
from catalog.schema import derive_schema
from tests.docs.pages import page

DOC = page("docs/items.md")
EXAMPLES = {
    name: json.loads(text) for name, text in re.findall(r"<!-- example: (\w+) -->\n```json\n(.*?)\n```", DOC, re.DOTALL)
}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the rows of the first table below a heading."""
    table = DOC.split(heading, 1)[1].split("\n|---", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n")[1:]]


def code(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize(("heading", "language"), [("## 属性", 0), ("## Properties", 1)])
def test_every_property_of_an_item_is_listed_with_its_label(heading: str, language: int) -> None:
    listed = [(code(name)[0], label) for name, label, _ in rows(heading)]
    assert listed == [(field, label_of(Item, field)[language]) for field in Item.model_fields]


def test_every_format_is_listed_with_values_that_it_takes_and_refuses() -> None:
    table = rows("## 格式 Formats")
    assert [code(name)[0] for name, *_ in table] == [form.value for form in ItemFormat]
    for name, label, taken, refused in table:
        form = ItemFormat(code(name)[0])
        assert label.startswith(form.zh)
        assert code(taken)
        assert code(refused)
        assert all(FORMATS[form].takes(value) for value in code(taken)), name
        assert not any(FORMATS[form].takes(value) for value in code(refused)), name


def test_the_nested_example_is_an_item_with_a_value_of_it() -> None:
    schema = derive_schema(parse_items([EXAMPLES["item"]]), title="示例", code="306001000001/000001", version=1)
    validator = compile_schema(schema)
    entries = EXAMPLES["value"]
    assert validator.errors({"op": "snapshot", "records": [{"materials": entries}]}) == []
    entries[1]["copies"] = -1
    (fault,) = validator.errors({"op": "snapshot", "records": [{"materials": entries}]})
    assert f"`{fault.pointer}`" in DOC
    assert "“份数”" in fault.zh


def test_every_kind_of_change_is_listed_with_its_effect() -> None:
    listed = [tuple(chain(code(kind), code(effect))) for _, kind, effect in rows("## 新旧版本 Versions compared")]
    known = [*MEANINGS, (ChangeKind.DERIVATION, Effect.BREAKING)]
    assert sorted(listed) == sorted((kind.value, effect.value) for kind, effect in known)
