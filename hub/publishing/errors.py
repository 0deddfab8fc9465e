"""What is refused around a catalogue step; the step's own refusals come through `hub.registry.errors.from_catalog`.

Conflict
├── NotSubmitted      only what was submitted is published
├── CatalogueTaken    an upstream catalogue has that name already
└── HarvestOpen       a catalogue is harvested once at a time
NotFound
├── UnknownUpstreamCatalogue, UnknownHarvest, UnknownUpstreamResource
Forbidden
└── OwnSubmission     nobody publishes what they themselves submitted
InvalidInput
└── PublisherRetired  the system named as publisher takes part no more
"""

from uuid import UUID

from hub.errors import Conflict, Forbidden, NotFound
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


class CatalogueTaken(Conflict):
    """The name belongs to an upstream catalogue already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"已有名为 {name} 的上游目录；请换一个名称，或直接使用它",
            f"there is an upstream catalogue {name} already; choose another name, or use that one",
        )


class HarvestOpen(Conflict):
    """Another harvest of the same catalogue is under way."""

    def __init__(self, running: UUID) -> None:
        super().__init__(
            f"该目录正在收割（{running}）；请先应用或放弃它",
            f"a harvest of this catalogue is under way ({running}); apply or abandon it first",
        )


class UnknownUpstreamCatalogue(NotFound):
    """No upstream catalogue has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"没有登记过上游目录 {name}；请先查询列表",
            f"no upstream catalogue {name} is registered; list them first",
        )


class UnknownHarvest(NotFound):
    """No harvest has that id."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(f"没有收割 {identifier}；请核对标识", f"there is no harvest {identifier}; check the id")


class UnknownUpstreamResource(NotFound):
    """No upstream resource has that id."""

    def __init__(self, identifier: UUID) -> None:
        super().__init__(
            f"没有上游资源 {identifier}；请核对标识", f"there is no upstream resource {identifier}; check the id"
        )
