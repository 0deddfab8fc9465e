"""`shuniu resource import`, `export` and `template` at an editor's terminal, with a worker that does the work."""

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from hub.cli import api, sheets
from tests.support.office import workbook
from tests.support.town import Town
from tests.support.workbooks import RESOURCE, marked_cells, where

pytestmark = pytest.mark.process

SYSTEM = "lintao-approval"
GOOD = RESOURCE | {"信息资源名称": "表格登记的资源", "发布系统": SYSTEM}
BAD = RESOURCE | {"信息资源名称": "表格中有误的资源", "发布系统": SYSTEM, "共享类型": "有条件共享"}


@pytest.fixture(scope="module")
def worker(town: Town) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "hub", "worker"], env=town.environment)
    yield
    process.terminate()
    assert process.wait(60) == 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "目录.xlsx"
    path.write_bytes(workbook(GOOD, BAD))
    return path


@pytest.mark.usefixtures("worker")
def test_an_import_is_tried_comes_back_marked_and_is_written_when_that_is_said(town: Town, file: Path) -> None:
    editor = town.user("editor")
    tried = editor.types("resource", "import", file)
    assert tried.code == 1
    assert "✗ 目录!" in tried.out
    assert "CAT-02" in tried.out
    assert "没有写入" in tried.out
    assert "试导入 / trying: 2 / 2" in tried.err
    answer = file.with_name("目录-结果.xlsx")
    assert marked_cells(answer.read_bytes()) == {where("共享条件", 3)}
    refused = editor.types("resource", "import", file, "--commit")
    assert (refused.code, file.with_name("目录-结果-2.xlsx").exists()) == (1, True)
    named = file.with_name("好的.xlsx")
    done = editor.types("resource", "import", file, "--commit", "--good-rows", "-o", named, "--json")
    assert done.code == 1  # a row was bad
    assert load_workbook(named)["目录"]["A2"].value.startswith("306001000001/")
    assert GOOD["信息资源名称"] in editor.types("resource", "list").out
    file.write_bytes(named.read_bytes())
    again = load_workbook(file)
    again["目录"][where("共享条件", 3)[1]] = "业务协同"
    again.save(file)
    written = editor.types("resource", "import", file, "--commit")
    assert (written.code, written.err.splitlines()[-1]) == (0, "写入 / writing: 2 / 2")
    assert "已写入" in written.out
    assert "不变 unchanged 1" in written.out


@pytest.mark.usefixtures("worker")
def test_the_catalogue_and_the_template_are_saved_and_nothing_is_overwritten(town: Town, tmp_path: Path) -> None:
    editor, out = town.user("editor"), tmp_path / "导出.xlsx"
    assert editor.types("resource", "export", "-o", out).code == 0
    assert load_workbook(out)["目录"]["A1"].value == "信息资源代码"
    assert editor.types("resource", "template", "-o", out).code == 2
    assert editor.types("resource", "template", "-o", tmp_path / "模板.xlsx").code == 0
    assert editor.types("resource", "export", "--provider", "11000000000000000X", "-o", tmp_path / "x.xlsx").code == 1
    assert not (tmp_path / "x.xlsx").exists()


@pytest.mark.usefixtures("worker")
def test_what_is_no_workbook_is_refused_in_words(town: Town, file: Path) -> None:
    file.write_bytes(b"a,b\n1,2\n")
    refused = town.user("editor").types("resource", "import", file)
    assert refused.code == 1
    assert "不是 .xlsx 工作簿" in refused.err
    assert list(file.parent.glob("*-结果*")) == []


def test_wrong_use_is_said_before_anything_is_sent(town: Town, file: Path) -> None:
    editor = town.user("editor")
    assert editor.types("resource", "import", file, "--good-rows").code == 2
    assert editor.types("resource", "import", file, "-o", file).code == 2


def test_ctrl_c_cancels_the_import(town: Town, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    called = api.call

    def watched(method: str, path: str, **more: Any) -> Any:
        answer = called(method, path, **more)
        asked.append(f"{method} {path.rpartition('/')[2]} {answer['state']}")
        return answer

    monkeypatch.setattr(time, "sleep", interrupt)
    monkeypatch.setattr(api, "call", watched)
    assert town.user("editor").types("resource", "import", file).code == 130
    assert asked == ["POST cancel cancelled"]


def test_a_bar_shows_how_far_it_is_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with sheets._progress("试导入") as tell:
        tell(0, 0)
        tell(1, 2)
        tell(2, 2)
    assert "试导入" in shown.getvalue()
    assert "2/2" in shown.getvalue()
