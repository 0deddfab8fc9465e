"""`shuniu resource dcat`: the published catalogue as DCAT-AP, page by page, as `shuniu upstream harvest` of another hub takes it."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

import click

from hub.cli import api
from hub.cli.audit_export import check_folder
from hub.cli.failures import Missing

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
    """Save all pages or none, and print their files. Raises UsageError, Missing."""
    _check_free([out])
    check_folder(out)
    with _failing_whole(out), TemporaryDirectory(prefix=".shuniu-dcat-", dir=out.absolute().parent) as work:
        pages: dict[Path, Path] = {}
        for number, content in enumerate(_pages(form, limit), start=1):
            path = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
            pages[path] = Path(work) / str(number)
            pages[path].write_bytes(content)
        _check_free(pages)
        place(pages)
    for path in pages:
        click.echo(str(path))


def place(pages: dict[Path, Path]) -> None:
    """Give each file (a value) the name that it is to have (its key), or none of them. Raises OSError.

    The first name comes last: whoever sees it, even after this was killed, sees all.
    """
    with ExitStack() as undoing:
        for path, written in reversed(pages.items()):
            written.rename(path)
            undoing.callback(path.unlink, missing_ok=True)
        undoing.pop_all()


def _pages(form: str, limit: int) -> Iterator[bytes]:
    """The catalogue as the hub gives it. Raises as `api.download` does."""
    from catalog.dcat.pages import Syntax
    from catalog.dcat.reading import read_page  # it brings an RDF library along, which no other command needs

    cursor: str | None = None
    while True:
        content = api.download(f"/v1/resources/catalogue.{form}", query={"limit": limit, "cursor": cursor})
        yield content
        following = read_page(content, Syntax(FORMATS[form])).following
        if following is None:
            return
        cursor = parse_qs(urlsplit(following).query)["cursor"][0]


def _check_free(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.exists():
            raise click.UsageError(
                f"{path} 已存在，不会覆盖，一个文件也没有写；请移走它，或换一个 --out / "
                f"{path} is there already and is not overwritten; nothing was written: move it away, or give another --out"
            )


@contextmanager
def _failing_whole(out: Path) -> Iterator[None]:
    """Missing, with the file and the reason, where a file cannot be written."""
    try:
        yield
    except OSError as fault:
        where = fault.filename2 or fault.filename or out
        raise Missing(
            f"写不了 {where}（{fault.strerror}），一个文件也没有留下；请查看磁盘空间、权限和文件名，再运行一次 / "
            f"cannot write {where} ({fault.strerror}), and no file is left: see to space, permissions and the name, then run it again"
        ) from None
