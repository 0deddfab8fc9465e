"""The classification 类、项、目、细目 as data that the authority maintains. Every change works in the caller's session.

A class is active only below active ones. It is never deleted and its code never changes: codes of resources begin with it.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from catalog import repository
from catalog.codes import ClassState
from catalog.errors import InvalidResource, InvalidTransition, UnknownClass, Violation
from catalog.items import UNPRINTABLE
from catalog.models import Classification
from catalog.schema import digest_of

MAX_CLASS_NAME: Final = 100
CLASS_FORM: Final = re.compile(r"[123](?:[0-9]{2}(?:[0-9]{3}(?:[0-9A-Za-z]{1,32})?)?)?")
"""类 has 1 character, with 项 3, with 目 6, and whatever 细目 adds (§1.3)."""


@dataclass(frozen=True, slots=True)
class ClassChange:
    """What became of a class, for whoever must record it; `before` is None for a new one."""

    row: Classification
    before: str | None
    after: str


def parent_of(code: str) -> str | None:
    """Return the code of the class above, None above 类."""
    sizes = {1: 0, 3: 1, 6: 3}
    return code[: sizes.get(len(code), 6)] or None


async def add_class(session: AsyncSession, code: str, name: str, *, by: str, now: datetime) -> ClassChange:
    """Add a class below an active one. Raises InvalidResource, InvalidTransition if its code is taken."""
    said = _check_name(name)
    if CLASS_FORM.fullmatch(code) is None:
        raise _wrong(
            "/code",
            "分类代码应为类 1 位（1 至 3）、项 2 位、目 3 位、细目 1 至 32 位字母或数字，如 306001000001",
            "a code is class (1 to 3), item (2 digits), catalogue (3 digits), detail (up to 32): 306001000001",
        )
    if await repository.class_of(session, code) is not None:
        raise InvalidTransition(
            "该分类代码已被使用，代码不重复使用；请另取代码，或改名、恢复原分类",
            "the code is taken and codes are never reused; choose another, or rename or reopen the class",
            "/code",
        )
    parent = parent_of(code)
    if parent is not None:
        await _require_active(session, parent)
    row = Classification(
        code=code,
        parent=parent,
        name=said,
        state=ClassState.ACTIVE.value,
        created_at=now,
        changed_at=now,
        changed_by=by,
    )
    await repository.add(session, row)
    return ClassChange(row, None, _state_of(row))


async def rename_class(session: AsyncSession, code: str, name: str, *, by: str, now: datetime) -> ClassChange:
    """Give a class another name; no code changes. Raises InvalidResource, UnknownClass."""
    said = _check_name(name)
    return await _change(session, await _held(session, code), "name", said, by, now)


async def end_class(session: AsyncSession, code: str, *, by: str, now: datetime) -> ClassChange:
    """Let nothing more be registered under a class. Raises UnknownClass, InvalidTransition while one below is active."""
    row = await _held(session, code)
    if row.state != ClassState.ACTIVE:
        raise InvalidTransition("该分类已停用", "the class has ended already", "/state")
    if await repository.has_active_classes_below(session, code):
        raise InvalidTransition(
            "其下还有启用的分类；请先停用下级", "classes below it are active; end those first", "/state"
        )
    return await _change(session, row, "state", ClassState.ENDED.value, by, now)


async def reopen_class(session: AsyncSession, code: str, *, by: str, now: datetime) -> ClassChange:
    """Let resources be registered under an ended class again. Raises UnknownClass, InvalidTransition, InvalidResource."""
    row = await _held(session, code)
    if row.state == ClassState.ACTIVE:
        raise InvalidTransition("该分类正在使用", "the class is active", "/state")
    if row.parent is not None:
        await _require_active(session, row.parent)
    return await _change(session, row, "state", ClassState.ACTIVE.value, by, now)


async def list_classes(
    session: AsyncSession, *, parent: str | None = None, after: str | None = None, limit: int
) -> Sequence[Classification]:
    """Return at most `limit` classes by code, beyond the code `after`; with `parent`, those right below it."""
    return await repository.classes(session, parent=parent, after=after, limit=limit)


async def known_classes(session: AsyncSession, codes: Collection[str]) -> frozenset[str]:
    """Return those of the codes that are taken, by active or ended classes."""
    return frozenset([code for code in codes if await repository.class_of(session, code) is not None])


async def class_violations(session: AsyncSession, classification: str) -> Sequence[Violation]:
    """Return what is wrong with a classification that a resource is to be registered under, once its form is right."""
    row = await repository.class_of(session, classification)
    if row is not None and row.state == ClassState.ACTIVE:
        return ()
    if row is None:
        zh = "分类中没有这个代码；请从分类列表中选择，或请主管部门增设（清单的分类见 shuniu classification add-lists）"
        en = (
            "the classification has no such code; choose one of its list or ask the authority to add it"
            " (shuniu classification add-lists adds those of lists)"
        )
    else:
        zh = "该分类已停用；请从分类列表中另选"
        en = "the class has ended; choose another one of the list"
    return (Violation("/classification", "CODE", zh, en),)


async def _require_active(session: AsyncSession, parent: str) -> None:
    """Raise InvalidResource unless the class is there and active; it stays so until this transaction ends."""
    row = await repository.class_of(session, parent)
    if row is None or row.state != ClassState.ACTIVE:
        raise _wrong(
            "/code",
            f"上级分类 {parent} 不存在或已停用；请先增设或恢复它",
            f"the class {parent} above it does not exist or has ended; add or reopen that one first",
        )


async def _held(session: AsyncSession, code: str) -> Classification:
    row = await repository.class_of(session, code, to_change=True) if CLASS_FORM.fullmatch(code) else None
    if row is None:
        raise UnknownClass
    return row


async def _change(
    session: AsyncSession, row: Classification, field: str, value: str, by: str, now: datetime
) -> ClassChange:
    before = _state_of(row)
    setattr(row, field, value)
    row.changed_at, row.changed_by = now, by
    await repository.save(session)
    return ClassChange(row, before, _state_of(row))


def _state_of(row: Classification) -> str:
    return digest_of(row.model_dump(mode="json", include={"code", "parent", "name", "state"}))


def _check_name(name: str) -> str:
    said = name.strip()
    if not 1 <= len(said) <= MAX_CLASS_NAME or UNPRINTABLE.search(said) or "\n" in said:
        raise _wrong(
            "/name",
            f"请填写分类名称，1 至 {MAX_CLASS_NAME} 字，不含换行和控制字符",
            f"give a name of 1 to {MAX_CLASS_NAME} characters, without line ends and control characters",
        )
    return said


def _wrong(field: str, zh: str, en: str) -> InvalidResource:
    return InvalidResource([Violation(field, "CODE", zh, en)])
