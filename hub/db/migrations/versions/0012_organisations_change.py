"""Organisations change: they are renamed and end, with a history of what moved; responsible people per organisation."""

import re

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ORGANISATIONS = """
ALTER TABLE organisation
    ADD COLUMN state    text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'ended')),
    ADD COLUMN ended_at timestamptz,
    ADD CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    DROP CONSTRAINT organisation_region_name_key;
CREATE UNIQUE INDEX organisation_name_taken_idx ON organisation (region, name) WHERE state = 'active';

CREATE TABLE organisation_name (
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    valid_from      timestamptz NOT NULL,
    name            text NOT NULL CHECK (name <> ''),
    name_en         text NOT NULL DEFAULT '',
    code            text CHECK (code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
    PRIMARY KEY (organisation_id, valid_from)
);
CREATE INDEX organisation_name_code_idx ON organisation_name (code);
INSERT INTO organisation_name (organisation_id, valid_from, name, name_en, code)
    SELECT id, created_at, name, name_en, code FROM organisation;
"""

PEOPLE = """
CREATE TABLE responsible_person (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    role            text NOT NULL CHECK (role IN ('leader', 'section', 'dedicated', 'liaison')),
    name            text NOT NULL CHECK (name <> ''),
    phone           text,
    staff_id        uuid REFERENCES staff (id),
    valid_from      date NOT NULL,
    valid_to        date CHECK (valid_to >= valid_from),
    follows         uuid UNIQUE REFERENCES responsible_person (id),
    note            text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE INDEX responsible_person_organisation_idx ON responsible_person (organisation_id);
CREATE UNIQUE INDEX responsible_person_one_idx ON responsible_person (organisation_id, role)
    WHERE valid_to IS NULL AND role <> 'dedicated';
"""

CHANGES = """
CREATE TABLE organisation_change (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('renaming', 'merger', 'split', 'transfer', 'abolition')),
    basis        text NOT NULL CHECK (basis <> ''),
    effective_on date NOT NULL,
    request      jsonb NOT NULL,
    plan_digest  text NOT NULL CHECK (plan_digest ~ '^sha-256:[0-9a-f]{64}$'),
    state        text NOT NULL CHECK (state IN ('proposed', 'confirmed', 'refused', 'withdrawn')),
    state_reason text,
    proposed_by  uuid NOT NULL REFERENCES staff (id),
    proposed_at  timestamptz NOT NULL,
    decided_by   uuid REFERENCES staff (id),
    decided_at   timestamptz,
    CHECK ((state = 'proposed') = (decided_at IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK (state <> 'confirmed' OR decided_by <> proposed_by)
);

CREATE TABLE organisation_change_party (
    change_id       uuid NOT NULL REFERENCES organisation_change (id),
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    side            text NOT NULL CHECK (side IN ('from', 'to')),
    ends            boolean NOT NULL CHECK (side = 'from' OR NOT ends),
    PRIMARY KEY (change_id, organisation_id, side)
);
CREATE INDEX organisation_change_party_organisation_idx ON organisation_change_party (organisation_id);

CREATE TABLE organisation_change_move (
    change_id uuid NOT NULL REFERENCES organisation_change (id),
    number    integer NOT NULL CHECK (number >= 1),
    what      text NOT NULL CHECK (what IN ('organisation', 'system', 'certificate', 'resource', 'grant-given', 'grant-held',
                                            'staff', 'person')),
    object_id text NOT NULL,
    from_id   uuid NOT NULL REFERENCES organisation (id),
    to_id     uuid REFERENCES organisation (id),
    before    text,
    after     text,
    PRIMARY KEY (change_id, number)
);
CREATE INDEX organisation_change_move_object_idx ON organisation_change_move (what, object_id);
"""


def upgrade() -> None:
    """Bodies that are registered already are active, under the name they have, from the day they were registered."""
    for block in (ORGANISATIONS, PEOPLE, CHANGES):
        for statement in re.split(r";\s*\n+(?=CREATE |INSERT |ALTER )", block.strip()):
            op.execute(statement)
