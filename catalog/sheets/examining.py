"""A workbook from its bytes to the verdict: what it would make of the catalogue, and what is wrong with it, cell by cell.

1. open the workbook within limits and find its tables
2. make of rows what they describe: resources with their items
3. ask what the catalogue knows of all that is named
4. for each resource: settle whose it is, read its cells, judge it by the rules
5. compile the schemas of those that are in order
6. say what each would be: new, changed, unchanged, bad, or left out
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from catalog.blanks import trimmed
from catalog.codes import VersionState
from catalog.sheets.columns import CODE, METADATA_COLUMNS
from catalog.sheets.entries import Described, Entry
from catalog.sheets.findings import Findings, Place
from catalog.sheets.gathering import read_entries
from catalog.sheets.identity import Options, Settled, identify, settle, wanted
from catalog.sheets.interpreting import read_metadata
from catalog.sheets.item_reading import read_items
from catalog.sheets.judging import Draft, has_same_items, is_unchanged, judge
from catalog.sheets.known import Known, Wanted
from catalog.sheets.limits import MAX_FINDINGS
from catalog.sheets.marking import mark
from catalog.sheets.schemas import SchemaChecks
from catalog.sheets.workbook import Workbook

_NAME: Final = METADATA_COLUMNS["name"].key

_EVERY: Final = 50
"""Resources between two tellings of how far it is."""

Ask = Callable[[Wanted], Known]
Tell = Callable[[int, int], None]


class Fate(StrEnum):
    """What an import makes of a resource of the workbook."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(slots=True)
class Judged:
    """A resource of the workbook with its verdict; `draft` and `settled` are there unless it is bad or skipped."""

    entry: Entry
    fate: Fate
    settled: Settled | None = None
    draft: Draft | None = None


@dataclass(slots=True)
class Examined:
    """The verdict on a workbook."""

    workbook: Workbook
    described: Described
    judged: list[Judged]
    findings: Findings

    def counts(self) -> dict[str, int]:
        """How many resources of each fate, rows that were read, rows that belong to no resource, and faults."""
        fates = Counter(one.fate for one in self.judged)
        return {fate.value: fates[fate] for fate in Fate} | {
            "rows": self.described.rows,
            "stray": self.described.stray,
            "faults": len(self.findings.faults),
            "notes": len(self.findings.notes),
        }

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong with any row."""
        return not self.findings.faults

    def faults(self) -> list[dict[str, str]]:
        """The first faults, in the order of the sheets."""
        return [fault.to_json() for fault in sorted(self.findings.faults, key=lambda found: found.place)[:MAX_FINDINGS]]

    def notes(self) -> list[dict[str, str]]:
        """The first notes, in the order in which they were made."""
        return [note.to_json() for note in self.findings.notes[:MAX_FINDINGS]]

    def marked(self, codes: Sequence[tuple[Entry, str]] = ()) -> bytes:
        """The same workbook with its bad cells marked, and the codes that resources were given in their cells."""
        texts: dict[Place, str] = {}
        for entry, code in codes:
            if entry.says(CODE.key):
                texts[entry.place(CODE.key)] = code
        return mark(self.workbook, self.described.tables, self.findings.faults, texts)


def examine(data: bytes, options: Options, ask: Ask, tell: Tell) -> Examined:
    """Return the verdict on a workbook; `tell` hears how many of how many resources are judged.

    Raises WorkbookRefused for what cannot be read as a whole.
    """
    findings = Findings()
    workbook = Workbook.open(data)
    described = read_entries(workbook, findings)
    total = len(described.entries)
    tell(0, total)
    identities = [identify(entry, findings) for entry in described.entries]
    known = ask(wanted(identities, options))
    checks = SchemaChecks()
    judged: list[Judged] = []
    new: dict[str, Entry] = {}
    for entry, identity in zip(described.entries, identities, strict=True):
        settled = settle(entry, identity, known, options, findings)
        if settled is None:
            findings.forgive(entry.rows())
            judged.append(Judged(entry, Fate.SKIPPED))
        elif entry.contradicts:
            judged.append(Judged(entry, Fate.BAD))
        else:
            if settled.existing is None:
                _check_new(entry, new, findings)
            judged.append(_judge(entry, settled, known, checks, findings))
        if len(judged) % _EVERY == 0:
            tell(len(judged), total)
    _say_why(judged, findings)
    tell(total, total)
    return Examined(workbook, described, judged, findings)


def _name_of(entry: Entry) -> str:
    cell = entry.cell(_NAME)
    return "" if cell is None else trimmed(cell.text)


def _check_new(entry: Entry, new: dict[str, Entry], findings: Findings) -> None:
    """Fault a new resource of the name of another new one; rows may state one body in two ways."""
    first = new.setdefault(name, entry) if (name := _name_of(entry)) else entry
    if first is not entry:
        entry.fault(
            findings,
            entry.place(_NAME),
            "sheet-duplicate",
            f"与第 {first.row.number} 行是同一机构的同名资源；请合并为一个，或改名",
            f"row {first.row.number} has a resource of the same body and name; make them one, or rename",
        )


def _say_why(judged: Sequence[Judged], findings: Findings) -> None:
    """Fault what is bad for rows that were forgiven, being another body's: no resource is left out without a word."""
    faulted = {(fault.place.sheet, fault.place.row) for fault in findings.faults}
    of_others = {_name_of(one.entry) for one in judged if one.fate is Fate.SKIPPED}
    for one in judged:
        if one.fate is Fate.BAD and _name_of(one.entry) in of_others and faulted.isdisjoint(one.entry.rows()):
            one.entry.fault(
                findings,
                one.entry.place(_NAME),
                "sheet-duplicate",
                "表中有其他机构的同名资源，分不清各行属于哪一个；请填写信息资源代码，或把本机构的行另存一表导入",
                "another body's resource in this workbook has the same name, and whose rows are whose is not clear; give the codes,"
                " or import your own rows from a workbook of their own",
            )


