"""Exit codes, messages, and what needs no hub."""

import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.cli import commands, output, session
from hub.cli.session import Session
from hub.client import pki
from hub.client.wire import Wire
from hub.errors import Conflict, SetupError
from tests.support.commands import User
from tests.support.nursery import unmeasured
from tests.support.postgres import TestServer


@pytest.fixture
def user(tmp_path: Path) -> User:
    """Somebody who never signed in."""
    return User(tmp_path / "config")


def shuniu(*words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hub", *words], capture_output=True, text=True, timeout=60, cwd=cwd, check=False
    )


def leaves(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command line, without its arguments."""
    if not isinstance(command, click.Group):
        return [words]
    context = click.Context(command)
    found = []
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        found += [words, *leaves(inner, (*words, name))]
    return found


def test_the_overview_imports_no_command() -> None:
    code = (
        "import sys; from hub.cli import run; run(['--help'])\n"
        "heavy = {'httpx', 'fastapi', 'sqlalchemy', 'cryptography', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_overview_is_there_at_once() -> None:
    """Against what Python and the library of commands take by themselves: machines differ, and so do their hours."""
    least, taken = [], []
    for _ in range(5):
        least.append(processor_time("-c", "import click"))
        taken.append(processor_time("-m", "hub", "--help"))
    assert min(taken) < 2 * min(least)


def processor_time(*arguments: str) -> float:
    """Seconds on the processor: the clock on the wall measures who else is at work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    plain = unmeasured({})
    subprocess.run([sys.executable, *arguments], env=plain, capture_output=True, timeout=60, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("words", sorted(set(leaves(commands.root))), ids=" ".join)
def test_every_command_explains_itself_in_both_languages(user: User, words: tuple[str, ...]) -> None:
    done = user.types(*words, "--help")
    assert done.code == 0
    assert done.err == ""
    assert " / " in done.out


def test_every_option_has_a_help_text() -> None:
    context = click.Context(commands.root)
    for words in leaves(commands.root):
        command: click.Command = commands.root
        for word in words:
            assert isinstance(command, click.Group)
            found = command.get_command(context, word)
            assert found is not None
            command = found
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{words}: {parameter.name}"


def test_the_installed_command_and_the_module_are_the_same() -> None:
    installed = Path(sys.executable).with_name("shuniu")
    done = subprocess.run([installed, "--version"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, shuniu("--version").stdout)


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["send"],
        ["inbox", "--partner", "/nowhere"],
        ["org", "add"],
        ["org", "nothing"],
        ["cert", "request", "--system", "A B", "--out", "x"],
        ["up", "--port", "70000"],
        ["org", "list", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_two_and_a_hint(user: User, words: list[str]) -> None:
    done = user.types(*words)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("用法不对")
    assert "--help" in done.err


def test_a_group_without_command_shows_its_help_and_ends_with_two(user: User) -> None:
    done = user.types("org")
    assert done.code == 2
    assert "add" in done.err


def test_who_is_not_signed_in_is_told_how_to(user: User) -> None:
    done = user.types("org", "list")
    assert done.code == 3
    assert "shuniu login" in done.err


def test_a_damaged_session_is_like_none(user: User) -> None:
    (user.home / "shuniu").mkdir(parents=True)
    for text in ("{", "[]", '{"url": 1}'):
        (user.home / "shuniu" / "session.json").write_text(text)
        done = user.types("whoami")
        assert done.code == 3
        assert "shuniu login" in done.err


@pytest.mark.sockets
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no address", "http://["])
def test_a_hub_that_cannot_be_reached_is_missing(user: User, url: str) -> None:
    done = user.signs_in(url, "secadmin", "secret")
    assert done.code == 3
    assert "Traceback" not in done.err
    assert "outbox" not in done.err
    assert not (user.home / "shuniu" / "session.json").exists()


def test_a_password_file_that_is_no_text_is_wrong_use(user: User, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xff\xfe\x00")
    done = user.types("login", "--user", "secadmin", "--password-file", tmp_path / "password")
    assert done.code == 2
    assert "UTF-8" in done.err
    assert "Traceback" not in done.err


def test_wrong_settings_are_named(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUNIU_TOKEN_SECONDS", "never")
    (tmp_path / "shuniu.toml").write_text("max_queue = 0\nunknown = 1\n")
    done = user.types("doctor", "--data", tmp_path)
    assert done.code == 3
    for name in ("token_seconds", "max_queue", "unknown"):
        assert name in done.err
    assert "never" not in done.err.split("token_seconds")[0]


def test_the_session_file_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    os.umask(os.umask(0))  # whatever it is
    held = Session("http://hub.test", "secadmin", "token", "2026-11-21T08:00:00+00:00")
    session.save(held)
    session.save(held)
    path = session.session_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["session.json"]
    assert session.load() == held
    session.forget()
    assert not path.exists()


def test_without_xdg_the_session_lies_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert session.session_file() == tmp_path / ".config" / "shuniu" / "session.json"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SetupError("缺少", "missing"), 3),
        (Conflict("不行", "no"), 1),
        (FileNotFoundError(2, "No such file", "x.json"), 3),
        (click.Abort(), 130),
        (click.ClickException("坏 / bad"), 1),
    ],
)
def test_foreseen_failures_become_a_sentence_and_a_code(
    user: User, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def fail(**_: object) -> int:
        raise error

    monkeypatch.setattr(commands.root, "main", fail)
    done = user.types("anything")
    assert done.code == code
    assert " / " in done.err
    assert len(done.err.splitlines()) == 1


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    code = (
        "import sys; from hub import cli\n"
        "def leave(**_): raise BrokenPipeError\n"
        "cli.root.main = leave\n"
        "sys.exit(cli.run([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_what_a_command_opens_does_not_take_the_place_of_closed_streams() -> None:
    opens = "import os, sys; from hub import cli; cli.run = lambda _: os.open('/dev/null', os.O_RDONLY); cli.main()"
    words = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", opens]
    assert subprocess.run(words, timeout=60, check=False).returncode > 2


def test_a_command_whose_streams_are_closed_does_what_it_does_otherwise() -> None:
    prints = (
        "import sys; from hub import cli; from hub.cli import output\n"
        "cli.run = lambda _: (cli.click.echo('said'), output.show_json({}), print(sys.stderr.isatty()), sys.stdin.read(), 0)[-1]\n"
        "cli.main()"
    )
    for closed in ("<&- >&- 2>&-", ">&-", "2>&-", "<&-"):
        words = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", prints]
        assert subprocess.run(words, stdin=subprocess.DEVNULL, timeout=60, check=False).returncode == 0, closed


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_passwords_that_nobody_sees_are_not_made(own_database: str, as_json: list[str]) -> None:
    words = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "hub", "init", *as_json]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "standard output is closed" in done.stderr
    assert shuniu("init").returncode == 0, own_database


def test_tables_align_where_characters_are_wide(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [{"name": "临洮县", "n": {"of": 1}, "roles": ["a", "b"]}, {"name": "x", "n": None}]
    output.show_table(rows, ("name", "n.of", "roles"))
    assert capsys.readouterr().out.splitlines() == [
        "name    n.of  roles",
        "临洮县  1     a, b",
        "x       —     —",
    ]


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_key_and_its_request_are_made_here(user: User, tmp_path: Path, algorithm: str) -> None:
    folder = tmp_path / "partner"
    done = user.types("cert", "request", "--system", "lintao-subsite", "--out", folder, "--algorithm", algorithm)
    assert (done.code, done.out.strip()) == (0, str(folder / "request.csr"))
    key = pki.read_private_key((folder / "key.pem").read_bytes())
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    assert isinstance(key, Ed25519PrivateKey) == (algorithm == "EdDSA")
    request = x509.load_pem_x509_csr((folder / "request.csr").read_bytes())
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()


def test_a_key_is_never_overwritten(user: User, tmp_path: Path) -> None:
    words = ("cert", "request", "--system", "lintao-subsite", "--out", tmp_path)
    assert user.types(*words).code == 0
    before = (tmp_path / "key.pem").read_bytes()
    done = user.types(*words)
    assert done.code == 1
    assert "key.pem" in done.err
    assert (tmp_path / "key.pem").read_bytes() == before


def test_json_is_one_line_and_readable(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_json({"name": "临洮"})
    line = capsys.readouterr().out
    assert line == '{"name": "临洮"}\n'
    assert json.loads(line) == {"name": "临洮"}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"items": 1}'])
def test_what_answers_and_is_no_hub_is_named_so(user: User, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(Wire, "call", lambda *_, **__: httpx.Response(200, content=body))
    (user.home / "shuniu").mkdir(parents=True)
    held = {"url": "http://hub.test", "user": "x", "token": "t", "expires_at": ""}
    (user.home / "shuniu" / "session.json").write_text(json.dumps(held))
    done = user.types("system", "list")
    assert done.code == 1
    assert "no hub" in done.err


@pytest.fixture
def own_database(postgres: TestServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, set as an operator sets it."""
    address = postgres.create()
    monkeypatch.setenv("SHUNIU_DATABASE_URL", address)
    monkeypatch.setenv("SHUNIU_DATA", str(tmp_path / "data"))
    yield address
    postgres.drop(address)


@pytest.mark.usefixtures("own_database")
def test_a_process_ends_with_the_code_and_without_traceback() -> None:
    done = shuniu("gateway")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "shuniu init" in done.stderr


def test_passwords_that_cannot_be_written_are_not_made(own_database: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hub", "init"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 3
    assert "neither accounts nor keys were made" in done.stderr
    assert shuniu("init").returncode == 0, own_database


def test_bytes_that_are_no_text_are_wrong_use(user: User) -> None:
    done = user.types("org", "show", b"\xc1\xd9".decode("utf-8", "surrogateescape"))
    assert (done.code, done.out) == (2, "")
    assert "type it in UTF-8" in done.err


def test_a_terminal_that_lacks_a_character_gets_its_escape_and_json_stays_json() -> None:
    code = "import sys, hub.cli as c; sys.argv = ['shuniu', '--help']; c.run = lambda given: (c.click.echo('✓ 县'), {show})[0] or 0; c.main()"
    shown = "__import__('hub.cli.output').cli.output.show_json({'name': '县 ✓ 😀'})"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("{show}", shown)],
        env=os.environ | {"PYTHONIOENCODING": "gbk"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plain, as_json = done.stdout.decode("gbk").splitlines()
    assert plain == "\\u2713 县"
    assert json.loads(as_json) == {"name": "县 ✓ 😀"}


def test_first_passwords_are_shown_once_with_a_word_about_it(user: User, own_database: str) -> None:
    done = user.types("init", "--org", "临洮县示例局")
    assert done.code == 0, done.err
    logins = [line.split()[0] for line in done.out.splitlines()]
    assert logins == ["user", "sysadmin", "secadmin", "auditadmin"]
    assert "shown once" in done.err
    again = user.types("init")
    assert (again.code, again.out) == (3, "")


def test_a_database_that_will_not_do_is_told_with_its_cure(
    user: User, postgres: TestServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = f"ascii_{os.getpid()}"
    postgres.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    monkeypatch.setenv("SHUNIU_DATABASE_URL", postgres.address(name))
    monkeypatch.setenv("SHUNIU_DATA", str(tmp_path / "data"))
    try:
        done = user.types("doctor")
        assert done.code == 1
        assert "server_encoding" in done.err
        assert "✗" in done.out
        assert user.types("migrate").code == 3
    finally:
        postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
