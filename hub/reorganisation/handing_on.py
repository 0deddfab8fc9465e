"""What is open goes along: of an ended body to its successor, of a resource to its provider, of a system to whose it is.

An ended body leaves duties, steps of review, requests, objections, corrections and unread notices. With a resource go the duties
about it, its requests and corrections, with a system the requests and corrections that it made. What is closed stays where it was,
as history. The tables of floors above are named here and not imported.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
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
    "objections": ("objection", "organisation_id", "state IN ('submitted', 'handling', 'answered')"),
    "corrections": ("correction", "organisation_id", "state IN ('submitted', 'verifying')"),
    "notices": ("notice", "organisation_id", "read_at IS NULL"),
}
"""For the name of each count in the log: table, the column that names the body, and what is open."""

_HELD_BY_TAKER: Final = """EXISTS (
    SELECT FROM duty held WHERE held.state = 'open' AND held.debtor_organisation_id = :taker
    AND held.subject_kind = duty.subject_kind AND held.subject_id = duty.subject_id AND held.duty = duty.duty)"""
_WITH_RESOURCES: Final = text(f"""
UPDATE duty SET debtor_organisation_id = :taker
WHERE state = 'open' AND debtor_organisation_id = :giver AND NOT {_HELD_BY_TAKER} AND (subject_kind, subject_id) IN (
    SELECT kind, code FROM resource CROSS JOIN (VALUES ('resource'), ('list')) AS kinds(kind) WHERE id = ANY(:resources)
    UNION ALL SELECT 'access-request', id::text FROM access_request WHERE resource_id = ANY(:resources)
    UNION ALL SELECT 'correction', id::text FROM correction WHERE resource_id = ANY(:resources)
    UNION ALL SELECT 'power-suspension', id::text FROM power_suspension WHERE resource_id = ANY(:resources))
""").bindparams(bindparam("resources", type_=ARRAY(Uuid)))  # noqa: S608
_WITH_SYSTEM: Final = tuple(
    text(f"UPDATE {table} SET organisation_id = :taker WHERE consumer_id = :system AND {is_open}")  # noqa: S608
    for table, _, is_open in (_OPEN["requests"], _OPEN["corrections"])
)

HANDED_ON: Final = frozenset(f"{table}.{column}" for table, column, _ in _OPEN.values())


_HELD_ALREADY: Final = text("""
UPDATE duty SET state = 'cancelled', closed_at = :now, closed_by = :actor, closed_reason = '承接机构已有同一项'
WHERE debtor_organisation_id = :ended AND state = 'open'
""")


async def follow_resources(session: AsyncSession, resources: Sequence[UUID], giver: UUID, taker: UUID) -> None:
    """Have the taker owe what the giver owed about these resources, their requests, corrections and suspended powers."""
    await session.execute(_WITH_RESOURCES, {"resources": list(resources), "giver": giver, "taker": taker})


async def follow_system(session: AsyncSession, system: UUID, taker: UUID) -> None:
    """Make the open requests and corrections of a system those of the body that it belongs to now."""
    for moved in _WITH_SYSTEM:
        await session.execute(moved, {"system": system, "taker": taker})


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