def _judge(entry: Entry, settled: Settled, known: Known, checks: SchemaChecks, findings: Findings) -> Judged:
    said = read_metadata(entry, settled.existing, findings)
    said.unread.update(entry.unread)
    items = read_items(entry, settled.existing, findings)
    draft = judge(entry, said, items, settled, known, findings)
    if not has_same_items(draft, settled):  # those have been compiled before
        _compile(entry, draft, checks, findings)
    fate = Fate.NEW
    if settled.existing is not None:
        fate = Fate.UNCHANGED if is_unchanged(draft, settled) else Fate.CHANGED
    if fate is Fate.CHANGED:
        _check_state(entry, settled, findings)
    return Judged(entry, Fate.BAD) if entry.bad else Judged(entry, fate, settled, draft)


def _compile(entry: Entry, draft: Draft, checks: SchemaChecks, findings: Findings) -> None:
    """Compile the schema of the items in which no rule is broken."""
    for fault in checks.refusals([draft.items[index] for index in draft.sound]):
        place = entry.place()
        if fault.index is not None and entry.items_said:
            index = draft.sound[fault.index]
            cells = entry.item_rows[index].cells
            keys = [key for key in (f"items/{fault.field}", "items/example", "items/pattern") if key in cells]
            place = entry.item_place(index, *keys)
        entry.fault(findings, place, "schema", fault.zh, fault.en)


def _check_state(entry: Entry, settled: Settled, findings: Findings) -> None:
    assert settled.existing is not None
    if settled.existing.state == VersionState.SUBMITTED:
        entry.fault(
            findings,
            entry.place(CODE.key),
            "sheet-state",
            "该资源有版本正在审核，不能修改；请等审核结束或由审核人退回",
            "a version of this resource is under review and cannot be changed; wait, or have it returned",
            label=CODE.zh,
        )
