"""The county's catalogue by spreadsheet: one workbook, imported by each department's editor, each its own rows.

One resource lacks what its document prescribes. Its department's import comes back with the cell marked, nothing written; the
missing item is added and the same workbook goes in whole.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from catalog.lists import list_type
from catalog.sheets.export import Exported, export
from hub.cli import demo_data
from hub.cli.demo.county import County
from hub.cli.demo_data import Entry
from hub.cli.failures import Refused

IMPORTS: Final = "/v1/resources/imports"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOOK: Final = "县目录.xlsx"
ANSWER: Final = "县目录-结果.xlsx"

LOOK_EVERY_S: Final = 0.2
WITHIN_S: Final = 120.0

_EDITORS: Final[Mapping[str, str]] = {
    "lintao-establishment-office": "establishment-editor",
    "lintao-legal-office": "legal-editor",
    "lintao-archives-bureau": "archives-editor",
    "lintao-supervision-bureau": "supervision-editor",
    "lintao-audit-bureau": "audit-editor",
}
"""Who edits for the departments that have nobody yet."""


def import_catalogue(county: County) -> dict[str, int]:
    """Import the county's workbook, every department its own rows; returns how many resources were new, by department."""
    found = demo_data.load_catalogue()
    county.narrator.step(
        "工作簿：县直各部门的目录在一个表里，各部门导入自己的行；缺审批文号的一条标在原表，改正后整体写入",
        "a workbook: the catalogue of the county's departments in one sheet, each imports its own rows; a resource without its"
        " approval number comes back marked, and goes in when it is mended",
    )
    for one in found.classes:
        county.classify(one)
    departments = list(dict.fromkeys(entry.provider for entry in found.entries))
    for key in departments:
        if key not in county.staff_of:
            login = _EDITORS[key]
            county.add_staff(login, f"编目 {login}", ["editor"], county.organisations[key])
            county.staff_of[key] = login
    (county.data / BOOK).write_bytes(workbook(found.entries))
    county.narrator.done(
        f"{len(found.entries)} 个资源、{sum(len(entry.items) for entry in found.entries)} 个信息项 / resources and items: "
        f"{county.data / BOOK}"
    )
    county.narrator.same(f"shuniu resource import {BOOK} --own-only --commit")
    tried = _try_all(county, departments, county.data / BOOK)
    faulty = [key for key, verdict in tried.items() if verdict["counts"]["faults"]]
    for key in faulty:
        _tell_faults(county, key, tried.pop(key))
    written = _write_all(county, tried)
    if faulty:
        corrected = county.data / "县目录-改正.xlsx"
        corrected.write_bytes(workbook([complete(entry) for entry in found.entries]))
        written |= _write_all(county, _try_all(county, faulty, corrected))
    county.narrator.done(
        f"已登记 {sum(written.values())} 个资源草稿 / drafts registered, {len(written)} 个部门 / departments"
    )
    return written


def workbook(entries: Sequence[Entry]) -> bytes:
    """The workbook of these entries, as the template would be filled in."""
    names = {one.key: (one.name, one.code) for one in demo_data.load_organisations()}
    return export(
        Exported(None, *names[entry.provider], entry.system, entry.metadata, entry.items, entry.classification)
        for entry in entries
    )


def complete(entry: Entry) -> Entry:
    """The entry with the items that its type of list prescribes and that it lacks."""
    described = list_type(entry.metadata.get("list_type"))
    if described is None:
        return entry
    had = {item["field_name"] for item in entry.items}
    lacking = (one.item for one in described.list_items if one.is_prescribed and one.item.field_name not in had)
    items = (*entry.items, *(item.to_json() for item in lacking))
    return Entry(entry.provider, entry.system, entry.classification, entry.metadata, items)


def _try_all(county: County, departments: Sequence[str], book: Any) -> dict[str, dict[str, Any]]:
    """The verdicts on the rows of each department; all are uploaded before the first is waited for."""
    data = book.read_bytes()
    uploaded = {key: _upload(county, county.staff_of[key], data) for key in departments}
    return {key: _wait(county, county.staff_of[key], identifier) for key, identifier in uploaded.items()}


def _upload(county: County, user: str, data: bytes) -> str:
    headers = {"Authorization": f"Bearer {county.tokens[user]}", "Content-Type": XLSX}
    answer = county.http.post(IMPORTS, params={"own_only": "true"}, content=data, headers=headers)
    if answer.is_error:
        raise Refused(f"POST {IMPORTS}: {answer.status_code} {answer.text}")
    identifier: str = answer.json()["id"]
    return identifier


def _write_all(county: County, tried: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many resources of each department were new; all are ordered to be written before the first is waited for."""
    for key, verdict in tried.items():
        county.call(county.staff_of[key], "POST", f"{IMPORTS}/{verdict['id']}/commit", {})
    return {key: _written(county, key, verdict["id"]) for key, verdict in tried.items()}


def _written(county: County, key: str, identifier: str) -> int:
    done = _wait(county, county.staff_of[key], identifier)
    if done["state"] != "committed":
        raise Refused(f"{key}: {done}")
    new: int = done["counts"]["new"]
    return new


def _wait(county: County, user: str, identifier: str) -> dict[str, Any]:
    deadline = time.monotonic() + WITHIN_S
    while True:
        found = county.call(user, "GET", f"{IMPORTS}/{identifier}")
        if found["state"] not in ("queued", "committing"):
            return found
        if time.monotonic() > deadline:
            raise Refused(f"导入 {identifier} 没有完成；请看 worker.log / the import does not end; see worker.log")
        time.sleep(LOOK_EVERY_S)


def _tell_faults(county: County, key: str, tried: Mapping[str, Any]) -> None:
    user = county.staff_of[key]
    (county.data / ANSWER).write_bytes(county.fetch(user, f"{IMPORTS}/{tried['id']}/workbook"))
    for fault in tried["faults"]:
        county.narrator.refused(f"{fault['sheet']}!{fault['cell']}（{fault['rule']}）{fault['zh']}")
    county.narrator.detail(
        f"没有写入；错误已标在 / nothing was written, the cells are marked in {county.data / ANSWER}"
    )
