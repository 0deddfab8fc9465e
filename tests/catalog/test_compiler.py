"""Compiling: formats asserted, patterns linear and bounded, nothing fetched, and a child that takes the blows."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from catalog import child, compiler
from catalog.codes import DataType
from catalog.compiler import check_schema_in_child, compile_schema
from catalog.errors import SchemaRefused
from catalog.items import Item
from catalog.schema import DIALECT, Schema, derive_schema


def schema_of(**keywords: Any) -> Schema:
    """Return a schema of our dialect with these keywords."""
    return {"$schema": DIALECT, **keywords}


def sharpened(pattern: str, example: str) -> Schema:
    """Return the derived schema of one item with that pattern and example."""
    item = Item(field_name="x", name="某项", data_type=DataType.C, length=100, pattern=pattern, example=example)
    return derive_schema([item], title="某资源", code="306001000001/000001", version=1)


@pytest.mark.parametrize(
    "pattern", [r"(a)\1", "(?=a)b", "(?<!a)b", "(", "a{1,100000}{1,100000}", "(((x{99}){99}){99}){99}"]
)
def test_patterns_that_the_linear_engine_cannot_hold_are_refused(pattern: str) -> None:
    with pytest.raises(SchemaRefused) as refused:
        compile_schema(schema_of(pattern=pattern))
    assert refused.value.field == "/pattern"


def test_a_pattern_that_ruins_backtracking_engines_takes_linear_time() -> None:
    validator = compile_schema(schema_of(pattern="^(a+)+$"))
    began = time.thread_time()
    assert not validator.is_valid("a" * 100_000 + "b")
    assert time.thread_time() - began < 0.5


def test_chinese_character_classes_fit_the_limits() -> None:
    assert compile_schema(schema_of(pattern=r"^\p{Han}{1,200}$")).is_valid("临洮县")


def test_an_unknown_format_is_refused_instead_of_ignored() -> None:
    with pytest.raises(SchemaRefused) as refused:
        compile_schema(schema_of(format="colour"))
    assert refused.value.field == "/format"


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/s", "https://example.org/s", "file:///etc/hostname"])
def test_the_compiler_fetches_nothing_even_if_the_form_is_not_checked(
    reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "check_form", lambda schema: None)
    with pytest.raises(SchemaRefused, match="never fetched"):
        compile_schema(schema_of(**{"$ref": reference}))


def test_the_child_takes_what_is_in_order() -> None:
    check_schema_in_child(sharpened("^[0-9]{6}$", "621124"))
    check_schema_in_child(schema_of(type="object"))


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        (schema_of(type="text"), "/type"),
        (schema_of(maxLength=-1), "/maxLength"),
        (schema_of(pattern="(?=a)"), "/pattern"),
        (schema_of(**{"$ref": "file:///etc/hostname"}), "/$ref"),
    ],
)
def test_the_child_tells_what_it_refuses(schema: Schema, field: str) -> None:
    with pytest.raises(SchemaRefused) as refused:
        check_schema_in_child(schema)
    assert refused.value.field == field


def test_an_example_that_breaks_its_own_schema_is_refused_at_its_field() -> None:
    with pytest.raises(SchemaRefused) as refused:
        check_schema_in_child(sharpened("^[0-9]{6}$", "62112"))
    assert [violation.field for violation in refused.value.violations] == ["/records/0/x"]
    assert refused.value.field == "/records/0/x"


def heavy() -> Schema:
    """Return a schema whose check takes a tenth of a second and some tens of MiB."""
    items = [
        Item(
            field_name=f"f{n}",
            name=f"项{n}",
            data_type=DataType.C,
            length=9,
            pattern=rf"^\p{{Han}}{{1,{n + 1}}}$",
            example="汉",
        )
        for n in range(100)
    ]
    return derive_schema(items, title="某资源", code="306001000001/000001", version=1)


def test_a_schema_that_needs_too_much_memory_costs_the_child_and_not_us() -> None:
    with pytest.raises(SchemaRefused, match="时间或内存"):
        check_schema_in_child(heavy(), memory_bytes=1 << 20)
    check_schema_in_child(heavy())


def test_a_schema_that_takes_too_long_costs_the_child_and_not_us() -> None:
    began = time.perf_counter()
    with pytest.raises(SchemaRefused, match="时间或内存"):
        check_schema_in_child(heavy(), timeout_s=0.0)
    assert time.perf_counter() - began < 60
    check_schema_in_child(heavy())


def test_a_schema_is_not_refused_for_what_else_the_machine_has_to_do() -> None:
    check_schema_in_child(schema_of())
    process = child.JUDGE._process
    assert isinstance(process, subprocess.Popen)
    process.send_signal(signal.SIGSTOP)
    going_on = threading.Timer(3.0, process.send_signal, (signal.SIGCONT,))
    going_on.start()
    check_schema_in_child(schema_of(), timeout_s=2.0)
    going_on.join()
    assert child.JUDGE._process is process


def test_a_child_that_was_killed_is_replaced() -> None:
    check_schema_in_child(schema_of())
    first = child.JUDGE._process
    assert isinstance(first, subprocess.Popen)
    first.kill()
    first.wait()
    check_schema_in_child(schema_of())
    assert child.JUDGE._process is not first


def test_a_child_that_closes_itself_while_asked_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    process = child.JudgeProcess()
    with pytest.raises(child.ChildLost):
        process.ask(b"not json", 5.0)
    monkeypatch.setattr(child, "JUDGE", process)
    check_schema_in_child(schema_of())
    process.close()


def test_a_child_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "JUDGE", child.JudgeProcess())
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SchemaRefused, match="没有启动"):
        check_schema_in_child(schema_of())


def test_a_child_of_another_process_is_left_alone() -> None:
    process = child.JudgeProcess()
    process.ask(orjson.dumps({"schema": schema_of(), "timeout_s": 5, "memory_bytes": 1 << 28}), 5.0)
    parents = process._process
    assert parents is not None
    process._owner = -1
    process.ask(orjson.dumps({"schema": schema_of(), "timeout_s": 5, "memory_bytes": 1 << 28}), 5.0)
    assert parents.poll() is None
    parents.communicate()  # closes its input, at which it ends by itself
    assert parents.returncode == 0
    process.close()


def _answer_once() -> None:
    os.write(1, b"ready\n")
    os.read(0, 1 << 16)
    os.write(1, b"null\n")


def test_a_parent_may_fork_the_child_and_starts_another_when_it_has_ended() -> None:
    process = child.JudgeProcess()
    process.adopt(child.Forked(_answer_once))
    forked = process._process
    question = orjson.dumps({"schema": schema_of(), "timeout_s": 5, "memory_bytes": 1 << 28})
    assert process.ask(question, 5.0) == b"null\n"
    assert process._process is forked
    with contextlib.suppress(child.ChildLost):  # it has ended, or is about to
        process.ask(question, 5.0)
    assert process.ask(question, 30.0) == b"null\n"
    assert isinstance(process._process, subprocess.Popen)
    process.close()


def test_a_forked_child_that_does_not_get_ready_is_lost_and_can_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "START_TIMEOUT_S", 0.05)
    process, forked = child.JudgeProcess(), child.Forked(lambda: time.sleep(600))
    with pytest.raises(child.ChildLost):
        process.adopt(forked)
    assert forked.poll() is None
    forked.kill()
    forked.communicate()
    assert forked.poll() is not None
    forked.kill()


def test_the_child_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUNIU_DATABASE_URL", "postgresql://secret@localhost/x")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/python/lib")
    process = child.JudgeProcess()
    process.ask(orjson.dumps({"schema": schema_of(), "timeout_s": 5, "memory_bytes": 1 << 28}), 5.0)
    assert isinstance(process._process, subprocess.Popen)
    environment = Path(f"/proc/{process._process.pid}/environ").read_bytes()
    assert b"secret" not in environment
    assert b"LD_LIBRARY_PATH=/opt/python/lib" in environment
    process.close()


def test_questions_from_several_threads_take_turns() -> None:
    outcomes: list[str | None] = []

    def ask(schema: Schema) -> None:
        try:
            check_schema_in_child(schema)
            outcomes.append(None)
        except SchemaRefused as refused:
            outcomes.append(refused.field)

    threads = [threading.Thread(target=ask, args=(schema_of(type=kind),)) for kind in ["object", "wrong"] * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == ["/type"] * 5 + [None] * 5
