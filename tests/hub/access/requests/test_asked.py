"""What is taken down of a request, and what is refused before anybody is asked."""

from datetime import timedelta
from typing import Any

import pytest

from hub.access.requests.asked import LARGEST_ATTACHMENT, Asked, Attachment, checked
from hub.errors import Refused
from hub.registry.fields import LONGEST_NAME
from tests.support.registry import NOW

PLAIN: dict[str, Any] = {
    "basis": "依据",
    "scene": "场景",
    "purpose": "用途",
    "valid_from": NOW,
    "valid_to": NOW + timedelta(days=1),
}
FILE = ("申请函.pdf", "application/pdf", b"%PDF-1.7")


def pointers(**changed: Any) -> list[str]:
    with pytest.raises(Refused) as caught:
        checked(Asked(**(PLAIN | changed)), NOW)
    return [fault.pointer for fault in caught.value.errors]


def test_texts_are_kept_without_outer_blanks() -> None:
    taken = checked(Asked(**(PLAIN | {"purpose": " 用途 ", "attachment": Attachment(*FILE)})), NOW)
    assert (taken.purpose, taken.attachment) == ("用途", Attachment(*FILE))


@pytest.mark.parametrize("name", ["basis", "scene", "purpose"])
@pytest.mark.parametrize("text", ["", " ", "两\n行", "密级：秘密", "机密★10年", "长" * 2001])
def test_an_empty_a_marked_or_an_endless_text_is_refused(name: str, text: str) -> None:
    assert pointers(**{name: text}) == [f"/{name}"]


def test_a_purpose_is_as_long_as_a_name() -> None:
    assert pointers(purpose="用" * (LONGEST_NAME + 1)) == ["/purpose"]


@pytest.mark.parametrize(
    ("place", "value", "pointer"),
    [
        (0, "", "/attachment/name"),
        (0, " 申请函.pdf", "/attachment/name"),
        (0, "../申请函.pdf", "/attachment/name"),
        (0, "函\\申请函.pdf", "/attachment/name"),
        (0, "（机密）方案.docx", "/attachment/name"),
        (1, "text/html", "/attachment/media_type"),
        (2, b"", "/attachment/content"),
        (2, bytes(LARGEST_ATTACHMENT + 1), "/attachment/content"),
    ],
)
def test_an_attachment_that_cannot_be_kept_is_refused(place: int, value: Any, pointer: str) -> None:
    parts: list[Any] = list(FILE)
    parts[place] = value
    assert pointers(attachment=Attachment(*parts)) == [pointer]


def test_the_largest_attachment_is_taken() -> None:
    file = Attachment(FILE[0], FILE[1], bytes(LARGEST_ATTACHMENT))
    assert checked(Asked(**PLAIN, attachment=file), NOW).attachment is file
