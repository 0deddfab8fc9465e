"""Take the demo's records out of the official documents: relief guides, a permit, supervised tasks, pilot counties.

`python -m tools.extract_demo_data --policies DIR --out DIR` writes one JSON file for each resource. The texts stay as
the documents have them, odd numbers and contradictions included; only blanks that a page break left between two
characters are closed. Rows that are made up for the example (示例) are not written here.
"""

import argparse
import calendar
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Value = str | int
Row = dict[str, Value]
Tables = dict[str, list[Row]]

GUIDES_DOCUMENT = "003_92084b35835bc9ef.txt"
TASKS_DOCUMENT = "004_306bd71c5d06a850.txt"
GUIDE_LINES = (80, 223)
PERMIT_LINES = (243, 262)
PILOT_LINES = (43, 73)
TASK_LINES = (1075, 1132)

_PAGE_BREAK_BLANK = re.compile(r"(?<=[\u4e00-\u9fff、]) +(?=[\u4e00-\u9fff])")
_STEP = re.compile(r"(\d)\.(個人申請|民主評議|張榜公示|提交審核|鄉鎮審核|縣級審批|組織實施)[:。](.+)")
_STEP_PART = re.compile(
    r"\s*(?=\d\.(?:個人申請|民主評議|張榜公示|提交審核|鄉鎮審核|縣級審批|組織實施)[:。]|(?:申請|辦理)時限:)"
)
_MATERIAL = re.compile(r"(\d)\.(.+?)(?=\d\.|$)")
_FORM = re.compile(r"\((復印件或原件|復印件|原件)(?:(\d+)[份張分])?\)$")
_PROVINCE = re.compile(r"(?:(?P<province>\S+)\s)?(?P<counties>\S+)\(共(?P<count>\d+)個\)")
_TASK = re.compile(
    r"(?:\d．|（[一二三四五]）)(?P<title>[^。]+)。(?P<text>.+)"
    r"（责任单位：(?P<who>.+)，(?P<when>(?:(?P<year>\d{4})年(?P<month>\d{1,2})月完成)|持续推进)。）"
)
_LEAD = re.compile(r"(?:[^，；]+由)?(州政府办公室|各县市政府)")


@dataclass(frozen=True)
class Line:
    """One line of a document with its number, counted from 1."""

    number: int
    text: str


def read_lines(path: Path, span: tuple[int, int]) -> list[Line]:
    """Return the lines of `span` (both ends included) that are not empty, without the blanks at their ends."""
    lines = [Line(number, text.strip()) for number, text in enumerate(path.read_text("utf-8").split("\n"), 1)]
    return [line for line in lines[span[0] - 1 : span[1]] if line.text]


def extract_guides(lines: list[Line]) -> Tables:
    """Return the guides with their materials and steps, as three tables."""
    tables: Tables = {"guides": [], "guide_materials": [], "guide_steps": []}
    starts = [index for index, line in enumerate(lines) if re.fullmatch(r"\S+指南", line.text)]
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(lines)], strict=True), 1):
        code = f"XJ-JZ-{number:02d}"
        guide = lines[start:end]
        audience, materials, procedure = _sections(guide[1:])
        material_rows = list(_materials(code, materials))
        step_rows = list(_steps(code, procedure))
        tables["guides"].append(
            {
                "guide_code": code,
                "guide_name": guide[0].text,
                "audience": "\n".join(_close_blanks(line.text) for line in audience),
                "flow": re.split(r"\s", procedure[0].text)[0],
                "material_count": len(material_rows),
                "step_count": len(step_rows),
                "source_region": "四川省成都市新津县",
                "source_document": "《新津縣基層政務公開標準化規范化全國試點救災政務公開指南》",
                "source_lines": _span(guide),
            }
        )
        tables["guide_materials"] += material_rows
        tables["guide_steps"] += step_rows
    return tables


def _sections(guide: list[Line]) -> tuple[list[Line], list[Line], list[Line]]:
    """Split a guide at 一、 二、 三、; what stands behind the second heading on its line is a material."""
    heads = [index for index, line in enumerate(guide) if re.match(r"[一二三]、", line.text)]
    first_material = Line(guide[heads[1]].number, guide[heads[1]].text.removeprefix("二、申請時需提供的材料").strip())
    materials = [first_material, *guide[heads[1] + 1 : heads[2]]]
    return guide[1 : heads[1]], materials, guide[heads[2] + 1 :]


