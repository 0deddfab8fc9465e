"""Texts that staff write about an access, an objection or a correction: they are kept and read, so none may bear a marking (I8)."""

from catalog.secrecy import find_marking
from hub.errors import FieldError, Refused
from hub.registry.fields import required_text

LONGEST_TEXT = 2_000
"""Room for a page; what needs more belongs in the attachment."""


def open_text(pointer: str, value: str, *, longest: int = LONGEST_TEXT) -> str:
    """`value` without outer blanks. Raises InvalidField for an empty or unprintable one, Refused `classified-content` for a marking."""
    text = required_text(pointer, value, longest=longest)
    refuse_marking(pointer, [text])
    return text


def refuse_marking(pointer: str, content: object) -> None:
    """Nothing, if the content bears no secrecy marking. Raises Refused (`classified-content`); nothing of it is kept."""
    if find_marking(content) is None:
        return
    zh = "此处带有密级标志；本系统不得登记国家秘密、工作秘密，所填内容未被保存"
    en = "this place bears a secrecy marking; nothing marked as a secret is taken down here, and nothing of it was kept"
    raise Refused(zh, en, slug="classified-content", errors=[FieldError(pointer, zh, en)])
