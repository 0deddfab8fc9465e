"""Payloads as departments send them: short Chinese records of cases handled, of an exact size in bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

ITEMS: Sequence[Mapping[str, Any]] = (
    {"field_name": "case_no", "name": "办件编号", "data_type": "C", "length": 50, "required": True, "key": True},
    {"field_name": "applicant", "name": "申请人", "data_type": "C", "length": 30, "required": True, "sensitive": True},
    {"field_name": "accepted_on", "name": "受理日期", "data_type": "D", "required": True},
    {"field_name": "days", "name": "承诺天数", "data_type": "I", "required": False},
    {"field_name": "note", "name": "办理意见", "data_type": "M", "length": 20000, "required": False},
)

RECORD_BYTES = 512
"""About so long is one record."""

PHRASES = (
    "经初步审核，申请人提交的材料齐全，符合受理条件，准予受理。",
    "请于承诺时限内完成现场勘验，并将勘验意见录入审批系统。",
    "该事项涉及住房和城乡建设、自然资源两个部门，实行并联审批。",
    "申请人户籍地与经常居住地不一致，由经常居住地乡镇人民政府核实。",
    "因补正材料，办理期限自收齐全部补正材料之日起重新计算。",
    "审批结果已通过政务服务网公示，公示期满无异议后制发证照。",
    "救助金额按当年城乡居民最低生活保障标准核定，按月发放。",
    "排污口位置、污染物种类与环境影响评价文件一致，同意排放。",
)
_TEXT = "".join(PHRASES)
_CHARACTER_BYTES = 3


def payload(number: int, size: int) -> bytes:
    """The payload of the exchange with this number: JSON in UTF-8, exactly `size` bytes."""
    count = max(1, size // RECORD_BYTES)
    frame = len(_written(number, [""] * count))
    room = size - frame
    if room < 0:
        raise ValueError(f"{size} bytes do not hold {count} records")
    share, rest = divmod(room, count)
    notes = [_note(number + place, share + (rest if place == 0 else 0)) for place in range(count)]
    return _written(number, notes)


def _written(number: int, notes: Sequence[str]) -> bytes:
    return orjson.dumps({"records": [_record(number, place, note) for place, note in enumerate(notes)]})


def _record(number: int, place: int, note: str) -> dict[str, Any]:
    return {
        "case_no": f"621124-{number % 10**9:09d}-{place:02d}",
        "applicant": f"示例申请人{number % 1000:03d}",
        "accepted_on": f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        "days": number % 9 + 1,
        "note": note,
    }


def _note(number: int, size: int) -> str:
    """A text of exactly `size` bytes, another one for most numbers; what is left after whole characters is dots."""
    characters, rest = divmod(size, _CHARACTER_BYTES)
    start = number * 7 % len(_TEXT)
    text = _TEXT[start:] + _TEXT * (characters // len(_TEXT) + 1)
    return text[:characters] + "." * rest
