"""A text of which nobody sees anything says nothing, wherever something has to be said."""

import pytest

from catalog.blanks import INVISIBLE, trimmed
from catalog.codes import DataType, ShareType
from catalog.errors import InvalidResource
from catalog.item_faults import item_faults
from catalog.items import Item
from catalog.rules import check_reason
from tests.catalog.test_rules import broken


@pytest.mark.parametrize("nothing", ["", " \u3000\t", *INVISIBLE, f" {INVISIBLE} ", "\u00ad\u00ad"])
def test_what_nobody_sees_is_no_text(nothing: str) -> None:
    assert trimmed(nothing) == ""
    assert broken(name=nothing) == [("/name", "required")]
    assert ("/share_condition", "CAT-02") in broken(share_type=ShareType.CONDITIONAL, share_condition=nothing)
    item = Item(field_name="a", name=nothing, data_type=DataType.N)
    assert [(field, rule) for field, rule, *_ in item_faults(item)] == [("/name", "item-text")]
    with pytest.raises(InvalidResource):
        check_reason(nothing)


@pytest.mark.parametrize(("text", "left"), [("\ufeff姓\u200b名 \u00ad", "姓\u200b名"), ("a\r\nb\r", "a\nb")])
def test_what_stands_between_is_kept(text: str, left: str) -> None:
    assert trimmed(text) == left
