"""A grant may say what becomes of an item that cannot be delivered; where it does not, the push target says."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Grants that were given before leave it to the target, as until now."""
    op.execute("""
        ALTER TABLE access_grant
            ADD COLUMN policy text,
            ADD CONSTRAINT access_grant_policy_check CHECK (policy IN ('park', 'block')),
            ADD CONSTRAINT access_grant_policy_of_pushes_check CHECK (policy IS NULL OR mode = 'push')
    """)
