"""`shuniu login`, `logout`, `whoami`, `password`, `second-factor`: the session of a member of staff."""

import sys
from typing import Any, TextIO

import click

from hub.cli import api
from hub.cli import session as sessions
from hub.cli.files import name_of
from hub.cli.session import Session
from hub.cli.verbs import as_json, show

DEFAULT_URL = "http://127.0.0.1:8640"

password_file = click.option(
    "--password-file",
    type=click.File(encoding="utf-8"),
    help="口令文件，- 为标准输入；不给则提示输入 / file with the password, - for standard input; else a prompt",
)


@click.command(help="登录，会话存入仅本人可读的文件 / sign in; the session goes to a file that only you can read")
@click.option("--url", default=DEFAULT_URL, show_default=True, help="枢纽地址 / address of the hub")
@click.option("--user", required=True, help="登录名 / login")
@password_file
@click.option("--second-factor", metavar="CODE", help="6 位动态口令 / six digits of the app")
@as_json
def login(*, url: str, user: str, password_file: TextIO | None, second_factor: str | None, as_json: bool) -> None:
    """Open a session and keep it."""
    body: dict[str, Any] = {"user": user, "password": _secret(password_file, "口令 / password")}
    if second_factor is not None:
        body["second_factor"] = second_factor
    _keep(url, api.call("POST", "/v1/session", body=body, session=Session(url, user, "", "")), as_json=as_json)


@click.command(help="退出，会话立即失效 / sign out; the session ends at once")
def logout() -> None:
    """End the session at the hub, then here."""
    api.call("DELETE", "/v1/session")
    sessions.forget()


@click.command(help="显示当前会话 / show who is signed in")
@as_json
def whoami(*, as_json: bool) -> None:
    """The holder of the session with the roles held now."""
    show(api.call("GET", "/v1/session"), as_json=as_json)


@click.command(help="修改本人口令，其他会话随之失效 / change your password; your other sessions end")
@password_file
@click.option(
    "--new-password-file",
    type=click.File(encoding="utf-8"),
    help="新口令文件；不给则提示输入 / file with the new password; else a prompt",
)
@as_json
def password(*, password_file: TextIO | None, new_password_file: TextIO | None, as_json: bool) -> None:
    """The session that the hub answers takes the place of the old one."""
    held = sessions.load()
    body = {
        "password": _secret(password_file, "当前口令 / current password"),
        "new_password": _secret(new_password_file, "新口令 / new password", confirm=True),
    }
    _keep(held.url, api.call("POST", "/v1/session/password", body=body), as_json=as_json)


@click.group("second-factor", help="登记动态口令 / enrol a second factor")
def second_factor() -> None:
    """Two steps: a secret for the app, then a code from it."""


@second_factor.command(help="取得密钥，录入手机应用 / get a secret for the app")
@password_file
@as_json
def enrol(*, password_file: TextIO | None, as_json: bool) -> None:
    """The secret is shown this once."""
    body = {"password": _secret(password_file, "口令 / password")}
    show(api.call("POST", "/v1/session/second-factor", body=body), as_json=as_json)


@second_factor.command(help="用一个动态口令确认登记 / confirm with a code")
@click.argument("code")
def confirm(code: str) -> None:
    """From now on signing in asks for a code."""
    api.call("PUT", "/v1/session/second-factor", body={"code": code})


def _secret(file: TextIO | None, prompt: str, *, confirm: bool = False) -> str:
    """A password from its file, without the line's end, or typed unseen."""
    if file is not None:
        try:
            return file.read().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.UsageError(f"{name_of(file)} 不是 UTF-8 文本 / is no UTF-8 text") from None
    if not sys.stdin.isatty():
        raise click.UsageError("没有终端可以输入口令，请用 --password-file / no terminal to type it at, name a file")
    typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return typed


def _keep(url: str, answer: dict[str, Any], *, as_json: bool) -> None:
    sessions.save(Session(url, answer["user"], answer["token"], answer["expires_at"]))
    show({name: value for name, value in answer.items() if name != "token"}, as_json=as_json)
    if answer["must_change_password"]:
        click.echo("须先修改口令：shuniu password / change the password first: shuniu password", err=True)
