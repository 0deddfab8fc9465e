"""The advisory locks of a hub's database, all in one place, so that no two meanings ever share a key.

A key is one 64-bit number: ASCII "shuniu" in the upper six bytes, ours in the lower two. Order, for who takes several:
maintenance before migration before barrier before days before rules of duties before the revocation list.
"""

import asyncpg

_NAMESPACE = int.from_bytes(b"shuniu", "big") << 16

REGISTRY_BARRIER = _NAMESPACE | 1
"""I3: shared by every transaction that accepts, claims or answers, exclusive for whatever narrows rights."""

MIGRATION = _NAMESPACE | 2
"""One process migrates at a time, however many start at once; held by the session, across the revisions' transactions."""

MAINTENANCE = _NAMESPACE | 3
"""Chores that one process does for all, like making partitions; the others wait and find them done."""

DUTY_DAYS = _NAMESPACE | 4
"""Shared by every transaction that begins, moves or ends a duty, exclusive for a notice of days off, which counts them anew."""

DUTY_RULES = _NAMESPACE | 5
"""One transaction at a time adds a version to the rules of duties."""

INITIALISATION = _NAMESPACE | 6
"""One command makes the hub's keys and first accounts; another is refused meanwhile."""

REVOCATION_LIST = _NAMESPACE | 7
"""One gateway makes the next revocation list; the others wait and find it made. Taken after the barrier, shared."""

IMPORTED_NAMES = 1
"""One import of an organisation is written at a time. The first of two 32-bit keys, a space of its own; the second is the
organisation's hash. Taken after the row of the import, the editor's account and the organisation."""

REGISTRY_CHANNEL = "shuniu_registry"
"""NOTIFY channel: listeners get the new registry epoch, as decimal text, when it is committed."""


async def share_barrier(connection: asyncpg.Connection) -> None:
    """Hold the registry barrier, shared, until the transaction ends; wait for whoever holds it exclusively.

    Must be a statement of its own, and the epoch read in the next: in one statement the snapshot would be older than
    the lock.
    """
    await connection.execute(f"SELECT pg_advisory_xact_lock_shared({REGISTRY_BARRIER})")


async def hold_barrier(connection: asyncpg.Connection) -> None:
    """Hold the registry barrier exclusively until the transaction ends: nobody accepts, claims or answers meanwhile."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({REGISTRY_BARRIER})")


async def hold_maintenance(connection: asyncpg.Connection) -> None:
    """Hold the maintenance lock until the transaction ends; wait for whoever holds it."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({MAINTENANCE})")
