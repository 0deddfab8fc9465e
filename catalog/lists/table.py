"""Every type of list as Markdown, for `docs/lists.md`: `python -m catalog.lists.table PAGE` renews the page."""

import sys
from pathlib import Path

from catalog.item import Item
from catalog.lists import list_types
from catalog.lists.list_type import Check, ListType

BEGIN, END = "<!-- lists: made by catalog.lists.table -->", "<!-- /lists -->"

_BY = {
    "schema": "模式 / schema",
    "command": "`shuniu list-type check`",
    "hub": "枢纽 / the hub",
    "people": "人工 / people",
}


def lists_table() -> str:
    """An overview of all types, then what each prescribes."""
    overview = [
        "| 类型 / type | 清单 / list | 依据 / basis | 信息项 / items | 审批链 / chain |",
        "|---|---|---|---|---|",
        *(_row(described) for described in list_types()),
    ]
    return "\n".join(overview) + "\n\n" + "\n\n".join(map(_section, list_types()))


def renewed(page: str) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{lists_table()}\n\n{END}{after}"


def _row(described: ListType) -> str:
    first = described.basis[0]
    return _cells(
        f"[`{described.key}`](#{described.key})",
        f"{described.title.zh}<br>{described.title.en}",
        f"{first.document}{first.article}",
        str(len(described.items)),
        f"`{described.approval.chain}`",
    )


def _section(described: ListType) -> str:
    lines = [f"### {described.key}\n", f"{described.title.zh} · {described.row} · `{described.classification}`\n"]
    lines += [f"- {basis.document}{basis.article}：“{basis.quote}”" for basis in described.basis]
    lines.append(f"- 审批 / approval：{described.approval.zh}")
    lines.append(f"- 发布 / publication：{described.publication.zh}{_owed(described)}\n")
    lines += ["| 信息项 | 字段 field | 类型 type | 必填 | 原文 / words |", "|---|---|---|---|---|"]
    lines += [
        _cells(
            entry.item.name,
            f"`{entry.item.field_name}`",
            _type(entry.item),
            ("主键 key" if entry.item.key else "是 yes") if entry.item.is_required else "",
            entry.quoted or ("规定 prescribed" if entry.prescribed else "枢纽另加 added"),
        )
        for entry in described.list_items
    ]
    if described.checks:
        lines += [
            "",
            "| 规则 / rule | 依据 / basis | 由谁核对 / checked by |",
            "|---|---|---|",
            *map(_check, described.checks),
        ]
    return "\n".join(lines)


def _owed(described: ListType) -> str:
    duties = "、".join(f"`{duty}`" for duty in described.publication.duties.values())
    return f"（{duties}）" if duties else ""


def _type(item: Item) -> str:
    kind = f"{item.data_type.value} {item.data_type.zh}"
    if item.unit is not None:
        kind += f"，{item.unit}"
    if item.is_sensitive:
        kind += "，敏感"
    if item.enumeration is not None:
        kind += f"：{'、'.join(map(str, item.enumeration))}"
    return kind


def _check(check: Check) -> str:
    how = _BY[check.by] if check.zh is None else f"{_BY[check.by]}：{check.zh}"
    return _cells(f"{check.rule.zh}<br>{check.rule.en}", check.basis, how)


def _cells(*texts: str) -> str:
    return " | ".join(["", *(text.replace("|", "\\|") for text in texts), ""]).strip()


def main() -> None:
    """Renew the page that is named."""
    page = Path(sys.argv[1])
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
