"""`shuniu org`: the bodies that take part, what they were called, who answers for them, and how they change."""

import click

from hub.cli import api
from hub.cli.naming import NAMED, ORGANISATIONS, organisation
from hub.cli.organisation_changes import COMMANDS as CHANGE_COMMANDS
from hub.cli.output import show_json, show_table
from hub.cli.responsible_people import COMMANDS as PEOPLE_COMMANDS
from hub.cli.verbs import Kind, add_list, add_show, as_json, show

KIND = Kind(ORGANISATIONS, ("id", "code", "name", "region", "state", "is_example"), NAMED, find=organisation)


@click.group(help="机构：登记、查看、变更、责任人 / organisations, their changes and their people")
def org() -> None:
    """Organisations."""


@org.command(help="登记机构；没有统一社会信用代码的须指明上级 / register; without a code it needs a parent")
@click.argument("name")
@click.option("--region", required=True, help="行政区划代码 GB/T 2260 / region")
@click.option("--code", help="统一社会信用代码 GB 32100 / unified social credit code")
@click.option("--name-en", default="", help="英文名称 / name in English")
@click.option("--parent", metavar=NAMED, help="上级机构 / the body above")
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
        body["parent"] = organisation(parent)
    show(api.call("POST", ORGANISATIONS, body=body), as_json=as_json)


@org.command(help="曾用名称和代码 / what it was called, and its codes")
@click.argument("named", metavar=NAMED)
@as_json
def names(named: str, *, as_json: bool) -> None:
    """Print all names, the first one first."""
    found = api.call("GET", f"{KIND.address(named)}/names")["items"]
    if as_json:
        show_json(found)
    else:
        show_table(found, ("from", "to", "name", "name_en", "code"))


add_list(
    org,
    KIND,
    filters={
        "region": "行政区划代码 / region",
        "state": "active, ended",
        "code": "统一社会信用代码，曾用的也可 / code, also one of before",
    },
)
add_show(org, KIND)
for command in (*CHANGE_COMMANDS, *PEOPLE_COMMANDS):
    org.add_command(command)
