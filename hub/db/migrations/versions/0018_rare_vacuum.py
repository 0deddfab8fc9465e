"""Tables that rows are only added to are vacuumed rarely: each minute of full load it cost a sixth of the machine."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# What new months have from the start (hub.db.partitions says why), for the tables and months that are there.
SETTINGS = """
DO $$
DECLARE
    grown regclass;
BEGIN
    FOR grown IN
        SELECT 'acceptance'::regclass UNION ALL SELECT 'sealed_entry'::regclass UNION ALL
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent = ANY ('{exchange,projection,delivered,acknowledgement,log_entry}'::regclass[])
    LOOP
        EXECUTE format(
            'ALTER TABLE %s SET (autovacuum_vacuum_insert_threshold = 10000000, autovacuum_analyze_scale_factor = 1)', grown
        );
    END LOOP;
END $$
"""


def upgrade() -> None:
    """Set them; who is at work on the tables is not held up."""
    op.execute(SETTINGS)
