"""docs/spreadsheet.md against the code: its limits, its rules, the columns of the provincial sheet, its calls and commands."""

import re
from pathlib import Path

from catalog.sheets import limits
from catalog.sheets.provincial import PROVINCIAL_SHEET
from hub.api import resource_imports, resource_sheets
from hub.cli.catalogue import resource
from tests.docs.pages import ROOT, page

PAGE = page("docs/spreadsheet.md")
SHEETS = (ROOT / "catalog" / "sheets", ROOT / "hub" / "publishing" / "imports")


def test_the_limits_are_those_of_the_code() -> None:
    told = dict(re.findall(r"^\| `(MAX_\w+)` [^|]+\| ([0-9]+)(?: MiB)? \|$", PAGE, re.MULTILINE))
    assert len(told) == 9
    for name, value in told.items():
        actual = getattr(limits, name)
        assert int(value) == (actual >> 20 if name.endswith("_BYTES") else actual), name


def test_every_rule_that_only_sheets_have_is_told_and_no_other() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for folder in SHEETS for path in Path(folder).rglob("*.py"))
    told = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert len(told) == len(set(told))
    assert set(told) == set(re.findall(r'"(sheet-[a-z-]+)"', sources)) | {"schema"}


def test_the_provincial_columns_stand_in_their_order() -> None:
    told = re.findall(r"^\| ([0-9]+) \| ([^|]+) \|", PAGE, re.MULTILINE)
    assert [(int(number), name) for number, name in told] == [
        (number, column.zh) for number, column in enumerate(PROVINCIAL_SHEET, start=1)
    ]


def test_every_call_and_command_of_the_page_exists() -> None:
    called = {tuple(found) for found in re.findall(r"^\| `(GET|POST) (/v1/resources/[^`?]+)", PAGE, re.MULTILINE)}
    routes = (*resource_imports.router.routes, *resource_sheets.router.routes)
    assert called == {(method, route.path) for route in routes for method in route.methods}  # type: ignore[attr-defined]
    for name, options in re.findall(r"^shuniu resource (\w+)([^#\n]*)", PAGE, re.MULTILINE):
        known = {option for parameter in resource.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<= )--?[a-z-]+", options)) <= known, name
