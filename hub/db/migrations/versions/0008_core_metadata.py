"""Core metadata belong to a version, so that the published ones stay live while their successor is edited (I7)."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give every version what its resource says now: until this migration it said the same in all of them."""
    op.execute("ALTER TABLE resource_version ADD COLUMN metadata jsonb")
    op.execute("""
        UPDATE resource_version v SET metadata = jsonb_strip_nulls(jsonb_build_object(
            'name', r.name, 'summary', r.summary, 'share_type', r.share_type, 'share_condition', r.share_condition,
            'no_share_basis', r.no_share_basis, 'update_cycle', r.update_cycle,
            'is_example', CASE WHEN r.is_example THEN true END))
        FROM resource r WHERE r.id = v.resource_id
    """)
    op.execute("ALTER TABLE resource_version ALTER COLUMN metadata SET NOT NULL")
    op.execute("""
        CREATE OR REPLACE FUNCTION refuse_change_of_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.published_at IS NOT NULL AND (
                NEW.metadata <> OLD.metadata
                OR NEW.items <> OLD.items OR NEW.schema <> OLD.schema OR NEW.schema_digest <> OLD.schema_digest
                OR NEW.resource_id <> OLD.resource_id OR NEW.number <> OLD.number
                OR NEW.published_at IS DISTINCT FROM OLD.published_at
            ) THEN
                RAISE EXCEPTION 'a published version never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
