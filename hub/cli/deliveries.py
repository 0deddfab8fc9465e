"""`shuniu push-target`, `lane` and `dead-letter`: pushing, for security officers and operators."""

import json
from pathlib import Path

import click

from hub.cli import api
from hub.cli.failures import Refused
from hub.cli.verbs import Kind, add_list, as_json, show

LANES = Kind("/v1/lanes", ("id", "consumer", "resource", "state", "waiting", "failures", "reason"), "ID")
LETTERS = Kind("/v1/dead-letters", ("id", "lane", "exchange", "attempts", "reason", "parked_at"), "ID")


@click.group("push-target", help="推送目标：设置、暂停、恢复 / where systems are pushed to")
def push_target() -> None:
    """Push targets."""


def _read(path: Path) -> object:
    try:
        found: object = json.loads(path.read_text("utf-8"))
    except ValueError as fault:
        # where, never what: the text may be a secret
        place = f"{fault.lineno}:{fault.colno}" if isinstance(fault, json.JSONDecodeError) else "UTF-8"
        raise Refused(f"{path} 不是 JSON（{place}）/ is no JSON ({place})") from None
    return found


def _address(code: str) -> str:
    return f"/v1/systems/{api.segment(code)}/push-target"


@push_target.command(
    "set", help="设置；SETTINGS 为适配器设置的 JSON 文件 / set; a JSON file with the adapter's settings"
)
@click.argument("code")
@click.argument("settings", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--adapter", default="http", show_default=True, help="适配器 / adapter")
@click.option(
    "--secrets",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="机密的 JSON 文件，只限属主读写；缺省保留原有的 / a JSON file with the secrets, for its owner alone; default: as they are",
)
@click.option(
    "--policy", type=click.Choice(["park", "block"]), default="block", show_default=True, help="失败后 / after"
)
@click.option("--max-attempts", type=click.IntRange(1, 100), default=12, show_default=True, help="次数上限 / limit")
@as_json
def set_target(
    code: str, settings: Path, *, adapter: str, secrets: Path | None, policy: str, max_attempts: int, as_json: bool
) -> None:
    """Print the target, which shows no secret."""
    body = {"adapter": adapter, "settings": _read(settings), "policy": policy, "max_attempts": max_attempts}
    if secrets is not None:
        if secrets.stat().st_mode & 0o077:
            raise Refused(
                f"{secrets} 他人可读；请执行 chmod 600 {secrets} / is open to others; run chmod 600 {secrets}"
            )
        body["secrets"] = _read(secrets)
    show(api.call("PUT", _address(code), body=body), as_json=as_json)


@push_target.command("show", help="查看 / show")
@click.argument("code")
@as_json
def show_target(code: str, *, as_json: bool) -> None:
    """Print the target."""
    show(api.call("GET", _address(code)), as_json=as_json)


@push_target.command("pause", help="暂停推送 / push nothing for a while")
@click.argument("code")
@click.option("--reason", required=True, help="理由 / why")
@as_json
def pause_target(code: str, *, reason: str, as_json: bool) -> None:
    """Print the target."""
    show(api.call("POST", f"{_address(code)}/pause", body={"reason": reason}), as_json=as_json)


@push_target.command("resume", help="恢复推送 / push again")
@click.argument("code")
@as_json
def resume_target(code: str, *, as_json: bool) -> None:
    """Print the target."""
    show(api.call("POST", f"{_address(code)}/resume"), as_json=as_json)


@click.group(help="推送的通道：查看、暂停、恢复 / lanes that push")
def lane() -> None:
    """Lanes."""


add_list(lane, LANES)


@lane.command("pause", help="暂停 / pause")
@click.argument("identifier", type=click.UUID)
@click.option("--reason", required=True, help="理由 / why")
def pause_lane(identifier: object, *, reason: str) -> None:
    """Say that it is done."""
    api.call("POST", f"{LANES.path}/{identifier}/pause", body={"reason": reason})
    click.echo("已暂停 / paused")


@lane.command("resume", help="恢复并立即重试 / resume, and try at once")
@click.argument("identifier", type=click.UUID)
def resume_lane(identifier: object) -> None:
    """Say that it is done."""
    api.call("POST", f"{LANES.path}/{identifier}/resume")
    click.echo("已恢复 / resumed")


@click.group("dead-letter", help="死信：查看、重投 / what was parked, and its replay")
def dead_letter() -> None:
    """Dead letters."""


FILTERS = {
    "lane": "通道 / lane",
    "consumer": "使用方系统代码 / code of the consumer",
    "reason": "搁置的原因 / why it was parked",
}
add_list(dead_letter, LETTERS, filters=FILTERS)


@dead_letter.command("replay", help="重投一条，或按条件成批（先看数目）/ replay one, or a selection after its count")
@click.argument("identifier", type=click.UUID, required=False)
@click.option("--lane", help=FILTERS["lane"])
@click.option("--consumer", help=FILTERS["consumer"])
@click.option("--reason", help=FILTERS["reason"])
@click.option("--yes", is_flag=True, help="不再询问 / do not ask")
def replay(identifier: object | None, *, yes: bool, **chosen: str | None) -> None:
    """Replay one, or show how many a selection holds and replay these after a yes."""
    selected = {name: value for name, value in chosen.items() if value is not None}
    if (identifier is None) == (not selected):
        raise click.UsageError("给出一个 id，或者 --lane、--consumer、--reason / give an id, or a selection")
    if identifier is not None:
        done = api.call("POST", f"{LETTERS.path}/{identifier}/replay")
        click.echo(f"已重投，新的投递 / replayed as delivery {done['delivery']}")
        return
    count = api.call("GET", f"{LETTERS.path}/count", query=selected)["count"]
    if count == 0:
        click.echo("没有符合的死信 / no dead letter fits")
        return
    if not yes:
        click.confirm(f"重投 {count} 条？/ replay {count}?", abort=True)
    while count:
        done = api.call("POST", f"{LETTERS.path}/replay", body={**selected, "expected": count})
        count = done["left"]
        click.echo(f"已重投 {done['replayed']} 条，还有 {count} 条 / replayed {done['replayed']}, {count} left")
