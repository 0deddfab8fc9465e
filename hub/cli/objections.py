"""`shuniu objection`: objections, their answers and ratings."""

import click

from hub.cli import api
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

OBJECTIONS = Kind(
    "/v1/objections", ("id", "state", "kind.zh", "about.kind", "resource", "organisation.name", "rating"), "ID"
)

_SUBJECTS = {"resource": "resource", "request": "access-request", "grant": "grant", "exchange": "exchange"}


@click.group(help="异议：目录、审批、质量、使用 / objections: catalogue, approval, quality, use")
def objection() -> None:
    """Objections."""


@objection.command(help="提出异议 / raise an objection")
@click.option(
    "--kind", required=True, type=click.Choice(["catalogue", "approval", "quality", "use"]), help="类别 / kind"
)
@click.option(
    "--detail",
    type=click.Choice(["duration", "opinion", "response", "data", "other"]),
    help="细类：审批 duration、opinion、other；质量 data；使用 response、other / sub-kind",
)
@click.option("--resource", metavar="CODE", help="所指资源 / the resource that it is about")
@click.option("--request", metavar="ID", help="所指申请 / the request")
@click.option("--grant", metavar="ID", help="所指授权 / the grant")
@click.option("--exchange", metavar="ID", help="所指交换 / the exchange")
@click.option("--text", required=True, help="异议内容 / what is objected to")
@as_json
def add(*, kind: str, detail: str | None, text: str, as_json: bool, **about: str | None) -> None:
    """Print the objection."""
    named = [(_SUBJECTS[name], identifier) for name, identifier in about.items() if identifier is not None]
    if len(named) != 1:
        raise click.UsageError(
            "须用 --resource、--request、--grant、--exchange 之一指明所指 / name one of resource, request, grant, exchange"
        )
    body = {"kind": kind, "about": {"kind": named[0][0], "id": named[0][1]}, "text": text}
    show(api.call("POST", OBJECTIONS.path, body=body | ({"detail": detail} if detail else {})), as_json=as_json)


@objection.command(help="答复 / answer")
@click.argument("named", metavar=OBJECTIONS.argument)
@click.option("--text", required=True, help="答复内容 / the answer")
@as_json
def answer(named: str, *, text: str, as_json: bool) -> None:
    """Print the objection."""
    show(api.call("POST", f"{OBJECTIONS.address(named)}/answer", body={"answer": text}), as_json=as_json)


@objection.command(help="评价答复，1–5 分 / rate the answer, 1 to 5")
@click.argument("named", metavar=OBJECTIONS.argument)
@click.argument("rating", type=click.IntRange(1, 5))
@as_json
def rate(named: str, rating: int, *, as_json: bool) -> None:
    """Print the objection."""
    show(api.call("POST", f"{OBJECTIONS.address(named)}/rate", body={"rating": rating}), as_json=as_json)


add_list(
    objection,
    OBJECTIONS,
    filters={
        "box": "mine, to-answer",
        "state": "submitted, handling, answered, rated, withdrawn",
        "kind": "catalogue, approval, quality, use",
    },
)
add_show(objection, OBJECTIONS)
add_move(objection, OBJECTIONS, "take", "受理 / take in hand")
add_move(objection, OBJECTIONS, "withdraw", "撤回 / withdraw")
