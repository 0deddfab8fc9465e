"""`shuniu todo`, `shuniu duty`: who owes what by when, and under which rule; `shuniu holiday`: the days of each year."""

from typing import Any, BinaryIO

import click

from hub.cli import api
from hub.cli.files import object_in
from hub.cli.output import show_json, show_table
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

DUTIES = Kind("/v1/duties", ("id", "standing", "due_on", "title.zh", "subject.kind", "subject.id", "rule.code"), "ID")
RULES = Kind(
    "/v1/duty-rules",
    ("code", "title.zh", "amount", "unit", "issuer", "basis.article", "valid_from", "verified", "in_force"),
    "CODE",
)
NOTICES = Kind("/v1/holiday-notices", ("year", "source", "in_force", "days_off", "days_worked", "basis"), "YEAR")

_REVIEWS = ("resource.code", "resource.name", "provider.name", "kind", "opened_at")
_TODO = ("standing", "due_on", "title.zh", "title.en", "subject.kind", "subject.id", "rule.code", "id")


@click.command(help="今日待办：逾期、今日到期、即将到期 / what you owe: overdue, due today, due soon")
@click.option("--all", "everything", is_flag=True, help="连同期限尚远的 / what is not due soon as well")
@as_json
def todo(*, everything: bool, as_json: bool) -> None:
    """Print what the person signed in owes, the earliest deadline first; and, but as JSON, the reviews that wait for them."""
    found = api.items(DUTIES.path, query={} if everything else {"standing": "todo"})
    if as_json:
        show_json(list(found))
    else:
        show_table(found, _TODO)
        if waiting := list(api.items("/v1/reviews", query={"mine": "true"})):
            click.echo("\n等您审查审核 / waiting for your review（shuniu review list）")
            show_table(waiting, _REVIEWS)
    for missing in api.call("GET", NOTICES.path, query={"limit": 1}).get("warnings", ()):
        click.echo(f"！{missing['zh']} / {missing['en']}", err=True)


@click.group(help="时限：谁在何时之前应办什么，依据什么规则 / duties and the rules of their deadlines")
def duty() -> None:
    """Duties and their rules."""


add_list(
    duty,
    DUTIES,
    filters={
        "scope": "mine（默认）, all",
        "standing": "todo, overdue, due, due-soon, upcoming",
        "subject": "KIND/ID",
        "closed": "true：已办结和已取消的 / done and cancelled ones",
    },
)
add_show(duty, DUTIES)


@duty.command(help="声明枢纽看不到的事件，起算时限 / declare an event that the hub does not see")
@click.argument("event")
@click.option("--subject", required=True, metavar="KIND/ID", help="事项，如 disaster/2026-07 / what it is about")
@click.option("--at", metavar="TIME", help="发生时间，默认现在 / when, by default now")
@click.option("--org", help="承担机构：统一社会信用代码或 id / who owes it: its code or id")
@click.option("--duty", "only", help="只起算这一项 / only this duty")
@as_json
def declare(event: str, *, subject: str, at: str | None, org: str | None, only: str | None, as_json: bool) -> None:
    """Print what is owed because of it."""
    kind, _, identifier = subject.partition("/")
    body = {"event": event, "subject": {"kind": kind, "id": identifier}, "at": at, "organisation": org, "duty": only}
    given = {name: value for name, value in body.items() if value is not None}
    found = api.call("POST", f"{DUTIES.path}/declare", body=given)["items"]
    if as_json:
        show_json(found)
    else:
        show_table(found, DUTIES.columns)


@duty.command(help="批准延期一次 / put a deadline off, once")
@click.argument("named", metavar=DUTIES.argument)
@click.option("--basis", required=True, help="批准依据 / on what basis")
@click.option("--amount", type=click.IntRange(min=1), help="延长多少，默认为规则允许的最多 / by default the most")
@as_json
def extend(named: str, *, basis: str, amount: int | None, as_json: bool) -> None:
    """Print the duty with its new deadline."""
    body: dict[str, Any] = {"basis": basis} if amount is None else {"basis": basis, "amount": amount}
    show(api.call("POST", f"{DUTIES.address(named)}/extend", body=body), as_json=as_json)


add_move(duty, DUTIES, "done", "办结声明的时限 / say that something declared is done")
add_move(duty, DUTIES, "cancel", "取消声明的时限 / cancel something declared", reason=True)
add_list(
    duty,
    RULES,
    name="rules",
    filters={"duty": "职责 / duty", "in-force": "true：只列生效的 / those in force"},
)


@duty.command("set-rule", help="按 FILE（JSON，字段见 /docs）设定规则 / put a rule in force")
@click.argument("file", type=click.File("rb"))
@as_json
def set_rule(*, file: BinaryIO, as_json: bool) -> None:
    """Print the rule with its version."""
    show(api.call("POST", RULES.path, body=object_in(file)), as_json=as_json)


@duty.command(help="采用一条规则，如参考方案中的 / put a profile's rule in force")
@click.argument("code")
@click.option("--from", "valid_from", metavar="DATE", help="生效日，默认今天 / in force from, by default today")
@as_json
def adopt(code: str, *, valid_from: str | None, as_json: bool) -> None:
    """Print the rule with its version."""
    body = {} if valid_from is None else {"valid_from": valid_from}
    show(api.call("POST", f"{RULES.address(code)}/adopt", body=body), as_json=as_json)


@click.group(help="放假与调休：各年的通知 / days off and days worked, by year")
def holiday() -> None:
    """Notices of days off."""


add_list(holiday, NOTICES)


@holiday.command(help="按 FILE（JSON，字段见 /docs）录入一年的放假通知 / add a year's notice")
@click.argument("file", type=click.File("rb"))
@as_json
def add(*, file: BinaryIO, as_json: bool) -> None:
    """Print the notice, and how many deadlines moved."""
    show(api.call("POST", NOTICES.path, body=object_in(file)), as_json=as_json)
