"""The extraction reads the forms that the documents use, and refuses what it does not know."""

import json
import sys
from pathlib import Path

import pytest

from hub.cli.demo_data import load_records, load_resources
from tools import extract_demo_data
from tools.extract_demo_data import (
    Line,
    extract_guides,
    extract_permit,
    extract_pilots,
    extract_tasks,
    read_deadline,
    read_lines,
)


def lines(text: str, *, start: int = 1) -> list[Line]:
    return [Line(number, line) for number, line in enumerate(text.strip().split("\n"), start)]


GUIDE = """
應急救助指南
一、救助對象
在本縣行政區域內,受災的 人員。
二、申請時需提供的材料 1.申請書
2.本人身份證(復印件1份)3.受災照片
3.證明(原件)
三、辦理程序及時限
個人申請→民主評議 1.個人申請:向村民委員會提出。
申請時限:原則上在自然災害結束之前
2.民主評議。上墻公示7個工作日。辦理時限:收到申請后的3個工作日之內 3.縣級審批:審批。
辦理時限:每年的9月5日之前
"""


def test_a_guide_yields_its_materials_with_their_printed_numbers() -> None:
    tables = extract_guides(lines(GUIDE, start=10))
    assert tables["guides"][0]["audience"] == "在本縣行政區域內,受災的人員。"
    assert tables["guides"][0]["source_lines"] == "10-20"
    assert [(row["material_no"], row["printed_number"], row["material_name"]) for row in tables["guide_materials"]] == [
        (1, 1, "申請書"),
        (2, 2, "本人身份證(復印件1份)"),
        (3, 3, "受災照片"),
        (4, 3, "證明(原件)"),
    ]
    assert [(row.get("form"), row.get("copies")) for row in tables["guide_materials"]] == [
        (None, None),
        ("復印件", 1),
        (None, None),
        ("原件", None),
    ]


def test_a_step_is_found_with_its_deadline_wherever_the_lines_break() -> None:
    steps = extract_guides(lines(GUIDE, start=10))["guide_steps"]
    assert [(step["step_name"], step["deadline_label"], step["source_lines"]) for step in steps] == [
        ("個人申請", "申請時限", "17-18"),
        ("民主評議", "辦理時限", "19"),
        ("縣級審批", "辦理時限", "19-20"),
    ]
    assert steps[1]["notice_days"] == 7


def test_a_procedure_whose_parts_are_not_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="line 10: not a step"):
        extract_guides(
            lines(
                GUIDE.replace(
                    "申請時限:原則上在自然災害結束之前", "申請時限:每年的9月5日之前\n辦理時限:每年的9月6日之前"
                )
            )
        )


def test_every_deadline_that_the_example_carries_is_read_from_its_own_text() -> None:
    for step in load_records("guide_steps"):
        names = ("deadline_kind", "deadline_amount", "deadline_unit", "deadline_anchor", "deadline_dates")
        assert read_deadline(str(step["deadline_text"])) == {name: step[name] for name in names if name in step}


def test_a_deadline_of_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="盡快"):
        read_deadline("盡快")


def test_fields_hold_from_the_province_above_them_until_the_next_ones() -> None:
    table = """
北京市
東城區、西城區(共2個)
城鄉規劃等方面
云南省 保山市騰沖市(共1個)
上海市
金山區(共1個)
就業創業等方面
"""
    pilots = extract_pilots(lines(table))["pilot_counties"]
    assert [(row["pilot_no"], row["province"], row["pilot_name"], row["pilot_areas"]) for row in pilots] == [
        (1, "北京市", "東城區", "城鄉規劃等方面"),
        (2, "北京市", "西城區", "城鄉規劃等方面"),
        (3, "云南省", "保山市騰沖市", "城鄉規劃等方面"),
        (4, "上海市", "金山區", "就業創業等方面"),
    ]


def test_a_province_that_lists_fewer_counties_than_it_counts_is_refused() -> None:
    with pytest.raises(ValueError, match="1 counties, the document counts 2"):
        extract_pilots(lines("北京市\n東城區(共2個)"))


def test_a_task_is_a_paragraph_that_ends_with_responsible_bodies_and_a_time() -> None:
    text = """
四、主要任务
（一）建设网站群。
1．建设网站。依托平台。（责任单位：公开库建设由州政府办公室牵头，各县市配合，2016年2月完成。）
六、协同
（一）制订规范。编制规范。（责任单位：各县市政府，持续推进。）
（二）没有责任单位。只是说明。
"""
    tasks = extract_tasks(lines(text))["supervision_tasks"]
    assert [(task["section"], task["title"], task["lead_body"], task.get("due_date")) for task in tasks] == [
        ("四、主要任务 （一）建设网站群", "建设网站", "州政府办公室", "2016-02-29"),
        ("六、协同", "制订规范", "各县市政府", None),
    ]


def test_a_task_without_a_leading_body_that_we_know_is_refused() -> None:
    with pytest.raises(ValueError, match="no leading body"):
        extract_tasks(lines("1．甲。乙。（责任单位：某公司，持续推进。）"))


PERMIT = """
一、審批條件和標準
符合以下條件:
(一)符合法規;
二、所需材料
應提交:
(一)申請1份;
三、受理
材料齊全的,予以受理;材料不齊全的,5個工作日內一次告知。其他。
四、審批時限
(一)報告表為7個工作日,不得超過10個工作日;
(二)登記表為3個工作日。
"""


def test_a_permit_yields_its_limits_with_the_longest_extension() -> None:
    tables = extract_permit(lines(PERMIT))
    assert tables["permits"][0]["conditions"] == "(一)符合法規;"
    assert tables["permits"][0]["required_materials"] == "(一)申請1份;"
    assert [(row["limit_amount"], row.get("limit_max_amount")) for row in tables["permit_limits"]] == [
        (5, None),
        (7, 10),
        (3, None),
    ]


def test_lines_keep_their_numbers_when_empty_ones_are_left_out(tmp_path: Path) -> None:
    document = tmp_path / "document.txt"
    document.write_text("前\n\n 正文 \n\n后\n", encoding="utf-8")
    assert read_lines(document, (2, 4)) == [Line(3, "正文")]


def place(path: Path, texts: dict[int, str]) -> None:
    """Write a document that has each text at its line, empty lines between."""
    document = [""] * 1200
    for number, text in texts.items():
        below = text.strip().split("\n")
        document[number - 1 : number - 1 + len(below)] = below
    path.write_text("\n".join(document), encoding="utf-8")


def test_the_command_writes_one_file_for_each_resource(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pilots = "北京市 東城區(共1個)"
    place(tmp_path / extract_demo_data.GUIDES_DOCUMENT, {43: pilots, 80: GUIDE, 244: PERMIT})
    place(tmp_path / extract_demo_data.TASKS_DOCUMENT, {1078: "1．甲。乙。（责任单位：各县市政府，持续推进。）"})
    monkeypatch.setattr(sys, "argv", ["extract", "--policies", str(tmp_path), "--out", str(tmp_path)])
    extract_demo_data.main()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "guides: 1"
    for line in printed:
        key, count = line.split(": ")
        assert len(json.loads((tmp_path / f"{key}.json").read_text("utf-8"))) == int(count) > 0
    assert {line.split(":")[0] for line in printed} <= {resource.key for resource in load_resources()}
