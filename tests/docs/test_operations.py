"""docs/operations.md: what it tells an operator to type does what it says, on a hub of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hub.client.wire import trusted
from tests.docs.pages import PAGES, ROOT, page
from tests.docs.running_demo import plain_environment, remove_cluster
from tests.docs.typed import assert_exists, commands_of
from tests.support.harness import free_port

PAGE = page("docs/operations.md")
DEFAULT_URL = "http://127.0.0.1:8640"
READY_WITHIN_S = 120.0

_RUN = re.compile(r"<!-- (run[\w ]*) -->\n```bash\n(.*?)```", re.DOTALL)


def blocks_to(when: str) -> list[str]:
    """The blocks that the page says to run at that point."""
    return [text for point, text in _RUN.findall(PAGE) if point == when]


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at a terminal in a folder of their own."""

    folder: Path
    url: str

    def types(self, text: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run lines of shell as the page has them."""
        environment = plain_environment() | {"XDG_CONFIG_HOME": str(self.folder), "SHUNIU_DATA": "county-hub"}
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text.replace(DEFAULT_URL, self.url)],
            cwd=self.folder,
            env=environment,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Operator, dict[str, str]]]:
    """A hub set up and run as the page says, with the one-time passwords of its three officers."""
    port = free_port()
    operator = Operator(tmp_path_factory.mktemp("operator"), f"http://127.0.0.1:{port}")
    set_up, configure = blocks_to("run")
    printed = operator.types(set_up)
    assert printed.returncode == 0, printed.stderr
    passwords = dict(re.findall(r"^(\w+admin) +(\w+)$", printed.stdout, re.MULTILINE))
    assert passwords.keys() == {"sysadmin", "secadmin", "auditadmin"}
    assert operator.types(configure).returncode == 0
    with (operator.folder / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub", "up", "--data", "county-hub", "--port", str(port)],
            cwd=operator.folder,
            env=plain_environment() | {"SHUNIU_PUBLIC_URL": operator.url, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_ready(operator)
        yield operator, passwords
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    if os.geteuid() != 0:  # the page: root's copy lacks what the link leads to
        down = operator.types(blocks_to("run when down")[0])
        assert down.returncode == 0, down.stderr
        remove_cluster(operator.folder / "county-hub.copy")
    remove_cluster(operator.folder / "county-hub")


def wait_until_ready(operator: Operator) -> None:
    """Return when `/readyz` says so."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{operator.url}/readyz", verify=trusted(operator.url)).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError((operator.folder / "up.log").read_text(encoding="utf-8"))


@pytest.mark.process
def test_a_hub_that_is_up_answers_as_the_page_says(hub: tuple[Operator, dict[str, str]]) -> None:
    operator, _ = hub
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    # a database that says nothing for two seconds is away: after a pause of the machine it is asked again
    for _ in range(5):
        done = operator.types(blocks_to("run while up")[0])
        if '"status":"ready"' in done.stdout and "shuniu_log_waiting " in done.stdout:
            break
    assert done.returncode == 0, done.stderr
    assert '"status":"ready"' in done.stdout
    listed = re.findall(r"`(shuniu_\w+)`", PAGE.split("## 指标")[1].split("## 备份")[0])
    table = set(listed)
    assert len(table) == len(listed)
    served = set(re.findall(r"^(shuniu_\w+) ", done.stdout, re.MULTILINE))
    assert table == {name for name in served if not name.endswith("_created")}


@pytest.mark.process
def test_the_first_partner_gets_a_certificate_by_the_commands_of_the_page(
    hub: tuple[Operator, dict[str, str]],
) -> None:
    operator, passwords = hub
    section = PAGE.split("## 第一个接入方")[1].split("\n## ")[0]
    lines = re.findall(r"^\$ (shuniu .*)$", section, re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["login", "password", "org", "system", "cert", "cert"]
    (operator.folder / "one-time").write_text(passwords["secadmin"])
    (operator.folder / "own").write_text("a sentence that nobody guesses")
    more = {
        "login": " --password-file one-time",
        "password": " --password-file one-time --new-password-file own",
    }
    for line in lines:
        done = operator.types(line + more.get(line.split()[1], ""))
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    kid = re.search(r"^kid: ([\w-]{43})$", done.stdout, re.MULTILINE)
    assert kid
    certificate = httpx.get(f"{operator.url}/pki/certificates/{kid[1]}.pem", timeout=30).text
    assert (operator.folder / "partners/county-civil/cert.pem").read_text() == certificate


@pytest.mark.process
def test_the_anchors_that_partners_are_given_are_those_that_the_page_lists(
    hub: tuple[Operator, dict[str, str]],
) -> None:
    (row,) = re.findall(r"^\| `DATA/trust/` \|(.*)\|$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([\w.]+)`", row)) == {path.name for path in (hub[0].folder / "county-hub/trust").iterdir()}


@pytest.mark.process
def test_setting_up_twice_overwrites_nothing_and_exits_with_3(hub: tuple[Operator, dict[str, str]]) -> None:
    operator, _ = hub
    before = (operator.folder / "county-hub/master.key").read_bytes()
    assert operator.types("shuniu init").returncode == 3
    assert (operator.folder / "county-hub/master.key").read_bytes() == before


@pytest.mark.process
def test_a_wrong_name_in_the_file_of_settings_is_refused_and_an_unknown_variable_is_not(tmp_path: Path) -> None:
    operator = Operator(tmp_path, DEFAULT_URL)
    (tmp_path / "county-hub").mkdir()
    assert operator.types("SHUNIU_NO_SUCH_SETTING=1 shuniu gateway --help").returncode == 0
    (tmp_path / "county-hub/shuniu.toml").write_text('hub_idd = "county-hub"\n')
    done = operator.types("shuniu worker")
    assert done.returncode == 3
    assert "hub_idd" in done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_a_page_exists_with_its_options(name: str) -> None:
    for words in commands_of(page(name)):
        assert_exists(words)
