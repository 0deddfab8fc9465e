"""The server's side: `init`, `up`, `gateway`, `worker`, `migrate`, `doctor`, `demo`. What they do is in `hub.app`.

What only one command needs is imported by it: the application and its routes take a gateway a second to make.
"""

import asyncio
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from hub.app import upkeep
from hub.cli.failures import Missing, Refused
from hub.cli.output import goes_nowhere, show_json, show_table
from hub.cli.verbs import as_json
from hub.settings import CONFIG_FILE, Settings

Command = Callable[..., None]

_OPTIONS = {
    "data": click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="数据目录 / data folder"),
    "host": click.option("--host", help="监听地址 / address to listen on"),
    "port": click.option("--port", type=click.IntRange(0, 65535), help="监听端口 / port to listen on"),
    "gateways": click.option("--gateways", type=click.IntRange(1, 64), help="网关进程数 / gateway processes"),
    "workers": click.option("--workers", type=click.IntRange(1, 64), help="后台进程数 / worker processes"),
}


_ends_with_starter = click.option(
    "--ends-with-starter", is_flag=True, hidden=True, help="标准输入结束时也结束 / end when standard input ends too"
)


def configured(*names: str) -> Callable[[Command], Command]:
    """Options that override settings; those not given stay what variables and `shuniu.toml` say."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            command = _OPTIONS[name](command)
        return command

    return decorate


def settings_from(given: dict[str, Any]) -> Settings:
    """The settings under these options. Raises `Missing` naming each setting that is wrong."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [
            f"  {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_input=False)
        ]
        title = "设置有误（SHUNIU_ 变量或 shuniu.toml）/ wrong settings (SHUNIU_ variables or shuniu.toml)"
        raise Missing("\n".join([title, *faults])) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Missing(
            f"{CONFIG_FILE} 不是 UTF-8（无 BOM）编码的 TOML 文件，请更正；文字须加引号 / "
            f"{CONFIG_FILE} is no TOML in UTF-8 (without BOM): correct it; texts stand in quotes: {error}"
        ) from None


@click.command(help="建立数据目录、数据库、密钥和首批账户 / make data folder, database, keys and first accounts")
@configured("data")
@click.option(
    "--org", "organisation", default="临洮县", show_default=True, help="运行机构 / organisation that runs the hub"
)
@as_json
def init(*, organisation: str, as_json: bool, **given: Any) -> None:
    """One-time passwords are shown here and nowhere else."""

    def tell(made: upkeep.Initialised) -> None:
        passwords = [{"user": user, "password": told} for user, told in made.passwords.items()]
        if goes_nowhere():
            raise Missing(
                "标准输出已关闭，一次性口令无处显示，因此没有建立账户和密钥；请打开标准输出再运行一次 / standard output is closed, the "
                "passwords would be lost, and neither accounts nor keys were made: run this again with an output"
            )
        try:
            if as_json:
                show_json({"migrations": made.applied, "passwords": made.passwords})
            else:
                show_table(passwords, ("user", "password"))
        except OSError as error:
            raise Missing(
                f"一次性口令写不出去（{error.strerror}），因此没有建立账户和密钥；请换一个能写的输出，再运行一次 / the passwords could not be "
                f"written ({error.strerror}), so neither accounts nor keys were made: run this again with an output that takes them"
            ) from None

    upkeep.initialise(settings_from(given), organisation=organisation, tell=tell)
    if not as_json:
        click.echo(
            "一次性口令，只显示这一次；请分别交给三人 / one-time passwords, shown once; give each to one person",
            err=True,
        )


@click.command(help="升级后运行网关与后台进程，直到收到 SIGTERM / migrate, then run gateways and workers until SIGTERM")
@configured("data", "host", "port", "gateways", "workers")
def up(**given: Any) -> None:
    """Everything on one machine."""
    from hub.app.run import up as start

    start(settings_from(given))


@click.command(help="运行一个网关进程 / run one gateway process")
@configured("data", "host", "port")
@click.option("--shared-port", is_flag=True, help="与本机其他网关共用端口 / share the port with other gateways here")
@_ends_with_starter
def gateway(*, shared_port: bool, ends_with_starter: bool, **given: Any) -> None:
    """One gateway."""
    from hub.app.gateway import gateway as serve

    serve(settings_from(given), shared_port=shared_port, ends_with_starter=ends_with_starter)


@click.command(help="运行一个后台进程 / run one worker process")
@configured("data")
@_ends_with_starter
def worker(*, ends_with_starter: bool, **given: Any) -> None:
    """One worker."""
    from hub.app.worker import worker as work

    work(settings_from(given), ends_with_starter=ends_with_starter)


@click.command(help="升级数据库结构 / bring the database up to this release")
@configured("data")
@as_json
def migrate(*, as_json: bool, **given: Any) -> None:
    """Prints the revisions applied."""
    settings = settings_from(given)
    with upkeep.database_address(settings) as dsn, upkeep.in_words():
        applied = asyncio.run(upkeep.migrate_and_prepare(settings, dsn))
    if as_json:
        show_json({"migrations": applied})
    else:
        click.echo(", ".join(applied) if applied else "已是最新 / nothing to do")


@click.command(help="检查数据库、时钟、磁盘 / check database, clock and disk")
@configured("data")
@as_json
def doctor(*, as_json: bool, **given: Any) -> None:
    """Each check with what was found; the answer is no if one does not hold, and `!` marks what should be seen to."""
    checks = upkeep.doctor(settings_from(given))
    if as_json:
        show_json(
            [
                {"name": c.name, "found": c.found, "ok": c.holds, "advises": c.advises, "zh": c.zh, "en": c.en}
                for c in checks
            ]
        )
    else:
        rows = [
            {"": "✗" if not c.holds else "!" if c.advises else "✓", "name": c.name, "found": c.found} for c in checks
        ]
        show_table(rows, ("", "name", "found"))
    for c in checks:
        if c.advises:
            click.echo(f"{c.name}: {c.zh} / {c.en}", err=True)
    if faults := [f"{c.name}: {c.zh} / {c.en}" for c in checks if not c.holds]:
        raise Refused("\n".join(faults))


@click.command(help="在新的数据目录里演示临洮示例 / the Lintao example in a fresh data folder")
@configured("data", "port")
@click.option("--exit", "exit_after", is_flag=True, help="演示后退出 / stop when it is over instead of serving on")
def demo(*, exit_after: bool, **given: Any) -> None:
    """Runs the main job and prints each step."""
    from hub.cli.demo import run as run_demo  # it brings the example's data along, which no other command needs

    run_demo(settings_from(given), exit_after=exit_after)
