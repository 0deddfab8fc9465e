"""Evidence looks up the log's entries of acknowledgements, certificates and grants by what they are about."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index these few types only: acceptances, which are most entries, are found by their id."""
    op.execute(
        "CREATE INDEX log_entry_evidence_idx ON log_entry (object_id)"
        " WHERE object_type IN ('acknowledgement', 'certificate', 'grant')"
    )
