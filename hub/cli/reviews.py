"""`shuniu classification`, `review`, `approval-chain`, `notices`: what stands around the steps of a resource."""

from typing import BinaryIO

import click

from hub.cli import api
from hub.cli.files import object_in
from hub.cli.output import show_json, show_table
from hub.cli.verbs import Kind, add_list, add_move, as_json, show

CLASSES = Kind("/v1/classifications", ("code", "name", "state"), "CODE")
CHAINS = Kind("/v1/approval-chains", ("list_type",), "LIST")
NOTICES = Kind("/v1/notices", ("id", "kind", "subject", "created_at", "read_at"), "ID")


@click.group(help="资源分类：类、项、目、细目，由主管部门维护 / classes, maintained by the authority")
def classification() -> None:
    """Classes of resources."""


@classification.command(help="增设分类，上级须已启用 / add a class below an active one")
@click.argument("code")
@click.argument("name")
@as_json
def add(code: str, name: str, *, as_json: bool) -> None:
    """Print the class."""
    show(api.call("POST", CLASSES.path, body={"code": code, "name": name}), as_json=as_json)


@classification.command(
    "add-lists",
    help="增设清单类型 KEY 建议的分类，默认全部 / add the classes that types of lists propose, by default all",
)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@as_json
def add_of_lists(keys: tuple[str, ...], *, as_json: bool) -> None:
    """Print the classes that were added."""
    found = api.call("POST", f"{CLASSES.path}/lists", body={"list_types": list(keys)})["items"]
    if as_json:
        show_json(found)
    else:
        show_table(found, CLASSES.columns)


@classification.command(help="改名；资源代码不变 / rename; no code changes")
@click.argument("code")
@click.argument("name")
@as_json
def rename(code: str, name: str, *, as_json: bool) -> None:
    """Print the class."""
    show(api.call("PUT", CLASSES.address(code), body={"name": name}), as_json=as_json)


add_list(classification, CLASSES, filters={"parent": "只要其直接下级 / those right below it"})
add_move(classification, CLASSES, "end", "停用：不再登记 / nothing is registered under it")
add_move(classification, CLASSES, "reopen", "恢复 / let resources be registered under it again")


@click.group(help="审查审核：待办 / what waits in review")
def review() -> None:
    """Reviews."""


@review.command("list", help="待办的步骤，等得最久的在前 / steps whose turn it is, longest waiting first")
@click.option("--mine", is_flag=True, help="只要我能办的 / those that I may take")
@as_json
def list_waiting(*, mine: bool, as_json: bool) -> None:
    """Print the steps that wait."""
    found = api.items("/v1/reviews", query={"mine": "true" if mine else None})
    if as_json:
        show_json(list(found))
    else:
        show_table(found, ("resource.code", "resource.name", "provider.name", "kind", "organisation.name", "opened_at"))


@click.group("approval-chain", help="清单审批链，由主管部门维护 / approvals that lists need, kept by the authority")
def approval_chain() -> None:
    """Chains of approval."""


@approval_chain.command("list", help="各清单的审批链 / the chains of all lists")
@as_json
def list_chains(*, as_json: bool) -> None:
    """Print every step of every chain."""
    found = list(api.items(CHAINS.path))
    if as_json:
        show_json(found)
    else:
        steps = [{"list_type": chain["list_type"], **step} for chain in found for step in chain["steps"]]
        show_table(steps, ("list_type", "position", "role", "organisation.name", "basis"))


@approval_chain.command("set", help='按 FILE（{"steps": [{"organisation"?, "basis"}]}）设置 / set the chain of a list')
@click.argument("list_type", metavar="LIST")
@click.argument("file", type=click.File("rb"))
@as_json
def set_chain(list_type: str, *, file: BinaryIO, as_json: bool) -> None:
    """Print the chain."""
    show(api.call("PUT", CHAINS.address(list_type), body=object_in(file)), as_json=as_json)


@click.group(help="给本机构的通知 / what your organisation was told")
def notices() -> None:
    """Notices."""


@notices.command("list", help="最新的在前 / newest first")
@click.option("--unread", is_flag=True, help="只要未读的 / unread ones")
@as_json
def list_notices(*, unread: bool, as_json: bool) -> None:
    """Print the notices."""
    found = api.items(NOTICES.path, query={"unread": "true" if unread else None})
    if as_json:
        show_json(list(found))
    else:
        show_table(found, NOTICES.columns)


add_move(notices, NOTICES, "read", "标为已读 / mark as read")
