"""`shuniu grant`: which consumer may have which resource."""

from typing import Any, BinaryIO

import click

from hub.cli import api
from hub.cli.files import object_in
from hub.cli.output import show_json
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

GRANTS = Kind("/v1/grants", ("id", "consumer", "resource", "purpose", "state", "valid_to"), "ID")


@click.group(help="授权：提供方审批 / grants, decided by the provider")
def grant() -> None:
    """Grants."""


@grant.command(help="授权 / grant")
@click.option("--consumer", required=True, metavar="SYS", help="使用方系统代码 / code of the consuming system")
@click.option("--resource", required=True, metavar="CODE", help="资源代码 / code of the resource")
@click.option("--purpose", required=True, help="用途 / what for")
@click.option("--basis", required=True, help="依据 / legal basis")
@click.option(
    "--mode",
    type=click.Choice(["inbox", "push"]),
    help="方式：自取（默认）或推送 / the consumer pulls (default), or the hub pushes",
)
@click.option(
    "--policy",
    type=click.Choice(["park", "block"]),
    help="推送失败后：搁置或停住通道，默认按推送目标 / after failed pushes; by default as the push target says",
)
@click.option("--valid-to", required=True, metavar="TIME", help="截止，如 2027-12-31T00:00:00+08:00 / until")
@click.option("--valid-from", metavar="TIME", help="起始，默认现在 / from, by default now")
@click.option(
    "--scope",
    type=click.File("rb"),
    help="使用范围（JSON：items、rows、masks），默认全部 / JSON with items, rows and masks, by default all",
)
@as_json
def add(*, scope: BinaryIO | None, as_json: bool, **given: str | None) -> None:
    """Print the grant with its id and its lane."""
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if scope is not None:
        body["scope"] = object_in(scope)
    show(api.call("POST", GRANTS.path, body=body), as_json=as_json)


@grant.command(help="续期，可变更频次 / let it last longer, perhaps at another frequency")
@click.argument("named", metavar=GRANTS.argument)
@click.option("--valid-to", required=True, metavar="TIME", help="新的截止时间 / until")
@click.option("--reason", required=True, help="续期理由 / why")
@click.option("--average", type=click.IntRange(min=0), help="新的频次，平均次/天 / times a day on average")
@click.option("--peak", type=click.IntRange(min=0), help="新的频次，峰值次/天 / on the busiest day")
@as_json
def renew(named: str, *, valid_to: str, reason: str, average: int | None, peak: int | None, as_json: bool) -> None:
    """Print the grant."""
    if (average is None) != (peak is None):
        raise click.UsageError("频次的平均值和峰值须一起给出 / give the average and the peak of the frequency together")
    often = {} if average is None else {"frequency": {"average": average, "peak": peak}}
    body = {"valid_to": valid_to, "reason": reason, **often}
    show(api.call("POST", f"{GRANTS.address(named)}/renew", body=body), as_json=as_json)


@grant.command(help="所交付载荷的 JSON Schema / the JSON Schema of what it delivers")
@click.argument("named", metavar=GRANTS.argument)
@click.option("--version", type=click.IntRange(min=1), help="版本，默认为可用的最新版本 / by default the newest it has")
def schema(named: str, *, version: int | None) -> None:
    """Print the schema as JSON."""
    show_json(api.call("GET", f"{GRANTS.address(named)}/schema", query={"version": version}))


add_list(
    grant,
    GRANTS,
    filters={
        "consumer": "使用方系统代码 / code of the consumer",
        "resource": "资源代码 / code of the resource",
        "state": "active, suspended, revoked",
    },
)
add_show(grant, GRANTS)
add_move(grant, GRANTS, "suspend", "暂停：不再交付 / nothing is handed out", reason=True)
add_move(grant, GRANTS, "resume", "恢复 / hand out again")
add_move(grant, GRANTS, "revoke", "撤销：不可恢复 / end it for good", reason=True)
