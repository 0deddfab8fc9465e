"""What is refused around a catalogue step; the step's own refusals come through `hub.registry.errors.from_catalog`.

Conflict
└── NotSubmitted      only what was submitted is published
Forbidden
└── OwnSubmission     nobody publishes what they themselves submitted
InvalidInput
└── PublisherRetired  the system named as publisher takes part no more
"""

from hub.errors import Conflict, Forbidden
from hub.registry.errors import InvalidField


class NotSubmitted(Conflict):
    """The draft was not handed in for review."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"资源 {code} 没有待审核的版本；请先由编制员提交",
            f"resource {code} has no version under review; have its editor submit one first",
        )
        self.code = code


class OwnSubmission(Forbidden):
    """Contract, "Staff roles": nobody decides on what they themselves asked for."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"资源 {code} 的待审版本是您本人提交的；请由另一位审核员审核",
            f"you submitted the version of {code} that is under review; another reviewer decides on it",
        )
        self.code = code


class PublisherRetired(InvalidField):
    """The system takes part no more."""

    def __init__(self, code: str) -> None:
        super().__init__(
            "/system",
            f"系统 {code} 已退役，不能发布数据；请改用接替它的系统",
            f"system {code} is retired and publishes nothing; name the one that replaced it",
        )
        self.code = code
