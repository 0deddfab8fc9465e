"""`shuniu org` and `shuniu system`: who takes part."""

import click

from hub.cli import api
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

ORGANISATIONS = Kind(
    "/v1/organisations", ("id", "code", "name", "region", "is_example"), "CODE|NAME|ID", ("code", "name")
)
SYSTEMS = Kind("/v1/systems", ("code", "name", "organisation.name", "state"), "CODE")


@click.group(help="机构：登记、查看 / organisations")
def org() -> None:
    """Organisations."""


@org.command(help="登记机构；没有统一社会信用代码的须指明上级 / register; without a code it needs a parent")
@click.argument("name")
@click.option("--region", required=True, help="行政区划代码 GB/T 2260 / region")
@click.option("--code", help="统一社会信用代码 GB 32100 / unified social credit code")
@click.option("--name-en", default="", help="英文名称 / name in English")
@click.option("--parent", metavar="CODE|NAME|ID", help="上级机构 / the body above")
@click.option("--example", is_flag=True, help="标为示例 / marked as an example")
@as_json
def add(
    name: str, *, region: str, code: str | None, name_en: str, parent: str | None, example: bool, as_json: bool
) -> None:
    """Print the organisation with its id."""
    body: dict[str, object] = {"name": name, "region": region, "name_en": name_en, "is_example": example}
    if code is not None:
        body["code"] = code
    if parent is not None:
        body["parent"] = api.identify(ORGANISATIONS.path, parent, *ORGANISATIONS.identified_by)
    show(api.call("POST", ORGANISATIONS.path, body=body), as_json=as_json)


add_list(org, ORGANISATIONS, filters={"region": "行政区划代码 / region"})
add_show(org, ORGANISATIONS)


@click.group(help="接入系统：登记、暂停、恢复、退役 / partner systems")
def system() -> None:
    """Systems."""


@system.command("add", help="登记系统；代码即信封的 iss，不得更改 / register; the code is the iss of its envelopes")
@click.argument("code")
@click.option("--org", required=True, metavar="CODE|NAME|ID", help="所属机构 / organisation that runs it")
@click.option("--name", required=True, help="系统名称 / name")
@click.option("--name-en", default="", help="英文名称 / name in English")
@as_json
def add_system(code: str, *, org: str, name: str, name_en: str, as_json: bool) -> None:
    """Print the system."""
    owner = api.identify(ORGANISATIONS.path, org, *ORGANISATIONS.identified_by)
    body = {"code": code, "organisation": owner, "name": name, "name_en": name_en}
    show(api.call("POST", SYSTEMS.path, body=body), as_json=as_json)


add_list(system, SYSTEMS)
add_show(system, SYSTEMS)
add_move(system, SYSTEMS, "suspend", "暂停：不再接收其报文 / nothing that it signs is accepted", reason=True)
add_move(system, SYSTEMS, "resume", "恢复 / let it take part again")
add_move(system, SYSTEMS, "retire", "退役：不可恢复 / end it for good", reason=True)
