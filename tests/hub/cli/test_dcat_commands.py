"""The catalogue as DCAT-AP at staff's terminals: written page by page by one hub, harvested by another, or here by itself."""

import json
from pathlib import Path

import pytest

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
