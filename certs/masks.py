"""Masks 掩码: what a narrowed grant lets out of a text, its first and last characters; in the place of each other one a `*`.

How long the text is shows, as in the forms that people know (`138****5678`): who must not learn it is not given the item. A text
that is no longer than what a mask keeps has nothing left to hide it by, so all of it is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HIDDEN = "*"
"""Stands for one character (code point)."""


@dataclass(frozen=True, slots=True)
class Mask:
    """How many characters (code points) of a text are kept, at its beginning and at its end; both 0 hide all of it."""

    keep_first: int = 0
    keep_last: int = 0

    def hide(self, text: str) -> str:
        """The text as the mask lets it out, as long as it was."""
        end = len(text) - self.keep_last
        if end <= self.keep_first:
            return HIDDEN * len(text)
        return text[: self.keep_first] + HIDDEN * (end - self.keep_first) + text[end:]


def hide_in(record: Mapping[str, Any], masks: Mapping[str, Mask]) -> dict[str, Any]:
    """The record as the masks, by item, let it out; what should be masked and is no text is left out."""
    return {
        name: masks[name].hide(value) if name in masks else value
        for name, value in record.items()
        if name not in masks or isinstance(value, str)
    }


def write_masks(masks: Mapping[str, Mask]) -> list[dict[str, Any]]:
    """The masks as JSON has them, in their order: of each `item`, `keep_first`, `keep_last`."""
    return [{"item": item, "keep_first": one.keep_first, "keep_last": one.keep_last} for item, one in masks.items()]


def read_masks(written: object) -> dict[str, Mask]:
    """What `write_masks` wrote. Raises ValueError for anything else."""
    if not isinstance(written, list):
        raise ValueError("masks are a list")
    found = dict(map(_read_mask, written))
    if len(found) != len(written):
        raise ValueError("an item has two masks")
    return found


_MEMBERS = {"item", "keep_first", "keep_last"}


def _read_mask(written: object) -> tuple[str, Mask]:
    if not isinstance(written, dict) or written.keys() != _MEMBERS or not isinstance(written["item"], str):
        raise ValueError("a mask has an item, keep_first and keep_last")
    counts: Sequence[object] = (written["keep_first"], written["keep_last"])
    first, last = (count if type(count) is int and count >= 0 else -1 for count in counts)
    if first < 0 or last < 0:
        raise ValueError("a mask keeps so many characters")
    return written["item"], Mask(first, last)
