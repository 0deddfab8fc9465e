"""Workbooks that are imported into the catalogue: tried, and then written whole by whichever worker takes them up."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table; the workbooks are small and go with their row."""
    op.execute("""
        CREATE TABLE catalogue_import (
            id              uuid PRIMARY KEY,
            organisation_id uuid NOT NULL REFERENCES organisation (id),
            staff_id        uuid NOT NULL REFERENCES staff (id),
            actor           jsonb NOT NULL,
            file            bytea NOT NULL,
            file_digest     text NOT NULL CHECK (file_digest ~ '^sha-256:[0-9a-f]{64}$'),
            options         jsonb NOT NULL,
            state           text NOT NULL CHECK (
                state IN ('queued', 'judged', 'committing', 'committed', 'refused', 'cancelled', 'failed')),
            good_rows       boolean NOT NULL,
            done            integer NOT NULL,
            total           integer NOT NULL,
            counts          jsonb,
            faults          jsonb,
            notes           jsonb,
            workbook        bytea,
            reason          jsonb,
            attempts        integer NOT NULL,
            fence           bigint NOT NULL,
            leased_until    timestamptz,
            created_at      timestamptz NOT NULL,
            updated_at      timestamptz NOT NULL,
            CHECK ((state IN ('judged', 'committed')) <= (counts IS NOT NULL AND workbook IS NOT NULL)),
            CHECK ((state IN ('refused', 'failed')) = (reason IS NOT NULL))
        )
    """)
    op.execute("""
        CREATE INDEX catalogue_import_open_idx ON catalogue_import (created_at)
        WHERE state IN ('queued', 'committing')
    """)
