"""What was found in a workbook, each by its cell: faults, which keep a row out, and notes, which only say what was done.

Texts name the rule and the cure and never quote the cell: it may hold anything.
"""

from collections.abc import Collection
from dataclasses import dataclass, field


def column_letters(column: int) -> str:
    """Return the letters of a column (1 is A, 27 is AA)."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A cell by its sheet, row and column, the last two counted from 1."""

    sheet: str
    row: int
    column: int

    @property
    def address(self) -> str:
        """The cell as people write it: K5."""
        return f"{column_letters(self.column)}{self.row}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault or note: where, by which rule, and in words; `label` is the column's heading in the template."""

    place: Place
    rule: str
    zh: str
    en: str
    label: str = ""

    def to_json(self) -> dict[str, str]:
        """Return what an answer shows."""
        shown = {"sheet": self.place.sheet, "cell": self.place.address, "rule": self.rule, "zh": self.zh, "en": self.en}
        return shown | ({"column": self.label} if self.label else {})


@dataclass(slots=True)
class Findings:
    """All that was found so far. A cell that cannot be read is faulted once, whatever else would follow from it."""

    faults: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    _said: set[tuple[Place, str, str]] = field(default_factory=set)
    _unread: set[Place] = field(default_factory=set)

    def unreadable(self, place: Place, rule: str, zh: str, en: str, *, label: str = "") -> None:
        """Note that a cell cannot be read."""
        self.fault(place, rule, zh, en, label=label)
        self._unread.add(place)

    def fault(self, place: Place, rule: str, zh: str, en: str, *, label: str = "") -> None:
        """Note a fault; the same about the same cell is noted once, and nothing more of a cell that cannot be read."""
        if place not in self._unread and (place, rule, zh) not in self._said:
            self._said.add((place, rule, zh))
            self.faults.append(Finding(place, rule, zh, en, label))

    def forgive(self, rows: Collection[tuple[str, int]]) -> None:
        """Forget the faults of these rows, each named by its sheet and number: they are nobody's concern."""
        self.faults = [fault for fault in self.faults if (fault.place.sheet, fault.place.row) not in rows]

    def note(self, place: Place, rule: str, zh: str, en: str, *, label: str = "") -> None:
        """Note what was done with a cell, or looks odd in it."""
        if (place, rule, zh) not in self._said:
            self._said.add((place, rule, zh))
            self.notes.append(Finding(place, rule, zh, en, label))
