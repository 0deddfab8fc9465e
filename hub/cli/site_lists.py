"""`shuniu site-list`: what the sub-site's system says about lists, from the folder with its key."""

from pathlib import Path

import click

from hub.cli.api import failures
from hub.cli.output import show_json, show_table
from hub.cli.partner import partner_folder, trust_folder
from hub.cli.verbs import as_json, show
from hub.client import Partner

COLUMNS = (
    "code",
    "name",
    "publication.number",
    "publication.exchange.id",
    "publication.period_to",
    "publication.explanation",
)


@click.group("site-list", help="子站：已发布的清单，加载与上线 / published lists, loaded and online")
def site_list() -> None:
    """Lists on the sub-site."""


@site_list.command("list", help="列出已发布的清单 / list what is published")
@partner_folder
@trust_folder
@as_json
def listing(*, folder: Path, trust: Path | None, as_json: bool) -> None:
    """Print the lists with their last publications."""
    with failures(), Partner.load(folder, trust=trust) as partner:
        found = partner.lists()
    if as_json:
        show_json(found)
    else:
        show_table(found, COLUMNS)


@site_list.command(help="已加载第 NUMBER 次发布 / publication NUMBER is loaded")
@partner_folder
@trust_folder
@click.argument("res", metavar="CODE")
@click.argument("number", type=click.IntRange(min=1))
@as_json
def loaded(*, folder: Path, trust: Path | None, res: str, number: int, as_json: bool) -> None:
    """Print the publication."""
    with failures(), Partner.load(folder, trust=trust) as partner:
        show(partner.list_loaded(res, number), as_json=as_json)


@site_list.command(help="第 NUMBER 次发布已在 URL 上线 / publication NUMBER is online at URL")
@partner_folder
@trust_folder
@click.argument("res", metavar="CODE")
@click.argument("number", type=click.IntRange(min=1))
@click.argument("url")
@as_json
def online(*, folder: Path, trust: Path | None, res: str, number: int, url: str, as_json: bool) -> None:
    """Print the publication."""
    with failures(), Partner.load(folder, trust=trust) as partner:
        show(partner.list_online(res, number, url), as_json=as_json)
