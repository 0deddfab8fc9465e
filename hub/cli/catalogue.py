"""`shuniu resource`: the catalogue, from a draft to its withdrawal."""

import json
from typing import Any, BinaryIO
from urllib.parse import quote

import click

from hub.cli import api, sheets
from hub.cli.dcat import dcat
from hub.cli.files import object_in
from hub.cli.output import show_json, show_table
from hub.cli.resource_search import add_search
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


@resource.command("add-list", help="按清单类型 KEY 登记资源草稿 / register a draft of a type of list")
@click.argument("key")
@click.option("--system", required=True, metavar="SYS", help="发布数据的系统代码 / code of the system that publishes")
@click.option("--provider", metavar="ID", help="提供机构的 id，默认本人机构 / id of the provider, your own by default")
@click.option("--name", help="资源名称，默认按类型 / name, by default the type's")
@click.option("--classification", help="类项目细目，默认按类型 / classification, by default the type's")
@click.option("--example", "is_example", is_flag=True, help="示例资源 / an example")
@click.option(
    "--samples", type=click.File("wb"), help="把样例行写成载荷，供 shuniu send / write sample rows for shuniu send"
)
@as_json
def add_list_resource(
    key: str, *, name: str | None, is_example: bool, samples: BinaryIO | None, as_json: bool, **given: str | None
) -> None:
    """Print the resource with the code it was given."""
    body: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    body |= {"is_example": is_example} | ({} if name is None else {"description": {"name": name}})
    path = f"/v1/list-types/{api.segment(key)}"
    made = api.call("POST", f"{path}/resources", body=body)
    if samples is not None:
        rows = api.call("GET", path)["samples"]
        samples.write(json.dumps({"op": "upsert", "records": rows}, ensure_ascii=False, indent=1).encode())
    show(made, as_json=as_json)


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


@resource.command(help="两个版本的差别，逐条用文字说明 / differences between two versions, in words")
@click.argument("named", metavar=_FORM)
@click.option("--from", "old", type=click.IntRange(min=1), help="版本，默认为之前的一版 / by default the one before")
@click.option("--to", "new", type=click.IntRange(min=1), help="版本，默认为最新一版 / by default the newest")
@as_json
def differences(named: str, *, old: int | None, new: int | None, as_json: bool) -> None:
    """Print what the one version says otherwise than the other."""
    found = api.call("GET", f"{RESOURCES.address(named)}/differences", query={"from": old, "to": new})
    if as_json:
        show_json(found)
        return
    click.echo(f"版本 / version {found['from']} → {found['to']}")
    for one in found["items"]:
        click.echo(f"{one['zh']} / {one['en']}")


@resource.command(help="载荷的 JSON Schema / the JSON Schema of payloads")
@click.argument("named", metavar=_FORM)
@click.option("--ver", type=click.IntRange(min=1), help="版本，默认为当前版本 / version, by default the live one")
def schema(named: str, *, ver: int | None) -> None:
    """Print the schema as JSON."""
    show_json(api.call("GET", f"{RESOURCES.address(named)}/schema", query={"ver": ver}))


@resource.command(help="通过轮到的一步审查审核 / approve the step whose turn it is")
@click.argument("named", metavar=_FORM)
@click.option("--opinion", help="意见，存档备查 / what is to be said with it")
@as_json
def approve(named: str, *, opinion: str | None, as_json: bool) -> None:
    """Print the step."""
    body = None if opinion is None else {"opinion": opinion}
    show(api.call("POST", f"{RESOURCES.address(named)}/approve", body=body), as_json=as_json)


@resource.command(help="审核通过并发布 / take the last step: publish")
@click.argument("named", metavar=_FORM)
@click.option(
    "--confirm-breaking", is_flag=True, help="已知与现行版本不兼容 / the breaks with the live version are known"
)
@click.option(
    "--replaced-ends-at", metavar="TIME", help="旧版本停用时间，默认 30 天后 / when the replaced version ends"
)
@as_json
def publish(named: str, *, confirm_breaking: bool, replaced_ends_at: str | None, as_json: bool) -> None:
    """Print the resource."""
    body: dict[str, object] = {"confirm_breaking": confirm_breaking}
    if replaced_ends_at is not None:
        body["replaced_ends_at"] = replaced_ends_at
    show(api.call("POST", f"{RESOURCES.address(named)}/publish", body=body), as_json=as_json)


