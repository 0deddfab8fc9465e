"""What has outlived its use is cleared, and what has not stays."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hub.db.engine import Database
from hub.db.ids import new_id
from hub.worker.chores import KEEP_ACCEPTANCES, KEEP_ATTEMPTS, KEEP_REFUSALS, do_chores

ATTEMPT = """
INSERT INTO attempt (id, lane_id, fence, holder, first_sequence, count, started_at, expires_at, ended_at, outcome)
VALUES ($1, $2, 1, $2, 1, 1, now(), now(), $3, CASE WHEN $3::timestamptz IS NULL THEN NULL ELSE 'failed' END)
"""
ACCEPTANCE = "INSERT INTO acceptance VALUES ('s', $1, 'exchange', sha256('x'), $2, 'r', $3)"
REFUSAL = "INSERT INTO refusal_count VALUES ($1, 'bad-signature', $2, 1)"


async def test_what_is_older_than_its_time_goes_and_all_else_stays(database: Database) -> None:
    now = datetime.now(UTC)
    second = timedelta(seconds=1)
    async with database.connection() as connection:
        ends = {"old": (KEEP_ATTEMPTS + second, now), "open": (KEEP_ATTEMPTS + second, None), "new": (second, now)}
        for age, ended in ends.values():
            await connection.execute(ATTEMPT, new_id(now - age), uuid4(), ended)
        for jti, age in (("old", KEEP_ACCEPTANCES + second), ("new", KEEP_ACCEPTANCES - second)):
            await connection.execute(ACCEPTANCE, jti, uuid4(), now - age)
        for address, age in (("old", KEEP_REFUSALS + second), ("new", KEEP_REFUSALS - second)):
            await connection.execute(REFUSAL, now - age, address)
        await do_chores(connection, now)
        attempts = await connection.fetch("SELECT ended_at IS NULL AS open FROM attempt ORDER BY id")
        assert [row["open"] for row in attempts] == [True, False]
        assert await connection.fetchval("SELECT string_agg(jti, ',') FROM acceptance") == "new"
        assert await connection.fetchval("SELECT string_agg(address, ',') FROM refusal_count") == "new"
