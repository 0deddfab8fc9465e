"""The head of a queue: how much of it goes at once. What pulls and pushes share beyond their SQL."""

from collections.abc import Sequence

import asyncpg

from hub.ledger import repository as sql

MOST_PASSED = 1_000
"""Items of a compromised signer that a look goes past in a lane; as a rule the first item of a queue tells."""

DEEP_EVERY_S = 5.0
DEEP_SHARE = 20
"""How often a look goes past as many as there are, and how much longer than such a look the time to the next is: a hundred
thousand stopped items are read in 40 ms, which nobody can afford twenty times a second."""


async def within_bytes(
    connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], most: int
) -> Sequence[asyncpg.Record]:
    """As many of the rows, from the first on, as have envelopes of `most` bytes together; one if there is any.

    A row has the `id` of a delivery.
    """
    if not rows:
        return rows
    sizes = {r["id"]: r["size"] for r in await connection.fetch(sql.ENVELOPE_SIZES, [row["id"] for row in rows])}
    total = 0
    for place, row in enumerate(rows):
        total += sizes[row["id"]]
        if total > most and place > 0:
            return rows[:place]
    return rows
