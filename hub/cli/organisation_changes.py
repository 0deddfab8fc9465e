"""`shuniu org rename`, `merge`, `split`, `transfer`, `abolish`: planned with `--dry-run`, proposed without; and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from hub.cli import api
from hub.cli.naming import NAMED, organisation
from hub.cli.output import show_fields, show_json, show_table
from hub.cli.verbs import Kind, as_json, show

CHANGES = Kind("/v1/organisation-changes", ("id", "kind", "effective_on", "state", "basis", "plan"), "ID")

_MOVE_COLUMNS = ("what", "object", "from", "to", "before", "after")
_CERTIFICATE_COLUMNS = ("kid", "system", "organisation", "not_after", "renew_by", "overdue")

Command = Callable[..., None]


def _asking(command: Command) -> Command:
    """The options that every change has."""
    for option in (
        click.option("--basis", required=True, help="依据文件及文号 / the document, by its number"),
        click.option("--effective", required=True, metavar="DATE", help="生效日，如 2026-09-01 / effective from"),
        click.option("--dry-run", is_flag=True, help="只试算，不提出 / show the plan and propose nothing"),
        as_json,
    ):
        command = option(command)
    return command


def _assigning(*members: str) -> Callable[[Command], Command]:
    """The options that assign things to organisations, or resources to publishers; each may be repeated."""
    texts = {
        "resource": "资源代码=承接机构 / code of a resource=who gets it",
        "system": "系统代码=承接机构 / code of a system=who gets it",
        "child": "下级机构=承接机构 / a body below=who gets it",
        "staff": "登录名或账户 id=承接机构；编制员、审批人须重新批准 / login or id of an account=who gets it",
        "person": "责任人 id=承接机构 / id of a responsible person=who gets them",
        "publisher": "资源代码=此后的发布系统 / code of a resource=the system that publishes it then",
    }

    def decorate(command: Command) -> Command:
        for member in reversed(members):
            option = click.option(f"--{member}", member, multiple=True, metavar="X=Y", help=texts[member])
            command = option(command)
        return command

    return decorate


@click.command(help="更名：新名称、新代码 / another name or code; the body stays the same")
@click.argument("named", metavar=NAMED)
@click.option("--name", help="新名称 / new name")
@click.option("--name-en", help="新英文名称 / new name in English")
@click.option("--code", help="新统一社会信用代码；旧代码仍可查到 / new code; the old one still finds the body")
@_asking
def rename(named: str, *, name: str | None, name_en: str | None, code: str | None, **given: Any) -> None:
    """Print the change, or its plan."""
    new = {"name": name, "name_en": name_en, "code": code}
    _ask("renaming", [named], [], {key: value for key, value in new.items() if value is not None}, given)


@click.command(help="合并：SOURCES 并入 --into，其中终止的不再参加 / merge bodies into one")
@click.argument("sources", metavar=NAMED, nargs=-1, required=True)
@click.option("--into", required=True, metavar=NAMED, help="承接机构 / the body that remains")
@_assigning("staff", "person", "publisher")
@_asking
def merge(sources: tuple[str, ...], *, into: str, **given: Any) -> None:
    """Print the change, or its plan."""
    _ask("merger", sources, [into], {}, given)


@click.command(help="分设：每项资源、系统都须指明去向 / split a body; everything is assigned")
@click.argument("source", metavar=NAMED)
@click.option(
    "--into", required=True, multiple=True, metavar=NAMED, help="分设后的机构，可含原机构 / the bodies afterwards"
)
@_assigning("resource", "system", "child", "staff", "person", "publisher")
@_asking
def split(source: str, *, into: tuple[str, ...], **given: Any) -> None:
    """Print the change, or its plan."""
    _ask("split", [source], into, {}, given)


@click.command(help="职能划转：资源及发布它们的系统 / transfer duties: resources and the systems that publish them")
@click.argument("source", metavar=NAMED)
@click.option("--to", "into", required=True, multiple=True, metavar=NAMED, help="承接机构 / who takes over")
@_assigning("resource", "system", "child", "staff", "person", "publisher")
@_asking
def transfer(source: str, *, into: tuple[str, ...], **given: Any) -> None:
    """Print the change, or its plan. With one body that takes over, `=WHO` may be left out."""
    _ask("transfer", [source], into, {}, given)


@click.command(help="撤销：名下不得再有资源、系统和下级 / abolish a body that has nothing left")
@click.argument("named", metavar=NAMED)
@_asking
def abolish(named: str, **given: Any) -> None:
    """Print the change, or its plan."""
    _ask("abolition", [named], [], {}, given)


def _ask(
    kind: str, sources: Sequence[str], targets: Sequence[str], new: Mapping[str, Any], given: dict[str, Any]
) -> None:
    takers = [organisation(one) for one in targets]
    body: dict[str, Any] = {
        "kind": kind,
        "basis": given["basis"],
        "effective_on": given["effective"],
        "from": [organisation(one) for one in sources],
        "to": takers,
        **new,
        "resources": _assigned(given.get("resource"), takers),
        "systems": _assigned(given.get("system"), takers),
        "children": _assigned(given.get("child"), takers, key=organisation),
        "staff": _assigned(given.get("staff"), takers, key=lambda login: api.identify("/v1/staff", login, "login")),
        "people": _assigned(given.get("person"), takers),
        "publishers": dict(_pair(text) for text in given.get("publisher") or ()),
    }
    asked = {name: value for name, value in body.items() if value not in ([], {})}
    if not given["dry_run"]:
        show(api.call("POST", CHANGES.path, body=asked), as_json=given["as_json"])
        return
    _show_plan(api.call("POST", f"{CHANGES.path}/plan", body=asked), as_json=given["as_json"])


def _assigned(texts: Sequence[str] | None, takers: Sequence[str], *, key: Callable[[str], str] = str) -> dict[str, str]:
    """What is assigned to whom; with one body that takes over it need not be named."""
    found = {}
    for text in texts or ():
        if "=" not in text and len(takers) == 1:
            found[key(text)] = takers[0]
        else:
            what, who = _pair(text)
            found[key(what)] = organisation(who)
    return found


def _pair(text: str) -> tuple[str, str]:
    what, equals, who = text.partition("=")
    if not (what and equals and who):
        raise click.UsageError(f"{text} 应写成 X=Y / write {text} as X=Y")
    return what, who


def _show_plan(plan: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(plan)
        return
    show_fields({name: plan[name] for name in ("kind", "digest", "ends") if name in plan})
    for title, rows, columns in (
        ("移转 / moves", plan["moves"], _MOVE_COLUMNS),
        ("须换发的证书 / certificates to be renewed", plan["certificates"], _CERTIFICATE_COLUMNS[:2]),
        ("障碍 / in the way", plan["blockers"], ("pointer", "detail")),
    ):
        if rows:
            click.echo(f"\n{title}:")
            show_table(rows, columns)


@click.command(help="变更列表 / changes of organisations")
@click.option("--state", help="proposed, confirmed, refused, withdrawn")
@click.option("--org", metavar=NAMED, help="涉及的机构 / a body that takes part")
@as_json
def changes(*, state: str | None, org: str | None, as_json: bool) -> None:
    """Print the changes."""
    query = {"state": state, "organisation": None if org is None else organisation(org)}
    found = list(api.items(CHANGES.path, query=query))
    if as_json:
        show_json(found)
    else:
        show_table(found, CHANGES.columns)


@click.command(help="一项变更：提出的显示现在的计划，已确认的显示移转 / one change with its plan or its moves")
@click.argument("identifier", metavar="ID")
@as_json
def change(identifier: str, *, as_json: bool) -> None:
    """Print the change, and what it would move or has moved."""
    found = api.call("GET", CHANGES.address(identifier))
    if found["state"] == "proposed":
        found["present_plan"] = api.call("GET", f"{CHANGES.address(identifier)}/plan")
    elif found["state"] == "confirmed":
        found["moves"] = list(api.items(f"{CHANGES.address(identifier)}/moves"))
    if as_json:
        show_json(found)
        return
    show_fields({name: value for name, value in found.items() if name not in ("present_plan", "moves", "request")})
    if "present_plan" in found:
        click.echo("")
        _show_plan(found["present_plan"], as_json=False)
    elif found.get("moves"):
        click.echo("")
        show_table(found["moves"], ("number", *_MOVE_COLUMNS))


@click.command(help="审核员确认并执行；--plan 为所看过的计划摘要 / confirm and carry out")
@click.argument("identifier", metavar="ID")
@click.option("--plan", required=True, metavar="DIGEST", help="所看过的计划的摘要 / digest of the plan that was read")
@as_json
def confirm(identifier: str, *, plan: str, as_json: bool) -> None:
    """Print the change as it was carried out."""
    show(api.call("POST", f"{CHANGES.address(identifier)}/confirm", body={"plan": plan}), as_json=as_json)


@click.command(help="审核员不予确认 / refuse a proposed change")
@click.argument("identifier", metavar="ID")
@click.option("--reason", required=True, help="理由 / why")
@as_json
def refuse(identifier: str, *, reason: str, as_json: bool) -> None:
    """Print the change."""
    show(api.call("POST", f"{CHANGES.address(identifier)}/refuse", body={"reason": reason}), as_json=as_json)


@click.command(help="撤回提议 / take a proposal back")
@click.argument("identifier", metavar="ID")
@click.option("--reason", required=True, help="理由 / why")
@as_json
def withdraw(identifier: str, *, reason: str, as_json: bool) -> None:
    """Print the change."""
    show(api.call("POST", f"{CHANGES.address(identifier)}/withdraw", body={"reason": reason}), as_json=as_json)


@click.command(help="资源、系统或证书某时归谁 / whose a resource, system or certificate was")
@click.argument("what", type=click.Choice(["resource", "system", "certificate"]))
@click.argument("named", metavar="CODE|KID")
@click.option("--at", metavar="TIME", help="如 2026-08-01T00:00:00+08:00，缺省现在 / at that time; default: now")
@as_json
def owner(what: str, named: str, *, at: str | None, as_json: bool) -> None:
    """Print the organisation, its name of then, and the change that gave it."""
    found = api.call("GET", f"{CHANGES.path}/owner", query={"what": what, "object": named, "at": at})
    show(found, as_json=as_json)


@click.command("renewals", help="因机构变更待换发的证书 / certificates that name a body of before")
@as_json
def renewals(*, as_json: bool) -> None:
    """Print the certificates by when they are to be replaced."""
    found = api.call("GET", f"{CHANGES.path}/certificates")["items"]
    if as_json:
        show_json(found)
    else:
        show_table(found, _CERTIFICATE_COLUMNS)


COMMANDS = (
    rename, merge, split, transfer, abolish, changes, change, confirm, refuse, withdraw, owner, renewals,
)  # fmt: skip
"""What `shuniu org` has of this."""
