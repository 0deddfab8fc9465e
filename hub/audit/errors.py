"""What can go wrong with the sharing log."""

from hub.errors import FieldError, InvalidInput, NotFound, Refused, Unavailable

SEALED_AGAIN_S = 2
"""The sealer makes a round about once a second."""


class LeafTooLong(Refused):
    """What should be recorded does not fit into a leaf, so it does not happen: the log's bundles have room for no more."""

    slug = "too-large"

    def __init__(self, event: str, size: int, most: int) -> None:
        super().__init__(
            f"日志条目 {event} 有 {size} 字节，最长 {most} 字节：一次涉及的通道太多；请用 to 分几次发给部分系统",
            f"the log entry {event} has {size} bytes, the longest has {most}: too many lanes at once; address fewer systems "
            "at a time with to",
        )
        self.event = event
        self.size = size


class LogDamaged(Unavailable):
    """The stored tree has not what it was signed for; nothing that rests on it is given out."""

    def __init__(self, index: int) -> None:
        super().__init__(
            f"第 {index} 条起的条目或哈希块不完整；请运行 shuniu audit verify",
            f"entries or tile from entry {index} on are not whole; run shuniu audit verify",
        )


class NothingSealed(Refused):
    """There is no checkpoint yet."""

    slug = "not-sealed"

    def __init__(self) -> None:
        super().__init__(
            "日志还没有检查点；请稍后再试",
            "the log has no checkpoint yet; come back in a moment",
            retry_after=SEALED_AGAIN_S,
        )


class NoSuchPart(InvalidInput):
    """The part of the log that was asked for is not under the checkpoint; `field` is what to change."""

    def __init__(self, field: str, least: int, most: int) -> None:
        zh = f"{field} 应在 {least} 到 {most} 之间（检查点的大小为止）"
        en = f"{field} lies between {least} and {most}, as far as the checkpoint goes"
        super().__init__(zh, en, errors=[FieldError(f"/{field}", zh, en)])


class NoSuchExport(NotFound):
    """No export of that id was asked for by this caller."""

    def __init__(self) -> None:
        super().__init__(
            "没有这次导出，或不是您发起的；请重新发起", "no such export, or not one of yours; ask for one of your own"
        )
