"""Single fields that acts of several features take: texts that people write, checked one way."""

import unicodedata

from hub.registry.errors import InvalidField

LONGEST_NAME = 200
LONGEST_REASON = 500
"""Enough for a sentence and the number of a document; what needs more belongs in the document."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, formats, surrogates, unassigned, line breaks: two texts that look alike must be alike."""


def required_text(pointer: str, value: str, *, longest: int = LONGEST_NAME) -> str:
    """`value` without outer blanks. Raises InvalidField if nothing is left, it is too long or holds control characters."""
    text = optional_text(pointer, value, longest=longest)
    if not text:
        raise InvalidField(pointer, f"{pointer} 不能为空，请填写", f"{pointer} is empty; fill it in")
    return text


def optional_text(pointer: str, value: str, *, longest: int = LONGEST_NAME) -> str:
    """`value` without outer blanks, perhaps empty. Raises InvalidField if it is too long or holds control characters."""
    text = value.strip()
    if len(text) > longest:
        raise InvalidField(
            pointer, f"{pointer} 不能超过 {longest} 个字符，请缩短", f"{pointer} takes {longest} characters; shorten it"
        )
    if any(unicodedata.category(character) in _INVISIBLE for character in text):
        raise InvalidField(
            pointer,
            f"{pointer} 含有换行或不可见字符，请删除",
            f"{pointer} holds line breaks or invisible characters; remove them",
        )
    return text


def within_octets(text: str, limit: int) -> str:
    """The longest beginning of `text` that takes at most `limit` octets in UTF-8 and cuts no character."""
    return text.encode()[:limit].decode(errors="ignore").rstrip()
