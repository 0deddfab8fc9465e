"""`shuniu system`: partner systems."""

import click

from hub.cli import api
from hub.cli.naming import NAMED, organisation
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

SYSTEMS = Kind("/v1/systems", ("code", "name", "organisation.name", "state"), "CODE")


@click.group(help="接入系统：登记、暂停、恢复、退役 / partner systems")
def system() -> None:
    """Systems."""


@system.command("add", help="登记系统；代码即信封的 iss，不得更改 / register; the code is the iss of its envelopes")
@click.argument("code")
@click.option("--org", required=True, metavar=NAMED, help="所属机构 / organisation that runs it")
@click.option("--name", required=True, help="系统名称 / name")
@click.option("--name-en", default="", help="英文名称 / name in English")
@as_json
def add_system(code: str, *, org: str, name: str, name_en: str, as_json: bool) -> None:
    """Print the system."""
    body = {"code": code, "organisation": organisation(org), "name": name, "name_en": name_en}
    show(api.call("POST", SYSTEMS.path, body=body), as_json=as_json)


add_list(system, SYSTEMS)
add_show(system, SYSTEMS)
add_move(system, SYSTEMS, "suspend", "暂停：不再接收其报文 / nothing that it signs is accepted", reason=True)
add_move(system, SYSTEMS, "resume", "恢复 / let it take part again")
add_move(system, SYSTEMS, "retire", "退役：不可恢复 / end it for good", reason=True)
