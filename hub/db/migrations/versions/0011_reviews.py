"""Notices to organisations."""

from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

NOTICES = (
    """
    CREATE TABLE notice (
        id              uuid PRIMARY KEY,
        organisation_id uuid NOT NULL REFERENCES organisation (id),
        kind            text NOT NULL CHECK (kind ~ '^[a-z][a-z-]*$'),
        subject         text NOT NULL CHECK (subject <> ''),
        details         jsonb NOT NULL,
        created_at      timestamptz NOT NULL,
        read_at         timestamptz
    )
    """,
    "CREATE INDEX notice_organisation_idx ON notice (organisation_id, id)",
    "CREATE INDEX notice_unread_idx ON notice (organisation_id, id) WHERE read_at IS NULL",
)


def upgrade() -> None:
    """Create the tables; none has rows yet."""
    for statement in NOTICES:
        op.execute(statement)
