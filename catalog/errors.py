"""What the catalogue refuses, and what would cure it.

    CatalogError
    ├── InvalidIdentifier     a code breaks the form or the check character of its standard
    ├── InvalidItem           information items 信息项 break rules; every violation at once
    ├── InvalidResource       a description breaks rules (CAT-01 …); every violation at once
    ├── InvalidTransition     a step that the resource's present state does not allow
    ├── SchemaRefused         a JSON Schema that we will not compile
    ├── UnknownResource       no such resource
    ├── UnknownVersion        no such version of a resource
    ├── UnknownClass          no such class of the classification
    ├── InvalidCursor         a cursor that this catalogue did not give out, or not for this question
    └── InvalidQuery          a search for nothing, or for too much

Messages never quote the value that they refuse: it may be personal.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: `field` is a JSON pointer into what was sent (`/items/2/length`), `rule` the rule's id."""

    field: str
    rule: str
    zh: str
    en: str


class CatalogError(Exception):
    """Base of this room's refusals; carries a slug, a Chinese and an English message and, if there is one, the field."""

    def __init__(
        self, slug: str, zh: str, en: str, field: str | None = None, violations: Sequence[Violation] = ()
    ) -> None:
        super().__init__(f"{zh} / {en}")
        self.slug = slug
        self.zh = zh
        self.en = en
        self.field = field
        self.violations = tuple(violations)


class InvalidIdentifier(CatalogError):
    """An identifier of a standard is malformed or its check character does not match."""

    def __init__(self, zh: str, en: str, field: str | None = None) -> None:
        super().__init__("invalid-identifier", zh, en, field)


class _SeveralViolations(CatalogError):
    def __init__(self, slug: str, violations: Sequence[Violation]) -> None:
        if not violations:
            raise ValueError("a refusal needs at least one violation")
        zh = "；".join(f"{violation.field}：{violation.zh}" for violation in violations)
        en = "; ".join(f"{violation.field}: {violation.en}" for violation in violations)
        super().__init__(slug, zh, en, violations[0].field, violations)


class InvalidItem(_SeveralViolations):
    """The items break rules; `violations` lists them all."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("invalid-item", violations)


class InvalidResource(_SeveralViolations):
    """The description (and perhaps its items) break rules; `violations` lists them all."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("invalid-resource", violations)


class InvalidTransition(CatalogError):
    """The step does not start from the resource's present state."""

    def __init__(self, zh: str, en: str, field: str | None = "/status") -> None:
        super().__init__("invalid-transition", zh, en, field)


class SchemaRefused(CatalogError):
    """A schema that we will not compile: its form, its references, its cost, or what its examples say."""

    def __init__(self, zh: str, en: str, field: str | None = None, violations: Sequence[Violation] = ()) -> None:
        super().__init__("schema-refused", zh, en, field, violations)


class UnknownResource(CatalogError):
    """No resource has that id or code."""

    def __init__(self) -> None:
        super().__init__(
            "unknown-resource",
            "没有这个资源；请核对资源标识或资源代码",
            "there is no such resource; check its id or code",
        )


class UnknownVersion(CatalogError):
    """The resource has no version of that number, or none in the state asked for."""

    def __init__(self, number: int | None = None) -> None:
        which = "" if number is None else f" {number}"
        super().__init__(
            "unknown-version",
            f"该资源没有版本{which}；请先查询版本列表",
            f"the resource has no such version{which}; list its versions first",
            "/version",
        )


class UnknownClass(CatalogError):
    """The classification has no such code."""

    def __init__(self) -> None:
        super().__init__(
            "unknown-class",
            "分类中没有这个代码；请先查询分类列表",
            "the classification has no such code; list its classes first",
            "/code",
        )


class InvalidCursor(CatalogError):
    """The cursor was not given out by this list."""

    def __init__(self) -> None:
        super().__init__(
            "invalid-cursor",
            "cursor 无效；请从第一页重新查询",
            "the cursor is not one of ours; start again from the first page",
            "/cursor",
        )


class InvalidQuery(CatalogError):
    """The text to search for is empty, or longer than a search takes."""

    def __init__(self, longest: int, words: int) -> None:
        super().__init__(
            "invalid-query",
            f"检索应为 1 至 {longest} 个字、至多 {words} 个词；不检索请去掉 q",
            f"a search takes 1 to {longest} characters in {words} words at most; leave q out to list without searching",
            "/q",
        )
