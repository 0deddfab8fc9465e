"""The profiles that come with the hub: one file of rules for each issuer, read once. Knows no table.

Which rule of a duty is in force: of those that came into force by the day of the event, the youngest. Profiles for
reference (参考) count only after the authority adopts a rule of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from hub.duties.rule import Rule, rule_of

DEFAULT = "regulation-809"
"""条例809: whose rules go first where several are as young."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One issuer's rules; `reference` ones are shown, and count after the authority adopts them."""

    name: str
    zh: str
    en: str
    issuer: str
    reference: bool
    rules: tuple[Rule, ...]


@cache
def profiles() -> tuple[Profile, ...]:
    """All profiles: the default first, those for reference last."""
    found = [
        _profile(entry.name.removesuffix(".json"), json.loads(entry.read_text(encoding="utf-8")))
        for entry in files(__package__).iterdir()
        if entry.name.endswith(".json")
    ]
    return tuple(sorted(found, key=lambda one: (one.name != DEFAULT, one.reference, one.name)))


@cache
def shipped() -> tuple[Rule, ...]:
    """Every rule of every profile, in the order of the profiles."""
    return tuple(rule for profile in profiles() for rule in profile.rules)


def in_force(duty: str, on: date) -> Rule | None:
    """The shipped rule for the duty of an event that happens on that day; None if there is none."""
    found = [rule for rule in shipped() if rule.duty == duty and not rule.reference and rule.valid_from <= on]
    return max(found, key=lambda rule: rule.valid_from, default=None)


def named(code: str) -> Rule | None:
    """The shipped rule that has this code, or has it as another name."""
    return next((rule for rule in shipped() if code == rule.code or code in rule.also), None)


def _profile(name: str, data: Mapping[str, Any]) -> Profile:
    """The profile in a file: what its rules share stands once, at the top."""
    shared = {key: data[key] for key in ("issuer", "valid_from", "reference")} | {"profile": name}
    rules = tuple(
        rule_of(shared | one | {"basis": {"document": data["document"]} | one["basis"]}) for one in data["rules"]
    )
    return Profile(name, data["title"]["zh"], data["title"]["en"], data["issuer"], data["reference"], rules)
