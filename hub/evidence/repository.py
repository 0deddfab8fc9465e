"""All SQL of evidence, on raw connections, read in one snapshot."""

EXCHANGE = """
SELECT e.envelope, e.kid, e.resource_id, e.version, e.deliveries, coalesce(e.receipt, a.answer) AS receipt
FROM exchange e JOIN system s ON s.id = e.sender_id
LEFT JOIN acceptance a ON a.sender = s.code AND a.jti = e.jti AND a.message_id = e.id
WHERE e.id = $1
"""
"""After 24 months its receipt lies with the exchange, and its `jti` may belong to another message."""

SCHEMA = "SELECT schema FROM resource_version WHERE resource_id = $1 AND number = $2"

ENDED = """
SELECT d.id, l.consumer_id, d.projection_id, k.id AS acknowledgement, k.envelope
FROM delivered d JOIN lane l ON l.id = d.lane_id LEFT JOIN acknowledgement k ON k.id = d.acknowledgement
WHERE d.id = ANY($1::uuid[]) ORDER BY d.id
"""
"""Deliveries that their consumers have: acknowledged, or confirmed by the transport alone (then without a message)."""

SENT_BY = """
SELECT count(*) FROM delivered d JOIN exchange e ON e.id = d.exchange_id WHERE d.id = ANY($1::uuid[]) AND e.sender_id = $2
"""

PROJECTIONS_BYTES = "SELECT coalesce(sum(length(envelope)), 0)::bigint FROM projection WHERE id = ANY($1::uuid[])"

PROJECTIONS = "SELECT grant_id, envelope FROM projection WHERE id = ANY($1::uuid[])"

GRANTS_OF = """
SELECT g.id FROM access_grant g JOIN system s ON s.id = g.consumer_id WHERE g.id = ANY($1::uuid[]) AND s.code = $2
"""

CERTIFICATES = """
SELECT der FROM certificate WHERE kid = ANY($1::text[])
UNION ALL SELECT certificate FROM hub_key WHERE kid = ANY($1::text[]) AND certificate IS NOT NULL
"""

REVOKED = "SELECT serial, revoked_at, revocation_reason FROM certificate WHERE state = 'revoked' ORDER BY serial"

NEXT_LIST_NUMBER = "SELECT nextval('crl_number')"

_ENTRY = "SELECT l.leaf, s.leaf_index FROM log_entry l LEFT JOIN sealed_entry s ON s.id = l.id"

ACCEPTANCE = f"{_ENTRY} WHERE l.id = $1"
"""The entry of an exchange's acceptance has its id."""

ENTRIES_OF = f"""
{_ENTRY} WHERE l.object_type IN ('acknowledgement', 'certificate', 'grant') AND l.object_id = ANY($1::text[])
"""
