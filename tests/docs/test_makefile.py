"""The Makefile and what it installs from: what a newcomer's machine needs is said, and nothing is fetched that is not pinned."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, page

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")

MISSING = 2
"""What make ends with when a recipe fails."""

RECORDER = """#!/bin/sh
echo "$(basename "$0") $*" >> "{calls}"
"""

PYTHON = """#!/bin/sh
case "$*" in
"-m venv .venv") mkdir -p .venv/bin && cp "{recorder}" .venv/bin/python && cp "{recorder}" .venv/bin/shuniu ;;
*) exec "{real}" "$@" ;;
esac
"""


def program(path: Path, text: str) -> Path:
    """A script that can be run."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the Makefile looks at, under a name with nothing else in it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", *REQUIREMENTS):
        shutil.copy(ROOT / name, folder / name)
    return folder


def make(checkout: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PIP_", "ARGS"))}
    environment = kept | {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(
        ["make", *words], cwd=checkout, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


@pytest.mark.process
@pytest.mark.parametrize(
    ("python", "named"),
    [
        (None, "python3-venv"),
        ('#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec "{real}" "$@"\n', "python3-venv"),
        ("#!/bin/sh\nexit 1\n", "3.11"),
    ],
    ids=["no Python", "no venv or pip", "an old Python"],
)
@pytest.mark.parametrize("target", ["demo", "test"])
def test_what_is_missing_is_named_in_both_languages_and_nothing_is_made(
    checkout: Path, target: str, python: str | None, named: str
) -> None:
    given = checkout.parent / "python"
    if python is not None:
        program(given, python.replace("{real}", sys.executable))
    done = make(checkout, target, f"PYTHON={given}")
    assert done.returncode == MISSING
    assert named in done.stdout
    assert re.search(r"install|needed", done.stdout)
    assert re.search(r"请安装|需要", done.stdout)
    assert not (checkout / ".venv").exists()


@pytest.mark.process
def test_the_demo_installs_once_with_hashes_and_progress_and_is_handed_its_arguments(checkout: Path) -> None:
    calls = checkout.parent / "calls"
    recorder = program(checkout.parent / "recorder", RECORDER.format(calls=calls))
    python = program(checkout.parent / "python", PYTHON.format(recorder=recorder, real=sys.executable))
    first = make(checkout, "demo", f"PYTHON={python}", "ARGS=--exit --port 8999")
    assert first.returncode == 0, first.stderr
    assert [line for line in first.stdout.splitlines() if " / " in line], "it says what it does"
    said = calls.read_text(encoding="utf-8").splitlines()
    assert len(said) == 3
    assert said[0].startswith("python -m pip install")
    assert {"--progress-bar", "--require-hashes", "requirements.txt"} <= set(said[0].split())
    assert {"--no-deps", "--no-build-isolation", "-e"} <= set(said[1].split())
    assert said[2] == "shuniu demo --exit --port 8999"
    calls.unlink()
    assert make(checkout, "demo", f"PYTHON={python}").returncode == 0
    assert calls.read_text(encoding="utf-8").splitlines() == ["shuniu demo"]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_dependency_is_pinned_with_hashes_and_no_index_is_named(name: str) -> None:
    entries = page(name).replace("\\\n", " ").splitlines()
    assert len(entries) > 50
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[\w.]+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+", entry), entry[
            :80
        ]


def test_every_target_that_was_promised_is_explained() -> None:
    explained = set(re.findall(r"^([a-z]+):.*## \S", page("Makefile"), re.MULTILINE))
    assert {"help", "demo", "test", "check", "bench", "clean"} <= explained