def _materials(code: str, lines: list[Line]) -> Iterator[Row]:
    found = [(line, *match) for line in lines for match in _MATERIAL.findall(line.text)]
    for number, (line, printed, name) in enumerate(found, 1):
        row: Row = {"guide_code": code, "material_no": number, "printed_number": int(printed), "material_name": name}
        if form := _FORM.search(name):
            row["form"] = form[1]
            if form[2]:
                row["copies"] = int(form[2])
        yield row | {"source_lines": str(line.number)}


def _steps(code: str, lines: list[Line]) -> Iterator[Row]:
    """Each step is a text and the deadline that follows it, wherever the lines break."""
    parts = [Line(line.number, part) for line in lines for part in _STEP_PART.split(line.text) if part]
    for step, deadline in zip(parts[1::2], parts[2::2], strict=True):
        match = _STEP.fullmatch(step.text)
        if match is None:
            raise ValueError(f"line {step.number}: not a step")
        label, text = deadline.text.split(":", 1)
        row: Row = {
            "guide_code": code,
            "step_no": int(match[1]),
            "step_name": match[2],
            "step_text": _close_blanks(match[3]),
            "deadline_label": label,
            "deadline_text": text,
        }
        row |= read_deadline(text)
        if notice := re.search(r"公示(\d+)個工作日", match[3]):
            row["notice_days"] = int(notice[1])
        yield row | {"source_lines": _span([step, deadline])}


def read_deadline(text: str) -> Row:
    """Return kind, amount, unit, anchor or dates of a deadline; raises ValueError for a form that is not known."""
    if match := re.fullmatch(r"在?(.+后)的?(\d+)個工作日之內", text):
        amount: Row = {"deadline_amount": int(match[2]), "deadline_unit": "工作日"}
        return {"deadline_kind": "working_days"} | amount | {"deadline_anchor": match[1]}
    if dates := re.findall(r"(每年的|次年)(\d+)月(\d+)日之前", text):
        days = [("+1/" if year == "次年" else "") + f"{int(month):02d}-{int(day):02d}" for year, month, day in dates]
        return {"deadline_kind": "annual_date", "deadline_dates": ";".join(days)}
    if match := re.fullmatch(r"(?:原則上在)?(.+)之前", text):
        return {"deadline_kind": "event", "deadline_anchor": match[1]}
    raise ValueError(f"unknown form of deadline: {text}")


def extract_permit(lines: list[Line]) -> Tables:
    """Return the environmental permit and its three time limits."""
    heads = [index for index, line in enumerate(lines) if re.match(r"[一二三四]、", line.text)]
    conditions, materials, procedure, limits = (
        lines[start + 1 : end] for start, end in zip(heads, [*heads[1:], len(lines)], strict=True)
    )
    correction = Line(procedure[0].number, re.split("[。;]", procedure[0].text)[1])
    stages = zip(("補正一次告知", "環境影響報告表審批", "環境影響登記表審批"), [correction, *limits], strict=True)
    permit: Row = {
        "permit_code": "LB-HP-01",
        "permit_name": "建設項目環境影響評價審批",
        "conditions": "\n".join(line.text for line in conditions[1:]),
        "required_materials": "\n".join(line.text for line in materials[1:]),
        "procedure": procedure[0].text,
        "limit_text": "\n".join(line.text for line in limits),
        "handling_body": "蘿北縣環境保護局",
        "source_region": "黑龙江省鹤岗市萝北县",
        "source_document": "《蘿北縣環境保護局政務公開標準化規范化試點實施方案》附件",
        "source_lines": _span(lines),
    }
    return {"permits": [permit], "permit_limits": [_limit(n, *stage) for n, stage in enumerate(stages, 1)]}


def _limit(number: int, stage: str, line: Line) -> Row:
    amounts = [int(amount) for amount in re.findall(r"(\d+)個工作日", line.text)]
    row: Row = {"permit_code": "LB-HP-01", "limit_no": number, "stage_name": stage, "limit_text": line.text}
    row |= {"limit_amount": amounts[0]} | ({"limit_max_amount": amounts[1]} if amounts[1:] else {})
    return row | {"limit_unit": "工作日", "source_lines": str(line.number)}


