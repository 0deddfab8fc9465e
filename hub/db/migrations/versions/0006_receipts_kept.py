"""Receipts outlive the 24 months for which a sender's `jti` counts: they move to their exchange, for its evidence."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column that the acceptance of an exchange leaves empty."""
    op.execute("ALTER TABLE exchange ADD COLUMN receipt bytea")
