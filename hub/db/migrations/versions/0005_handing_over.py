"""Deliveries that are handed over and wait for their acknowledgement; targets that hold them for the inbox, or have secrets."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns with defaults that leave what is there as it was."""
    op.execute("ALTER TABLE push_target ADD COLUMN holds boolean NOT NULL DEFAULT false, ADD COLUMN secrets bytea")
    op.execute(
        "ALTER TABLE lane_lease ADD COLUMN handed_over_at timestamptz, ADD COLUMN handed_over_last bigint,"
        " ADD CONSTRAINT lane_lease_handed_over_check CHECK ((handed_over_at IS NULL) = (handed_over_last IS NULL))"
    )
    op.execute("ALTER TABLE attempt DROP CONSTRAINT attempt_outcome_check")
    op.execute(
        "ALTER TABLE attempt ADD CONSTRAINT attempt_outcome_check CHECK"
        " (outcome IN ('transport-confirmed', 'acknowledged', 'handed-over', 'failed', 'expired'))"
    )
