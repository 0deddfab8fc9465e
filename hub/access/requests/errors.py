"""What requests refuse.

Refused
├── NotFound
│   ├── UnknownRequest     no request has that id, or none that the caller may know of
│   └── NoAttachment       the request came without a file
├── Conflict
│   ├── RequestExists      the same is asked for already
│   └── PeriodOver         the period that was asked for has passed
├── Forbidden
│   ├── OwnRequest         nobody reviews or decides on what they themselves asked for
│   └── ReviewedBefore     who reviewed a request does not decide on it as well
└── InvalidInput           fields: `hub.registry.errors.InvalidField`; scope: `hub.access.scope.ScopeRefused`
"""

from uuid import UUID

from hub.errors import Conflict, Forbidden, NotFound


class UnknownRequest(NotFound):
    """No request has that id, or none of the caller's business."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"没有申请 {identifier}，或与您无关；请先查询申请列表",
            f"there is no request {identifier}, or none of yours; list requests first",
        )


class NoAttachment(NotFound):
    """The request came without a file."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(f"申请 {identifier} 没有附件", f"request {identifier} has no attachment")


class RequestExists(Conflict):
    """One consumer asks once for one resource, purpose and mode."""

    def __init__(self, holder: UUID) -> None:
        super().__init__(
            f"同一使用方、资源、用途和方式已有在办申请 {holder}；请等待答复，或先撤回它",
            f"request {holder} asks the same and is not answered yet; wait for the answer, or withdraw it first",
        )
        self.holder = holder


class PeriodOver(Conflict):
    """The period that was asked for has passed."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"申请 {identifier} 所申请的使用时限已过，不能再授权；请答复不同意，由使用方重新申请",
            f"the period that request {identifier} asks for has passed; refuse it, and let the consumer ask again",
        )


class OwnRequest(Forbidden):
    """Contract, "Staff roles": nobody decides on what they themselves asked for."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"申请 {identifier} 是您本人提交的；请由另一位人员办理",
            f"you handed in request {identifier} yourself; another person decides on it",
        )


class ReviewedBefore(Forbidden):
    """Compliance review and decision are two people's."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"申请 {identifier} 的符合性审查是您办理的；请由提供部门的另一位人员审批",
            f"you reviewed request {identifier}; another person decides on it for the provider",
        )
