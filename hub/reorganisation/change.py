"""What is asked when organisations change, and whether it is of a form that can be asked. Pure: knows no table.

`resources`, `systems`, `children`, `staff` and `people` assign what is there to one of `targets`; `publishers` names, for a
resource, the system that publishes it from then on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from catalog.errors import CatalogError
from catalog.identifiers import check_uscc
from hub.registry.errors import InvalidField, from_catalog
from hub.registry.fields import LONGEST_REASON, optional_text, required_text
from hub.reorganisation.models import Kind

ASSIGNMENTS = ("resources", "systems", "children", "staff", "people")
"""The members that assign things to organisations."""

_ASSIGNED_BY_HAND = {
    Kind.RENAMING: frozenset[str](),
    Kind.MERGER: frozenset({"staff", "people"}),
    Kind.SPLIT: frozenset(ASSIGNMENTS),
    Kind.TRANSFER: frozenset(ASSIGNMENTS),
    Kind.ABOLITION: frozenset[str](),
}
"""A merger leaves no choice but for people: all else goes to the one body that remains."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of organisations as it is asked for; codes name resources and systems, ids everything else.

    `name`, `name_en` and `code` are for a renaming: None leaves what is.
    """

    kind: Kind
    basis: str
    effective_on: date
    sources: tuple[UUID, ...]
    targets: tuple[UUID, ...] = ()
    name: str | None = None
    name_en: str | None = None
    code: str | None = None
    resources: Mapping[str, UUID] = field(default_factory=dict)
    systems: Mapping[str, UUID] = field(default_factory=dict)
    children: Mapping[UUID, UUID] = field(default_factory=dict)
    staff: Mapping[UUID, UUID] = field(default_factory=dict)
    people: Mapping[UUID, UUID] = field(default_factory=dict)
    publishers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ends(self) -> frozenset[UUID]:
        """The organisations that are no more afterwards."""
        if self.kind in (Kind.RENAMING, Kind.TRANSFER):
            return frozenset()
        return frozenset(self.sources) - frozenset(self.targets)

    @property
    def parties(self) -> frozenset[UUID]:
        """Every organisation that takes part."""
        return frozenset(self.sources) | frozenset(self.targets)

    def to_json(self) -> dict[str, Any]:
        """The change as its row keeps it and its plan's digest covers it; absent means absent."""
        whole = {
            "kind": self.kind.value,
            "basis": self.basis,
            "effective_on": self.effective_on.isoformat(),
            "from": [str(one) for one in self.sources],
            "to": [str(one) for one in self.targets],
            "name": self.name,
            "name_en": self.name_en,
            "code": self.code,
            **{each: {str(key): str(to) for key, to in getattr(self, each).items()} for each in ASSIGNMENTS},
            "publishers": dict(self.publishers),
        }
        return {name: value for name, value in whole.items() if value not in (None, {}, [])}


def from_json(kept: Mapping[str, Any]) -> Change:
    """The change that `to_json` made this of."""

    def assigned(name: str, key: Callable[[str], Any]) -> dict[Any, UUID]:
        return {key(what): UUID(to) for what, to in kept.get(name, {}).items()}

    return Change(
        kind=Kind(kept["kind"]),
        basis=kept["basis"],
        effective_on=date.fromisoformat(kept["effective_on"]),
        sources=tuple(map(UUID, kept["from"])),
        targets=tuple(map(UUID, kept.get("to", ()))),
        name=kept.get("name"),
        name_en=kept.get("name_en"),
        code=kept.get("code"),
        resources=assigned("resources", str),
        systems=assigned("systems", str),
        children=assigned("children", UUID),
        staff=assigned("staff", UUID),
        people=assigned("people", UUID),
        publishers=kept.get("publishers", {}),
    )