def extract_pilots(lines: list[Line]) -> Tables:
    """Return the pilot counties; a line of fields (…等方面) holds from the province above it until the next such line.

    Raises ValueError where a province lists another number of counties than the document counts.
    """
    provinces: list[tuple[Line, str, list[str]]] = []
    fields: list[str] = []
    heading = ""
    for line in lines:
        if line.text.endswith("等方面"):
            fields[-1] = line.text
        elif match := _PROVINCE.fullmatch(line.text):
            counties = match["counties"].split("、")
            if len(counties) != int(match["count"]):
                raise ValueError(f"line {line.number}: {len(counties)} counties, the document counts {match['count']}")
            provinces.append((line, match["province"] or heading, counties))
            fields.append(fields[-1] if fields else "")
        else:
            heading = line.text
    rows: list[Row] = []
    for number, ((line, province, counties), areas) in enumerate(zip(provinces, fields, strict=True), 1):
        for county in counties:
            rows.append(
                {
                    "pilot_no": len(rows) + 1,
                    "province_no": number,
                    "province": province,
                    "pilot_name": county,
                    "pilot_areas": areas,
                    "source_document": "國辦發〔2017〕42號附件《試點單位及試點內容表》",
                    "source_lines": str(line.number),
                }
            )
    return {"pilot_counties": rows}


def extract_tasks(lines: list[Line]) -> Tables:
    """Return the tasks whose text ends with responsible bodies and a date (or 持续推进)."""
    rows: list[Row] = []
    chapter = section = ""
    for line in lines:
        if task := _TASK.fullmatch(line.text):
            lead = _LEAD.match(task["who"])
            if lead is None:
                raise ValueError(f"line {line.number}: no leading body in {task['who']}")
            row: Row = {
                "task_no": len(rows) + 1,
                "section": " ".join(part for part in (chapter, section) if part),
                "title": task["title"],
                "task_text": task["text"],
                "responsibility": task["who"],
                "lead_body": lead[1],
                "deadline_text": task["when"],
            }
            row |= _due(task)
            row |= {
                "source_region": "甘肃省甘南藏族自治州",
                "source_document": "《建设甘南政务服务网工作方案》",
                "source_lines": str(line.number),
            }
            rows.append(row)
        elif re.match(r"[一二三四五六]、", line.text):
            chapter, section = line.text, ""
        elif re.match(r"（[一二三四五六]）", line.text):
            section = line.text.removesuffix("。")
    return {"supervision_tasks": rows}


def _due(task: re.Match[str]) -> Row:
    """A month means its last day; 持续推进 has no day."""
    if task["year"] is None:
        return {"deadline_kind": "ongoing"}
    year, month = int(task["year"]), int(task["month"])
    return {"deadline_kind": "month", "due_date": f"{year}-{month:02d}-{calendar.monthrange(year, month)[1]}"}


def extract_all(policies: Path) -> Tables:
    """Return every table that the documents in `policies` yield, by resource key."""
    guides, tasks = policies / GUIDES_DOCUMENT, policies / TASKS_DOCUMENT
    return {
        **extract_guides(read_lines(guides, GUIDE_LINES)),
        **extract_permit(read_lines(guides, PERMIT_LINES)),
        **extract_pilots(read_lines(guides, PILOT_LINES)),
        **extract_tasks(read_lines(tasks, TASK_LINES)),
    }


def _span(lines: list[Line]) -> str:
    first, last = lines[0].number, lines[-1].number
    return str(first) if first == last else f"{first}-{last}"


def _close_blanks(text: str) -> str:
    return _PAGE_BREAK_BLANK.sub("", text)


def main() -> None:
    """Write the tables as JSON files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--policies", type=Path, required=True, help="folder with the official documents")
    parser.add_argument("--out", type=Path, required=True, help="folder for the JSON files")
    arguments = parser.parse_args()
    for key, rows in extract_all(arguments.policies).items():
        text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
        (arguments.out / f"{key}.json").write_text(text, encoding="utf-8")
        print(f"{key}: {len(rows)}")


if __name__ == "__main__":
    main()
