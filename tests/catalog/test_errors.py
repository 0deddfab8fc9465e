"""Refusals: each has a slug and both languages, and several violations are told at once."""

import pytest

from catalog.errors import InvalidCursor, InvalidItem, InvalidResource, UnknownResource, UnknownVersion, Violation


def test_a_refusal_with_several_violations_names_them_all() -> None:
    refused = InvalidItem(
        [Violation("/items/0/name", "r", "甲", "first"), Violation("/items/1/name", "r", "乙", "second")]
    )
    assert refused.slug == "invalid-item"
    assert refused.zh == "/items/0/name：甲；/items/1/name：乙"
    assert refused.en == "/items/0/name: first; /items/1/name: second"
    assert refused.field == "/items/0/name"
    assert str(refused) == f"{refused.zh} / {refused.en}"


def test_a_refusal_without_a_violation_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="at least one"):
        InvalidResource([])


def test_slugs_are_fixed() -> None:
    slugs = [error.slug for error in (UnknownResource(), UnknownVersion(), UnknownVersion(3), InvalidCursor())]
    assert slugs == ["unknown-resource", "unknown-version", "unknown-version", "invalid-cursor"]
    assert "3" in UnknownVersion(3).zh
