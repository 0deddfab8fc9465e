"""README.md and README.zh-CN.md: the ten lines run as they stand, both say the same, and every link leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, page
from tests.docs.running_demo import RunningDemo, plain_environment

READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))

_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def example(name: str) -> str:
    """The Python of a README."""
    found = [block.text for block in blocks(page(name)) if block.language == "python"]
    assert len(found) == 1
    return found[0]


def code_alone(text: str) -> list[str]:
    """The lines of code, comments and blank lines left out."""
    return [line.split("  #")[0] for line in text.splitlines() if line.strip()]


@pytest.mark.process
@pytest.mark.parametrize("name", READMES)
def test_the_ten_lines_exchange_and_acknowledge_a_record(demo: RunningDemo, name: str) -> None:
    script = demo.home / "first.py"
    script.write_text(example(name), encoding="utf-8")
    environment = plain_environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, script.name], cwd=demo.home, env=environment, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    receipt, delivered, acknowledged = done.stdout.splitlines()
    assert re.fullmatch(r"receipt for [0-9a-f-]{36} in 4 lanes", receipt)
    assert delivered.startswith("lintao-approval [{'permit_code': 'DEMO-0002'")
    assert acknowledged == "acknowledged 1"


def test_the_first_exchange_of_both_languages_is_the_same_code_of_ten_lines() -> None:
    english, chinese = (code_alone(example(name)) for name in READMES)
    assert english == chinese
    assert len(english) == 10


@pytest.mark.parametrize("name", READMES)
def test_a_readme_shows_the_two_commands_and_a_picture(name: str) -> None:
    console = [block.text for block in blocks(page(name)) if block.language == "console"]
    assert re.findall(r"^\$ (make \w+)", console[0], re.MULTILINE) == ["make demo", "make test"]
    assert re.search(r"!\[[^]]+\]\(docs/path-of-a-payload\.svg\)", page(name))


def test_every_target_that_a_page_names_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE))
    named = {target for name in PAGES for target in re.findall(r"(?:`|\$ )make ([a-z]+)", page(name))}
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_to_a_file(name: str) -> None:
    for target in _LINK.findall(page(name)):
        if not target.startswith(("http://", "https://")):
            assert ((ROOT / name).parent / target).resolve().exists(), target


def test_the_pages_speak_of_no_machine_but_the_reader_s() -> None:
    for name in PAGES:
        assert not re.search(r"(?:^|[\s`(])/(?:root|work|farm|tmp|home)/", page(name)), name


def test_every_page_is_named_in_the_index() -> None:
    index = page("docs/index.md")
    folders = {"decisions"}
    for path in Path(ROOT / "docs").glob("*.md"):
        assert path.name == "index.md" or f"({path.name})" in index, path.name
    for folder in folders:
        assert f"({folder}/)" in index
