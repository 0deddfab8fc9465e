"""What a chaos run writes down, read back: JSON lines in one folder. Standard library only, for the checker reads with it.

`clients.jsonl`   one line for each answer that a client got: `sender`, `jti`, `digest` (of the envelope), `posted_at` (when these
                  bytes were first sent), `answered_at` (both monotonic seconds), `status`, `receipt` (compact, else empty)
`sink-*.jsonl`    one line for each push that a sink judged: `at`, `url`, `lane`, `fence`, `sequence`, `created`, `expires` (Unix
                  seconds), `verdict`, `status`, `kept` (delivery ids acted upon), `items`: each `[delivery, sequence, exchange,
                  digest, sender, jti, kid]`; a push that was not believed has no `items`
`office.jsonl`    one line for each span in which a right was closed: `scope` (`lane`, `url` or `kid`), `name`, `since`, `until`
                  (Unix seconds; null: for good)
`database.jsonl`  what lies in the tables in the end, by `kind`: `lane`, `attempt`, `delivered`, `dead`, `waiting`
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that a client holds."""

    sender: str
    jti: str
    digest: str
    posted_at: float
    answered_at: float
    status: int
    receipt: str

    @property
    def payload(self) -> dict[str, Any]:
        """What the receipt says, unverified; empty where it cannot be read."""
        try:
            part = self.receipt.split(".")[1]
            found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except (IndexError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a push, with what its envelope says of its sender."""

    delivery: str
    sequence: int
    exchange: str
    digest: str
    sender: str
    jti: str
    kid: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A push as a sink judged it; arrivals of one sink stand in the order in which it judged them."""

    at: float
    url: str
    lane: str
    fence: int
    sequence: int
    created: float
    expires: float
    verdict: str
    status: int
    kept: frozenset[str]
    items: tuple[Item, ...]

    @property
    def was_accepted(self) -> bool:
        """Whether the sink answered 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Closed:
    """A span in which nothing might start: in a lane, towards a URL, or with items that a key signed."""

    scope: str
    name: str
    since: float
    until: float | None

    def holds(self, begin: float, end: float) -> bool:
        """Whether the span from `begin` to `end` lies in this one as a whole."""
        return self.since < begin and (self.until is None or end < self.until)


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane and what becomes of what its consumer does not take: `park` or `block`."""

    id: str
    consumer: str
    policy: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt as the database has it. `committed` is when its claim committed, by the log."""

    lane: str
    fence: int
    first: int
    count: int
    started: float
    expires: float
    ended: float | None
    outcome: str | None
    committed: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery as the database has it; `replayed_as` is set for a dead letter that was replayed."""

    delivery: str
    lane: str
    exchange: str
    sequence: int | None
    kid: str = ""
    replayed_as: str | None = None


@dataclass(slots=True)
class Records:
    """Everything that was written down. `lease_s` is how long a lease was."""

    lease_s: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    arrivals: list[list[Arrival]] = field(default_factory=list)
    unbelieved: int = 0
    late: int = 0
    closed: list[Closed] = field(default_factory=list)
    lanes: dict[str, Lane] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    delivered: list[Row] = field(default_factory=list)
    dead: list[Row] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)

    @property
    def receipted(self) -> list[Answer]:
        """The answers that are receipts, in the order in which they came."""
        return [answer for answer in self.answers if answer.status in (200, 201)]

    @property
    def replays(self) -> set[str]:
        """The deliveries that replaced dead letters."""
        return {row.replayed_as for row in self.dead if row.replayed_as is not None}


def read(folder: Path) -> Records:
    """All that lies in `folder`. Raises ValueError or KeyError for lines that are not as they should be, torn ones aside."""
    records = Records()
    records.answers = [Answer(**line) for line in _lines(folder / "clients.jsonl")]
    records.closed = [Closed(**line) for line in _lines(folder / "office.jsonl")]
    for path in sorted(folder.glob("sink-*.jsonl")):
        lines = list(_lines(path))
        unbelieved = [line["verdict"] for line in lines if "items" not in line]
        records.unbelieved += len(unbelieved)
        records.late += unbelieved.count("expired")
        records.arrivals.append([_arrival(line) for line in lines if "items" in line])
    for line in _lines(folder / "database.jsonl"):
        _keep(records, line)
    return records


def _keep(records: Records, line: dict[str, Any]) -> None:
    kind = line.pop("kind")
    if kind == "lane":
        records.lanes[line["id"]] = Lane(**line)
    elif kind == "attempt":
        records.attempts.append(Attempt(**line))
    elif kind == "lease":
        records.lease_s = line["seconds"]
    else:
        {"delivered": records.delivered, "dead": records.dead, "waiting": records.waiting}[kind].append(Row(**line))


def _arrival(line: dict[str, Any]) -> Arrival:
    items = tuple(Item(*item) for item in line.pop("items"))
    return Arrival(**(line | {"kept": frozenset(line["kept"]), "items": items}))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file; one that its writer's death cut short is left out: nobody had acted upon it."""
    for text in path.read_text(encoding="utf-8").split("\n"):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line
