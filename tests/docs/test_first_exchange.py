"""docs/first-exchange.md gets a client that we did not write through: its blocks, run in order as a reader runs them."""

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks, page, steady
from tests.docs.running_demo import RunningDemo, plain_environment

PAGE = page("docs/first-exchange.md")
DEFAULT_URL = "http://127.0.0.1:8640"
MARK = "--- the next block ---"


def scripts() -> dict[str, str]:
    """The Python blocks by the file name in their first line."""
    named: dict[str, str] = {}
    for block in blocks(PAGE):
        if block.language == "python":
            first = re.match(r"# (\w+\.py)\n", block.text)
            assert first, block.text
            named[first[1]] = block.text
    return named


def commands() -> list[tuple[str, str | None]]:
    """The bash blocks with the output that the page shows for them, None where it shows none."""
    found = blocks(PAGE)
    return [
        (block.text, following.text if following.language == "text" else None)
        for block, following in pairwise([*found, Block("", "")])
        if block.language == "bash"
    ]


def run_as_reader(folder: Path, url: str) -> list[str]:
    """Save every script, run every command in one shell; what each block of commands printed."""
    for name, text in scripts().items():
        (folder / name).write_text(text, encoding="utf-8")
    lines = "".join(f"{text}echo '{MARK}'\n" for text, _ in commands())
    assert lines.count(DEFAULT_URL) == 1  # the one place where a reader names the hub
    script = "set -euo pipefail\n" + lines.replace(DEFAULT_URL, url)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=plain_environment() | {"LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.split(f"{MARK}\n")[:-1]


@pytest.mark.process
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_alone_leads_from_an_envelope_to_its_acknowledgement(demo: RunningDemo) -> None:
    folder = demo.home / "my-first-exchange"
    folder.mkdir()
    printed = run_as_reader(folder, demo.url)
    assert len(printed) == len(commands())
    for (text, promised), output in zip(commands(), printed, strict=True):
        if promised is not None:
            assert steady(output) == steady(promised), text


def test_the_page_uses_no_code_of_ours() -> None:
    imported = set(re.findall(r"^(?:from|import) (\w+)", "".join(scripts().values()), re.MULTILINE))
    assert {"joserfc", "cryptography", "partner"} <= imported
    assert imported.isdisjoint({"hub", "certs", "catalog", "adapters", "tests", "httpx"})


def test_every_script_of_the_page_is_run_by_one_of_its_commands() -> None:
    run = "".join(text for text, _ in commands())
    assert {name for name in scripts() if f"python {name}" not in run} == {"partner.py"}


def test_every_slug_of_the_page_has_its_explanation() -> None:
    from hub.api.problems import KINDS

    table = PAGE.split("| slug |")[1].split("\n\n")[0]
    named = {slug for row in table.splitlines()[2:] for slug in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    assert named
    assert named <= KINDS.keys()
