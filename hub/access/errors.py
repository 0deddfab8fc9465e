"""What access refuses.

Refused
├── NotFound
│   ├── UnknownGrant          no grant has that id
│   ├── UnknownGrantVersion   the grant has no right to that version
│   └── NoSuchResource        no resource has that code
├── Conflict
│   ├── GrantExists           the lane has a grant that is not revoked
│   ├── NotShared             the resource is 不予共享; carries its basis
│   ├── NothingPublished      a grant pins the schemas of published versions, and there is none
│   ├── NothingByVersion      of that version the grant delivers nothing
│   └── ConsumerRetired       the consumer takes part no more
└── InvalidInput              a field: `hub.registry.errors.InvalidField`; a step from the wrong state: `WrongState` there
"""

from uuid import UUID

from hub.errors import Conflict, NotFound


class UnknownGrant(NotFound):
    """No grant has that id."""

    def __init__(self, grant: UUID) -> None:
        super().__init__(f"没有授权 {grant}；请先查询授权列表", f"there is no grant {grant}; list grants first")
        self.grant = grant


class UnknownGrantVersion(NotFound):
    """The grant has no right to that version."""

    def __init__(self, grant: UUID, version: int | None) -> None:
        super().__init__(
            f"授权 {grant} 没有资源的版本 {version}；可用的版本见授权的 versions",
            f"grant {grant} has no version {version} of its resource; its `versions` are what it has",
        )
        self.grant = grant
        self.version = version


class NoSuchResource(NotFound):
    """No resource has that code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"目录中没有资源 {code}；请核对代码", f"the catalogue has no resource {code}; check the code")
        self.code = code


class GrantExists(Conflict):
    """One lane, one grant that is not revoked."""

    def __init__(self, grant: UUID) -> None:
        super().__init__(
            f"同一使用方、资源、用途和方式已有授权 {grant}；请恢复该授权，或先撤销它再新建",
            f"consumer, resource, purpose and mode have grant {grant} already; resume it, or revoke it first",
        )
        self.grant = grant


class NotShared(Conflict):
    """The resource is of share type 3."""

    def __init__(self, code: str, basis: str) -> None:
        super().__init__(
            f"资源 {code} 为不予共享类，依据：{basis}；不能授权",
            f"resource {code} is not shared (basis: {basis}); it cannot be granted",
        )
        self.code = code


class NothingPublished(Conflict):
    """The resource has no published version, or was withdrawn."""

    def __init__(self, code: str, status: str) -> None:
        super().__init__(
            f"资源 {code} 当前为 {status}，没有可授权的已发布版本；请先发布",
            f"resource {code} is {status} and has no published version to grant; publish it first",
        )
        self.code = code


class NothingByVersion(Conflict):
    """In that version the scope cannot be kept to, so nothing sent by it is delivered."""

    def __init__(self, grant: UUID, version: int) -> None:
        super().__init__(
            f"版本 {version} 中，授权 {grant} 的行规则所用的信息项不是主键，或打码的信息项不是文本，因此不依该版本交付；请按新版本重新授权",
            f"in version {version} an item of the row rule of grant {grant} is no key, or a masked one no text, so nothing is"
            " delivered by it; decide on a grant for the new version",
        )
        self.grant = grant
        self.version = version


class ConsumerRetired(Conflict):
    """The consumer takes part no more."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"系统 {code} 已退役，不能再授权；请授权给接替它的系统",
            f"system {code} is retired and takes no grants; grant to the one that replaced it",
        )
        self.code = code
