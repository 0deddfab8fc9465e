"""Which pages a harvest has had, and which of others they name: one that is missing would look like deletions."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Harvests that are under way begin with no page known; what they staged stays, and their pages are given once more."""
    op.execute("ALTER TABLE harvest ADD COLUMN links jsonb NOT NULL DEFAULT '{}'")
    op.execute("UPDATE harvest SET is_complete = false WHERE state = 'gathering'")
