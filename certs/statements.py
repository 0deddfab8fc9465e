"""Statements: what a file or a log says, one thing after another, and what came of each when it was checked.

Every verifier of this room fills a `Sheet` and ends in its `Verdict`; what a statement says is the verifier's own business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from certs.errors import CertsError

CaseT = TypeVar("CaseT")
JudgedT = TypeVar("JudgedT", contravariant=True)
FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True)
class Statement(Generic[JudgedT]):
    """One thing that is said of a case, and the function that finds out: True, or False when it has nothing of the kind.

    The function raises a CertsError when what is said does not hold.
    """

    name: str
    zh: str
    en: str
    check: Callable[[JudgedT], bool]


@dataclass(frozen=True, slots=True)
class Checked:
    """One statement and what came of it: `holds`, `absent` (there is nothing of the kind) or `failed`, then with why."""

    name: str
    zh: str
    en: str
    outcome: str
    fault: CertsError | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The statements that were checked, in order. `failed` is the one that did not hold: the last, if there is one."""

    checked: Sequence[Checked]

    @property
    def failed(self) -> Checked | None:
        """The statement that failed; None when all that were checked hold."""
        return self.checked[-1] if self.checked[-1].outcome == "failed" else None


class Sheet:
    """The statements that have been checked so far."""

    def __init__(self) -> None:
        self.checked: list[Checked] = []

    def take(self, name: str, zh: str, en: str, check: Callable[[], FoundT]) -> FoundT | None:
        """What `check` returns; None when it raised, and then the statement failed."""
        try:
            found = check()
        except CertsError as fault:
            self.checked.append(Checked(name, zh, en, "failed", fault))
            return None
        self.checked.append(Checked(name, zh, en, "absent" if found is False else "holds"))
        return found

    def take_all(self, statements: Iterable[Statement[CaseT]], case: CaseT) -> None:
        """The statements in their order, up to the first that fails."""
        for one in statements:
            self.take(one.name, one.zh, one.en, partial(one.check, case))
            if self.checked[-1].outcome == "failed":
                return

    def verdict(self) -> Verdict:
        """What was found."""
        return Verdict(self.checked)
