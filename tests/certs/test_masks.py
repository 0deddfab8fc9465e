"""What a mask lets out of a text, and how masks are written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.masks import HIDDEN, Mask, hide_in, read_masks, write_masks

COUNTS = st.integers(0, 20)
MASKS = st.builds(Mask, COUNTS, COUNTS)


@pytest.mark.parametrize(
    ("mask", "text", "shown"),
    [
        (Mask(6, 4), "621124199001011234", "621124********1234"),
        (Mask(0, 4), "621124199001011234", "**************1234"),
        (Mask(3, 4), "13800138000", "138****8000"),
        (Mask(1), "张三", "张*"),
        (Mask(1), "欧阳小甲", "欧***"),
        (Mask(9), "甘肃省定西市临洮县洮阳镇某路1号", "甘肃省定西市临洮县*******"),
        (Mask(), "张三", "**"),
        (Mask(3, 4), "1234567", "*******"),
        (Mask(3, 4), "12345678", "123*5678"),
        (Mask(3, 4), "12", "**"),
        (Mask(1), "张", "*"),
        (Mask(0, 1), "张", "*"),
        (Mask(1, 1), "𠮷野家", "𠮷*家"),
        (Mask(3, 4), "", ""),
    ],
)
def test_the_ends_are_kept_and_what_has_nothing_between_them_is_hidden_whole(mask: Mask, text: str, shown: str) -> None:
    assert mask.hide(text) == shown


@given(MASKS, st.text(), st.text())
def test_of_two_texts_of_one_length_whose_ends_are_alike_a_mask_shows_the_same(mask: Mask, one: str, two: str) -> None:
    """So nothing that lies between the ends can be told from what leaves."""
    kept = mask.keep_first + mask.keep_last
    length = min(len(one), len(two))
    one, two = one[:length], two[:length]
    if kept < length:
        two = one[: mask.keep_first] + two[mask.keep_first : length - mask.keep_last] + one[length - mask.keep_last :]
    assert mask.hide(one) == mask.hide(two)


@given(MASKS, st.text(min_size=1))
def test_a_mask_hides_at_least_one_character_and_keeps_the_length(mask: Mask, text: str) -> None:
    shown = mask.hide(text)
    assert len(shown) == len(text)
    assert HIDDEN in shown
    assert mask.hide(shown) == shown


def test_of_a_record_the_named_items_are_hidden_and_what_is_no_text_is_left_out() -> None:
    record = {"name": "张三", "phone": ["13800138000"], "days": 5, "note": None, "open": True}
    masks = {"name": Mask(1), "phone": Mask(3, 4), "note": Mask(), "address": Mask()}
    assert hide_in(record, masks) == {"name": "张*", "days": 5, "open": True}


@given(st.dictionaries(st.text(), MASKS))
def test_masks_are_read_as_they_were_written(masks: dict[str, Mask]) -> None:
    assert read_masks(write_masks(masks)) == masks


GOOD = {"item": "name", "keep_first": 1, "keep_last": 0}


@pytest.mark.parametrize(
    "written",
    [
        None,
        {},
        "masks",
        [None],
        [[]],
        [{}],
        [GOOD, GOOD],
        [GOOD | {"item": 1}],
        [GOOD | {"op": "mask"}],
        [{"item": "name", "keep_first": 1}],
        *([GOOD | {name: wrong}] for name in ("keep_first", "keep_last") for wrong in (-1, 1.0, True, "1", None)),
    ],
)
def test_what_is_of_another_form_is_no_mask(written: Any) -> None:
    with pytest.raises(ValueError, match="mask"):
        read_masks(written)
