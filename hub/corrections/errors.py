"""What corrections refuse.

Refused
├── NotFound
│   ├── UnknownCorrection     no correction has that id, or none that the caller may know of
│   └── NotReceived           no such exchange, or none that the reporter received
├── Conflict
│   ├── CorrectionExists      the same consumer has reported on this exchange and is not answered yet
│   ├── NotACorrection        the exchange that is named does not correct the one that is wrong
│   └── NotEveryoneReached    somebody who received what is wrong, and is still granted it, did not get the correction
├── Forbidden
│   └── OwnCorrection         nobody answers their own
└── InvalidInput              fields: `hub.registry.errors.InvalidField`, or several in `PointersRefused`
"""

from collections.abc import Sequence
from uuid import UUID

from hub.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound


class UnknownCorrection(NotFound):
    """No correction has that id, or none of the caller's business."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"没有校核 {identifier}，或与您无关；请先查询校核列表",
            f"there is no correction {identifier}, or none of yours; list corrections first",
        )


class NotReceived(NotFound):
    """The same answer for an exchange that is not there and for one that others received (I5)."""

    def __init__(self) -> None:
        super().__init__(
            "没有这次交换，或贵方没有收到过它；请核对交换编号",
            "there is no such exchange, or you did not receive it; check its id",
        )


class CorrectionExists(Conflict):
    """One consumer has one open report on an exchange; it names every place that is wrong."""

    def __init__(self, holder: UUID) -> None:
        super().__init__(
            f"对同一次交换已有在办校核 {holder}；请等待答复，或撤回后一并提出",
            f"correction {holder} about the same exchange is not answered yet; wait, or withdraw it and name all at once",
        )
        self.holder = holder


class NotACorrection(Conflict):
    """The exchange that is named does not correct the one that is wrong."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(
            f"所指的交换不是对它的更正：{zh}；请由发布系统用 ref 指明原信封的 jti 重新发布，再填该次交换",
            f"the exchange that is named does not correct it: {en}; publish again with `ref` naming the envelope's jti, "
            "and name that exchange",
        )


class NotEveryoneReached(Conflict):
    """What was corrected reaches everybody who received what is wrong."""

    def __init__(self, systems: Sequence[str]) -> None:
        super().__init__(
            f"更正没有送达收到过错误数据的系统：{'、'.join(systems)}；请不带 to 再发布一次更正",
            f"the correction did not go to systems that received what is wrong: {', '.join(systems)}; publish it again without `to`",
        )
        self.systems = tuple(systems)


class OwnCorrection(Forbidden):
    """Contract, "Staff roles": nobody decides on what they themselves asked for."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"校核 {identifier} 是您本人提出的；请由另一位人员答复",
            f"you reported correction {identifier} yourself; another person answers it",
        )


class PointersRefused(InvalidInput):
    """Places that the exchange does not have."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(
            "所指的位置有误；请按 errors 更正",
            "these places are not in the exchange; correct what errors name",
            errors=errors,
        )
