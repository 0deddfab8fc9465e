"""What the far side of a one-way gateway remembers between two looks into its folder: numbers, fences, deliveries.

Written as a whole, to a file of the partner's folder, before a bundle is taken away; damaged, it is an error and no new start.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.client.errors import FolderError
from hub.client.folder import write_durably

FILE = "state.json"
REMEMBERED = 100_000
"""Delivery ids that are remembered, as a receiver of pushes does: about 4 MB of file."""

SERIES_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SERIES_LENGTH = 8

Range = tuple[int, int]
"""Numbers from the first to the last."""


@dataclass(slots=True)
class Series:
    """The numbers seen of one series: the highest, and below it those that are missing."""

    highest: int = 0
    missing: list[Range] = field(default_factory=list)

    def lacks(self, first: int, last: int) -> bool:
        """Whether a number from the first to the last has not been seen."""
        return last > self.highest or any(low <= last and first <= high for low, high in self.missing)

    def note(self, number: int) -> bool:
        """Remember a number; False when it was there before."""
        if number > self.highest:
            if number > self.highest + 1:
                self.missing.append((self.highest + 1, number - 1))
            self.highest = number
            return True
        for place, (first, last) in enumerate(self.missing):
            if first <= number <= last:
                around = [(first, number - 1), (number + 1, last)]
                self.missing[place : place + 1] = [(low, high) for low, high in around if low <= high]
                return True
        return False


@dataclass(slots=True)
class State:
    """The memory itself. `unacknowledged` are ids with digests, oldest first; `series` and `number` count what we write."""

    seen: dict[str, Series] = field(default_factory=dict)
    fences: dict[str, int] = field(default_factory=dict)
    had: OrderedDict[str, None] = field(default_factory=OrderedDict)
    unacknowledged: dict[str, str] = field(default_factory=dict)
    series: str = field(default_factory=lambda: "".join(secrets.choice(SERIES_LETTERS) for _ in range(SERIES_LENGTH)))
    number: int = 0

    @classmethod
    def load(cls, directory: Path) -> State:
        """What was saved, or a new beginning where nothing was. Raises FolderError."""
        path = directory / FILE
        try:
            members = json.loads(path.read_bytes())
            seen = {
                name: Series(highest, [(a, b) for a, b in gaps]) for name, (highest, gaps) in members["seen"].items()
            }
            return cls(
                seen,
                dict(members["fences"]),
                OrderedDict.fromkeys(members["had"]),
                dict(members["unacknowledged"]),
                members["series"],
                members["number"],
            )
        except FileNotFoundError:
            return cls()
        except (ValueError, TypeError, KeyError, AttributeError):
            raise FolderError(
                f"{path} 已损坏；请从备份恢复，或移走它（之后会再次交付收到过的投递）",
                f"{path} is damaged; restore it, or move it away (then deliveries that you had are handed out again)",
            ) from None

    def save(self, directory: Path) -> None:
        """On disk when this returns."""
        members: dict[str, Any] = {
            "seen": {name: [series.highest, series.missing] for name, series in self.seen.items()},
            "fences": self.fences,
            "had": list(self.had),
            "unacknowledged": self.unacknowledged,
            "series": self.series,
            "number": self.number,
        }
        write_durably(directory, FILE, json.dumps(members).encode())

    def keep(self, deliveries: Iterable[tuple[str, str]]) -> None:
        """Remember deliveries (id, digest) as had and as owed an acknowledgement."""
        for identifier, digest in deliveries:
            self.had[identifier] = None
            self.had.move_to_end(identifier)
            self.unacknowledged[identifier] = digest
        while len(self.had) > REMEMBERED:
            self.had.popitem(last=False)

    def gaps(self) -> dict[str, list[Range]]:
        """The missing numbers of each series that lacks some."""
        return {name: list(series.missing) for name, series in self.seen.items() if series.missing}
