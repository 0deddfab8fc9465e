"""Of which resource an entry speaks, and whose it is: what has to be known before the rest can be read.

First all entries are looked at for what they name (`wanted`); with the catalogue's answer each is settled (`settle`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from catalog.codes import ResourceClass, ResourceStatus
from catalog.errors import InvalidIdentifier
from catalog.identifiers import check_uscc, parse_resource_code
from catalog.items import UNPRINTABLE
from catalog.sheets.columns import CLASSIFICATION, CODE, METADATA_COLUMNS, PROVIDER_CODE, PROVIDER_NAME, SYSTEM, Column
from catalog.sheets.entries import Entry
from catalog.sheets.findings import Findings
from catalog.sheets.known import Existing, Known, Wanted
from catalog.sheets.provincial import PARTS
from catalog.sheets.texts import Unreadable, plain

_NAME: Final = METADATA_COLUMNS["name"]
_DIGITS: Final = re.compile(r"([0-9A-Za-z]+).*", re.DOTALL)
_WIDTHS: Final = (1, 2, 3)  # of class, item and catalogue; a number loses its leading noughts


@dataclass(frozen=True, slots=True)
class Options:
    """How the importer wants it: rows of other organisations left out instead of faulted, the system where none is named."""

    own_only: bool = False
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What an entry names, None where it names nothing or cannot be read."""

    code: str | None
    name: str | None
    classification: str | None
    provider_code: str | None
    provider_name: str | None
    system: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """Whose an entry is: the resource that it changes, None for a new one; its classification and its system's code and id."""

    existing: Existing | None
    classification: str
    system: str
    system_id: str


def identify(entry: Entry, findings: Findings) -> Identity:
    """Return what the entry names; a cell that cannot be read is faulted."""
    provider_code = _read(entry, PROVIDER_CODE, findings)
    return Identity(
        code=_read(entry, CODE, findings),
        name=_read(entry, _NAME, findings),
        classification=_classification(entry, findings),
        provider_code=None if provider_code is None else provider_code.upper(),
        provider_name=_read(entry, PROVIDER_NAME, findings),
        system=_read(entry, SYSTEM, findings),
    )


def wanted(identities: Iterable[Identity], options: Options) -> Wanted:
    """Return what has to be asked for."""
    found = list(identities)
    return Wanted(
        codes=_distinct(identity.code for identity in found),
        provider_codes=_distinct(identity.provider_code for identity in found),
        provider_names=_distinct(identity.provider_name for identity in found),
        systems=_distinct([*(identity.system for identity in found), options.system]),
        names=_distinct(identity.name for identity in found if identity.code is None),
        classes=_distinct(identity.classification for identity in found),
    )


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    """Each value once; what neither JSON nor a database holds is nothing that there could be."""
    return tuple(dict.fromkeys(value for value in values if value is not None and UNPRINTABLE.search(value) is None))


def _read(entry: Entry, column: Column, findings: Findings) -> Any:
    try:
        return entry.read(column, findings)
    except Unreadable:
        entry.unread.add("classification" if column in PARTS else column.key)
        return None


def _classification(entry: Entry, findings: Findings) -> str | None:
    """The classification, in one column or in parts."""
    if (whole := _read(entry, CLASSIFICATION, findings)) is not None:
        found = _DIGITS.fullmatch(whole)
        return whole if found is None else found[1]
    parts = [_part(entry, index, findings) for index in range(len(PARTS))]
    return None if "classification" in entry.unread else "".join(parts) or None


def _part(entry: Entry, index: int, findings: Findings) -> str:
    column = PARTS[index]
    text = _read(entry, column, findings)
    if text is None:
        return ""
    written = plain(text)
    if index == 0:
        for kind in ResourceClass:
            if written in (kind.zh, kind.zh.removesuffix("类"), kind.zh.removesuffix("信息资源类")):
                return str(kind.value)
    found = _DIGITS.fullmatch(written)
    if found is None:
        entry.bad = True
        entry.unread.add("classification")
        findings.unreadable(
            entry.place(column.key),
            "CODE",
            "请写分类的代码，如“06 民政”；只有名称无法编出资源代码",
            "write the code of the class, alone or before its name: a resource code cannot be made of names",
            label=column.zh,
        )
        return ""
    return found[1].zfill(_WIDTHS[index]) if index < len(_WIDTHS) else found[1]


def settle(entry: Entry, identity: Identity, known: Known, options: Options, findings: Findings) -> Settled | None:
    """Return whose the entry is; None if it is another organisation's and those are to be left out.

    Whatever does not fit is faulted, and the rest settled as if it did.
    """
    existing = _existing(entry, identity, known, findings)
    if not _is_own(entry, identity, existing, known, options, findings):
        return None
    if existing is None and identity.code is None and identity.name is not None and identity.name in known.names:
        entry.fault(
            findings,
            entry.place(_NAME.key),
            "sheet-exists",
            "目录中已有本机构的同名资源；要修改它请填写它的信息资源代码，确要另建请改名",
            "your organisation has a resource of this name; give its code to change it, or choose another name",
            label=_NAME.zh,
        )
    classification = _settled_classification(entry, identity, existing, findings)
    system, system_id = _settled_system(entry, identity, existing, known, options, findings)
    return Settled(existing, classification, system, system_id)


