"""`shuniu resource dcat`: the published catalogue as DCAT-AP, page by page, as `shuniu upstream harvest` of another hub takes it."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click

from hub.cli import api

PAGE = 500
FORMATS = {"ttl": "text/turtle", "jsonld": "application/ld+json"}


@click.command(help="导出 DCAT-AP 目录，每页一个文件 / save the published catalogue as DCAT-AP, a file for each page")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="文件名，如 catalogue.ttl；第二页起加编号 / file, such as catalogue.ttl; further pages are numbered",
)
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="ttl", help="格式 / syntax")
@click.option("--limit", type=click.IntRange(1, PAGE), default=PAGE, help="每页资源数 / resources of a page")
def dcat(*, out: Path, form: str, limit: int) -> None:
    """Print the files that were written."""
    from catalog.dcat.pages import Syntax
    from catalog.dcat.reading import read_page  # it brings an RDF library along, which no other command needs

    cursor: str | None = None
    number = 1
    while True:
        content = api.download(f"/v1/resources/catalogue.{form}", query={"limit": limit, "cursor": cursor})
        path = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
        if path.exists():
            raise click.UsageError(f"{path} 已存在，不会覆盖 / {path} is there already and is not overwritten")
        path.write_bytes(content)
        click.echo(str(path))
        following = read_page(content, Syntax(FORMATS[form])).following
        if following is None:
            return
        cursor, number = parse_qs(urlsplit(following).query)["cursor"][0], number + 1
