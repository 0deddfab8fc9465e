"""Hostile packages: refused by a limit before they cost anything, and told why."""

import io
import struct
import time
import zipfile
import zlib

import pytest

from catalog.sheets import container, limits, table, workbook
from catalog.sheets.container import Container
from catalog.sheets.errors import WorkbookRefused
from catalog.sheets.markup import elements
from catalog.sheets.workbook import Workbook
from tests.support.workbooks import ITEM, RESOURCE, Xml, by_hand, examined, filled
from tests.support.workbooks import table as rows_of

SHEETS = {"目录": rows_of([RESOURCE]), "信息项": rows_of([ITEM])}


def refusal(data: bytes) -> WorkbookRefused:
    with pytest.raises(WorkbookRefused) as refused:
        examined(data)
    return refused.value


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "rule", "says"),
    [
        (b"", "sheet-form", "不是 .xlsx"),
        (b"a,b,c\n1,2,3\n", "sheet-form", "不是 .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "sheet-form", "密码"),
        (zipped({"a.txt": b"a"}), "sheet-form", "不是 .xlsx"),
        (zipped({"a.txt": b"a"}, zipfile.ZIP_BZIP2), "sheet-form", "压缩方式"),
        (zipped({"A.txt": b"a", "a.TXT": b"a"}), "sheet-form", "重名"),
        (by_hand(SHEETS, parts={"xl/vbaProject.bin": b"x"}), "sheet-macros", "宏"),
        (b"PK" + bytes(limits.MAX_FILE_BYTES), "sheet-size", "8 MiB"),
        (zipped({f"{n}.xml": b"" for n in range(limits.MAX_PARTS + 1)}), "sheet-size", "部件"),
    ],
)
def test_what_is_no_workbook_of_ours_is_refused_with_the_cure(data: bytes, rule: str, says: str) -> None:
    refused = refusal(data)
    assert (refused.rule, says in refused.zh) == (rule, True), refused.zh


def test_a_zip_bomb_is_refused_before_it_is_unzipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def unzip(*_: object) -> None:
        raise AssertionError("unzipped")

    bomb = zipped({"xl/worksheets/sheet1.xml": bytes(limits.MAX_UNZIPPED_BYTES - 1)})
    assert len(bomb) < 200_000
    monkeypatch.setattr(zlib, "decompressobj", unzip)
    assert "压缩比" in refusal(bomb).zh


def test_parts_that_are_too_much_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = by_hand(SHEETS)
    monkeypatch.setattr(container, "MAX_UNZIPPED_BYTES", 1000)
    assert refusal(data).rule == "sheet-size"


def test_a_part_that_is_longer_than_it_says_is_cut_off_and_refused() -> None:
    data = bytearray(zipped({"a.xml": b"<a>" + b" " * 100_000 + b"</a>"}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = struct.pack("<I", 10)
    opened = Container(bytes(data))
    with pytest.raises(WorkbookRefused, match="无法解压"):
        opened.read("a.xml")


def test_a_damaged_part_is_refused() -> None:
    data = bytearray(by_hand(SHEETS))
    at = data.index(b"xl/worksheets/sheet1.xml") + 40
    data[at : at + 20] = bytes(20)
    assert "损坏" in refusal(bytes(data)).zh or "格式错误" in refusal(bytes(data)).zh


DOCTYPES = (
    b'<!DOCTYPE a [<!ENTITY x "y">]>',
    b'<!DOCTYPE a SYSTEM "file:///etc/hostname">',
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>',
    b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>',
)


@pytest.mark.parametrize("doctype", DOCTYPES)
def test_entities_are_not_even_declared(doctype: bytes) -> None:
    for part in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "_rels/.rels"):
        assert (
            refusal(by_hand(SHEETS, replaced={part: doctype + b"<a/>"})).rule == "sheet-entities"
            or part == "_rels/.rels"
        )
    with pytest.raises(WorkbookRefused):
        list(elements([doctype + b"<a/>"]))


@pytest.mark.parametrize(
    "sheet",
    [
        b"<worksheet>",
        b"not xml",
        b"<worksheet><sheetData><row r='x'/></sheetData></worksheet>",
        b"<worksheet><sheetData><row><c r='1A'/></row></sheetData></worksheet>",
        b"<worksheet><sheetData><row><c t='s'><v>7</v></c></row></sheetData></worksheet>",
        b"<worksheet><sheetData/><mergeCells><mergeCell/></mergeCells></worksheet>",
        b"\xff\xfe<\x00a",
    ],
)
def test_a_sheet_of_another_form_is_refused(sheet: bytes) -> None:
    data = by_hand(SHEETS, replaced={"xl/worksheets/sheet1.xml": sheet})
    assert refusal(data).rule == "sheet-form"


def test_rows_cells_sheets_and_merges_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 1)
    assert refusal(by_hand(SHEETS)).rule == "sheet-size"
    monkeypatch.setattr(workbook, "MAX_ROWS", 10)
    monkeypatch.setattr(workbook, "MAX_CELLS", 10)
    assert refusal(by_hand(SHEETS)).rule == "sheet-size"
    monkeypatch.setattr(workbook, "MAX_CELLS", 1000)
    monkeypatch.setattr(workbook, "MAX_SHEETS", 1)
    assert refusal(by_hand(SHEETS)).rule == "sheet-size"
    monkeypatch.setattr(workbook, "MAX_SHEETS", 9)
    monkeypatch.setattr(table, "_MOST_MERGES", 1)
    assert refusal(by_hand(SHEETS, merged=("A2:A3", "B2:B3"))).rule == "sheet-size"
    monkeypatch.setattr(table, "_MOST_MERGES", 9)
    monkeypatch.setattr(table, "MAX_CELLS", 1)
    assert refusal(by_hand(SHEETS, merged=("A1:A3", "B1:B3"))).rule == "sheet-size"


def test_a_merge_down_to_the_last_row_costs_nothing() -> None:
    began = time.thread_time()
    assert examined(by_hand(SHEETS, merged=("A2:XFD1048576",))).is_clean
    assert time.thread_time() - began < 5


def test_cells_beyond_the_columns_that_we_look_at_are_nobodys() -> None:
    rows = [
        [*row, Xml(f'<c r="XFD{number}" t="inlineStr"><is><t>x</t></is></c>')]
        for number, row in enumerate(SHEETS["目录"], 1)
    ]
    rows = [[*row[:-1], Xml(row[-1].replace(" r=", " r2="))] for row in rows]
    assert examined(by_hand(SHEETS | {"目录": rows})).counts()["rows"] == 2


def test_what_lies_elsewhere_is_not_followed() -> None:
    book = filled()
    opened = Workbook.open(book)
    relations = b'<Relationships><Relationship Id="a" Type="x/y" Target="http://127.0.0.1:9/" TargetMode="External"/></Relationships>'
    changed = opened.container.rewritten({"xl/worksheets/_rels/sheet2.xml.rels": relations})
    assert Container(changed).related("xl/worksheets/sheet2.xml") == {}
    assert examined(changed).is_clean