def _existing(entry: Entry, identity: Identity, known: Known, findings: Findings) -> Existing | None:
    if identity.code is None:
        return None
    found = known.resources.get(identity.code)
    if found is None:
        zh, en = (
            "目录中没有这个代码；新资源请留空，登记后由枢纽编码",
            "the catalogue has no such code; leave it blank for a new one",
        )
        try:
            parse_resource_code(identity.code)
        except InvalidIdentifier as refused:
            zh, en = refused.zh, refused.en
        entry.fault(findings, entry.place(CODE.key), "sheet-unknown-code", zh, en, label=CODE.zh)
    elif found.status == ResourceStatus.WITHDRAWN:
        zh, en = (
            "该资源已撤销，不能再变更；请登记新的资源（代码留空）",
            "the resource has been withdrawn for good; register another",
        )
        entry.fault(findings, entry.place(CODE.key), "sheet-state", zh, en, label=CODE.zh)
    return found


def _is_own(
    entry: Entry, identity: Identity, existing: Existing | None, known: Known, options: Options, findings: Findings
) -> bool:
    """Whether the entry is of the importer's organisation; faulted, or left out, where it is not."""
    own = known.own
    code, name = identity.provider_code, identity.provider_name
    if existing is not None and existing.provider != own.id:
        return _other(entry, "code", options, findings)
    if (code is None and name is None) or name == own.name or (code is not None and code == own.code):
        if code is not None and code not in (own.code, own.coded):
            return _unknown_provider(entry, code, findings)
        if name is not None and name != own.name:
            findings.note(
                entry.place(PROVIDER_NAME.key),
                "sheet-provider-name",
                "名称与登记的机构名称不同，以代码为准",
                "the name is not the registered one; the code counts",
                label=PROVIDER_NAME.zh,
            )
        return True
    for body in known.bodies:
        if body.code == code if code is not None else body.name == name:
            return _other(entry, PROVIDER_CODE.key if code is not None else PROVIDER_NAME.key, options, findings)
    return _unknown_provider(entry, code, findings)


def _other(entry: Entry, key: str, options: Options, findings: Findings) -> bool:
    if options.own_only:
        return False
    entry.fault(
        findings,
        entry.place(key),
        "sheet-provider",
        "这是其他机构的资源，只能由该机构的目录编辑导入；请删除此行，或选择只导入本机构的行",
        "this resource is another organisation's, whose own editor imports it; remove the row or import your own rows only",
        label=entry.table.label(key),
    )
    return True


def _unknown_provider(entry: Entry, code: str | None, findings: Findings) -> bool:
    key = PROVIDER_NAME.key if code is None else PROVIDER_CODE.key
    rule, zh, en = (
        "sheet-provider",
        "没有登记过这个机构；请填登记的全称或代码",
        "no such organisation is registered; give its full name or its code",
    )
    if code is not None:
        try:
            check_uscc(code)
        except InvalidIdentifier as refused:
            rule, zh, en = "CAT-06", refused.zh, refused.en
    entry.fault(findings, entry.place(key), rule, zh, en, label=entry.table.label(key))
    return True


def _settled_classification(entry: Entry, identity: Identity, existing: Existing | None, findings: Findings) -> str:
    if existing is None:
        return identity.classification or ""
    front = existing.code.partition("/")[0]
    if identity.classification is not None and identity.classification != front:
        key = next((column.key for column in (CLASSIFICATION, *PARTS) if entry.cell(column.key) is not None), "")
        entry.fault(
            findings,
            entry.place(key),
            "CODE",
            "与信息资源代码的前段不一致；代码不变，请改正或留空",
            "is not the front of the resource's code, which never changes; correct it or leave it blank",
            label=entry.table.label(key),
        )
    return front


def _settled_system(
    entry: Entry, identity: Identity, existing: Existing | None, known: Known, options: Options, findings: Findings
) -> tuple[str, str]:
    given = identity.system
    code = given or (existing.system if existing is not None else None) or options.system
    if code is None and len(known.own.systems) == 1:
        code = known.own.systems[0]
    if code is None:
        zh = "请填写发布数据的系统代码：本机构登记的系统不是恰好一个，枢纽不能代为选择"
        en = "name the publishing system: your organisation has none or several, and the hub cannot choose"
    elif existing is not None and code == existing.system:
        return code, known.systems.get(code, "")
    elif code not in known.systems:
        zh, en = "没有这个系统，或已退役；请核对系统代码", "there is no such system, or it is retired; check its code"
    elif existing is not None and existing.live is not None:
        zh = "资源已发布过，不能随导入更换发布系统；请办理职责划转"
        en = "the resource has been published: its publishing system changes with a transfer, not with an import"
    else:
        return code, known.systems[code]
    entry.fault(findings, entry.place(SYSTEM.key), "sheet-system", zh, en, label=SYSTEM.zh)
    return "", ""
