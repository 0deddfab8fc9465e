"""The classification as data: classes come and go below active ones, and no code ever changes."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import classification, service
from catalog.errors import CatalogError, InvalidResource, InvalidTransition, UnknownClass
from catalog.items import Item
from tests.catalog.conftest import NOW, Stored
from tests.catalog.test_service import ITEMS, described, owned

WHO = "00000000-0000-7000-8000-000000000003"


async def add(session: AsyncSession, code: str, name: str = "示例分类") -> None:
    await classification.add_class(session, code, name, by=WHO, now=NOW)


async def register(session: AsyncSession, owner: Stored, code: str, items: list[Item] | None = None) -> str:
    step = await service.register_resource(
        session, described(), items or ITEMS, owner=owned(owner), resource_id=uuid4(), classification=code, now=NOW
    )
    return step.code


@given(st.from_regex(classification.CLASS_FORM, fullmatch=True))
def test_the_class_above_has_the_code_that_the_code_begins_with(code: str) -> None:
    above = classification.parent_of(code)
    assert (above is None) == (len(code) == 1)
    if above is not None:
        assert code.startswith(above)
        assert len(above) in (1, 3, 6)
        assert classification.CLASS_FORM.fullmatch(above)


async def test_the_first_two_levels_of_the_guideline_are_there_from_the_start(session: AsyncSession) -> None:
    names = {row.code: row.name for row in await classification.list_classes(session, limit=500)}
    assert {"1", "101", "105", "2", "201", "212", "3"} <= names.keys()
    assert (names["1"], names["201"]) == ("基础信息资源类", "公共服务")
    below = await classification.list_classes(session, parent="2", limit=500)
    assert {row.code for row in below} == {f"2{number:02d}" for number in range(1, 13)}


async def test_resources_are_registered_under_active_classes_only(session: AsyncSession, owner: Stored) -> None:
    for code in ("309", "309001", "309001000001"):
        with pytest.raises(InvalidResource) as refused:
            await register(session, owner, "309001000001")
        assert refused.value.field == "/classification"
        await add(session, code)
    assert await register(session, owner, "309001000001") == "309001000001/000001"
    await classification.end_class(session, "309001000001", by=WHO, now=NOW)
    with pytest.raises(InvalidResource, match="已停用"):
        await register(session, owner, "309001000001")
    await classification.reopen_class(session, "309001000001", by=WHO, now=NOW)
    assert await register(session, owner, "309001000001") == "309001000001/000002"


async def test_a_missing_class_is_told_together_with_every_other_fault(session: AsyncSession, owner: Stored) -> None:
    with pytest.raises(InvalidResource) as refused:
        await register(session, owner, "309001", [Item(field_name="A", name="甲", data_type="C")])  # type: ignore[arg-type]
    fields = {violation.field for violation in refused.value.violations}
    assert fields == {"/classification", "/items/0/field_name", "/items/0/length"}


async def test_renaming_a_class_changes_no_code(session: AsyncSession, owner: Stored) -> None:
    code = await register(session, owner, "306001000001")
    change = await classification.rename_class(session, "306001000001", " 新的名称 ", by=WHO, now=NOW)
    assert (change.row.code, change.row.name, change.row.changed_by) == ("306001000001", "新的名称", WHO)
    assert change.before != change.after
    assert await register(session, owner, "306001000001") == code.replace("000001/000001", "000001/000002")


REFUSED: list[tuple[str, Callable[[AsyncSession], object], type[CatalogError], str]] = [
    ("a code out of form", lambda s: add(s, "4"), InvalidResource, "/code"),
    ("a code of the wrong length", lambda s: add(s, "30600"), InvalidResource, "/code"),
    ("a code that is taken", lambda s: add(s, "306001"), InvalidTransition, "/code"),
    ("a class below none", lambda s: add(s, "309001"), InvalidResource, "/code"),
    ("a blank name", lambda s: add(s, "309", " "), InvalidResource, "/name"),
    ("a name of two lines", lambda s: add(s, "309", "甲\n乙"), InvalidResource, "/name"),
    ("an unknown class", lambda s: classification.end_class(s, "399", by=WHO, now=NOW), UnknownClass, "/code"),
    ("no code at all", lambda s: classification.end_class(s, "\0", by=WHO, now=NOW), UnknownClass, "/code"),
    ("one with active ones below", lambda s: classification.end_class(s, "306", by=WHO, now=NOW), InvalidTransition, "/state"),
    ("an active one reopened", lambda s: classification.reopen_class(s, "306", by=WHO, now=NOW), InvalidTransition, "/state"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "error", "field"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_a_change_that_would_break_the_tree_is_refused(
    session: AsyncSession, act: Callable[[AsyncSession], object], error: type[CatalogError], field: str
) -> None:
    with pytest.raises(error) as refused:
        await act(session)  # type: ignore[misc]
    assert refused.value.field == field


async def test_an_ended_class_takes_no_classes_and_does_not_reopen_below_an_ended_one(session: AsyncSession) -> None:
    await add(session, "309")
    await add(session, "309001")
    for code in ("309001", "309"):
        await classification.end_class(session, code, by=WHO, now=NOW)
    with pytest.raises(InvalidTransition):
        await classification.end_class(session, "309", by=WHO, now=NOW)
    for act in (add(session, "309002"), classification.reopen_class(session, "309001", by=WHO, now=NOW)):
        with pytest.raises(InvalidResource):
            await act
