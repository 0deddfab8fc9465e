"""`shuniu published-list` and `shuniu power-suspension`: what departments and the reform office do about lists."""

from datetime import datetime
from typing import Any

import click

from hub.cli import api
from hub.cli.output import show_table
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

LISTS = Kind(
    "/v1/lists",
    ("code", "name", "list_type", "publication.number", "publication.period_to", "period_over"),
    "CODE|ID",
    encode=str,
)
SUSPENSIONS = Kind(
    "/v1/power-suspensions", ("id", "resource", "power_code", "ground", "state", "document", "confirmation"), "ID"
)
GROUNDS = ("never-exercised", "no-case-for-three-years", "periodic", "other")

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group("published-list", help="清单发布：登记发布、说明变更 / published lists: declare, explain changes")
def published_list() -> None:
    """Published lists."""


add_list(published_list, LISTS)
add_show(published_list, LISTS)


@published_list.command(help="各次发布 / its publications")
@click.argument("named", metavar="CODE|ID")
def publications(named: str) -> None:
    """Print all publications, oldest first."""
    columns = ("number", "kind", "occurred_on", "period_from", "period_to", "explanation")
    show_table(api.items(f"{LISTS.address(named)}/publications"), columns)


@published_list.command(
    help="登记整体发布或变更，写明变更了什么、为什么 / declare a publication, and say what changed and why"
)
@click.argument("named", metavar="CODE|ID")
@click.option(
    "--kind", type=click.Choice(["whole", "change"]), required=True, help="整体或变更 / the whole, or a change"
)
@click.option("--explanation", help="变更说明，首次之外必填 / what changed and why; required but for the first")
@click.option("--occurred-on", type=_DAY, help="批准或变更之日，默认今天 / when it happened, by default today")
@click.option("--period-from", type=_DAY, help="公告期起，默认今天 / period from, by default today")
@click.option("--period-to", type=_DAY, help="公告期止（不含）/ period to, exclusive")
@click.option("--exchange", help="载有数据的交换编号 / the exchange that carries the data")
@as_json
def declare(named: str, *, as_json: bool, **given: Any) -> None:
    """Print the publication."""
    body = {name: _written(value) for name, value in given.items() if value is not None}
    show(api.call("POST", f"{LISTS.address(named)}/publications", body=body), as_json=as_json)


@published_list.command("exchange", help="补登载有数据的交换编号 / name the exchange that carries the data")
@click.argument("named", metavar="CODE|ID")
@click.argument("number", type=click.IntRange(min=1))
@click.argument("exchange")
@as_json
def list_exchange(named: str, number: int, exchange: str, *, as_json: bool) -> None:
    """Print the publication."""
    path = f"{LISTS.address(named)}/publications/{number}/exchange"
    show(api.call("POST", path, body={"exchange": exchange}), as_json=as_json)


@click.group("power-suspension", help="权力事项的暂停与恢复：申请、批准、确认 / powers suspended and restored")
def power_suspension() -> None:
    """Suspended powers."""


@power_suspension.command(help="申请暂停 / apply for a suspension")
@click.option("--resource", required=True, metavar="CODE", help="权责清单的资源代码 / the list of powers")
@click.option("--power-code", required=True, help="职权编码 / code of the power")
@click.option(
    "--ground",
    type=click.Choice(GROUNDS),
    required=True,
    help="从未行使过、三年以上未发生办件、周期性办理、其他原因 / one of four grounds",
)
@click.option("--reason", help="说明，其他原因必填 / why; required for another reason")
@as_json
def apply(*, as_json: bool, **given: str | None) -> None:
    """Print the application with its id."""
    body = {name: value for name, value in given.items() if value is not None}
    show(api.call("POST", SUSPENSIONS.path, body=body), as_json=as_json)


add_list(
    power_suspension,
    SUSPENSIONS,
    filters={
        "resource": "资源代码 / code of the list",
        "power_code": "职权编码 / code of the power",
        "state": "applied, refused, suspended, resuming, confirmed, restored",
    },
)
add_show(power_suspension, SUSPENSIONS)
add_move(power_suspension, SUSPENSIONS, "refuse", "审改办不批准 / refuse", reason=True)
add_move(power_suspension, SUSPENSIONS, "resume", "申请恢复 / apply for the resumption", reason=True)
add_move(power_suspension, SUSPENSIONS, "decline", "审改办不同意恢复 / decline the resumption", reason=True)


def _add_decision(verb: str, text: str) -> None:
    @power_suspension.command(verb, help=text)
    @click.argument("named", metavar="ID")
    @click.option("--document", required=True, help="批准或确认文件的文号 / number of the document")
    @as_json
    def deciding(named: str, *, document: str, as_json: bool) -> None:
        path = f"{SUSPENSIONS.address(named)}/{verb}"
        show(api.call("POST", path, body={"document": document}), as_json=as_json)


_add_decision("approve", "审改办批准暂停 / approve the suspension")
_add_decision("confirm", "审改办确认恢复，2个工作日内恢复 / confirm; to be restored within 2 working days")


@power_suspension.command("exchange", help="登记载有该记录的交换，由枢纽核对 / name the exchange with the record")
@click.argument("named", metavar="ID")
@click.argument("exchange")
@as_json
def suspension_exchange(named: str, exchange: str, *, as_json: bool) -> None:
    """Print the suspension."""
    path = f"{SUSPENSIONS.address(named)}/exchange"
    show(api.call("POST", path, body={"exchange": exchange}), as_json=as_json)


def _written(value: Any) -> Any:
    return value.date().isoformat() if isinstance(value, datetime) else value
