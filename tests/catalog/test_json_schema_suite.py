"""The official JSON-Schema-Test-Suite for 2020-12 through the validator of payloads; what we do otherwise is listed.

The files are as they stand in the source distribution of jsonschema 4.26.0 (json/tests/draft2020-12), under its licence.
A deviation that is new and one that has gone both fail.
"""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog.compiler import check_schema_in_child, compile_schema
from catalog.errors import SchemaRefused
from catalog.judge import judge
from tests.catalog.json_schema_deviations import OTHERWISE, REASONS, REFUSED

SUITE = Path(__file__).parent.parent / "vectors" / "json_schema" / "draft2020-12"

Case = dict[str, Any]


@functools.cache
def cases() -> list[tuple[str, Case]]:
    """Every case of every file: a schema and the tests of it."""
    files = sorted(SUITE.rglob("*.json"))
    return [(str(file.relative_to(SUITE)), case) for file in files for case in json.loads(file.read_text())]


def refusal(schema: Any) -> str | None:
    """Return what the refusal of the schema is about, a keyword of `REASONS`, None if the schema is taken."""
    refused = judge(schema)
    if refused is None:
        return None
    if "64 bits" in refused["en"]:
        return "64 bits"
    return str(refused["field"]).rpartition("/")[2] or "object"


def listed_refusals() -> Iterator[tuple[str, str, str]]:
    """Yield file, case and reason of every refusal that is listed."""
    for reason, files in REFUSED.items():
        for file, descriptions in files.items():
            yield from ((file, description, reason) for description in descriptions)


def test_the_suite_is_whole() -> None:
    assert len(cases()) == 438
    assert sum(len(case["tests"]) for _, case in cases()) == 1906


def test_schemas_are_refused_as_listed_and_no_others() -> None:
    found = [
        (file, case["description"], reason) for file, case in cases() if (reason := refusal(case["schema"])) is not None
    ]
    assert sorted(found) == sorted(listed_refusals())
    assert {reason for _, _, reason in found} == set(REASONS) == set(REFUSED)


def test_payloads_get_the_verdict_of_the_suite_but_for_those_listed() -> None:
    found = []
    refused = {(file, description) for file, description, _ in listed_refusals()}
    for file, case in cases():
        if (file, case["description"]) in refused:
            continue
        validator = compile_schema(case["schema"])
        for test in case["tests"]:
            errors = validator.errors(test["data"])
            assert validator.is_valid(test["data"]) is (errors == []), (file, case["description"], test["description"])
            assert all(error.zh and error.en for error in errors)
            if (errors == []) is not test["valid"]:
                found.append((file, case["description"], test["description"]))
    assert sorted(found) == sorted(OTHERWISE)


def test_the_child_says_what_the_judge_says() -> None:
    for _, case in cases()[::12]:
        refused = judge(case["schema"])
        try:
            check_schema_in_child(case["schema"])
            said = None
        except SchemaRefused as told:
            said = (told.zh, told.en, told.field)
        assert said == (None if refused is None else (refused["zh"], refused["en"], refused["field"]))
