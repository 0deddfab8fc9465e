"""Values of code lists, by all that people call them: 有条件共享, 2, “2 有条件共享”, 有条件共享（2）."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from catalog.codes import ShareModeClass, ShareModeType, UpdateCycle
from catalog.sheets.columns import Choices
from catalog.sheets.texts import NOTHING, Unreadable, plain

_PUNCTUATION: Final = re.compile(r"[\W_]+")

_OTHER_NAMES: Final[Mapping[Enum, tuple[str, ...]]] = {
    ShareModeClass.PLATFORM: ("共享平台方式", "平台"),
    ShareModeClass.MAIL: ("邮件方式",),
    ShareModeClass.MEDIUM: ("介质方式", "介质交换", "拷盘"),
    ShareModeType.DATABASE: ("库表",),
    ShareModeType.INTERFACE: ("服务接口",),
    UpdateCycle.DAILY: ("每天",),
    UpdateCycle.YEARLY: ("年度",),
    UpdateCycle.QUARTERLY: ("季度", "每季"),
    UpdateCycle.HALF_YEARLY: ("半年",),
    UpdateCycle.IRREGULAR: ("不定时",),
}


def read_choice(choices: Choices, text: str) -> Any:
    """Return the value of the code list that a text names by value, label or both; None for an empty one.

    Raises Unreadable for anything else, and where value and label are of two.
    """
    written = plain(text).casefold()
    if written in NOTHING:
        return None
    names = _names(choices)
    found = names.get(written) or names.get(_squeezed(text))
    if found is not None:
        return found
    labels = "、".join(f"{value.value} {label_of_choice(value)}" for value in choices)
    raise Unreadable("code-list", f"应为：{labels}", f"is one of: {', '.join(f'{v.value} {_en(v)}' for v in choices)}")


def _names(choices: Choices) -> dict[str, Enum | None]:
    """The values by all that people call them: value, label with and without 型, other names, value and label together.

    Each as it is written and without punctuation; None for what would then be the name of two.
    """
    known = _KNOWN_NAMES.get(choices)
    if known is not None:
        return known
    exact: dict[str, Enum | None] = {}
    squeezed: dict[str, Enum | None] = {}
    for value in choices:
        for label in (
            label_of_choice(value),
            label_of_choice(value).removesuffix("型"),
            _en(value),
            *_OTHER_NAMES.get(value, ()),
        ):
            for name in (value.value, label, f"{value.value}{label}", f"{label}{value.value}"):
                exact.setdefault(plain(str(name)).casefold(), value)
                if squeezed.setdefault(_squeezed(str(name)), value) is not value:
                    squeezed[_squeezed(str(name))] = None
    known = _KNOWN_NAMES[choices] = squeezed | exact
    return known


def _squeezed(text: str) -> str:
    return _PUNCTUATION.sub("", plain(text)).casefold()


_KNOWN_NAMES: Final[dict[Choices, dict[str, Enum | None]]] = {}


def label_of_choice(value: Any) -> str:
    """Return the Chinese label of a value."""
    label: str = value.zh
    return label


def _en(value: Any) -> str:
    label: str = value.en
    return label
