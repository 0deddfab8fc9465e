"""What notices refuse.

NotFound
└── UnknownNotice   no such notice of this organisation
"""

from uuid import UUID

from hub.errors import NotFound


class UnknownNotice(NotFound):
    """No notice of the organisation has that id."""

    def __init__(self, notice: UUID) -> None:
        super().__init__(
            f"本机构没有通知 {notice}；请先查询通知列表",
            f"your organisation has no notice {notice}; list notices first",
        )
        self.notice = notice
