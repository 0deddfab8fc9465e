"""Freshness 更新及时性: when new data of a resource are expected, by its update cycle, and which resources are overdue.

The count begins with the newest exchange that was accepted, or with the first publication where nothing has come yet. It
goes by days of Beijing time: data are expected by the end of the day on which the cycle comes round, 实时 and 每日 by the end
of the day after. A resource that is updated irregularly (不定期), or is not published now, is expected at no time.

When data last came is read off the exchanges by a chore, so that no envelope pays for it; it lags by the chore's interval.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, DateTime, literal_column

from catalog.codes import UpdateCycle
from hub.db.ids import lowest_id

CYCLES: Final = {
    UpdateCycle.REAL_TIME: "1 day",
    UpdateCycle.DAILY: "1 day",
    UpdateCycle.WEEKLY: "7 days",
    UpdateCycle.MONTHLY: "1 month",
    UpdateCycle.QUARTERLY: "3 months",
    UpdateCycle.HALF_YEARLY: "6 months",
    UpdateCycle.YEARLY: "1 year",
}
"""How long a cycle is; months and years as the calendar has them, ends of months included."""

_BEIJING: Final = "AT TIME ZONE INTERVAL '08:00'"
_INTERVALS: Final = " ".join(f"WHEN {cycle.value} THEN INTERVAL '{length}'" for cycle, length in CYCLES.items())

BASE: Final = (
    "coalesce(resource_freshness.last_data_at,"
    " (SELECT min(v.published_at) FROM resource_version v WHERE v.resource_id = resource.id))"
)
_EXPECTED: Final = (
    f"CASE WHEN resource.status = 'published' THEN (date_trunc('day', {BASE} {_BEIJING})"
    f" + (CASE resource.update_cycle {_INTERVALS} END) + INTERVAL '1 day') {_BEIJING} END"
)

PIECE: Final = 50_000
"""Exchanges looked through in one statement."""

OVERLAP: Final = timedelta(seconds=30)
"""How far before the newest exchange known the next look begins: exchanges do not become visible in the order of their ids,
and none commits this long after its id was made (every lock on the way has a time limit of seconds)."""

_NEWEST: Final = "SELECT max(last_data_at) FROM resource_freshness"
_NOTE: Final = """
WITH piece AS (
    SELECT id, resource_id, accepted_at FROM exchange WHERE id > $1 ORDER BY id LIMIT $2
), noted AS (
    INSERT INTO resource_freshness (resource_id, last_data_at)
    SELECT p.resource_id, max(p.accepted_at) FROM piece p JOIN resource r ON r.id = p.resource_id
    GROUP BY p.resource_id ORDER BY p.resource_id
    ON CONFLICT (resource_id) DO UPDATE SET last_data_at = excluded.last_data_at
        WHERE resource_freshness.last_data_at < excluded.last_data_at
    RETURNING 1
)
SELECT count(*) AS exchanges, (SELECT id FROM piece ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM noted) AS noted
FROM piece
"""


def expected_at() -> ColumnElement[datetime]:
    """The moment after which a row of `resource`, joined with `resource_freshness`, is overdue; NULL for never."""
    return literal_column(_EXPECTED, DateTime(timezone=True))


async def note_data(connection: asyncpg.Connection, stop: asyncio.Event) -> int:
    """Look through the exchanges that came since the last look; returns how often a resource was found to have newer data.

    Two at a time do no harm. Goes piece by piece, until there are no more or `stop` is set.
    """
    newest = await connection.fetchval(_NEWEST)
    last = UUID(int=0) if newest is None else lowest_id(newest - OVERLAP)
    noted, looked = 0, PIECE
    while looked == PIECE and not stop.is_set():
        row = await connection.fetchrow(_NOTE, last, PIECE)
        assert row is not None
        looked, last = row["exchanges"], row["last"] or last
        noted += row["noted"]
    return noted
