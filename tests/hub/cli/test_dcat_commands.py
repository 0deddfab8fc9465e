"""The catalogue as DCAT-AP at staff's terminals: written page by page by one hub, harvested by another, or here by itself."""

import json
from pathlib import Path

import pytest

from hub.cli.dcat import place
from tests.support.town import Town

pytestmark = pytest.mark.process


@pytest.mark.parametrize("form", ["ttl", "jsonld"])
def test_what_is_published_is_saved_page_by_page_and_can_be_harvested(town: Town, tmp_path: Path, form: str) -> None:
    codes = [town.resource("lintao-approval", f"示例目录 {form} {number}") for number in (1, 2)]
    editor, reviewer = town.user("editor"), town.user("reviewer")
    out = tmp_path / f"catalogue.{form}"
    saved = editor.types("resource", "dcat", "--out", out, "--format", form, "--limit", "1").out.split()
    assert saved[:2] == [str(out), str(tmp_path / f"catalogue-2.{form}")]
    assert len(saved) == len(editor.types("resource", "list", "--json").json)
    assert editor.types("resource", "dcat", "--out", out).code == 2  # nothing is overwritten
    assert len(list(tmp_path.iterdir())) == len(saved)

    name = f"other-hub-{form}"
    assert reviewer.types("upstream", "add", name, "--title", "示例上游目录", "--json").json["name"] == name
    assert "示例上游目录" in reviewer.types("upstream", "list").out
    tried = reviewer.types("upstream", "harvest", name, *saved, "--json").json
    assert tried["counts"]["new"] == len(saved)
    assert reviewer.types("upstream", "resources", name, "--json").json == []
    assert "new" in reviewer.types("upstream", "harvest", name, *saved, "--apply").out
    again = reviewer.types("upstream", "harvest", name, *saved, "--json").json
    assert {name: count for name, count in again["counts"].items() if count} == {"unchanged": len(saved)}
    there = reviewer.types("upstream", "resources", name, "--json").json
    assert set(codes) <= {one["said"]["upstream_code"] for one in there}
    words = json.dumps({"name": "本县的叫法"}, ensure_ascii=False)
    edited = reviewer.types("upstream", "edit", there[0]["id"], words, "--json").json
    assert edited["shown"]["name"] == "本县的叫法"


@pytest.fixture
def in_the_way(tmp_path: Path) -> Path:
    """What has the name of a second page."""
    path = tmp_path / "catalogue-2.ttl"
    path.write_text("kept")
    return path


def test_where_a_later_page_has_no_place_none_is_saved(town: Town, tmp_path: Path, in_the_way: Path) -> None:
    for number in (1, 2):
        town.resource("lintao-approval", f"示例目录 占位 {number}")
    out = tmp_path / "catalogue.ttl"
    tried = town.user("editor").types("resource", "dcat", "--out", out, "--limit", "1")
    assert tried.code == 2
    assert f"{in_the_way} 已存在" in tried.err
    assert [*tmp_path.iterdir()] == [in_the_way]
    assert in_the_way.read_text() == "kept"


def test_where_a_page_cannot_be_written_the_file_is_named_and_none_is_saved(town: Town, tmp_path: Path) -> None:
    for number in (1, 2):
        town.resource("lintao-approval", f"示例目录 长名 {number}")
    out = tmp_path / f"{'c' * 251}.ttl"  # one more letter than this and it is too long a name
    tried = town.user("editor").types("resource", "dcat", "--out", out, "--limit", "1")
    assert tried.code == 3
    assert f"{out.stem}-2.ttl" in tried.err
    assert "一个文件也没有留下" in tried.err
    assert [*tmp_path.iterdir()] == []


def test_pages_get_their_names_together_or_not_at_all(tmp_path: Path) -> None:
    first, second = tmp_path / "written-1", tmp_path / "written-2"
    second.write_text("second")
    names = [tmp_path / "catalogue.ttl", tmp_path / "catalogue-2.ttl"]
    with pytest.raises(FileNotFoundError):  # the first is not there, and it comes last
        place(dict(zip(names, (first, second), strict=True)))
    assert [*tmp_path.iterdir()] == []
    first.write_text("first")
    second.write_text("second")
    place(dict(zip(names, (first, second), strict=True)))
    assert [name.read_text() for name in names] == ["first", "second"]
