"""docs/log-leaf.md against the code and against a real run in which every event happens."""

import json
import re
import time
from collections import defaultdict
from typing import Any

import pytest

from certs.canonical import canonical
from certs.commitment import check
from certs.tree import leaf_hash
from hub.audit.entry import entry_reference
from tests.docs.every_event import perform_the_rest, read_log, types_in_code
from tests.docs.pages import blocks, page
from tests.docs.running_demo import RunningDemo

PAGE = page("docs/log-leaf.md")
ALWAYS = {"v", "hub", "id", "time", "event", "actor", "object", "result", "region"}
SOMETIMES_IN_ACTOR = {"organisation"}
WORKERS_WITHIN_S = 30.0

_ROW = re.compile(r"^\| `([a-z.-]+)` \| [^|]+ \| ([\w/]+) \| `([\w-]+)`：[^|]+ \|([^|]*)\|$", re.MULTILINE)
_EXAMPLE = re.compile(r"### (\S+)\n\n<!-- leaf: (\S+) (\S+) -->\n```json\n(.*?)\n```", re.DOTALL)
_OPENINGS = re.compile(r"<!-- openings: (\S+) -->\n```json\n(.*?)\n```", re.DOTALL)


def documented() -> dict[str, tuple[str, str, set[str], set[str]]]:
    """For each event of the table: kind of actor, type of object, fields of the leaf beside `ALWAYS`, fields of `details`."""
    found = {}
    for event, actor, kind, also in _ROW.findall(PAGE):
        outside, _, inside = also.partition("(")
        found[event] = (actor, kind, set(re.findall(r"`(\w+)`", outside)), set(re.findall(r"`(\w+\??)`", inside)))
    return found


def examples() -> dict[str, tuple[str, dict[str, Any]]]:
    """The example of each event: its hash and its leaf."""
    return {event: (hashed, json.loads(text)) for _, event, hashed, text in _EXAMPLE.findall(PAGE)}


def shape(value: Any) -> Any:
    """Names and types of a value, for lists those of the first member."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


@pytest.fixture(scope="module")
def entries(demo: RunningDemo) -> dict[str, list[dict[str, Any]]]:
    """A log in which everything has happened, by type."""
    perform_the_rest(demo)
    deadline = time.monotonic() + WORKERS_WITHIN_S
    while True:  # some are the workers', who come to them in a moment
        by_type: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in read_log(demo):
            by_type[entry["event"]].append(entry)
        if documented().keys() <= by_type.keys() or time.monotonic() > deadline:
            return by_type
        time.sleep(0.5)


def test_the_page_has_a_row_and_an_example_for_every_event_in_the_code_and_for_no_other() -> None:
    assert documented().keys() == types_in_code()
    assert examples().keys() == types_in_code()


def test_every_example_has_the_hash_that_stands_beside_it() -> None:
    for event, (hashed, leaf) in examples().items():
        assert leaf["event"] == event
        assert entry_reference(leaf_hash(canonical(leaf))) == hashed


def test_the_openings_of_the_page_open_the_commitments_of_their_example() -> None:
    (event, text) = _OPENINGS.findall(PAGE)[0]
    actor, openings = examples()[event][1]["actor"], json.loads(text)
    assert openings.keys() == {name for name, value in actor.items() if value.startswith("hmac-sha-256:")}
    for name, opening in openings.items():
        assert check(actor[name], opening["value"], bytes.fromhex(opening["salt"]))


@pytest.mark.process
def test_a_real_run_makes_every_event_of_the_page_and_no_other(entries: dict[str, list[dict[str, Any]]]) -> None:
    assert entries.keys() == documented().keys()


@pytest.mark.process
def test_every_entry_of_a_real_run_has_the_fields_that_the_page_gives_it(
    entries: dict[str, list[dict[str, Any]]],
) -> None:
    for event, (actor, kind, also, details) in documented().items():
        needed = {name for name in details if not name.endswith("?")}
        for entry in entries[event]:
            leaf = entry["leaf"]
            assert leaf["actor"]["kind"] in actor.split("/"), event
            assert leaf["object"]["type"] == kind, event
            asked = set() if leaf["actor"]["kind"] == "host" else {"request"}
            assert leaf.keys() - {"details"} == ALWAYS | asked | also, event
            assert needed <= leaf.get("details", {}).keys() <= needed | {name.rstrip("?") for name in details}, event


@pytest.mark.process
def test_the_examples_look_like_the_entries_of_a_real_run(entries: dict[str, list[dict[str, Any]]]) -> None:
    for event, (_, leaf) in examples().items():
        assert shape(leaf.get("details")) in [shape(entry["leaf"].get("details")) for entry in entries[event]], event
        actors = [entry["leaf"]["actor"].keys() - SOMETIMES_IN_ACTOR for entry in entries[event]]
        assert leaf["actor"].keys() - SOMETIMES_IN_ACTOR in actors, event


@pytest.mark.process
def test_the_python_of_the_page_believes_a_real_log_and_finds_what_was_changed(
    entries: dict[str, list[dict[str, Any]]],
) -> None:
    names: dict[str, Any] = {}
    exec(next(block.text for block in blocks(PAGE) if block.language == "python"), names)  # the code of our own page
    for found in entries.values():
        for entry in found:
            names["check"](entry)
    signed_in = entries["session.opened"][0]
    with pytest.raises(AssertionError):
        names["check"](signed_in | {"leaf": signed_in["leaf"] | {"result": "fail"}})
    forged = {"login": signed_in["openings"]["login"] | {"value": "somebody-else"}}
    with pytest.raises(AssertionError):
        names["check"](signed_in | {"openings": forged})
