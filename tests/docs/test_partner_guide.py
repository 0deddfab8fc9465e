"""docs/partner-guide: both pages tell the same, and what they tell to type does what they say, on a real hub."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from http_message_signatures import HTTPSignatureKeyResolver, InvalidSignature

from adapters.http import refusal
from certs.http_signature import content_digest, sign_request
from certs.keys import generate_key
from certs.suites import KeySigner
from tests.docs.pages import ROOT, Block, blocks, page, steady
from tests.docs.partner_table import table
from tests.docs.running_demo import RunningDemo, plain_environment
from tests.support.harness import free_port

PAGES = {"zh": page("docs/partner-guide.zh-CN.md"), "en": page("docs/partner-guide.md")}
PAGE = PAGES["zh"]
HUB_URL, PUSH_PORT = "http://127.0.0.1:8640", "8700"
MARK = "--- the next block ---"

_NAMED = re.compile(r"<!-- file: (\w+\.py) -->\n```python\n(.*?)```", re.DOTALL)


def scripts() -> dict[str, str]:
    """The Python blocks that a reader saves, by file name."""
    return dict(_NAMED.findall(PAGE))


def commands() -> list[tuple[str, str | None]]:
    """The bash blocks with the output that the page shows for them, None where it shows none."""
    return [
        (block.text, following.text if following.language == "text" else None)
        for block, following in pairwise([*blocks(PAGE), Block("", "")])
        if block.language == "bash"
    ]


@pytest.fixture
def reader(demo: RunningDemo) -> Iterator[Path]:
    """A folder beside the demo, in something like a checkout; a receiver left running is ended."""
    folder = demo.home / "my-partner"
    folder.mkdir()
    (demo.home / "docs").symlink_to(ROOT / "docs")
    yield folder
    started = folder / "receiver.pid"
    if started.exists():
        try:
            os.kill(int(started.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            return


def run_as_reader(folder: Path, url: str) -> list[str]:
    """Save every script, run every command in one shell; what each block of commands printed."""
    for name, text in scripts().items():
        (folder / name).write_text(text, encoding="utf-8")
    port = str(free_port())
    lines = "".join(f"{text}echo '{MARK}'\n" for text, _ in commands())
    assert lines.count(HUB_URL) == 1
    done = subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + lines.replace(HUB_URL, url).replace(PUSH_PORT, port)],
        cwd=folder,
        env=plain_environment() | {"LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": str(folder / "config")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )
    said = [
        path.read_text(encoding="utf-8") for name in ("why.txt", "receiver.log") if (path := folder / name).exists()
    ]
    assert done.returncode == 0, "\n".join([done.stdout, *said])
    return done.stdout.split(f"{MARK}\n")[:-1]


@pytest.mark.process
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_everything_that_the_guide_tells_to_do_works_in_order(demo: RunningDemo, reader: Path) -> None:
    printed = run_as_reader(reader, demo.url)
    for (text, promised), output in zip(commands(), printed, strict=True):
        if promised is not None:
            assert steady(output) == steady(promised), text


def test_both_languages_have_the_same_blocks_and_the_same_sections() -> None:
    assert blocks(PAGES["zh"]) == blocks(PAGES["en"])
    headings = [re.findall(r"^(#+ \d?)", text, re.MULTILINE) for text in PAGES.values()]
    assert headings[0] == headings[1]
    links = [re.findall(r"\]\(([\w./-]+)\)", text) for text in PAGES.values()]
    assert sorted(set(links[0]) - {"partner-guide.md"}) == sorted(set(links[1]) - {"partner-guide.zh-CN.md"})
    for link in links[0] + links[1]:
        assert (ROOT / "docs" / link).exists(), link


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_table_of_refusals_is_the_hubs(language: str) -> None:
    assert table(language) in PAGES[language]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_guide_sorts_a_receiver_s_answers_as_the_hub_does(language: str) -> None:
    rows = [
        found.replace("4xx", "").replace("xx", "00")
        for found in re.findall(r"^\| ([^|]*\dxx[^|]*|\d{3}[^|]*) \|", PAGES[language], re.MULTILINE)
    ]
    sorts = [{refusal(int(status), b"", "").reason for status in re.findall(r"[345]\d\d", row)} for row in rows]
    assert [{"not-believed"}, {"stale"}, {"not-now"}, {"rejected"}, {"wrong-way"}, {"redirected"}] == sorts[-6:]
    named = {int(status) for row in rows for status in re.findall(r"4\d\d", row)}
    assert {refusal(status, b"", "").reason for status in set(range(401, 500)) - named} == {"wrong-way"}


@pytest.mark.parametrize("name", ["receiver", "check_push"])
def test_the_guide_shows_the_examples_as_they_are(name: str) -> None:
    text = (ROOT / f"docs/examples/{name}.py").read_text(encoding="utf-8")
    assert scripts()[f"{name}.py"] == text
    if name == "receiver":
        assert len(text.splitlines()) <= 60


def test_every_script_of_the_guide_is_run_and_every_block_is_known() -> None:
    run = "".join(text for text, _ in commands())
    assert {name for name in scripts() if f"python {name}" not in run} == {"check_push.py"}
    assert "from check_push import" in scripts()["try_vectors.py"]
    kinds = [block.language for block in blocks(PAGE)]
    assert set(kinds) == {"bash", "text", "python", "console"}
    assert kinds.count("python") == len(scripts()) + 1  # the one with a library is tested below


def example(name: str) -> ModuleType:
    """A file of docs/examples, imported."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/examples/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vectors(name: str) -> Any:
    return json.loads((ROOT / f"docs/vectors/{name}.json").read_text(encoding="utf-8"))


