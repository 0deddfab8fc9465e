"""Every rule that comes with the hub as Markdown, for `docs/duties.md`: `python -m hub.duties.table PAGE` renews the page."""

from pathlib import Path

from hub.duties.profiles import Profile, profiles
from hub.duties.rule import Rule
from hub.duties.terms import Direction, Terms, Unit

BEGIN, END = "<!-- rules: made by hub.duties.table -->", "<!-- /rules -->"

_UNITS = {
    Unit.WORKING_DAY: ("个工作日", "working days"),
    Unit.DAY: ("日", "days"),
    Unit.HOUR: ("小时", "hours"),
}

_SHORTEST = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""How many days each month has at least."""


def rules_table() -> str:
    """A table for each profile, the default first."""
    return "\n\n".join(_section(profile) for profile in profiles())


def _section(profile: Profile) -> str:
    kind = "参考，采用后生效 / for reference, in force when adopted" if profile.reference else "默认生效 / in force"
    rows = [
        f"### {profile.zh} {profile.en}\n",
        f"`{profile.name}` · {profile.issuer} · {kind}\n",
        "| 规则 | 职责 / duty | 触发事件 / event | 谁 / who | 时限 / time | 依据 / basis |",
        "|---|---|---|---|---|---|",
        *map(_row, profile.rules),
    ]
    return "\n".join(rows)


def _row(rule: Rule) -> str:
    code = "、".join((rule.code, *rule.also))
    event = f"`{rule.trigger}`" + ("（声明 / declared）" if rule.declared else "")
    article = f" {rule.basis.article}" if rule.basis.article else ""
    text = f"“{rule.basis.text}”" if rule.verified else f"{rule.basis.text}（请以正式文件为准）"
    note = f"；{rule.note_zh} / {rule.note_en}" if rule.note_zh else ""
    basis = f"{rule.basis.document}{article}：{text}{note}"
    duty = f"`{rule.duty}` {rule.title_zh} / {rule.title_en}"
    return f"| {code} | {duty} | {event} | `{rule.role}` | {time_of(rule.terms, repeats=rule.repeats)} | {basis} |"


def time_of(terms: Terms, *, repeats: bool) -> str:
    """How long, in both languages: `10 个工作日 / working days`."""
    if terms.unit is Unit.DATE:
        zh, en = _date(terms)
    else:
        zh, en = _UNITS[terms.unit]
        back = terms.direction is Direction.BEFORE
        zh, en = f"{'之前 ' if back else ''}{terms.amount} {zh}", f"{en}{' before' if back else ''}"
    if terms.extension is not None:
        unit_zh, unit_en = _UNITS[terms.extension.unit]
        zh += f"，可延 {terms.extension.amount} {unit_zh}"
        en += f", {terms.extension.amount} {unit_en} more if approved"
    return f"{zh} / {en}" + ("；重复 / repeats" if repeats else "")


def _date(terms: Terms) -> tuple[str, str]:
    if terms.month is None or terms.day is None:
        return f"满 {terms.amount} 年", "anniversary"
    if terms.year is not None:
        return f"{terms.year} 年 {terms.month} 月 {terms.day} 日", f"{terms.year}-{terms.month:02}-{terms.day:02}"
    if terms.day > _SHORTEST[terms.month - 1]:
        return f"{terms.month} 月底", f"last of {terms.month:02}"
    return f"{terms.month} 月 {terms.day} 日", f"{terms.month:02}-{terms.day:02}"


def renewed(page: str) -> str:
    """The page with the tables between its two marks made anew. Raises ValueError where a mark is missing."""
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:begin]}\n\n{rules_table()}\n\n{page[end:]}"


if __name__ == "__main__":
    import sys

    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
