"""`/v1/duty-rules`: by when what is owed, where that is written, and which rule the authority has put in force."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import ConfigDict, Field

from hub.api.context import ContextDep
from hub.api.guard import staff_may
from hub.api.paging import Page
from hub.api.wire import Body, present
from hub.duties import rules
from hub.duties.calendar import beijing_date
from hub.duties.rule import CAVEAT, Basis, Rule
from hub.duties.rules import OWN_PROFILE, ListedRule
from hub.duties.terms import DebtorRole, Direction, Extension, Terms, Unit
from hub.identity.callers import StaffCaller

router = APIRouter(prefix="/v1/duty-rules", tags=["时限 / duties"])

EXAMPLE = {
    "code": "D5",
    "duty": "update-catalogue",
    "title": {"zh": "更新目录", "en": "bring the catalogue up to date"},
    "trigger": "catalogue.outdated",
    "declared": True,
    "role": "provider",
    "amount": 10,
    "unit": "working-day",
    "direction": "after",
    "cap": 15,
    "extension": {"amount": 5, "unit": "working-day", "needs_approval": True},
    "moves": False,
    "repeats": False,
    "basis": {
        "document": "政务数据共享条例（国务院令第809号）",
        "text": "目录需要更新的：10个工作日内更新；经批准可以延长5个工作日",
    },
    "profile": "regulation-809",
    "issuer": "国务院",
    "valid_from": "2025-08-01",
    "verified": False,
    "reference": False,
    "caveat": CAVEAT,
    "origin": "shipped",
    "in_force": True,
}
_CREATED: dict[int | str, dict[str, Any]] = {201: {"content": {"application/json": {"example": EXAMPLE}}}}


class Words(Body):
    """A text in both languages."""

    zh: Annotated[str, Field(examples=["更新目录"])]
    en: Annotated[str, Field(examples=["bring the catalogue up to date"])]


class BasisGiven(Body):
    """Where the rule is written, and its words."""

    document: Annotated[str, Field(description="文件 / document", examples=["甘肃省政务数据共享管理办法"])]
    article: Annotated[str, Field(description="条款 / article", examples=["第十二条"])] = ""
    text: Annotated[str, Field(description="原文 / its words", examples=["应当在8个工作日内更新目录"])]


class ExtensionGiven(Body):
    """By how much a deadline may be put off, once."""

    amount: Annotated[int, Field(examples=[5])]
    unit: Literal["working-day", "day", "hour"] = "working-day"
    needs_approval: bool = True


class NewRule(Body):
    """A rule of the authority's own, in force from `valid_from` on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "GS-12",
                    "duty": "update-catalogue",
                    "title": {"zh": "更新目录", "en": "bring the catalogue up to date"},
                    "trigger": "catalogue.outdated",
                    "declared": True,
                    "role": "provider",
                    "amount": 8,
                    "unit": "working-day",
                    "extension": {"amount": 5, "unit": "working-day", "needs_approval": True},
                    "basis": {
                        "document": "甘肃省政务数据共享管理办法",
                        "article": "第十二条",
                        "text": "应当在8个工作日内更新目录",
                    },
                    "issuer": "甘肃省人民政府",
                    "valid_from": "2026-05-01",
                }
            ]
        }
    )

    code: Annotated[str, Field(description="规则代码 / code of the rule", examples=["GS-12"])]
    duty: Annotated[str, Field(description="职责 / what is asked", examples=["update-catalogue"])]
    title: Words
    trigger: Annotated[str, Field(description="触发事件 / the event", examples=["catalogue.outdated"])]
    declared: Annotated[bool, Field(description="由人声明的事件 / a person declares the event")] = False
    role: Annotated[DebtorRole, Field(description="谁承担 / who owes it", examples=["provider"])]
    amount: Annotated[int, Field(description="数量 / how much", examples=[8])]
    unit: Annotated[Unit, Field(description="单位 / of what", examples=["working-day"])]
    direction: Annotated[Direction, Field(description="从事件向后或向前数 / counted after or before")] = Direction.AFTER
    month: Annotated[int | None, Field(description="固定日期的月 / month of a date")] = None
    day: Annotated[int | None, Field(description="固定日期的日，31 为月底 / day of a date, 31: the month's last")] = (
        None
    )
    year: Annotated[int | None, Field(description="只此一年 / of that year alone")] = None
    cap: Annotated[int | None, Field(description="连同延期的上限 / the most, extension included")] = None
    extension: ExtensionGiven | None = None
    moves: Annotated[bool, Field(description="末日休息则顺延 / a last day that is off gives way")] = False
    repeats: Annotated[bool, Field(description="办结后再次起算 / owed again when done")] = False
    basis: BasisGiven
    issuer: Annotated[str, Field(description="制定机关 / issuer", examples=["甘肃省人民政府"])]
    valid_from: Annotated[date, Field(description="生效日 / in force from", examples=["2026-05-01"])]
    verified: Annotated[bool, Field(description="已与正式文件核对 / compared with the official document")] = False
    note: Words | None = None

    def rule(self) -> Rule:
        """As the rules of profiles are."""
        given = self.extension
        return Rule(
            code=self.code,
            duty=self.duty,
            title_zh=self.title.zh.strip(),
            title_en=self.title.en.strip(),
            trigger=self.trigger,
            declared=self.declared,
            role=self.role,
            terms=Terms(
                amount=self.amount,
                unit=self.unit,
                direction=self.direction,
                month=self.month,
                day=self.day,
                year=self.year,
                cap=self.cap,
                extension=None if given is None else Extension(given.amount, Unit(given.unit), given.needs_approval),
                moves=self.moves,
            ),
            basis=Basis(self.basis.document.strip(), self.basis.article.strip(), self.basis.text.strip()),
            profile=OWN_PROFILE,
            issuer=self.issuer.strip(),
            valid_from=self.valid_from,
            verified=self.verified,
            repeats=self.repeats,
            note_zh="" if self.note is None else self.note.zh.strip(),
            note_en="" if self.note is None else self.note.en.strip(),
        )