def checked(change: Change) -> Change:
    """The change with its texts trimmed. Raises InvalidInput where no state of affairs could make it right."""
    basis = required_text("/basis", change.basis, longest=LONGEST_REASON)
    _check_parties(change)
    _check_assignments(change)
    renamed = change.kind is Kind.RENAMING
    if not renamed and (change.name, change.name_en, change.code) != (None, None, None):
        raise InvalidField(
            "/name",
            "name、name_en、code 只用于更名（renaming）；请去掉",
            "name, name_en and code are for a renaming only",
        )
    if renamed and (change.name, change.name_en, change.code) == (None, None, None):
        raise InvalidField("/name", "更名须给出新的 name 或 code", "a renaming gives a new name or code")
    if change.code is not None:
        try:
            check_uscc(change.code, field="/code")
        except CatalogError as error:
            raise from_catalog(error) from error
    return replace(
        change,
        basis=basis,
        name=None if change.name is None else required_text("/name", change.name),
        name_en=None if change.name_en is None else optional_text("/name_en", change.name_en),
    )


def _check_parties(change: Change) -> None:
    sources, targets = change.sources, change.targets
    for pointer, named in (("/from", sources), ("/to", targets)):
        if len(set(named)) != len(named):
            raise InvalidField(
                pointer, f"{pointer} 中有重复的机构；请去掉", f"{pointer} names an organisation twice; once is enough"
            )
    if change.kind is Kind.MERGER:
        _expect("/from", bool(sources), "合并须在 from 中列出被合并的机构", "a merger names who is merged in from")
        _expect("/to", len(targets) == 1, "合并须在 to 中给出一个承接机构", "a merger names one body in to")
        _expect(
            "/from",
            bool(change.ends),
            "from 中除承接机构外至少还要有一个机构",
            "from names at least one body beside the one that remains",
        )
        return
    _expect("/from", len(sources) == 1, f"{change.kind.zh}须在 from 中给出一个机构", f"a {change.kind} is of one body")
    if change.kind is Kind.SPLIT:
        _expect("/to", len(targets) >= 2, "分设须在 to 中列出至少两个机构", "a split names two bodies or more in to")
    elif change.kind is Kind.TRANSFER:
        _expect("/to", bool(targets), "职能划转须在 to 中列出承接机构", "a transfer names who takes over in to")
        _expect("/to", sources[0] not in targets, "机构不能划转给自己", "nobody takes over from themselves")
        _expect(
            "/resources",
            any(getattr(change, each) for each in ASSIGNMENTS),
            "职能划转须写明划转什么（resources、systems、children、staff、people）",
            "a transfer says what is transferred (resources, systems, children, staff, people)",
        )
    else:
        _expect("/to", not targets, f"{change.kind.zh}没有承接机构；请去掉 to", f"a {change.kind} has nobody in to")


def _check_assignments(change: Change) -> None:
    allowed = _ASSIGNED_BY_HAND[change.kind]
    for each in ASSIGNMENTS:
        assigned: Mapping[object, UUID] = getattr(change, each)
        _expect(
            f"/{each}",
            not assigned or each in allowed,
            f"{change.kind.zh}不需要 {each}；请去掉",
            f"a {change.kind} takes no {each}; leave it out",
        )
        for key, target in assigned.items():
            _expect(
                pointer_to(each, key),
                target in change.targets,
                "只能分给 to 中列出的机构；请更正",
                "things are assigned to the bodies in to; correct it",
            )
    _expect(
        "/publishers",
        not change.publishers or change.kind in (Kind.MERGER, Kind.SPLIT, Kind.TRANSFER),
        f"{change.kind.zh}不需要 publishers；请去掉",
        f"a {change.kind} takes no publishers; leave it out",
    )


def pointer_to(member: str, key: object) -> str:
    """The JSON pointer (RFC 6901) to a member of one of the request's maps."""
    return f"/{member}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _expect(pointer: str, holds: bool, zh: str, en: str) -> None:
    if not holds:
        raise InvalidField(pointer, zh, en)
