"""The sample of a third party's adapter, as if its distribution were installed."""

import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "sample_adapter"


@contextmanager
def sample_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its module, and the metadata that installing it would write from its pyproject.toml, for the length of the block."""
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    meta = folder / f"shuniu_line-{project['version']}.dist-info"
    meta.mkdir()
    text = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (meta / "METADATA").write_text(text, encoding="utf-8")
    sections = [
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items())])
        for group, points in project["entry-points"].items()
    ]
    (meta / "entry_points.txt").write_text("\n".join(sections), encoding="utf-8")
    shutil.copy(SOURCE / "shuniu_line.py", folder)
    monkeypatch.syspath_prepend(folder)
    yield
    sys.modules.pop("shuniu_line", None)
