"""Every 201 must be a row with its key, its deliveries and its log entry; anything else voids the run."""

from dataclasses import replace

import pytest

from hub.db.engine import Database
from tools.bench.counts import Counts, check_acknowledged, check_committed, count
from tools.bench.errors import VoidRun
from tools.bench.plan import CONNECTIONS

WHOLE = Counts(acceptances=100, exchanges=100, waiting=150, delivered=50, entries=100)


@pytest.mark.parametrize("created", [100, 100 - CONNECTIONS])
def test_answers_cut_off_at_the_end_may_be_missing_one_for_each_connection(created: int) -> None:
    check_committed(created, WHOLE, lanes=2)


@pytest.mark.parametrize("created", [101, 100 - CONNECTIONS - 1])
def test_a_receipt_without_its_row_and_a_row_too_many_void_the_run(created: int) -> None:
    with pytest.raises(VoidRun):
        check_committed(created, WHOLE, lanes=2)


@pytest.mark.parametrize("table", ["acceptances", "waiting", "delivered", "entries"])
def test_a_row_that_lacks_its_companion_voids_the_run(table: str) -> None:
    with pytest.raises(VoidRun):
        check_committed(100, replace(WHOLE, **{table: getattr(WHOLE, table) - 1}), lanes=2)


def test_what_was_acknowledged_must_have_moved() -> None:
    moved = Counts(acceptances=0, exchanges=0, waiting=-7, delivered=7, entries=0)
    check_acknowledged(7, moved)
    with pytest.raises(VoidRun):
        check_acknowledged(8, moved)
    with pytest.raises(VoidRun):
        check_acknowledged(7, replace(moved, waiting=-6))


def test_only_what_came_since_is_counted() -> None:
    assert WHOLE.since(WHOLE) == Counts(0, 0, 0, 0, 0)
    assert WHOLE.since(replace(WHOLE, exchanges=90)).exchanges == 10


async def test_rows_are_counted_in_the_database(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO log_entry (id, event, outcome, actor, object_type, object_id, occurred_at, leaf, leaf_hash)"
            " SELECT gen_random_uuid(), event, 'success', '', '', '', now(), '', decode(repeat('00', 32), 'hex')"
            " FROM unnest(ARRAY['exchange.accepted', 'exchange.accepted', 'token.issued']) AS event"
        )
    assert await count(database) == Counts(0, 0, 0, 0, entries=2)
