"""The lists of the policy documents 清单 as ready types of resource, with the fields that the documents prescribe.

Each type is a file in `types/`: its items, the words of the document behind each, what a resource of the type proposes to say
of itself, when it is renewed, which rules its records keep and how each is checked, and sample rows marked 示例. A resource is
of a type when its metadata say so (`list_type`); `catalog.lists.rules` holds it to the prescribed items.
"""

import json
from collections.abc import Collection, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from catalog.conditions import Condition
from catalog.lists.list_type import ListType

_FOLDER: Final = "types"


@cache
def list_types() -> tuple[ListType, ...]:
    """Return all types, in the order of the documents' lists."""
    found = [
        ListType.model_validate_json(entry.read_text(encoding="utf-8"))
        for entry in files(__package__).joinpath(_FOLDER).iterdir()
        if entry.name.endswith(".json")
    ]
    return tuple(sorted(found, key=lambda one: one.order))


def list_type(key: str | None) -> ListType | None:
    """Return the type of that key, or None."""
    return next((one for one in list_types() if one.key == key), None)


def proposed_classes(keys: Collection[str]) -> Sequence[tuple[str, str]]:
    """Return the classes 项、目、细目 that these types propose for their resources, as code and name, what is above first.

    A hub begins with the national 类 and the 项 of the first two: these below them are the authority's to take or leave.
    """
    chosen = [one for one in list_types() if one.key in keys]
    above = json.loads(files(__package__).joinpath("classes.json").read_text(encoding="utf-8"))
    names = {one["code"]: one["name"] for one in above} | {one.classification: one.title.zh for one in chosen}
    wanted = {code for code in names if any(one.classification.startswith(code) for one in chosen)}
    return [(code, names[code]) for code in sorted(wanted, key=lambda code: (len(code), code))]


def conditions_of(key: str | None) -> Sequence[Condition]:
    """Return the conditions that records of the type keep; none for no type, or one that is not known."""
    found = list_type(key)
    return () if found is None else found.conditions
