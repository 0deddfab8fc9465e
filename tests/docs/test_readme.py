"""README.md and README.zh-CN.md: the ten lines run as they stand, both say the same, and every link leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, page
from tests.docs.running_demo import RunningDemo, plain_environment
from tests.docs.typed import assert_exists, commands_of

READMES = ("README.md", "README.zh-CN.md")

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


@pytest.mark.process
def test_every_chapter_of_the_demo_says_what_happened_and_which_command_does_the_same(demo: RunningDemo) -> None:
    chapters = re.split(r"^\d+\. ", demo.output, flags=re.MULTILINE)[1:]
    assert len(chapters) == 19
    for chapter in chapters:
        assert re.search(r"^   [✓✗] ", chapter, re.MULTILINE), chapter
        assert re.search(r"^     \$ shuniu ", chapter, re.MULTILINE), chapter
    named = commands_of(re.sub(r"^ +\$ |; ", "\n", demo.output, flags=re.MULTILINE))
    assert len(named) >= 20
    for words in named:
        assert_exists(words)


SHOWN = {
    "keys of its own for each system": r"✓ lintao-finance +[\w-]{16}…",
    "published data with its receipts": r"✓ 试点名录　+ +100 条 / records  exchange [0-9a-f-]{36}",
    "the sub-site pulls and acknowledges": r"✓ lintao-subsite: (\d+) 封 / envelopes, \d+ 条 / records, 确认 / acknowledged \1\n",
    "the city pulls and acknowledges": r"✓ dingxi-exchange: (\d+) 封 / envelopes, \d+ 条 / records, 确认 / acknowledged \1\n",
    "tampered": r"✗ [^\n]*tampered → 401 bad-signature",
    "another hub's": r"✗ [^\n]*wrong audience → 403 wrong-audience",
    "without a grant": r"✗ [^\n]*no grant → 403 no-grant",
    "against the schema, with the place": r"✗ [^\n]*breaks the schema → 422 schema-violation\n +/records/1/budget_amount: ",
    "classified": r"✗ [^\n]*classified → 422 classified-content",
    "a revoked key": r"revoked \(keyCompromise\)\n[^\n]*\n +✗ [^\n]* → 401 certificate-revoked",
    "pushes that the city's endpoint checks": r"✓ dingxi-exchange [^\n]*received and verified 3 items at http://127\.0\.0\.1:",
    "a forged push": r"✗ [^\n]*a forged push → 401",
    "a dead consumer": r"✗ [^\n]*parked at the limit of attempts\n[^\n]*\n +✓ [^\n]*replayed and delivered",
    "bundles across a pair of folders": r"verified and took [12]; [^\n]*\n +✗ [^\n]*one character changed",
    "acknowledgements by file": r"✓ [^\n]*acknowledgements came back by file: 2 deliveries settled",
    "a forged row": r"✗ [^\n]*row 7 was forged → entry-unlike-tile",
    "evidence, verified": r"✓ evidence\.json（[^\n]*：\d+ 项全部成立",
    "evidence with a byte changed": r"✗ [^\n]*byte \d+ was changed → \w+",
}


@pytest.mark.process
@pytest.mark.parametrize("pattern", SHOWN.values(), ids=SHOWN)
def test_the_demo_shows(demo: RunningDemo, pattern: str) -> None:
    assert re.search(pattern, demo.output), demo.output


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
