"""CAT-09 一数一源: who else claims an item of the same kind of holder."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import queries, service, sources
from catalog.codes import HolderKind
from catalog.items import Item
from catalog.rules import Owner
from catalog.sources import OtherSource, cat_09_one_source, claims_of, normalised
from tests.catalog.conftest import NOW, USCC, Stored
from tests.catalog.test_service import CLASSIFICATION, described

PERSON: dict[str, Any] = {"holder_kind": HolderKind.NATURAL_PERSON}
NAME = Item(field_name="name", name="姓名", data_type="C", length=50)  # type: ignore[arg-type]
HOME = Item(field_name="home", name="居住 地址（现）", data_type="C", length=99)  # type: ignore[arg-type]
WITHIN = Item(field_name="family", name="家庭成员", data_type="G", items=(NAME,))  # type: ignore[arg-type]
OTHERS = UUID(int=7)


@pytest.mark.parametrize(
    ("one", "other"),
    [("居住 地址（现）", "居住地址(现)"), ("ＩＤ号", "id号"), ("出生-日期", "出生日期"), ("姓　名", "姓名")],
)
def test_names_that_differ_in_width_case_blanks_and_punctuation_are_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert normalised("姓名") != normalised("名称")


def test_a_version_claims_its_items_of_all_levels_for_its_kind_of_holder() -> None:
    assert claims_of(described(**PERSON), [NAME, HOME, WITHIN]) == [
        "natural-person:姓名",
        "natural-person:家庭成员",
        "natural-person:居住地址现",
    ]
    assert claims_of(described(), [NAME]) == []


def test_cat_09_shows_who_else_provides_an_item_in_words() -> None:
    others = [OtherSource("natural-person:姓名", UUID(int=9), "306001/000009", "名册", OTHERS)]
    (found,) = cat_09_one_source(described(**PERSON), [HOME, NAME.model_copy(update={"key": True})], others)
    assert (found.field_name, found.item, found.is_key, found.others) == ("name", "姓名", True, tuple(others))
    assert "自然人的“姓名”已由 306001/000009 提供" in found.zh
    assert "306001/000009" in found.en
    assert list(cat_09_one_source(described(), [NAME], others)) == []


async def provide(
    session: AsyncSession, owner: Stored, items: list[Item], *, by: UUID | None = None, **said: Any
) -> UUID:
    """A draft with these items, of that provider."""
    step = await service.register_resource(
        session,
        described(**said),
        items,
        owner=Owner(by or owner.organisation, USCC, owner.system),
        resource_id=uuid4(),
        classification=CLASSIFICATION,
        now=NOW,
    )
    return step.resource_id


async def test_published_resources_of_others_claim_and_nothing_else_does(session: AsyncSession, owner: Stored) -> None:
    await session.execute(
        text(
            "INSERT INTO organisation (id, code, name, region, created_at) VALUES (:id, '11621124MB0000000U', '乙', '621124', :now)"
        ),
        {"id": OTHERS, "now": NOW},
    )
    theirs = [await provide(session, owner, [NAME, HOME], by=OTHERS, **PERSON) for _ in range(4)]
    live, suspended, withdrawn, _draft = theirs
    for identifier in (live, suspended, withdrawn):
        await service.publish(session, identifier, now=NOW)
    await service.suspend(session, suspended, reason="核查", now=NOW)
    await service.withdraw(session, withdrawn, reason="停办", now=NOW)
    companies: dict[str, Any] = {"holder_kind": HolderKind.LEGAL_PERSON}
    for other in (companies, {}):
        await service.publish(session, await provide(session, owner, [NAME], by=OTHERS, **other), now=NOW)
    await service.publish(session, await provide(session, owner, [NAME], **PERSON), now=NOW)

    mine = await provide(session, owner, [NAME.model_copy(update={"name": "姓 名"})], **PERSON)
    version = await queries.version(session, mine, 1)
    (found,) = await sources.cross_claims(session, version, owner.organisation)
    assert {other.resource_id for other in found.others} == {live, suspended}
    assert {other.provider_id for other in found.others} == {OTHERS}
    assert await sources.cross_claims(session, version, OTHERS) != []

    await service.new_version(session, live, items=[HOME], now=NOW)
    await service.publish(session, live, now=NOW)
    (found,) = await sources.cross_claims(session, version, owner.organisation)
    assert {other.resource_id for other in found.others} == {suspended}


async def test_what_a_published_version_claims_never_changes(session: AsyncSession, owner: Stored) -> None:
    identifier = await provide(session, owner, [NAME], **PERSON)
    await service.publish(session, identifier, now=NOW)
    await session.commit()
    with pytest.raises(Exception, match="never changes"):
        await session.execute(text("UPDATE resource_version SET claims = '{}'"))
