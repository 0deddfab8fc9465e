import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.registry.errors import InvalidField
from hub.registry.fields import optional_text, required_text, within_octets


def test_outer_blanks_are_dropped_and_inner_ones_kept() -> None:
    assert required_text("/name", "\u3000 临洮县 审改办 ") == "临洮县 审改办"
    assert required_text("/name", "甲\u3000乙") == "甲\u3000乙"


@pytest.mark.parametrize("value", ["", "   ", "\u3000\n"])
def test_an_empty_required_text_is_refused_by_name(value: str) -> None:
    with pytest.raises(InvalidField) as caught:
        required_text("/reason", value)
    assert caught.value.errors[0].pointer == "/reason"
    assert optional_text("/reason", value) == ""


@pytest.mark.parametrize("value", ["a\nb", "a\u200bb", "a\x00b", "a\u202eb", "a\u2028b"])
def test_invisible_characters_are_refused(value: str) -> None:
    with pytest.raises(InvalidField, match="invisible"):
        required_text("/name", value)


def test_a_text_beyond_its_length_is_refused() -> None:
    assert required_text("/name", "长" * 5, longest=5) == "长" * 5
    with pytest.raises(InvalidField, match="5"):
        required_text("/name", "长" * 6, longest=5)


@given(st.text(), st.integers(0, 80))
def test_a_text_is_cut_to_octets_between_characters(text: str, limit: int) -> None:
    text = "".join(text.split())
    cut = within_octets(text, limit)
    assert text.startswith(cut)
    assert len(cut.encode()) <= limit
    assert cut == text or len(text[: len(cut) + 1].encode()) > limit
