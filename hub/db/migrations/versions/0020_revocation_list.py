"""The revocation list as it is handed out: every gateway gives the same one, so that numbers and times never go back."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table that is empty until somebody asks for the list."""
    op.execute("""
CREATE TABLE revocation_list (
    issuing text PRIMARY KEY,
    epoch bigint NOT NULL,
    number bigint NOT NULL,
    made_at timestamptz NOT NULL,
    entries_digest bytea NOT NULL,
    der bytea NOT NULL
)
""")
