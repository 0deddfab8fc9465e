"""All SQL of the path of a payload, on raw connections: here an ORM would cost ten times the work.

Every transaction that accepts, claims or answers opens with `OPEN_UNDER_BARRIER` and reads `READ_EPOCH` in its next
statement (I3): the shared lock waits for a change of rights that is being made, and the read after it sees the change.
"""

from hub.db.locks import REGISTRY_BARRIER

OPEN_UNDER_BARRIER = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock_shared({REGISTRY_BARRIER})"
"""Opens the transaction and takes the shared lock: one round trip, two statements."""

READ_EPOCH = "SELECT epoch, clock_timestamp() AS now FROM registry_epoch"
"""The epoch and the time, both as of after the lock: `now()` would be stale by the wait."""

INSERT_ACCEPTANCES = """
INSERT INTO acceptance (sender, jti, kind, digest, message_id, answer, accepted_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::uuid[], $6::bytea[], $7::timestamptz[])
ON CONFLICT (sender, jti) DO NOTHING
RETURNING message_id
"""

FIND_ACCEPTANCES = """
SELECT a.sender, a.jti, a.kind, a.digest, a.message_id, a.answer
FROM unnest($1::text[], $2::text[]) AS wanted (sender, jti) JOIN acceptance a USING (sender, jti)
"""

FIND_SENDER = """
SELECT a.sender FROM system s JOIN acceptance a ON a.sender = s.code AND a.jti = $1
JOIN exchange e ON e.id = a.message_id
WHERE e.resource_id = $2 ORDER BY (a.sender = $3) DESC, a.accepted_at DESC LIMIT 1
"""
"""Who sent the exchange of that `jti` and resource: $3 if it did, else who did last, for a resource may have had other publishers."""

ACCEPT_BATCH = "SELECT epoch, now, won FROM accept_batch($1, $2, $3, $4, $5)"
"""One call, one transaction, one round trip; its statements are in the migration that makes the function."""

ACCEPT_BATCH_WITH_PROJECTIONS = "SELECT epoch, now, won FROM accept_batch($1, $2, $3, $4, $5, $6)"
"""The same with the deliveries of narrowed grants and what they deliver."""


def may_leave(narrowed_by: str, delivery: str = "d") -> str:
    """SQL: the delivery `d`, or of another alias, may leave by its lane's grant, which `narrowed_by` names if it is narrowed, else NULL (I5).

    By a narrowed grant leaves what was made for that grant alone, whatever else its lane still holds from grants before it.
    """
    return f"({narrowed_by} IS NULL OR {narrowed_by} = (SELECT p.grant_id FROM projection p WHERE p.id = {delivery}.projection_id))"  # noqa: S608


LOCK_LANES_WITH_NEW = """
SELECT l.id, l.next_sequence FROM lane l
CROSS JOIN LATERAL (SELECT FROM delivery WHERE lane_id = l.id AND sequence IS NULL ORDER BY position LIMIT 1) waiting
WHERE l.id = ANY($1::uuid[])
ORDER BY l.id FOR NO KEY UPDATE OF l
"""
"""Only lanes with something to number are locked; `NO KEY` lets intake's foreign-key share locks pass."""

HEADS_NUMBERED = f"""
SELECT d.id, d.lane_id, d.exchange_id, d.digest, d.sequence
FROM unnest($1::uuid[], $4::uuid[]) AS lane (id, narrowed_by)
CROSS JOIN LATERAL (
    SELECT d.id, d.lane_id, d.exchange_id, d.digest, d.sequence FROM delivery d
    WHERE d.lane_id = lane.id AND d.sequence IS NOT NULL AND d.kid <> ALL($3::text[]) AND {may_leave("lane.narrowed_by")}
    ORDER BY d.sequence LIMIT $2
) d
"""  # noqa: S608

HEADS_NEW = f"""
SELECT d.id, d.lane_id, d.exchange_id, d.digest, d.position
FROM unnest($1::uuid[], $4::uuid[], $5::int[]) AS lane (id, narrowed_by, most_passed)
CROSS JOIN LATERAL (
    SELECT d.id, d.lane_id, d.exchange_id, d.digest, d.position FROM (
        SELECT * FROM delivery WHERE lane_id = lane.id AND sequence IS NULL ORDER BY position LIMIT $2 + lane.most_passed
    ) d
    WHERE d.kid <> ALL($3::text[]) AND {may_leave("lane.narrowed_by")}
    ORDER BY d.position LIMIT $2
) d
"""  # noqa: S608
"""Of each lane, what of its first $2 + `most_passed` items may leave; of all of them, where that is NULL."""

NUMBER_DELIVERIES = """
UPDATE delivery SET sequence = new.sequence, claimed_at = $3
FROM unnest($1::uuid[], $2::bigint[]) AS new (id, sequence) WHERE delivery.id = new.id
"""

ADVANCE_LANES = """
UPDATE lane SET next_sequence = new.next_sequence
FROM unnest($1::uuid[], $2::bigint[]) AS new (id, next_sequence) WHERE lane.id = new.id
"""

