"""`shuniu staff`: accounts, from an operator's proposal to their end."""

import click

from hub.cli import api
from hub.cli.naming import organisation
from hub.cli.verbs import Kind, add_list, add_move, as_json, show

ACCOUNTS = Kind("/v1/staff", ("id", "login", "display_name", "roles", "state"), "LOGIN|ID", ("login",))


@click.group(help="人员账户：系统管理员提出，安全管理员批准 / accounts: an operator proposes, security approves")
def staff() -> None:
    """Accounts of staff."""


@staff.command(help="提出开户 / propose an account")
@click.argument("login")
@click.option("--name", required=True, help="姓名 / name of the person")
@click.option("--role", "roles", multiple=True, required=True, help="角色，可重复 / role, may be repeated")
@click.option("--org", help="所属机构（代码、名称或 id）/ organisation: code, name or id")
@as_json
def propose(login: str, *, name: str, roles: tuple[str, ...], org: str | None, as_json: bool) -> None:
    """Nobody can use the account until a security officer approves it."""
    body: dict[str, object] = {"login": login, "display_name": name, "roles": list(roles)}
    if org is not None:
        body["organisation"] = organisation(org)
    show(api.call("POST", ACCOUNTS.path, body=body), as_json=as_json)


add_list(staff, ACCOUNTS)
add_move(staff, ACCOUNTS, "approve", "批准开户，显示一次性口令 / approve; shows the one-time password")
add_move(staff, ACCOUNTS, "disable", "停用，会话立即结束 / disable; sessions end at once")
add_move(staff, ACCOUNTS, "reset", "重置口令与动态口令 / take password and second factor away")
add_move(staff, ACCOUNTS, "unlock", "解除登录锁定 / let sign in again at once")