def test_the_check_without_our_library_uses_none_of_it_and_judges_the_vectors_as_they_say() -> None:
    module = example("check_push")
    imported = re.findall(r"^(?:from|import) (\w+)", scripts()["check_push.py"], re.MULTILINE)
    assert set(imported) == {"base64", "hashlib", "re", "cryptography"}
    keys, pushes = vectors("keys"), vectors("pushes")
    now = datetime.fromisoformat(pushes["now"]).timestamp()
    for case in pushes["cases"]:
        arguments = (case["method"], pushes["url"], case["headers"], case["body"].encode(), keys["push.pem"].encode())
        expected = 200 if case["status"] == 400 else case["status"]
        assert module.status_of(*arguments, now) == expected, case["name"]
    assert any(case["status"] == 400 for case in pushes["cases"])


class Message:
    """A request as `http-message-signatures` reads it."""

    method = "POST"
    url = "https://receiver.example/shuniu"

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers


def test_the_check_with_a_common_library_believes_what_the_hub_signs_and_nothing_else() -> None:
    (code,) = re.findall(r"<!-- example: library -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    key, now, body = generate_key("EdDSA"), datetime.now(UTC), b'{"items":[]}'

    class Keys(HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> Any:
            return key.public_key()

        def resolve_private_key(self, key_id: str) -> Any:
            raise NotImplementedError

    fields = {
        "content-digest": content_digest(body),
        "content-type": "application/vnd.shuniu.deliveries+json",
        "shuniu-lane": "019aa8c0-0000-7000-8000-0000000000aa",
        "shuniu-sequence": "1",
        "shuniu-fence": "7",
    }
    signed = sign_request(
        KeySigner(key, vectors("keys")["systems"][0]["kid"]),
        method=Message.method,
        target_uri=Message.url,
        headers=fields,
        created=now,
        expires=now + timedelta(seconds=45),
        nonce="bm9uY2Utb2YtdGhlLXZlY3Q",
    )
    assert names["verify"](Message({**fields, **signed}), body, Keys()) == int(
        (now + timedelta(seconds=45)).timestamp()
    )
    for changed in ({"shuniu-fence": "8"}, {"signature": "shuniu=:AAAA:"}):
        with pytest.raises(InvalidSignature):
            names["verify"](Message({**fields, **signed, **changed}), body, Keys())


def test_the_key_that_pushes_are_checked_with_is_the_first_certificate_of_push_pem() -> None:
    """What check_push.py takes for granted of `trust/push.pem`."""
    certificates = x509.load_pem_x509_certificates(vectors("keys")["push.pem"].encode())
    names = certificates[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:shuniu:hub:lintao-hub:pushes"]
