"""All SQL of the claim and its settlement, on raw connections; what pulls share with it is in `hub.ledger.repository`.

Rights are read from the tables themselves, in the statement after the barrier's: whoever holds the shared lock there sees
them as they are, and nobody can narrow them until it commits (I3). A worker so needs no picture of the registry.
"""

DELIVERY_CHANNEL = "shuniu_delivery"
"""NOTIFY channel: a worker that hears it looks for lanes to push."""

_OPEN_LANES = """
FROM lane l
JOIN access_grant g ON g.lane_id = l.id AND g.state = 'active' AND g.valid_from <= $1 AND $1 < g.valid_to
JOIN system s ON s.id = l.consumer_id AND s.state = 'active'
JOIN organisation o ON o.id = s.organisation_id
JOIN resource r ON r.id = l.resource_id AND r.status = 'published'
JOIN push_target t ON t.system_id = s.id AND t.state = 'active'
WHERE l.mode = 'push' AND EXISTS (
    SELECT FROM certificate c
    WHERE c.system_id = s.id AND c.state = 'active' AND c.not_before <= $1 AND $1 < c.not_after
)
"""
"""Lanes that may be pushed at the moment $1. A consumer without a valid certificate gets nothing, as in a pull."""

_STOPPED = "ARRAY(SELECT kid FROM certificate WHERE revocation_reason = ANY($2::text[]))"

FIND_DUE = f"""
WITH stopped AS MATERIALIZED (SELECT {_STOPPED} AS kids),
due AS (
    SELECT l.id, coalesce(e.failures, 0) AS failures, e.claimed_at
    FROM (SELECT l.id {_OPEN_LANES}) l LEFT JOIN lane_lease e ON e.lane_id = l.id CROSS JOIN stopped
    WHERE l.id <> ALL($3::uuid[])
      AND (e.lane_id IS NULL
           OR e.paused_at IS NULL AND e.next_attempt_at <= $1 AND (e.holder IS NULL OR e.expires_at <= $1))
      AND (EXISTS (SELECT FROM delivery d
                   WHERE d.lane_id = l.id AND d.sequence IS NULL AND d.kid <> ALL(stopped.kids))
           OR EXISTS (SELECT FROM delivery d
                      WHERE d.lane_id = l.id AND d.sequence IS NOT NULL AND d.kid <> ALL(stopped.kids)))
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY failures > 0 ORDER BY claimed_at NULLS FIRST, id) AS place FROM due
)
SELECT id, failures FROM ranked WHERE failures = 0 OR place <= $5
ORDER BY failures > 0, claimed_at NULLS FIRST, id LIMIT $4
"""  # noqa: S608
"""Lanes with something to push now: those that did not fail last time first, then by how long they have waited.

Left out are those that this process has in hand ($3); at most $4, and of failing ones at most $5.
"""

LOCK_LANE = f"""
SELECT l.next_sequence, s.id AS consumer_id, s.code AS consumer, o.region, r.code AS resource, g.id AS grant_id,
       t.adapter, t.settings, t.policy, t.max_attempts, {_STOPPED} AS stopped
{_OPEN_LANES} AND l.id = $3
FOR NO KEY UPDATE OF l SKIP LOCKED
"""
"""`NO KEY`: a foreign key's share lock does not make the lane look taken."""

TAKE_LEASE = """
INSERT INTO lane_lease AS e (lane_id, fence, holder, expires_at, claimed_at, next_attempt_at, failures, batch_limit)
VALUES ($1, 1, $2, $4, $3, $3, 0, $5)
ON CONFLICT (lane_id) DO UPDATE SET fence = e.fence + 1, holder = $2, expires_at = $4, claimed_at = $3
WHERE e.paused_at IS NULL AND e.next_attempt_at <= $3 AND (e.holder IS NULL OR e.expires_at <= $3)
RETURNING fence, batch_limit
"""
"""No row: somebody holds the lane, or it is paused or backing off. A statement after the lane's lock, so it sees the latest."""

EXPIRE_ATTEMPTS = """
UPDATE attempt SET ended_at = $2, outcome = 'expired' WHERE lane_id = $1 AND ended_at IS NULL
"""

INSERT_ATTEMPT = """
INSERT INTO attempt (id, lane_id, fence, holder, first_sequence, count, started_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

HOLD_LEASE = """
SELECT failures, batch_limit, blocked_at, clock_timestamp() AS now FROM lane_lease
WHERE lane_id = $1 AND fence = $2 AND holder = $3 AND expires_at > clock_timestamp() FOR UPDATE
"""
"""No row: the lease ran out, or is another's by now, and what came of the call counts for nothing."""

RELEASE_LEASE = """
UPDATE lane_lease SET holder = NULL, expires_at = NULL, next_attempt_at = $2, failures = $3, failed_reason = $4,
                      batch_limit = $5, blocked_at = $6 WHERE lane_id = $1
"""

END_ATTEMPT = "UPDATE attempt SET ended_at = $2, outcome = $3, reason = $4, answer = $5 WHERE id = $1"

LOCK_REMAINING = "SELECT id, sequence, digest FROM delivery WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
"""What of a batch is still to be delivered, locked in the order of ids as acknowledgements do."""

CONFIRM = """
WITH gone AS (DELETE FROM delivery WHERE id = ANY($1::uuid[]) RETURNING *)
INSERT INTO delivered (id, lane_id, exchange_id, digest, position, sequence, claimed_at, outcome, ended_at)
SELECT id, lane_id, exchange_id, digest, position, sequence, claimed_at, 'transport-confirmed', $2 FROM gone
"""

PARK = """
WITH gone AS (DELETE FROM delivery WHERE id = ANY($1::uuid[]) RETURNING *)
INSERT INTO dead_letter (id, lane_id, exchange_id, kid, digest, position, sequence, claimed_at, attempts, reason, parked_at)
SELECT id, lane_id, exchange_id, kid, digest, position, sequence, claimed_at, $2, $3, $4 FROM gone
"""
