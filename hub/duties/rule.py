"""One rule of a profile: who owes what when which event happens, by when, and where that is written. Pure data and its checks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.duties.terms import MOST, DebtorRole, Direction, Extension, Terms, Unit
from hub.errors import FieldError
from hub.registry.errors import InvalidField
from hub.registry.fields import required_text

CAVEAT = "请以正式文件为准 / the official document prevails"
"""Shown with every rule whose words nobody has compared with its document."""

LONGEST_TITLE = 200
LONGEST_BASIS = 2000
"""Room for the longest article that a rule quotes, several times over."""

MOST_YEARS = 50
"""Of dates: what is due in more years than that is a mistake."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EVENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}")
_DAYS_OF_MONTH = range(1, 32)


@dataclass(frozen=True, slots=True)
class Basis:
    """Where a rule is written: document, article, and its words."""

    document: str
    article: str
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its profile has it.

    `code` is the rule's own name, `duty` what it asks: rules of several issuers may ask the same, and one of them is in force.
    `declared`: the event is one that a person declares, for the hub does not see it. `verified`: the words were compared with
    the document; where not, readers are told 请以正式文件为准. `reference`: in force only after the authority adopts it.
    `repeats`: when done, it is owed again, counted from the deadline. `also` are other names of the same rule.
    """

    code: str
    duty: str
    title_zh: str
    title_en: str
    trigger: str
    declared: bool
    role: DebtorRole
    terms: Terms
    basis: Basis
    profile: str
    issuer: str
    valid_from: date
    verified: bool = False
    reference: bool = False
    repeats: bool = False
    note_zh: str = ""
    note_en: str = ""
    also: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """The rule as JSON takes it, absent members left out; what its digest is made of."""
        terms = self.terms
        members: dict[str, Any] = {
            "code": self.code,
            "duty": self.duty,
            "title": {"zh": self.title_zh, "en": self.title_en},
            "trigger": self.trigger,
            "declared": self.declared,
            "role": str(self.role),
            "amount": terms.amount,
            "unit": str(terms.unit),
            "direction": str(terms.direction),
            "month": terms.month,
            "day": terms.day,
            "year": terms.year,
            "cap": terms.cap,
            "extension": None if terms.extension is None else _extension(terms.extension),
            "moves": terms.moves,
            "repeats": self.repeats,
            "basis": {"document": self.basis.document, "article": self.basis.article, "text": self.basis.text},
            "profile": self.profile,
            "issuer": self.issuer,
            "valid_from": self.valid_from.isoformat(),
            "verified": self.verified,
            "reference": self.reference,
            "note": {"zh": self.note_zh, "en": self.note_en} if self.note_zh or self.note_en else None,
            "also": list(self.also) or None,
        }
        return {name: value for name, value in members.items() if value is not None}


def _extension(extension: Extension) -> dict[str, Any]:
    return {
        "amount": extension.amount,
        "unit": str(extension.unit),
        "needs_approval": extension.needs_approval,
    }


def rule_of(data: Mapping[str, Any]) -> Rule:
    """The rule that `as_data` wrote. Raises KeyError and ValueError for what it did not write."""
    note, basis = data.get("note", {}), data["basis"]
    return Rule(
        code=data["code"],
        duty=data["duty"],
        title_zh=data["title"]["zh"],
        title_en=data["title"]["en"],
        trigger=data["trigger"],
        declared=data["declared"],
        role=DebtorRole(data["role"]),
        terms=_terms(data),
        basis=Basis(basis["document"], basis.get("article", ""), basis["text"]),
        profile=data["profile"],
        issuer=data["issuer"],
        valid_from=date.fromisoformat(data["valid_from"]),
        verified=data["verified"],
        reference=data["reference"],
        repeats=data.get("repeats", False),
        note_zh=note.get("zh", ""),
        note_en=note.get("en", ""),
        also=tuple(data.get("also", ())),
    )


def _terms(data: Mapping[str, Any]) -> Terms:
    extension = data.get("extension")
    return Terms(
        amount=data["amount"],
        unit=Unit(data["unit"]),
        direction=Direction(data.get("direction", Direction.AFTER)),
        month=data.get("month"),
        day=data.get("day"),
        year=data.get("year"),
        cap=data.get("cap"),
        extension=None
        if extension is None
        else Extension(extension["amount"], Unit(extension["unit"]), extension["needs_approval"]),
        moves=data.get("moves", False),
    )


def faults(rule: Rule) -> list[FieldError]:
    """What is wrong with a rule, by JSON pointer; nothing, if it can be counted with."""
    return [*_name_faults(rule), *_amount_faults(rule.terms), *_date_faults(rule.terms), *_extension_faults(rule.terms)]


def _name_faults(rule: Rule) -> Iterator[FieldError]:
    if not _CODE.fullmatch(rule.code):
        yield FieldError(
            "/code",
            "代码为 1 至 32 位字母、数字、点或连字符，如 D2",
            "a code has 1 to 32 letters, digits, dots or hyphens, such as D2",
        )
    if not _SLUG.fullmatch(rule.duty) or len(rule.duty) > LONGEST_TITLE:
        yield FieldError(
            "/duty",
            "职责用小写英文和连字符，如 answer-conditional",
            "a duty is lower-case words with hyphens, such as answer-conditional",
        )
    if not _EVENT.fullmatch(rule.trigger) or len(rule.trigger) > LONGEST_TITLE:
        yield FieldError(
            "/trigger",
            "触发事件写作 对象.过去分词，如 request.submitted",
            "an event is object.participle, such as request.submitted",
        )
    for pointer, text, longest in (
        ("/title/zh", rule.title_zh, LONGEST_TITLE),
        ("/title/en", rule.title_en, LONGEST_TITLE),
        ("/issuer", rule.issuer, LONGEST_TITLE),
        ("/basis/document", rule.basis.document, LONGEST_TITLE),
        ("/basis/text", rule.basis.text, LONGEST_BASIS),
    ):
        yield from _text_faults(pointer, text, longest)
    for pointer, text in (
        ("/basis/article", rule.basis.article),
        ("/note/zh", rule.note_zh),
        ("/note/en", rule.note_en),
    ):
        yield from _text_faults(pointer, text or "—", LONGEST_TITLE)


def _text_faults(pointer: str, text: str, longest: int) -> Iterator[FieldError]:
    try:
        required_text(pointer, text, longest=longest)
    except InvalidField as refused:
        yield from refused.errors


def _amount_faults(terms: Terms) -> Iterator[FieldError]:
    most = MOST_YEARS if terms.unit is Unit.DATE else MOST
    if not 1 <= terms.amount <= most:
        yield FieldError("/amount", f"数量为 1 至 {most}；请更正", f"an amount is 1 to {most}; correct it")
    if terms.unit is Unit.DATE and terms.direction is Direction.BEFORE:
        yield FieldError("/direction", "固定日期没有“之前”；请写 after", "a date has no direction before; write after")
    if terms.moves and (terms.unit in (Unit.WORKING_DAY, Unit.HOUR) or terms.direction is Direction.BEFORE):
        yield FieldError(
            "/moves",
            "只有向后数的自然日和固定日期可以顺延",
            "only days counted forward and dates give way to a working day",
        )


def _date_faults(terms: Terms) -> Iterator[FieldError]:
    given = [name for name in ("month", "day", "year") if getattr(terms, name) is not None]
    if terms.unit is not Unit.DATE:
        for name in given:
            yield FieldError(
                f"/{name}",
                f"只有单位为 date 的规则有 {name}；请去掉",
                f"only rules in dates have a {name}; leave it out",
            )
        return
    if (terms.month is None) != (terms.day is None) or (terms.year is not None and terms.month is None):
        yield FieldError(
            "/day", "月和日须一起填写；有年份时也须填写月和日", "month and day go together, and a year needs both"
        )
    if terms.month is not None and not 1 <= terms.month <= 12:
        yield FieldError("/month", "月份为 1 至 12", "a month is 1 to 12")
    if terms.day is not None and terms.day not in _DAYS_OF_MONTH:
        yield FieldError("/day", "日为 1 至 31；31 即当月最后一天", "a day is 1 to 31; 31 is the month's last day")
    if terms.year is not None and (not 1970 <= terms.year <= 9900 or terms.amount != 1):
        yield FieldError("/year", "年份为 1970 至 9900，且数量为 1", "a year is 1970 to 9900, with an amount of 1")


def _extension_faults(terms: Terms) -> Iterator[FieldError]:
    extension = terms.extension
    if extension is None:
        if terms.cap is not None:
            yield FieldError(
                "/cap",
                "没有延期就没有上限；请去掉 cap 或写明 extension",
                "a cap bounds an extension; leave it out or give the extension",
            )
        return
    if not 1 <= extension.amount <= MOST or extension.unit is Unit.DATE:
        yield FieldError(
            "/extension",
            f"延期为 1 至 {MOST} 个工作日、日或小时",
            f"an extension is 1 to {MOST} working days, days or hours",
        )
    if terms.direction is Direction.BEFORE:
        yield FieldError("/extension", "向前数的时限不能延期", "a deadline that is counted back is not put off")
    if terms.cap is not None and (
        extension.unit is not terms.unit or not terms.amount + extension.amount <= terms.cap <= 2 * MOST
    ):
        yield FieldError(
            "/cap",
            "上限须与数量、延期同一单位，且不小于二者之和",
            "the cap has the unit of amount and extension and is at least their sum",
        )
