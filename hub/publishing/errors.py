"""What is refused around a catalogue step; the step's own refusals come through `hub.registry.errors.from_catalog`.

Conflict
├── BreakingUnconfirmed   the version breaks with the live one, and the reviewer has not said that they know
├── GrantedNotShared      the version has items that are not shared and that leave by grants that there are
├── GrantedByRule         the version has new conditional items, and grants that nobody decided would deliver them
├── CatalogueTaken        an upstream catalogue has that name already
└── HarvestOpen           a catalogue is harvested once at a time
NotFound
├── UnknownUpstreamCatalogue, UnknownHarvest, UnknownUpstreamResource
InvalidInput
└── PublisherRetired      the system named as publisher takes part no more

What review refuses (nothing submitted, steps that wait, one's own work) is in `hub.reviewing.errors`.
"""

from collections.abc import Sequence
from uuid import UUID

from catalog.compatibility import Finding
from hub.errors import Conflict, FieldError, NotFound
from hub.registry.errors import InvalidField


class BreakingUnconfirmed(Conflict):
    """The new version breaks with the live one; `findings` say how."""

    def __init__(self, code: str, findings: Sequence[Finding]) -> None:
        super().__init__(
            f"资源 {code} 的新版本与现行版本不兼容（{'；'.join(found.zh for found in findings)}）；"
            "确认影响后请带 confirm_breaking 再发布，或退回修改",
            f"the new version of {code} breaks with the live one ({'; '.join(found.en for found in findings)});"
            " publish with confirm_breaking once you know what it means, or return it",
            errors=[FieldError(found.field, found.zh, found.en) for found in findings],
        )
        self.findings = tuple(findings)


class GrantedNotShared(Conflict):
    """The new version, or some `items` of it, is 不予共享 and would leave by grants that there are; no items: the whole."""

    def __init__(self, code: str, items: Sequence[str], grants: Sequence[UUID]) -> None:
        given = "、".join(map(str, grants))
        zh = f"其中的信息项 {'、'.join(items)} " if items else ""
        en = f"in which the items {', '.join(items)} are not shared" if items else "which is not shared"
        super().__init__(
            f"资源 {code} 的新版本{zh}不予共享，而授权 {given} 会交付它们；请先撤销这些授权（可共享的信息项发布后可重新授权），或退回修改",
            f"the new version of {code}, {en}, would leave by the grants {given}; revoke those first (what is still shared can be"
            " granted anew after publication), or return the version",
        )
        self.items, self.grants = tuple(items), tuple(grants)


class GrantedByRule(Conflict):
    """The new version has new items on condition, and they would leave by grants that the rule gave, without review and decision."""

    def __init__(self, code: str, items: Sequence[str], grants: Sequence[UUID]) -> None:
        given, names = "、".join(map(str, grants)), "、".join(items)
        super().__init__(
            f"资源 {code} 的新版本新增有条件共享的信息项 {names}，而授权 {given} 是按无条件共享直接给予的，会不经审查交付它们；"
            "请先撤销这些授权（发布后使用方可重新申请，由主管部门审查、提供方决定），或退回修改",
            f"the new version of {code} adds the conditional items {', '.join(items)}, and the grants {', '.join(map(str, grants))},"
            " given by rule for what is shared unconditionally, would deliver them with no review; revoke those first (the consumer"
            " applies anew after publication, to be reviewed and decided), or return the version",
        )
        self.items, self.grants = tuple(items), tuple(grants)


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
