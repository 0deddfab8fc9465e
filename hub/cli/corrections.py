"""`shuniu correction`: errors in what was received, and what became of them."""

import click

from hub.cli import api
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

CORRECTIONS = Kind(
    "/v1/corrections", ("id", "state", "resource", "consumer", "exchange", "correcting", "created_at"), "ID"
)


@click.group(help="校核：收到的数据有误 / corrections of what was received")
def correction() -> None:
    """Corrections."""


@correction.command(help="提出校核 / report an error")
@click.option("--exchange", required=True, metavar="ID", help="出错的交换 / the exchange that is wrong")
@click.option(
    "--at",
    "pointers",
    multiple=True,
    required=True,
    metavar="POINTER",
    help="出错处，如 /records/0/phone，可多次 / where, may be given again",
)
@click.option("--believed", required=True, help="认为正确的内容，不进入日志 / what is believed right; not in the log")
@click.option("--system", metavar="SYS", help="收到它的系统 / which of your systems received it")
@as_json
def add(*, exchange: str, pointers: tuple[str, ...], believed: str, system: str | None, as_json: bool) -> None:
    """Print the correction."""
    body = {"exchange": exchange, "pointers": list(pointers), "believed": believed}
    show(api.call("POST", CORRECTIONS.path, body=body | ({"system": system} if system else {})), as_json=as_json)


@correction.command(help="更正：指明更正它的交换 / name the exchange that corrects it")
@click.argument("named", metavar=CORRECTIONS.argument)
@click.option("--exchange", required=True, metavar="ID", help="更正的交换 / the correcting exchange")
@as_json
def correct(named: str, *, exchange: str, as_json: bool) -> None:
    """Print the correction."""
    show(api.call("POST", f"{CORRECTIONS.address(named)}/correct", body={"exchange": exchange}), as_json=as_json)


add_list(
    correction,
    CORRECTIONS,
    filters={"box": "mine, to-answer", "state": "submitted, verifying, corrected, rejected, withdrawn"},
)
add_show(correction, CORRECTIONS)
add_move(correction, CORRECTIONS, "take", "核实 / verify")
add_move(correction, CORRECTIONS, "reject", "不予更正 / say why nothing is wrong", reason=True)
add_move(correction, CORRECTIONS, "withdraw", "撤回 / withdraw")
