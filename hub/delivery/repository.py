"""All SQL of the claim and its settlement, on raw connections; what pulls share with it is in `hub.ledger.repository`.

Rights are read from the tables themselves, in the statement after the barrier's: whoever holds the shared lock there sees
them as they are, and nobody can narrow them until it commits (I3). A worker so needs no picture of the registry.
"""

from hub.ledger import repository as ledger

DELIVERY_CHANNEL = "shuniu_delivery"
"""NOTIFY channel: a worker that hears it looks for lanes to push."""

_OPEN_LANES = """
FROM lane l
JOIN access_grant g ON g.lane_id = l.id AND g.state = 'active' AND g.valid_from <= {now} AND {now} < g.valid_to
JOIN system s ON s.id = l.consumer_id AND s.state = 'active'
JOIN organisation o ON o.id = s.organisation_id
JOIN resource r ON r.id = l.resource_id AND r.status = 'published'
JOIN push_target t ON t.system_id = s.id AND t.state = 'active' AND NOT t.holds
WHERE l.mode = 'push' AND EXISTS (
    SELECT FROM certificate c
    WHERE c.system_id = s.id AND c.state = 'active' AND c.not_before <= {now} AND {now} < c.not_after
)
"""
"""Lanes that may be pushed at that moment. A consumer without a valid certificate gets nothing, as in a pull.

Those of a target that holds are not among them: the inbox shows them.
"""

NARROWED_BY = "CASE WHEN g.items IS NOT NULL OR g.rows IS NOT NULL THEN g.id END"
"""SQL: the grant `g`, if it lets out less than the whole."""

_STOPPED = "ARRAY(SELECT kid FROM certificate WHERE revocation_reason = ANY($2::text[]))"

_RESTED = """
(e.next_attempt_at <= {now} OR e.handed_over_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM delivery w WHERE w.lane_id = e.lane_id AND w.sequence <= e.handed_over_last AND w.kid <> ALL({stopped})))
"""
"""The lane `e` need not wait: its rest is over, or nothing of what was handed over is left to be acknowledged."""

_NOW = "statement_timestamp()"

FIND_DUE = f"""
WITH stopped AS MATERIALIZED (SELECT {_STOPPED} AS kids),
open AS (
    SELECT consumer_id, count(*) AS lanes, count(*) FILTER (WHERE id = ANY($7::uuid[])) AS failing
    FROM lane WHERE id = ANY($1::uuid[]) GROUP BY consumer_id
),
due AS (
    SELECT l.id, l.consumer_id, coalesce(e.failures, 0) AS failures, coalesce(e.failures, 0) > 0 AS failing, e.claimed_at,
           coalesce(open.lanes, 0) AS open, coalesce(open.failing, 0) AS open_failing
    FROM (SELECT l.id, l.consumer_id, {NARROWED_BY} AS narrowed_by {_OPEN_LANES.format(now=_NOW)}) l
    LEFT JOIN lane_lease e ON e.lane_id = l.id LEFT JOIN open USING (consumer_id) CROSS JOIN stopped
    WHERE l.id <> ALL($1::uuid[]) AND l.id <> ALL($3::uuid[])
      AND (e.lane_id IS NULL
           OR e.paused_at IS NULL AND {_RESTED.format(now=_NOW, stopped="stopped.kids")}
              AND (e.holder IS NULL OR e.expires_at <= {_NOW}))
      AND (EXISTS (SELECT FROM (SELECT kid, projection_id FROM delivery WHERE lane_id = l.id AND sequence IS NULL LIMIT $9) d
                   WHERE d.kid <> ALL(stopped.kids) AND {ledger.may_leave("l.narrowed_by")})
           OR EXISTS (SELECT FROM delivery d
                      WHERE d.lane_id = l.id AND d.sequence IS NOT NULL AND d.kid <> ALL(stopped.kids)
                        AND {ledger.may_leave("l.narrowed_by")}))
), of_its_kind AS (
    SELECT *, row_number() OVER (PARTITION BY consumer_id, failing ORDER BY claimed_at NULLS FIRST, id) AS own FROM due
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY failing ORDER BY claimed_at NULLS FIRST, id) AS place
    FROM of_its_kind WHERE open + own <= $6 AND (NOT failing OR open_failing + own <= $8)
), shared AS (
    SELECT *, open + row_number() OVER (PARTITION BY consumer_id ORDER BY claimed_at NULLS FIRST, id) AS of_consumer
    FROM placed WHERE NOT failing OR place <= $5
)
SELECT id, failures FROM shared WHERE of_consumer <= $6 ORDER BY claimed_at NULLS FIRST, id LIMIT $4
"""  # noqa: S608
"""Lanes with something to push now, those that have waited longest first, whether they failed last time or not.

Left out are those that this process has open ($1, those that failed last time among them $7) or avoids ($3). At most $4, of
failing ones at most $5; of one consumer, with those that are open, at most $6, of failing ones $8. What one bound leaves out
takes nobody's share of another: failing lanes without a place do not keep their consumer's good ones out, and the surplus of
one consumer does not keep out another's. In each lane's queue it goes past at most $9 items whose signer is stopped, or past all
of them where that is NULL.
"""

