"""What of the project the verifier imports: `hub.cli.verify` and all of `certs` that it reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported(file: Path) -> set[str]:
    """The modules, and names that may be modules, that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{name.name}" for name in node.names)}
    return names


def ours(file: Path) -> set[Path]:
    """The files of `certs` that a file imports."""
    places = [ROOT.joinpath(*name.split(".")) for name in imported(file) if name.split(".")[0] == "certs"]
    return {place.with_suffix(".py") for place in places if place.with_suffix(".py").is_file()}


def closure(*starts: str) -> set[Path]:
    """These files, by their paths from the top of the checkout, and the files of `certs` that they reach."""
    found: set[Path] = set()
    todo: Iterable[Path] = {ROOT / start for start in starts}
    while todo:
        found |= set(todo)
        todo = set[Path]().union(*map(ours, todo)) - found
    return found
