"""The county's workbook: what it holds, that one resource lacks its 审批文号, and that a rule finds that and nothing else."""

import io
from collections import Counter

from openpyxl import load_workbook

from catalog.items import item_violations, parse_items
from catalog.metadata import parse_metadata
from catalog.rules import Registration, registration_violations
from catalog.sheets.known import Body
from hub.cli import demo_data
from hub.cli.demo.catalogue import complete, workbook
from tests.support.workbooks import examined, known, marked_cells, named

FOUND = demo_data.load_catalogue()
ORGANISATIONS = {one.key: one for one in demo_data.load_organisations()}
SYSTEMS = {one.code for one in demo_data.load_systems()}
RELIEF = "lintao-poverty-relief-office"


def broken(entry: demo_data.Entry) -> list[str]:
    items = parse_items(entry.items)
    registration = Registration(entry.classification, parse_metadata(entry.metadata), ORGANISATIONS[RELIEF].code, items)
    return [violation.rule for violation in (*registration_violations(registration), *item_violations(items))]


def test_it_holds_sixty_resources_and_more_of_ten_departments_and_says_that_they_are_examples() -> None:
    assert len(FOUND.entries) >= 60
    assert len(Counter(entry.provider for entry in FOUND.entries)) == 10
    assert all(entry.metadata["is_example"] for entry in FOUND.entries)
    assert all(3 <= len(entry.items) <= 8 for entry in FOUND.entries)
    assert len({entry.metadata["name"] for entry in FOUND.entries}) == len(FOUND.entries)
    classes = {one.code for one in FOUND.classes}
    for entry in FOUND.entries:
        assert entry.provider in ORGANISATIONS
        assert entry.system in SYSTEMS
        assert entry.classification in classes


def test_one_resource_lacks_what_its_document_prescribes_and_no_other_breaks_a_rule() -> None:
    faulty = {entry.metadata["name"]: broken(entry) for entry in FOUND.entries if broken(entry)}
    assert faulty == {"扶贫项目清单（补报）": ["LIST"]}
    assert not any(broken(complete(entry)) for entry in FOUND.entries)


def test_its_import_comes_back_with_the_one_cell_marked_and_names_what_is_lacking() -> None:
    office = ORGANISATIONS[RELIEF]
    assert office.code is not None
    own = Body(id="x", code=office.code, name=office.name, coded=office.code, systems=("lintao-poverty-relief",))
    bodies = tuple(Body(id=key, code=one.code, name=one.name, coded="") for key, one in ORGANISATIONS.items())
    told = known().model_copy(update={"own": own, "bodies": bodies, "systems": {"lintao-poverty-relief": "y"}})
    found = examined(workbook(FOUND.entries), told, own_only=True)
    (fault,) = found.findings.faults
    row = fault.place.row
    assert named(found) == [f"信息资源名称{row} LIST"]
    assert "审批文号" in fault.zh
    assert "第三条" in fault.zh
    assert len(marked_cells(found.marked())) == 1
    assert load_workbook(io.BytesIO(workbook(FOUND.entries)))["目录"].cell(row, 2).value == "扶贫项目清单（补报）"
    corrected = examined(workbook([complete(entry) for entry in FOUND.entries]), told, own_only=True)
    assert corrected.is_clean, corrected.faults()
    own_entries = sum(entry.provider == RELIEF for entry in FOUND.entries)
    assert corrected.counts()["new"] == own_entries
    assert corrected.counts()["skipped"] == len(FOUND.entries) - own_entries
