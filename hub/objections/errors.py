"""What objections refuse.

Refused
├── NotFound
│   ├── UnknownObjection   no objection has that id, or none that the caller may know of
│   └── UnknownSubject     what it names is not there, or none of the objector's business
├── Forbidden
│   └── OwnObjection       nobody answers their own
└── InvalidInput           fields: `hub.registry.errors.InvalidField`
"""

from uuid import UUID

from hub.errors import Forbidden, NotFound


class UnknownObjection(NotFound):
    """No objection has that id, or none of the caller's business."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"没有异议 {identifier}，或与您无关；请先查询异议列表",
            f"there is no objection {identifier}, or none of yours; list objections first",
        )


class UnknownSubject(NotFound):
    """The same answer for what is not there and for what is another's: it would tell that it exists."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"没有所指的 {kind}，或与贵单位无关；请核对编号",
            f"there is no such {kind}, or none of your organisation's; check its id",
        )


class OwnObjection(Forbidden):
    """Contract, "Staff roles": nobody decides on what they themselves asked for."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"异议 {identifier} 是您本人提出的；请由另一位人员答复",
            f"you raised objection {identifier} yourself; another person answers it",
        )
