"""`shuniu upstream`: catalogues of others, harvested from DCAT files in stages."""

import json
from pathlib import Path
from typing import Any

import click

from hub.cli import api
from hub.cli.failures import Refused
from hub.cli.output import show_json, show_table
from hub.cli.verbs import Kind, add_list, as_json, show

CATALOGUES = Kind("/v1/upstream-catalogues", ("name", "title", "created_at"), "NAME")

MEDIA_TYPES = {".ttl": "text/turtle", ".jsonld": "application/ld+json", ".json": "application/ld+json"}


@click.group(help="上游目录：分步收割，人工修订不被覆盖 / catalogues of others, harvested in stages")
def upstream() -> None:
    """Upstream catalogues."""


@upstream.command(help="登记上游目录 / register a catalogue")
@click.argument("name")
@click.option("--title", required=True, help="目录名称 / its title")
@as_json
def add(name: str, *, title: str, as_json: bool) -> None:
    """Print the catalogue."""
    show(api.call("POST", CATALOGUES.path, body={"name": name, "title": title}), as_json=as_json)


@upstream.command(
    help="收割 FILE…（.ttl、.jsonld，各为一页），只比对；--apply 应用 / stage pages and compare; --apply applies"
)
@click.argument("name")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--apply", "applies", is_flag=True, help="应用比对结果 / take over what was found")
@as_json
def harvest(name: str, *, files: tuple[Path, ...], applies: bool, as_json: bool) -> None:
    """Print the counts and, unless applied, what would change. Without `--apply` nothing stays of it."""
    for file in files:
        if file.suffix not in MEDIA_TYPES:
            raise Refused(f"{file}：应为 {'、'.join(MEDIA_TYPES)} 文件 / is none of {', '.join(MEDIA_TYPES)}")
    began: dict[str, Any] = api.call("POST", f"{CATALOGUES.path}/{api.segment(name)}/harvests")
    at = f"/v1/harvests/{began['id']}"
    applied = False
    try:
        for number, file in enumerate(files, 1):
            api.call("POST", f"{at}/pages", content=(MEDIA_TYPES[file.suffix], file.read_bytes()))
            click.echo(f"{number}/{len(files)} {file}", err=True)
        found: dict[str, Any] = api.call("GET", at)
        if applies:
            found |= api.call("POST", f"{at}/apply")
            applied = True
    finally:
        if not applied:
            api.call("POST", f"{at}/abandon")
    if as_json:
        show_json(found)
        return
    click.echo("  ".join(f"{verdict} {count}" for verdict, count in found["counts"].items()))
    show_table(found["changes"], ("verdict", "uri"))
    for fault in found["faults"]:
        click.echo(f"{fault['uri']}: {fault['zh']} / {fault['en']}")


@upstream.command(help="上游资源 / resources of a catalogue")
@click.argument("name")
@click.option("--gone/--there", default=None, help="只看上游已删除的或仍在的 / only those gone, or those there")
@as_json
def resources(name: str, *, gone: bool | None, as_json: bool) -> None:
    """Print them by address."""
    found = api.items("/v1/upstream-resources", query={"catalogue": name, "gone": gone})
    if as_json:
        show_json(list(found))
    else:
        show_table(found, ("id", "shown.name", "uri", "gone_at", "conflicts"))


@upstream.command(help="修订：以 JSON 对象写明要改的项，null 恢复上游的说法 / write over it; null takes a word back")
@click.argument("identifier", metavar="ID")
@click.argument("edits", metavar="JSON")
@as_json
def edit(identifier: str, *, edits: str, as_json: bool) -> None:
    """Print the resource."""
    try:
        said = json.loads(edits)
    except ValueError:
        raise click.BadParameter("不是 JSON / is no JSON", param_hint="JSON") from None
    show(
        api.call("POST", f"/v1/upstream-resources/{api.segment(identifier)}/edit", body={"edits": said}),
        as_json=as_json,
    )


add_list(upstream, CATALOGUES)
