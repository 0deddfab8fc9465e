"""Sealing of the sharing log: what waits to be sealed, where each entry came to lie, the tiles of the tree, its head."""

import re

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SEALING = """
CREATE TABLE log_pending (
    id        uuid NOT NULL,
    leaf_hash bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE FUNCTION queue_for_sealing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_pending (id, leaf_hash) SELECT id, leaf_hash FROM new;
    RETURN NULL;
END $$;
CREATE TRIGGER log_entry_queued AFTER INSERT ON log_entry
    REFERENCING NEW TABLE AS new FOR EACH STATEMENT EXECUTE FUNCTION queue_for_sealing();
INSERT INTO log_pending (id, leaf_hash) SELECT id, leaf_hash FROM log_entry;

ALTER TABLE log_entry DROP COLUMN leaf_index;

CREATE OR REPLACE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the sharing log only grows' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TABLE sealed_entry (
    leaf_index bigint PRIMARY KEY CHECK (leaf_index >= 0),
    id         uuid NOT NULL UNIQUE
);
CREATE TRIGGER sealed_entry_append_only BEFORE UPDATE OR DELETE ON sealed_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_log();

CREATE TABLE log_tile (
    level  smallint NOT NULL CHECK (level >= 0),
    index  bigint NOT NULL CHECK (index >= 0),
    hashes bytea NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0),
    PRIMARY KEY (level, index)
);
ALTER TABLE log_tile ALTER hashes SET STORAGE EXTERNAL;
CREATE FUNCTION let_tiles_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR substring(NEW.hashes FOR octet_length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION 'the tiles of the sharing log only grow' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER log_tile_append_only BEFORE UPDATE OR DELETE ON log_tile
    FOR EACH ROW EXECUTE FUNCTION let_tiles_only_grow();

CREATE TABLE tree_head (
    singleton       boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    size            bigint NOT NULL CHECK (size >= 0),
    root            bytea NOT NULL CHECK (octet_length(root) = 32),
    sealed_at       timestamptz NOT NULL,
    checkpoint_size bigint NOT NULL CHECK (checkpoint_size <= size),
    checkpoint      text,
    CHECK (checkpoint IS NOT NULL OR checkpoint_size = 0)
);
INSERT INTO tree_head (size, root, sealed_at, checkpoint_size) VALUES (0, sha256(''), now(), 0);
CREATE FUNCTION let_head_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.size < OLD.size OR NEW.checkpoint_size < OLD.checkpoint_size
        OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
    THEN
        RAISE EXCEPTION 'the head of the sharing log only grows' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tree_head_only_grows BEFORE UPDATE OR DELETE ON tree_head
    FOR EACH ROW EXECUTE FUNCTION let_head_only_grow();
"""

NEVER_EMPTIED = ("log_entry", "log_entry_default", "log_pending", "sealed_entry", "log_tile", "tree_head")
"""TRUNCATE passes by the triggers for rows. Partitions that are made later get theirs as they are made."""


def upgrade() -> None:
    """Have everything that comes queued by the database itself, and then queue what is in the log already.

    In this order: making the trigger waits for those who are writing and holds the next ones up until all is committed.
    """
    for statement in re.split(r";\s*\n+(?=CREATE |INSERT |ALTER )", SEALING.strip()):
        op.execute(statement)
    for table in NEVER_EMPTIED:
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_log()"
        )
