"""What is committed: counted in the database itself, for a load generator's word is not enough."""

import asyncio
from dataclasses import dataclass, fields

from hub.db.engine import Database
from tools.bench.errors import VoidRun
from tools.bench.plan import CONNECTIONS

COUNT = """
SELECT (SELECT count(*) FROM acceptance WHERE kind = 'exchange') AS acceptances,
       (SELECT count(*) FROM exchange) AS exchanges,
       (SELECT count(*) FROM delivery) AS waiting,
       (SELECT count(*) FROM delivered) AS delivered,
       (SELECT count(*) FROM log_entry WHERE event = 'exchange.accepted') AS entries
"""

QUIET_S = 0.3
WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of the tables on the path of a payload."""

    acceptances: int
    exchanges: int
    waiting: int
    delivered: int
    entries: int

    def since(self, before: "Counts") -> "Counts":
        """What came since `before`."""
        return Counts(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(self)))


async def count(database: Database) -> Counts:
    """The rows, once nothing is being committed any more. Raises VoidRun if that takes too long."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    async with database.connection() as connection:
        seen: Counts | None = None
        while asyncio.get_running_loop().time() < deadline:
            row = await connection.fetchrow(COUNT)
            assert row is not None
            found = Counts(*row.values())
            if found == seen:
                return found
            seen = found
            await asyncio.sleep(QUIET_S)
    raise VoidRun("压测停止后仍不断有新行写入", "rows keep being committed although the load has ended")


def check_committed(created: int, rows: Counts, lanes: int) -> None:
    """Raise VoidRun unless every 201 is a row with its key, deliveries and log entry.

    At most as many rows more as there were connections: their answers were cut off at the end of the run.
    """
    surplus = rows.exchanges - created
    whole = (
        rows.acceptances == rows.exchanges == rows.entries and rows.waiting + rows.delivered == lanes * rows.exchanges
    )
    if not 0 <= surplus <= CONNECTIONS or not whole:
        raise VoidRun(
            f"收到 {created} 个 201，库中却有 {rows}；本次作废",
            f"{created} answers were 201, but the database holds {rows}; this run is void",
        )


def check_acknowledged(items: int, rows: Counts) -> None:
    """Raise VoidRun unless exactly the acknowledged items moved from `delivery` to `delivered`."""
    if not items == rows.delivered == -rows.waiting:
        raise VoidRun(
            f"确认了 {items} 项，库中却有 {rows}；本次作废",
            f"{items} items were acknowledged, but the database holds {rows}; this run is void",
        )
