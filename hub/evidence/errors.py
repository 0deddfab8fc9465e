"""What stands in the way of evidence."""

from certs.evidence_form import MAX_BYTES
from hub.audit.errors import SEALED_AGAIN_S
from hub.errors import Conflict, FieldError, InvalidInput, NotFound, Refused, Unavailable


class NotSealed(Refused):
    """Something that belongs into the file is not under the checkpoint yet."""

    slug = "not-sealed"

    def __init__(self) -> None:
        super().__init__(
            "日志条目尚未封存；请稍后再取",
            "a log entry is not sealed yet; come back in a moment",
            retry_after=SEALED_AGAIN_S,
        )


class RecordMissing(Unavailable):
    """What the hub wrote when it accepted is not there any more: nothing the caller can mend, and no evidence without it."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(
            f"枢纽里缺少这次交换的{zh}，无法出具证据；请告知枢纽的管理员运行 shuniu audit verify",
            f"the hub does not have this exchange's {en} any more, so there is no evidence; tell its operator to run shuniu audit verify",
        )


class NotDelivered(Conflict):
    """A consumer asks for evidence of what it does not have: the envelope goes to consumers by delivery alone (I5)."""

    def __init__(self) -> None:
        super().__init__(
            "尚无已确认的投递；请先取数并确认，再取证",
            "no delivery of yours has been confirmed; pull and acknowledge first, then ask for the evidence",
        )


class NoSuchSize(InvalidInput):
    """The log has never had that size for anybody to see."""

    def __init__(self, size: int) -> None:
        zh = f"checkpoint_size 应在 1 到当前检查点的大小 {size} 之间；请核对所存检查点的第二行"
        en = f"checkpoint_size lies between 1 and the present checkpoint's {size}; see the second line of the one you kept"
        super().__init__(zh, en, errors=[FieldError("/checkpoint_size", zh, en)])


class NotSentTo(NotFound):
    """Of the exchange nothing that the caller may know of was for that system."""

    def __init__(self, consumer: str) -> None:
        super().__init__(
            f"这次交换没有给系统 {consumer} 的投递，或与您无关",
            f"the exchange has no delivery to the system {consumer}, or none of your business",
        )


class TooMuch(Conflict):
    """The file would be one that no verifier reads: with many projections of a large envelope it comes to that."""

    def __init__(self) -> None:
        zh = f"全部投影放在一个文件里会超过 {MAX_BYTES >> 20} MiB；请以 ?consumer=系统代码 逐个使用方取证"
        en = f"one file with all projections would exceed {MAX_BYTES >> 20} MiB; ask for one consumer at a time: ?consumer=code"
        super().__init__(zh, en)