@resource.command(help="审查审核记录、与现行版本的差别、一数一源 / its review, its changes, who claims its items")
@click.argument("named", metavar=_FORM)
@as_json
def reviews(named: str, *, as_json: bool) -> None:
    """Print the steps of every round, newest first, then what the reviewer should know of the open version."""
    found = api.call("GET", f"{RESOURCES.address(named)}/reviews")
    if as_json:
        show_json(found)
        return
    columns = ("version", "round", "position", "kind", "role", "organisation.name", "verdict", "opinion")
    show_table(found["items"], columns)
    for change in found.get("changes", ()):
        click.echo(f"[{change['effect']}] {change['zh']} / {change['en']}")
    for one in found.get("differences", ()):
        click.echo(f"[差别 difference] {one['zh']} / {one['en']}")
    for claim in found.get("claims", ()):
        click.echo(f"[一数一源 CAT-09] {claim['zh']} / {claim['en']}")


@resource.command(help="逾期未更新的资源 / resources whose data are late")
@as_json
def overdue(*, as_json: bool) -> None:
    """Print the resources that are overdue, by code."""
    found = api.items(RESOURCES.path, query={"overdue": "true"})
    if as_json:
        show_json(list(found))
    else:
        show_table(found, ("code", "name", "provider.name", "last_data_at", "expected_at"))


@resource.command(help="上报状态与历史 / its registrations with catalogues above")
@click.argument("named", metavar=_FORM)
@as_json
def upstream(named: str, *, as_json: bool) -> None:
    """Print every state by catalogue, oldest first."""
    found = api.call("GET", f"{RESOURCES.address(named)}/upstream")["items"]
    if as_json:
        show_json(found)
    else:
        show_table(found, ("catalogue", "state", "upstream_code", "receipt.reference", "recorded_at"))


@resource.command("record-upstream", help="记录上报状态；不改本级代码和状态 / record a state; nothing here changes")
@click.argument("named", metavar=_FORM)
@click.option("--catalogue", required=True, help="上级目录的枢纽标识或名称 / hub id or name of the catalogue above")
@click.option(
    "--state",
    required=True,
    type=click.Choice(["pending", "refused", "accepted", "cancelled"]),
    help="待审、驳回、通过、已撤销 / where it stands",
)
@click.option("--upstream-code", help="上级代码 / the code it has there")
@click.option("--receipt", help="回执编号 / reference of the receipt")
@click.option("--receipt-digest", metavar="sha-256:HEX", help="回执原件摘要 / digest of its bytes")
@click.option("--receipt-at", metavar="TIME", help="回执时间 / its time")
@as_json
def record_upstream(
    named: str,
    *,
    receipt: str | None,
    receipt_digest: str | None,
    receipt_at: str | None,
    as_json: bool,
    **given: str | None,
) -> None:
    """Print the state."""
    body: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if receipt is not None:
        body["receipt"] = {"reference": receipt, "digest": receipt_digest or "", "at": receipt_at or ""}
    show(api.call("POST", f"{RESOURCES.address(named)}/upstream", body=body), as_json=as_json)


resource.add_command(sheets.import_workbook)
resource.add_command(sheets.export)
resource.add_command(sheets.template)
resource.add_command(dcat)
add_list(resource, RESOURCES)
add_show(resource, RESOURCES)
add_search(resource, RESOURCES)
add_move(resource, RESOURCES, "submit", "提交审核 / submit for review")
add_move(resource, RESOURCES, "return", "退回修改 / send back to the editor", reason=True)
add_move(resource, RESOURCES, "suspend", "暂停：不再接收 / nothing is accepted for it", reason=True)
add_move(resource, RESOURCES, "resume", "恢复 / let the exchange go on")
add_move(resource, RESOURCES, "withdraw", "撤销：不可恢复 / end it for good", reason=True)
