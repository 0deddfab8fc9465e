"""`shuniu request`: asking for access, reviewing and deciding what was asked for."""

import base64
import mimetypes
from pathlib import Path
from typing import Any, BinaryIO

import click

from hub.cli import api
from hub.cli.files import object_in
from hub.cli.verbs import Kind, add_list, add_move, add_show, as_json, show

REQUESTS = Kind(
    "/v1/access-requests",
    ("id", "state", "consumer", "resource.code", "resource.share_type", "purpose", "valid_to"),
    "ID",
)


@click.group(help="共享申请：申请、审查、审批 / access requests: ask, review, decide")
def request() -> None:
    """Access requests."""


def _asking(command: Any) -> Any:
    """The options that say what is asked for."""
    options = (
        click.option("--basis", required=True, help="使用依据 / legal basis"),
        click.option("--scene", required=True, help="应用场景 / scene of use"),
        click.option("--purpose", required=True, help="用途 / what for"),
        click.option(
            "--mode", type=click.Choice(["inbox", "push"]), help="自取（默认）或推送 / pull (default) or push"
        ),
        click.option("--valid-from", metavar="TIME", help="起始，默认现在 / from, by default now"),
        click.option("--valid-to", required=True, metavar="TIME", help="截止，如 2027-12-31T00:00:00+08:00 / until"),
        click.option(
            "--scope",
            type=click.File("rb"),
            help="使用范围（JSON：items、rows、masks），默认全部 / JSON with items, rows and masks, by default all",
        ),
        click.option("--average", type=click.IntRange(min=0), help="预计频次，平均次/天 / times a day on average"),
        click.option("--peak", type=click.IntRange(min=0), help="预计频次，峰值次/天 / on the busiest day"),
        click.option(
            "--attachment", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="附件 / attachment"
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@request.command(help="申请共享 / ask for access")
@click.option("--consumer", required=True, metavar="SYS", help="使用方系统代码 / code of the consuming system")
@click.option("--resource", required=True, metavar="CODE", help="资源代码 / code of the resource")
@_asking
@as_json
def add(*, consumer: str, resource: str, as_json: bool, **asked: Any) -> None:
    """Print the request: granted, in review, or refused."""
    body = {"consumer": consumer, "resource": resource, **_body(**asked)}
    show(api.call("POST", REQUESTS.path, body=body), as_json=as_json)


@request.command(help="补正后再次提交被退回的申请 / hand in again what was returned")
@click.argument("named", metavar=REQUESTS.argument)
@_asking
@as_json
def resubmit(named: str, *, as_json: bool, **asked: Any) -> None:
    """Print the request."""
    show(api.call("PUT", REQUESTS.address(named), body=_body(**asked)), as_json=as_json)


@request.command(help="符合性审查（主管部门）/ review, by the authority")
@click.argument("named", metavar=REQUESTS.argument)
@click.option("--pass/--return", "passes", required=True, default=None, help="转提供部门，或退回 / pass on, or return")
@click.option("--opinion", help="意见，退回时必填 / opinion, required for a return")
@as_json
def review(named: str, *, passes: bool, opinion: str | None, as_json: bool) -> None:
    """Print the request."""
    body = _present(verdict="pass" if passes else "return", opinion=opinion)
    show(api.call("POST", f"{REQUESTS.address(named)}/review", body=body), as_json=as_json)


@request.command(help="审批（提供部门）：同意，或按代码和说明不同意 / decide, by the provider")
@click.argument("named", metavar=REQUESTS.argument)
@click.option("--grant/--refuse", "grants", required=True, default=None, help="同意，或不同意 / grant, or refuse")
@click.option("--opinion", help="同意时的意见 / opinion with a grant")
@click.option(
    "--code",
    type=click.IntRange(1, 4),
    help="不同意的原因：1 法律法规不允许，2 数据不在本部门，3 不具备共享条件，4 其它 / reason of a refusal: law, elsewhere, conditions, other",
)
@click.option("--text", help="不同意的说明 / text of a refusal")
@as_json
def decide(named: str, *, grants: bool, opinion: str | None, code: int | None, text: str | None, as_json: bool) -> None:
    """Print the request."""
    body = _present(verdict="grant" if grants else "refuse", opinion=opinion, code=code, text=text)
    show(api.call("POST", f"{REQUESTS.address(named)}/decide", body=body), as_json=as_json)


@request.command(help="取回附件 / fetch the attachment")
@click.argument("named", metavar=REQUESTS.argument)
@click.option("--out", required=True, type=click.File("wb"), help="写到的文件，- 为标准输出 / where to write it")
def attachment(named: str, *, out: BinaryIO) -> None:
    """Write the file as it came."""
    with api.reading() as fetch:
        out.write(fetch(f"{REQUESTS.address(named)}/attachment"))


add_list(
    request,
    REQUESTS,
    filters={
        "box": "mine, to-review, to-decide",
        "state": "in-review, returned, with-provider, granted, refused, withdrawn",
        "consumer": "使用方系统代码 / code of the consumer",
        "resource": "资源代码 / code of the resource",
    },
)
add_show(request, REQUESTS)
add_move(request, REQUESTS, "withdraw", "撤回尚未答复的申请 / withdraw what nobody has answered yet", reason=True)


def _body(
    *,
    scope: BinaryIO | None,
    average: int | None,
    peak: int | None,
    attachment: Path | None,
    **given: str | None,
) -> dict[str, Any]:
    """What is asked for, as the API takes it. Raises click.UsageError."""
    if (average is None) != (peak is None):
        raise click.UsageError("频次的平均值和峰值须一起给出 / give the average and the peak of the frequency together")
    return _present(
        **given,
        scope=None if scope is None else object_in(scope),
        frequency=None if average is None else {"average": average, "peak": peak},
        attachment=None if attachment is None else _file(attachment),
    )


def _file(path: Path) -> dict[str, str]:
    kind = _MEDIA_TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {"name": path.name, "media_type": kind, "content": base64.b64encode(path.read_bytes()).decode()}


_MEDIA_TYPES = {
    ".ofd": "application/ofd",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""What a machine's own table may lack."""


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
