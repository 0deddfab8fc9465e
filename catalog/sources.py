"""CAT-09 一数一源: what a version claims to be the source of, and who else is the source of the same.

A claim is an item's name, written one way, of a kind of holder 数据主体. Versions keep theirs with an index, so that the
question is quick among all that is published. A finding decides nothing: the reviewer sees it.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository
from catalog.items import Item, walk
from catalog.metadata import Metadata
from catalog.models import ResourceVersion

RULE: Final = "CAT-09"
BASIS: Final = "国发〔2016〕51号：一数一源，同一数据主体的同一信息项由一个责任部门提供（请以正式文件为准）；004 附件5 行政权力交叉分散情况登记表"

MAX_OTHERS: Final = 20
"""Other sources shown for one item: whom to talk to, not a census; 姓名 is in half of all resources."""


@dataclass(frozen=True, slots=True)
class OtherSource:
    """A resource of another provider that is the source of the same item."""

    claim: str
    resource_id: UUID
    code: str
    name: str
    provider_id: UUID


@dataclass(frozen=True, slots=True)
class CrossClaim:
    """One item that others claim too, in the words of 004 附件5: `others` are the departments concerned 涉及部门.

    `is_key` marks an item that tells whose record it is: providers share those more often than they compete for them.
    `zh`, `en` describe it 交叉分散情况描述.
    """

    field_name: str
    item: str
    is_key: bool
    others: tuple[OtherSource, ...]
    zh: str
    en: str


def normalised(name: str) -> str:
    """Return an item's name without what people write differently: width, case, blanks, punctuation."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())


def claims_of(metadata: Metadata, items: Sequence[Item]) -> list[str]:
    """Return `<holder kind>:<normalised name>` for each item, sorted; none for a resource that names no holder."""
    if metadata.holder_kind is None:
        return []
    return sorted({_claim(metadata, item) for _, item in walk(items) if normalised(item.name)})


def cat_09_one_source(metadata: Metadata, items: Sequence[Item], others: Sequence[OtherSource]) -> Iterator[CrossClaim]:
    """CAT-09: the same item of the same kind of holder has one responsible provider; yields the items that have more."""
    if metadata.holder_kind is None:
        return
    for _, item in walk(items):
        found = tuple(other for other in others if other.claim == _claim(metadata, item))
        if found:
            codes = "、".join(other.code for other in found)
            yield CrossClaim(
                item.field_name,
                item.name,
                item.key,
                found,
                f"{metadata.holder_kind.zh}的“{item.name}”已由 {codes} 提供；请与提供部门协商，确定一个责任来源",
                f"{item.name} of {metadata.holder_kind.en} is provided by {', '.join(o.code for o in found)} already;"
                " agree with the providers on one responsible source",
            )


async def cross_claims(session: AsyncSession, version: ResourceVersion, provider_id: UUID) -> Sequence[CrossClaim]:
    """Return what other providers' published resources claim of what this version of `provider_id` claims."""
    rows = await repository.other_sources(session, version.claims, provider_id, MAX_OTHERS)
    others = [OtherSource(*row) for row in rows]
    metadata = Metadata.model_validate(version.description)
    return list(cat_09_one_source(metadata, [Item.model_validate(item) for item in version.items], others))


def _claim(metadata: Metadata, item: Item) -> str:
    assert metadata.holder_kind is not None
    return f"{metadata.holder_kind.value}:{normalised(item.name)}"
