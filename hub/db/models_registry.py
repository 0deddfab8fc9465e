"""Imports every module of tables, so that `SQLModel.metadata` knows them all; for migrations and their test only."""

import importlib
from pathlib import Path

import catalog
import hub


def import_all_models() -> list[str]:
    """Import each module named `models` below `hub` and `catalog`, and no other; returns their names."""
    names = []
    for room in (hub, catalog):
        for folder in map(Path, room.__path__):
            for file in sorted(folder.rglob("models.py")):
                inner = file.relative_to(folder.parent).with_suffix("").parts
                importlib.import_module(".".join(inner))
                names.append(".".join(inner))
    return names