LOCK_LANE = f"""
SELECT l.next_sequence, s.id AS consumer_id, s.code AS consumer, o.region, r.code AS resource, g.id AS grant_id,
       {NARROWED_BY} AS narrowed_by, t.adapter, t.settings, t.secrets, coalesce(g.policy, t.policy) AS policy, t.max_attempts, {_STOPPED} AS stopped
{_OPEN_LANES.format(now="$1")} AND l.id = $3
FOR NO KEY UPDATE OF l SKIP LOCKED
"""
"""`NO KEY`: a foreign key's share lock does not make the lane look taken."""

_MILLISECONDS = "(extract(epoch FROM $3::timestamptz) * 1000)::bigint"

TAKE_LEASE = f"""
INSERT INTO lane_lease AS e (lane_id, fence, holder, expires_at, claimed_at, next_attempt_at, failures, batch_limit)
VALUES ($1, {_MILLISECONDS}, $2, $4, $3, $3, 0, $5)
ON CONFLICT (lane_id) DO UPDATE
SET fence = greatest(e.fence + 1, {_MILLISECONDS}), holder = $2, expires_at = $4, claimed_at = $3
WHERE e.paused_at IS NULL AND {_RESTED.format(now="$3", stopped="$6::text[]")}
  AND (e.holder IS NULL OR e.expires_at <= $3)
RETURNING fence, batch_limit
"""  # noqa: S608
"""No row: somebody holds the lane, or it is paused, backing off or waiting for an acknowledgement.

A statement after the lane's lock, so it sees the latest.
"""

EXPIRE_ATTEMPTS = """
UPDATE attempt SET ended_at = $2, outcome = 'expired' WHERE lane_id = $1 AND ended_at IS NULL
"""

INSERT_ATTEMPT = """
INSERT INTO attempt (id, lane_id, fence, holder, first_sequence, count, started_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

HOLD_LEASE = """
SELECT failures, failed_reason, batch_limit, blocked_at, clock_timestamp() AS now FROM lane_lease
WHERE lane_id = $1 AND fence = $2 AND holder = $3 AND expires_at > clock_timestamp() FOR UPDATE
"""
"""No row: the lease ran out, or is another's by now, and what came of the call counts for nothing."""

RELEASE_LEASE = """
UPDATE lane_lease SET holder = NULL, expires_at = NULL, next_attempt_at = $2, failures = $3, failed_reason = $4,
                      batch_limit = $5, blocked_at = $6, handed_over_at = NULL, handed_over_last = NULL WHERE lane_id = $1
"""

HAND_OVER = """
UPDATE lane_lease SET holder = NULL, expires_at = NULL, next_attempt_at = $2, failures = 0, failed_reason = NULL,
                      batch_limit = $3, blocked_at = NULL, handed_over_at = $4, handed_over_last = $5 WHERE lane_id = $1
"""
"""Releases the lease of a lane that now waits for an acknowledgement, until $2 at the latest."""

AWAKEN_LANES = """
UPDATE lane_lease SET next_attempt_at = least(next_attempt_at, :now), handed_over_at = NULL, handed_over_last = NULL,
                      failures = 0, failed_reason = NULL, blocked_at = NULL
WHERE lane_id IN (SELECT id FROM lane WHERE consumer_id = :consumer)
"""
"""A new target is tried at once: what the lanes waited for, and what failed, was the old one's."""

END_RESTS = """
UPDATE lane_lease SET next_attempt_at = :now
WHERE next_attempt_at > :now AND handed_over_at IS NULL AND lane_id IN (SELECT id FROM lane WHERE consumer_id = :consumer)
"""
"""What was handed over is waited for all the same: its acknowledgement may be on the way."""

LANES_WITH_RIGHTS = f"SELECT l.id {_OPEN_LANES.format(now='CAST(:now AS timestamptz)')} AND l.id = ANY(:lanes)"

END_ATTEMPT = "UPDATE attempt SET ended_at = $2, outcome = $3, reason = $4, answer = $5 WHERE id = $1"

NOT_SENT = "no-place"
"""The reason that an attempt ends with which never left us, whatever word the adapter had for it."""

COUNT_ATTEMPTS = f"""
SELECT count(*) FROM (
    SELECT first_sequence FROM attempt WHERE lane_id = $1 AND outcome = 'failed' AND reason <> '{NOT_SENT}'
    ORDER BY fence DESC LIMIT $3
) AS latest WHERE first_sequence = $2
"""  # noqa: S608
"""How many of the lane's $3 latest failures began with the number $2; what was not sent did not fail."""

LOCK_REMAINING = "SELECT id, sequence, digest FROM delivery WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
"""What of a batch is still to be delivered, locked in the order of ids as acknowledgements do."""

CONFIRM = """
WITH gone AS (DELETE FROM delivery WHERE id = ANY($1::uuid[]) RETURNING *)
INSERT INTO delivered (id, lane_id, exchange_id, digest, position, sequence, claimed_at, projection_id, outcome, ended_at)
SELECT id, lane_id, exchange_id, digest, position, sequence, claimed_at, projection_id, 'transport-confirmed', $2 FROM gone
"""

PARK = """
WITH gone AS (DELETE FROM delivery WHERE id = ANY($1::uuid[]) RETURNING *)
INSERT INTO dead_letter (id, lane_id, exchange_id, kid, digest, position, sequence, claimed_at, projection_id,
                         attempts, reason, parked_at)
SELECT id, lane_id, exchange_id, kid, digest, position, sequence, claimed_at, projection_id, $2, $3, $4 FROM gone
"""
