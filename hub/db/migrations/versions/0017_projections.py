"""Projections: what a narrowed grant lets out of an exchange, made and stored when the exchange is accepted.

Grants that were decided and waited for projections are suspended from now on: to resume one is an act of its own, which the
log has, while a migration gives nobody a right.
"""

import re

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

GRANTS = """
ALTER TABLE access_grant
    DROP CONSTRAINT access_grant_state_check,
    DROP CONSTRAINT access_grant_narrow_waits_check,
    DROP CONSTRAINT access_grant_only_narrow_waits_check;
UPDATE access_grant
SET state = 'suspended', state_reason = '批准时枢纽尚不能生成投影；现在可以恢复 / decided before projections could be made; resume it'
WHERE state = 'awaiting-projection';
ALTER TABLE access_grant ADD CONSTRAINT access_grant_state_check CHECK (state IN ('active', 'suspended', 'revoked'))
"""

PROJECTIONS = """
CREATE TABLE projection (
    id          uuid NOT NULL,
    exchange_id uuid NOT NULL,
    lane_id     uuid NOT NULL,
    grant_id    uuid NOT NULL,
    envelope    bytea NOT NULL,
    data_key_id integer NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE projection_default PARTITION OF projection DEFAULT;
ALTER TABLE delivery ADD COLUMN projection_id uuid;
ALTER TABLE delivered ADD COLUMN projection_id uuid;
ALTER TABLE dead_letter ADD COLUMN projection_id uuid;
ALTER TABLE correction ADD COLUMN original_pointers text[];
CREATE TYPE new_projection AS (
    id uuid, exchange_id uuid, lane_id uuid, grant_id uuid, kid text, digest bytea, envelope bytea
);
CREATE FUNCTION accept_batch(
    barrier bigint, acceptances new_acceptance[], exchanges new_exchange[], deliveries new_delivery[], entries new_entry[],
    projections new_projection[], OUT epoch bigint, OUT now timestamptz, OUT won uuid[]
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    -- The other function of this name does the rest; all is one transaction.
    SELECT a.epoch, a.now, a.won INTO STRICT epoch, now, won
    FROM accept_batch(barrier, acceptances, exchanges, deliveries, entries) AS a;
    INSERT INTO projection (id, exchange_id, lane_id, grant_id, envelope, data_key_id)
    SELECT p.id, p.exchange_id, p.lane_id, p.grant_id, p.envelope, 0
    FROM unnest(projections) AS p WHERE p.exchange_id = ANY (won);
    INSERT INTO delivery (id, lane_id, exchange_id, kid, digest, projection_id)
    SELECT p.id, p.lane_id, p.exchange_id, p.kid, p.digest, p.id
    FROM unnest(projections) AS p WHERE p.exchange_id = ANY (won);
END $$
"""


def upgrade() -> None:
    """Let narrowed grants live, and make the table of what leaves by them."""
    for block in (GRANTS, PROJECTIONS):
        for statement in re.split(r";\s*\n+(?=CREATE |UPDATE |ALTER )", block.strip()):
            op.execute(statement)