_DELIVERED_BYTES = "CASE WHEN d.projection_id IS NULL THEN e.envelope ELSE p.envelope END"
"""Of a delivery that has a projection, that alone: were it missing, nothing."""

_WITH_BYTES = """
FROM delivery d JOIN exchange e ON e.id = d.exchange_id LEFT JOIN projection p ON p.id = d.projection_id
WHERE d.id = ANY($1::uuid[])
"""

ENVELOPE_SIZES = f"SELECT d.id, octet_length({_DELIVERED_BYTES}) AS size {_WITH_BYTES}"

FETCH_ENVELOPES = f"SELECT d.id, {_DELIVERED_BYTES} AS envelope, e.version, e.accepted_at {_WITH_BYTES}"
"""By delivery, because what is delivered is not always what was sent."""

LOCK_DELIVERIES = """
SELECT d.id, d.digest, d.exchange_id, d.sequence, d.claimed_at FROM delivery d JOIN lane l ON l.id = d.lane_id
WHERE d.id = ANY($1::uuid[]) AND l.consumer_id = $2 AND d.sequence IS NOT NULL
ORDER BY d.id FOR UPDATE OF d
"""

FIND_DELIVERED = """
SELECT d.id, d.digest, d.exchange_id FROM delivered d JOIN lane l ON l.id = d.lane_id
WHERE d.id = ANY($1::uuid[]) AND l.consumer_id = $2
"""

MOVE_TO_DELIVERED = """
WITH gone AS (DELETE FROM delivery WHERE id = ANY($1::uuid[]) RETURNING *)
INSERT INTO delivered (id, lane_id, exchange_id, digest, position, sequence, claimed_at, projection_id,
                       outcome, acknowledgement, ended_at)
SELECT id, lane_id, exchange_id, digest, position, sequence, claimed_at, projection_id, 'acknowledged', $2, $3 FROM gone
"""

LOCK_LETTERS = """
SELECT d.id, d.digest, d.exchange_id FROM dead_letter d JOIN lane l ON l.id = d.lane_id
WHERE d.id = ANY($1::uuid[]) AND l.consumer_id = $2
ORDER BY d.lane_id, d.sequence FOR UPDATE OF d
"""
"""Parked deliveries, replayed or not: the receiver whose answers came too late may have them all the same. Locked in the order of a
replay."""

MOVE_LETTERS_TO_DELIVERED = """
WITH gone AS (DELETE FROM dead_letter WHERE id = ANY($1::uuid[]) RETURNING *)
INSERT INTO delivered (id, lane_id, exchange_id, digest, position, sequence, claimed_at, projection_id,
                       outcome, acknowledgement, ended_at)
SELECT id, lane_id, exchange_id, digest, position, sequence, claimed_at, projection_id, 'acknowledged', $2, $3 FROM gone
"""

SIGN_DELIVERED = """
UPDATE delivered SET outcome = 'acknowledged', acknowledgement = $2
WHERE id = ANY($1::uuid[]) AND outcome = 'transport-confirmed'
"""
"""What a push ended with a plain 2xx and its consumer acknowledges later with a signature."""

INSERT_ACKNOWLEDGEMENT = """
INSERT INTO acknowledgement (id, system_id, jti, digest, envelope, data_key_id, deliveries, received_at)
VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
"""

FIND_EXCHANGE = """
SELECT e.id, e.sender_id, e.jti, e.resource_id, e.version, e.digest, e.schema_digest, e.deliveries, e.accepted_at,
       s.code AS sender, r.code AS resource
FROM exchange e JOIN system s ON s.id = e.sender_id JOIN resource r ON r.id = e.resource_id WHERE e.id = $1
"""

FIND_DELIVERIES = """
SELECT d.id, l.consumer_id, s.code AS consumer, d.sequence, d.claimed_at, NULL::timestamptz AS ended_at,
       CASE WHEN d.sequence IS NULL THEN 'queued' ELSE 'claimed' END AS state, d.lane_id, d.projection_id
FROM delivery d JOIN lane l ON l.id = d.lane_id JOIN system s ON s.id = l.consumer_id WHERE d.id = ANY($1::uuid[])
UNION ALL
SELECT d.id, l.consumer_id, s.code, d.sequence, d.claimed_at, d.ended_at, d.outcome, d.lane_id, d.projection_id
FROM delivered d JOIN lane l ON l.id = d.lane_id JOIN system s ON s.id = l.consumer_id WHERE d.id = ANY($1::uuid[])
UNION ALL
SELECT d.id, l.consumer_id, s.code, d.sequence, d.claimed_at, d.parked_at,
       CASE WHEN d.replayed_as IS NULL THEN 'parked' ELSE 'replayed' END, d.lane_id, d.projection_id
FROM dead_letter d JOIN lane l ON l.id = d.lane_id JOIN system s ON s.id = l.consumer_id WHERE d.id = ANY($1::uuid[])
ORDER BY id
"""
