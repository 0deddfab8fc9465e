"""What an ended body has open is its successor's: duties, steps of review, requests, objections, corrections, unread notices.

What is closed stays where it was, as history. The tables of floors above are named here and not imported.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hub.audit.entry import Actor

_OPEN: Final = {
    # A duty that the successor has for the same subject already stays one.
    "duties": (
        "duty",
        "debtor_organisation_id",
        """state = 'open' AND NOT EXISTS (
            SELECT FROM duty held WHERE held.state = 'open' AND held.debtor_organisation_id = :successor
            AND held.subject_kind = duty.subject_kind AND held.subject_id = duty.subject_id AND held.duty = duty.duty)""",
    ),
    "reviews": ("review", "organisation_id", "verdict IS NULL"),
    "approvals": ("approval_chain_step", "organisation_id", "true"),
    "requests": ("access_request", "organisation_id", "state IN ('in-review', 'returned', 'with-provider')"),
    "objections": ("objection", "organisation_id", "state IN ('submitted', 'handling')"),
    "corrections": ("correction", "organisation_id", "state IN ('submitted', 'verifying')"),
    "notices": ("notice", "organisation_id", "read_at IS NULL"),
}
"""For the name of each count in the log: table, the column that names the body, and what is open."""

HANDED_ON: Final = frozenset(f"{table}.{column}" for table, column, _ in _OPEN.values())


_HELD_ALREADY: Final = text("""
UPDATE duty SET state = 'cancelled', closed_at = :now, closed_by = :actor, closed_reason = '承接机构已有同一项'
WHERE debtor_organisation_id = :ended AND state = 'open'
""")


async def hand_on(
    session: AsyncSession, ended: UUID, successor: UUID, *, actor: Actor, now: datetime
) -> dict[str, int]:
    """Give everything open of the ended body to its successor; returns how many of each there were, none left out.

    A duty that the successor has already is cancelled with the ended body's.
    """
    counts = {}
    for name, (table, column, is_open) in _OPEN.items():
        moved = await session.execute(
            text(f"UPDATE {table} SET {column} = :successor WHERE {column} = :ended AND {is_open}"),  # noqa: S608
            {"ended": ended, "successor": successor},
        )
        if count := int(moved.rowcount):  # type: ignore[attr-defined]
            counts[name] = count
    await session.execute(_HELD_ALREADY, {"ended": ended, "actor": actor.id, "now": now})
    return counts
