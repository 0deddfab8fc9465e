"""What a consumer asks for, and whether it can be taken down. Pure: fields are checked here, parties by the service."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from certs.digests import digest
from hub.access.scope import WHOLE, Scope
from hub.access.terms import INBOX, Frequency, check_asked_period, check_frequency, check_mode
from hub.access.texts import open_text, refuse_marking
from hub.registry.errors import InvalidField
from hub.registry.fields import LONGEST_NAME, LONGEST_REASON, required_text

LARGEST_ATTACHMENT: Final = 2 << 20
"""Bytes of the file that a request may bring: a letter and its annexes, scanned. It lies in the database with the request."""

MEDIA_TYPES: Final = (
    "application/pdf",
    "application/ofd",
    "image/png",
    "image/jpeg",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
"""What offices send letters as."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it came."""

    name: str
    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """The contract's digest over its bytes."""
        return digest(self.content)


@dataclass(frozen=True, slots=True)
class Asked:
    """依据, 场景, 用途, 范围, 方式, 时限, 频次, 附件: what is asked for, apart from who asks and of what."""

    basis: str
    scene: str
    purpose: str
    valid_from: datetime
    valid_to: datetime
    mode: str = INBOX
    scope: Scope = WHOLE
    frequency: Frequency | None = None
    attachment: Attachment | None = None


def checked(asked: Asked, now: datetime) -> Asked:
    """The same with its texts without outer blanks and its times in UTC. Raises InvalidField, Refused `classified-content`."""
    check_mode(asked.mode)
    check_asked_period(asked.valid_from, asked.valid_to, now)
    check_frequency(asked.frequency)
    if asked.attachment is not None:
        _check_attachment(asked.attachment)
    return replace(
        asked,
        basis=open_text("/basis", asked.basis, longest=LONGEST_REASON),
        scene=open_text("/scene", asked.scene),
        purpose=open_text("/purpose", asked.purpose, longest=LONGEST_NAME),
        valid_from=asked.valid_from.astimezone(UTC),
        valid_to=asked.valid_to.astimezone(UTC),
    )


def _check_attachment(attachment: Attachment) -> None:
    name = required_text("/attachment/name", attachment.name)
    if name != attachment.name or "/" in name or "\\" in name:
        raise InvalidField(
            "/attachment/name",
            "文件名不得含路径分隔符或首尾空白；请更正",
            "a file name has no separators of paths and no outer blanks; correct it",
        )
    refuse_marking("/attachment/name", {"file": "", "digest": "", "name": name})
    if attachment.media_type not in MEDIA_TYPES:
        raise InvalidField(
            "/attachment/media_type",
            f"附件类型须为 {'、'.join(MEDIA_TYPES)} 之一",
            f"an attachment is one of {', '.join(MEDIA_TYPES)}",
        )
    if not 1 <= len(attachment.content) <= LARGEST_ATTACHMENT:
        raise InvalidField(
            "/attachment/content",
            f"附件为 1 至 {LARGEST_ATTACHMENT} 字节；请压缩或只附必要的页",
            f"an attachment has 1 to {LARGEST_ATTACHMENT} bytes; compress it, or send the pages that matter",
        )
