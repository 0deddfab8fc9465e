"""`docs/adapters.md` says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from adapters import errors
from adapters.bundle import BundleSettings
from adapters.errors import AdapterError
from adapters.http import HttpSettings
from adapters.protocol import METHODS_OF, Capability

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
HALVES = PAGE.split('<a id="english"></a>')

half = pytest.mark.parametrize("text", HALVES, ids=["zh", "en"])


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first head cell is `heading`."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]


@half
def test_each_setting_of_http_stands_there_with_its_default(text: str) -> None:
    found = {row[0].strip("`"): row[1] for row in rows(text, "设置" if text is HALVES[0] else "setting")}
    assert found.keys() == HttpSettings.model_fields.keys()
    for name, field in HttpSettings.model_fields.items():
        if field.is_required():
            assert found[name] in {"必填", "required"}
        elif field.default is not None:
            assert float(found[name]) == field.default


@half
def test_each_setting_of_bundle_stands_there_with_its_default(text: str) -> None:
    heading = "`bundle` 的设置" if text is HALVES[0] else "setting of `bundle`"
    found = {row[0].strip("`"): row[1].strip("`") for row in rows(text, heading)}
    assert found.keys() == BundleSettings.model_fields.keys()
    for name, field in BundleSettings.model_fields.items():
        if field.is_required():
            assert found[name] in {"必填", "required"}
        else:
            assert found[name] == (field.default if isinstance(field.default, str) else f"{field.default:.0f}")


@half
def test_each_capability_stands_there_with_its_methods(text: str) -> None:
    found = {
        row[0].strip("`"): re.findall(r"`(\w+)\(", row[1])
        for row in rows(text, "能力" if text is HALVES[0] else "capability")
    }
    assert found == {
        capability.value: [name for name in vars(METHODS_OF[capability]) if not name.startswith("_")]
        for capability in Capability
    }


@half
def test_each_error_stands_there_with_whether_to_try_again(text: str) -> None:
    table = rows(text, "错误" if text is HALVES[0] else "error")
    found = {name: row[2] for row in table for name in re.findall(r"`(\w+)`", row[0])}
    leaves = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, AdapterError) and not kind.__subclasses__()
    }
    assert found.keys() == leaves.keys()
    for name, kind in leaves.items():
        assert found[name].startswith(("是", "yes") if kind.retryable else ("否", "no"))


def test_the_entry_point_is_the_samples() -> None:
    shown = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    project = tomllib.loads((ROOT / "tests/sample_adapter/pyproject.toml").read_text(encoding="utf-8"))
    expected = project["project"]["entry-points"]
    assert tomllib.loads("\n".join(map(str.strip, shown[1].splitlines())))["project"]["entry-points"] == expected
