"""`shuniu org people`, `appoint`, `handover`, `relieve`, `lacking-people`: who answers for an organisation's part."""

from typing import Any

import click

from hub.cli import api
from hub.cli.naming import NAMED, ORGANISATIONS, organisation
from hub.cli.output import show_json, show_table
from hub.cli.verbs import as_json, show

_COLUMNS = ("id", "label", "name", "phone", "from", "to", "follows", "note")


def _address(named: str) -> str:
    return f"{ORGANISATIONS}/{organisation(named)}/people"


def _body(**given: Any) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in given.items() if value is not None}


@click.command(help="责任人 / responsible people")
@click.argument("named", metavar=NAMED)
@click.option("--at", metavar="DATE", help="在此日负责，缺省今天 / on that day; default: today")
@click.option("--history", is_flag=True, help="连同以前和将来的 / those of before and of later, too")
@as_json
def people(named: str, *, at: str | None, history: bool, as_json: bool) -> None:
    """Print who is responsible."""
    found = list(api.items(_address(named), query={"at": at, "history": "true" if history else None}))
    if as_json:
        show_json(found)
    else:
        show_table(found, _COLUMNS)


@click.command(help="明确责任人 / name somebody responsible")
@click.argument("named", metavar=NAMED)
@click.option(
    "--role",
    type=click.Choice(["leader", "section", "dedicated", "liaison"]),
    required=True,
    help="分管领导、主管股室、专人、联络员 / role",
)
@click.option("--name", required=True, help="姓名或股室名称 / name of the person or section")
@click.option("--phone", help="办公电话 / telephone at work")
@click.option("--staff", help="其账户 id / id of their account")
@click.option("--from", "from_", metavar="DATE", help="起始日，缺省今天 / first day; default: today")
@as_json
def appoint(named: str, *, as_json: bool, **given: Any) -> None:
    """Print the responsible person with their id."""
    show(api.call("POST", _address(named), body=_body(**given)), as_json=as_json)


@click.command(help="交接：PERSON（责任人 id）交给新人 / hand over to a successor")
@click.argument("named", metavar=NAMED)
@click.argument("person", metavar="PERSON")
@click.option("--name", required=True, help="新责任人的姓名 / name of the successor")
@click.option("--phone", help="办公电话 / telephone at work")
@click.option("--staff", help="其账户 id / id of their account")
@click.option("--from", "from_", metavar="DATE", help="起始日，缺省今天 / first day; default: today")
@click.option("--note", required=True, help="交接说明 / what was handed over")
@as_json
def handover(named: str, person: str, *, as_json: bool, **given: Any) -> None:
    """Print the successor."""
    path = f"{_address(named)}/{api.segment(person)}/handover"
    show(api.call("POST", path, body=_body(**given)), as_json=as_json)


@click.command(help="结束：无人接替 / end without a successor")
@click.argument("named", metavar=NAMED)
@click.argument("person", metavar="PERSON")
@click.option("--on", metavar="DATE", help="自此日起不再负责，缺省今天 / from this day; default: today")
@click.option("--note", required=True, help="说明 / why")
@as_json
def relieve(named: str, person: str, *, as_json: bool, **given: Any) -> None:
    """Print the person's row as it was closed."""
    show(api.call("POST", f"{_address(named)}/{api.segment(person)}/end", body=_body(**given)), as_json=as_json)


@click.command("lacking-people", help="未明确责任人的机构 / organisations that have named nobody")
@click.option("--region", help="行政区划代码 / region")
@as_json
def lacking_people(*, region: str | None, as_json: bool) -> None:
    """Print the organisations with the roles that nobody holds."""
    found = list(api.items(f"{ORGANISATIONS}/lacking-people", query={"region": region}))
    if as_json:
        show_json(found)
    else:
        show_table(found, ("organisation.id", "organisation.name", "lacking", "labels"))


COMMANDS = (people, appoint, handover, relieve, lacking_people)
"""What `shuniu org` has of this."""
