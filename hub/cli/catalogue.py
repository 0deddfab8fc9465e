"""`shuniu resource`: the catalogue, from a draft to its withdrawal."""

from typing import BinaryIO
from urllib.parse import quote

import click

from hub.cli import api, sheets
from hub.cli.files import object_in
from hub.cli.output import show_json, show_table
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

RESOURCES = Kind(
    "/v1/resources",
    ("code", "name", "provider.name", "status", "version"),
    "CODE|ID",
    encode=quote,  # a code's slash is part of the path
)

_FORM = "CODE|ID"


@click.group(help="信息资源目录：登记、审核、发布、停用 / resources of the catalogue")
def resource() -> None:
    """Resources."""


@resource.command(help="按 FILE（JSON，字段见 /docs）登记资源草稿 / register a draft from FILE")
@click.argument("file", type=click.File("rb"))
@as_json
def add(*, file: BinaryIO, as_json: bool) -> None:
    """Print the resource with the code it was given."""
    show(api.call("POST", RESOURCES.path, body=object_in(file)), as_json=as_json)


@resource.command(help="按 FILE 修改草稿（description、items）/ edit the draft")
@click.argument("named", metavar=_FORM)
@click.argument("file", type=click.File("rb"))
@as_json
def edit(named: str, *, file: BinaryIO, as_json: bool) -> None:
    """Print the resource."""
    show(api.call("PUT", f"{RESOURCES.address(named)}/draft", body=object_in(file)), as_json=as_json)


@resource.command("new-version", help="起草新版本，当前版本继续有效 / begin the next version")
@click.argument("named", metavar=_FORM)
@click.option("--items", "file", type=click.File("rb"), help="含 items 的 JSON / JSON with items; else a copy")
@as_json
def new_version(named: str, *, file: BinaryIO | None, as_json: bool) -> None:
    """Print the resource."""
    body = {} if file is None else object_in(file)
    show(api.call("POST", f"{RESOURCES.address(named)}/versions", body=body), as_json=as_json)


@resource.command("end-version", help="停用已被替换的旧版本 / end a version that was replaced")
@click.argument("named", metavar=_FORM)
@click.argument("number", type=click.IntRange(min=1))
@as_json
def end_version(named: str, number: int, *, as_json: bool) -> None:
    """Print the resource."""
    show(api.call("POST", f"{RESOURCES.address(named)}/versions/{number}/end"), as_json=as_json)


@resource.command(help="各版本 / its versions")
@click.argument("named", metavar=_FORM)
@as_json
def versions(named: str, *, as_json: bool) -> None:
    """Print all versions, oldest first."""
    found = api.call("GET", f"{RESOURCES.address(named)}/versions")["items"]
    if as_json:
        show_json(found)
    else:
        show_table(found, ("version", "state", "schema_digest", "published_at"))


@resource.command(help="载荷的 JSON Schema / the JSON Schema of payloads")
@click.argument("named", metavar=_FORM)
@click.option("--ver", type=click.IntRange(min=1), help="版本，默认为当前版本 / version, by default the live one")
def schema(named: str, *, ver: int | None) -> None:
    """Print the schema as JSON."""
    show_json(api.call("GET", f"{RESOURCES.address(named)}/schema", query={"ver": ver}))


resource.add_command(sheets.import_workbook)
resource.add_command(sheets.export)
resource.add_command(sheets.template)
add_list(resource, RESOURCES)
add_show(resource, RESOURCES)
add_move(resource, RESOURCES, "submit", "提交审核 / submit for review")
add_move(resource, RESOURCES, "publish", "审核通过并发布 / approve and publish")
add_move(resource, RESOURCES, "return", "退回修改 / send back to the editor", reason=True)
add_move(resource, RESOURCES, "suspend", "暂停：不再接收 / nothing is accepted for it", reason=True)
add_move(resource, RESOURCES, "resume", "恢复 / let the exchange go on")
add_move(resource, RESOURCES, "withdraw", "撤销：不可恢复 / end it for good", reason=True)
