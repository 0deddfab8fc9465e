"""Catalogues of others: harvested in stages, kept with what our people wrote on them."""

import re

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UPSTREAM = """
CREATE TABLE upstream_catalogue (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
    title      text NOT NULL CHECK (title <> ''),
    created_at timestamptz NOT NULL
);

CREATE TABLE harvest (
    id           uuid PRIMARY KEY,
    catalogue_id uuid NOT NULL REFERENCES upstream_catalogue (id),
    state        text NOT NULL CHECK (state IN ('gathering', 'applied', 'abandoned')),
    pages        integer NOT NULL CHECK (pages >= 0),
    is_complete  boolean NOT NULL,
    faults       jsonb NOT NULL,
    counts       jsonb,
    began_at     timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE UNIQUE INDEX harvest_one_open_idx ON harvest (catalogue_id) WHERE state = 'gathering';

CREATE TABLE harvest_entry (
    harvest_id uuid NOT NULL REFERENCES harvest (id),
    uri        text NOT NULL,
    said       jsonb NOT NULL,
    digest     text NOT NULL,
    PRIMARY KEY (harvest_id, uri)
);

CREATE TABLE upstream_resource (
    id            uuid PRIMARY KEY,
    catalogue_id  uuid NOT NULL REFERENCES upstream_catalogue (id),
    uri           text NOT NULL,
    said          jsonb NOT NULL,
    digest        text NOT NULL,
    edits         jsonb NOT NULL,
    edited_over   jsonb NOT NULL,
    edited_at     timestamptz,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    gone_at       timestamptz,
    UNIQUE (catalogue_id, uri)
);
"""


def upgrade() -> None:
    """Make the tables of harvesting."""
    for statement in re.split(r";\s*\n+(?=CREATE )", UPSTREAM.strip()):
        op.execute(statement)