class Adoption(Body):
    """From when a profile's rule is in force here."""

    valid_from: Annotated[
        date | None, Field(description="生效日，缺省为今天 / in force from, today if left out", examples=["2026-05-01"])
    ] = None


@router.get(
    "",
    summary="时限规则 / rules of deadlines",
    dependencies=[Depends(staff_may("duty_rule_read"))],
    responses={200: {"content": {"application/json": {"example": {"items": [EXAMPLE], "next": None}}}}},
)
async def listing(
    ctx: ContextDep,
    page: Page,
    duty: Annotated[str | None, Query(pattern="^[a-z0-9-]{1,200}$", description="职责 / duty")] = None,
    in_force: Annotated[bool | None, Query(description="只列生效的 / those in force, or the others")] = None,
) -> dict[str, Any]:
    """Rules that come with the hub, profile by profile, then those that the authority set, every version."""
    async with ctx.transaction() as session:
        found = await rules.listed(session, now=ctx.clock())
    wanted = [one for one in found if duty in (None, one.rule.duty) and in_force in (None, one.in_force)]
    after = page.after_text()
    start = 0 if after is None else next((at for at, one in enumerate(wanted, 1) if _key(one) == after), len(wanted))
    return page.page(wanted[start : start + page.fetch], read, lambda one: (_key(one),))


@router.post("", status_code=201, summary="设定规则 / put a rule in force", responses=_CREATED)
async def create(
    body: NewRule, ctx: ContextDep, caller: Annotated[StaffCaller, Depends(staff_may("duty_rule_set"))]
) -> dict[str, Any]:
    """Its duty is owed under it for events from `valid_from` on; what is owed already stays as it is."""
    now = ctx.clock()
    async with ctx.transaction() as session:
        row = await rules.set_rule(session, body.rule(), actor=caller.actor, recorder=ctx.recorder, now=now)
        return read(await rules.listed_one(session, row, now=now))


@router.post("/{code}/adopt", status_code=201, summary="采用一条规则 / adopt a profile's rule", responses=_CREATED)
async def adopt(
    code: Annotated[str, Path(max_length=64, description="规则代码 / code of the rule")],
    body: Adoption,
    ctx: ContextDep,
    caller: Annotated[StaffCaller, Depends(staff_may("duty_rule_set"))],
) -> dict[str, Any]:
    """A rule for reference, or of another profile, comes before the one in force for its duty."""
    now = ctx.clock()
    async with ctx.transaction() as session:
        row = await rules.adopt(
            session,
            code,
            valid_from=body.valid_from or beijing_date(now),
            actor=caller.actor,
            recorder=ctx.recorder,
            now=now,
        )
        return read(await rules.listed_one(session, row, now=now))


def read(one: ListedRule) -> dict[str, Any]:
    """A rule as the API shows it: as its profile has it, with where it comes from and whether it is in force."""
    shown = one.rule.as_data() | ({} if one.rule.verified else {"caveat": CAVEAT})
    return shown | present(origin=one.origin, version=one.version, in_force=one.in_force, set_at=one.set_at)


def _key(one: ListedRule) -> str:
    """What tells a listed rule from every other one."""
    return f"{one.origin}/{one.rule.profile}/{one.rule.code}/{one.rule.duty}/{one.version or 0}"
