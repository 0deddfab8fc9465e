"""Work that is taken through its steps: a generator that yields between them and returns what came out.

Checking or making a signature walks through more code and tables than a core's nearest caches hold. What comes after it
finds them filled with elliptic curves, and the next signature finds them filled with everything else. Where several messages
wait, each step is therefore done for all of them before the next begins: that takes a fifth less of the processor than one
message after the other (docs/performance.md).
"""

from collections.abc import Generator, Sequence
from typing import TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]


def at_once(work: Steps[T]) -> T:
    """All steps of one piece of work. Raises what they raise."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def in_step(works: Sequence[Steps[T]]) -> Steps[list[T | None]]:
    """Each step for all works before the next; what came of each in its place, None for one that has raised anything."""
    results: list[T | None] = [None] * len(works)
    going = list(enumerate(works))
    while going:
        left = []
        for one in going:
            place, work = one
            try:
                next(work)
            except StopIteration as end:
                results[place] = end.value
            except Exception:  # noqa: BLE001  one work's fault is no other's; who gave it does it again and learns of it
                results[place] = None
            else:
                left.append(one)
            yield
        going = left
    return results
