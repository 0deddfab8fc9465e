"""`shuniu bundles`: the side of a partner behind a one-way gateway, which has folders and no connection to the hub."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from hub.cli.api import failures
from hub.cli.output import show_json
from hub.cli.partner import keep, partner_folder, trust_folder
from hub.cli.verbs import as_json
from hub.client.bundle_state import Range
from hub.client.bundles import EXTENSION, PREFIX, Bundles, Taken

A_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _fitting(pattern: re.Pattern[str]) -> Callable[[click.Context, click.Parameter, str], str]:
    """Lets a part of a name pass that is of this form."""

    def check(_: click.Context, __: click.Parameter, text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise click.BadParameter(pattern.pattern)
        return text

    return check


prefix_of_names = click.option(
    "--prefix",
    default="SHUNIUACK_",
    show_default=True,
    callback=_fitting(PREFIX),
    help="确认文件名的开头 / how names of acknowledgements begin",
)
extension_of_names = click.option(
    "--extension",
    default="txt",
    show_default=True,
    callback=_fitting(EXTENSION),
    help="确认文件的扩展名 / their extension",
)


@click.group(help="网闸另一侧：收取文件包、查缺号、签名确认 / behind a one-way gateway: take, gaps, acknowledge")
def bundles() -> None:
    """Bundles."""


@bundles.command(
    "take", help="收取 FOLDER 中的文件包，核验后存到 --out / take what lies in FOLDER and keep it in --out"
)
@click.argument("incoming", metavar="FOLDER", type=A_FOLDER)
@partner_folder
@trust_folder
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="存信封和记录 / keeps the deliveries"
)
@click.option(
    "--ack", type=A_FOLDER, metavar="FOLDER", help="随即把签名确认写到此目录 / then acknowledge into this folder"
)
@prefix_of_names
@extension_of_names
@as_json
def take(
    *,
    incoming: Path,
    folder: Path,
    trust: Path | None,
    out: Path,
    ack: Path | None,
    prefix: str,
    extension: str,
    as_json: bool,
) -> None:
    """Print what came, what is missing and what was refused."""
    with failures():
        found = Bundles.load(folder, trust=trust, prefix=prefix, extension=extension)
        taken = found.take(incoming, lambda items: keep(items, out), now=datetime.now(UTC))
        _show(taken, as_json=as_json)
        if ack is not None:
            _tell(found.acknowledge(ack, now=datetime.now(UTC)))


@bundles.command("gaps", help="缺号：后面的已到，这些没到 / numbers that have not arrived though later ones have")
@partner_folder
@trust_folder
@as_json
def gaps(*, folder: Path, trust: Path | None, as_json: bool) -> None:
    """Print the missing numbers of each series."""
    with failures():
        missing = Bundles.load(folder, trust=trust).missing()
    if as_json:
        show_json({"missing": missing})
    elif missing:
        _show_missing(missing)
    else:
        click.echo("没有缺号 / no number is missing")


@bundles.command("acknowledge", help="把已收取的签名确认写到 FOLDER / acknowledge what was taken, into FOLDER")
@click.argument("outgoing", metavar="FOLDER", type=A_FOLDER)
@partner_folder
@trust_folder
@prefix_of_names
@extension_of_names
def acknowledge(*, outgoing: Path, folder: Path, trust: Path | None, prefix: str, extension: str) -> None:
    """Print how many deliveries were acknowledged."""
    with failures():
        found = Bundles.load(folder, trust=trust, prefix=prefix, extension=extension)
        _tell(found.acknowledge(outgoing, now=datetime.now(UTC)))


def _show(taken: Taken, *, as_json: bool) -> None:
    waiting = [_readable(name) for name in taken.waiting]
    refused = {_readable(name): reason for name, reason in taken.refused.items()}
    if as_json:
        show_json(asdict(taken) | {"waiting": waiting, "refused": refused})
        return
    click.echo(
        f"{taken.bundles} 个文件包，{taken.deliveries} 项新投递，{taken.repeated} 个重复 / "
        f"{taken.bundles} bundles, {taken.deliveries} new deliveries, {taken.repeated} repeats"
    )
    for name in waiting:
        click.echo(
            f"还没写完，或在等同批前面的文件 / not whole yet, or waits for its batch's beginning: {name}", err=True
        )
    for name, reason in refused.items():
        click.echo(f"不可信，已移到 rejected / refused: {name}: {reason}", err=True)
    _show_missing(taken.missing)


def _readable(name: str) -> str:
    """A file's name as it can be printed: the gateway chose it, and it may be no UTF-8 or speak to the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def _show_missing(missing: Mapping[str, Sequence[Range]]) -> None:
    for series, ranges in missing.items():
        numbers = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
        click.echo(
            f"缺号 / missing of {series}: {numbers}（未确认的会以新编号再来 / what is not acknowledged comes again)"
        )


def _tell(count: int) -> None:
    click.echo(f"已签名确认 {count} 项 / {count} deliveries acknowledged", err=True)
