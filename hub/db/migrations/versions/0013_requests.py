"""Access requests with their steps and attachments, scope and frequency of grants, objections, corrections."""

import re

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

GRANTS = """
ALTER TABLE access_grant
    ADD COLUMN items text[],
    ADD COLUMN rows jsonb,
    ADD COLUMN renewal_reason text,
    ADD COLUMN frequency_average integer CHECK (frequency_average >= 0),
    ADD COLUMN frequency_peak integer,
    DROP CONSTRAINT access_grant_state_check,
    ADD CONSTRAINT access_grant_state_check CHECK (state IN ('active', 'suspended', 'revoked', 'awaiting-projection')),
    ADD CONSTRAINT access_grant_narrow_waits_check
        CHECK ((items IS NULL AND rows IS NULL) OR state IN ('awaiting-projection', 'revoked')),
    ADD CONSTRAINT access_grant_only_narrow_waits_check
        CHECK (state <> 'awaiting-projection' OR items IS NOT NULL OR rows IS NOT NULL),
    ADD CONSTRAINT access_grant_peak_check CHECK (frequency_peak >= frequency_average),
    ADD CONSTRAINT access_grant_frequency_check CHECK ((frequency_average IS NULL) = (frequency_peak IS NULL))
"""

TABLES = """
CREATE TABLE access_request (
    id                uuid PRIMARY KEY,
    consumer_id       uuid NOT NULL REFERENCES system (id),
    organisation_id   uuid NOT NULL REFERENCES organisation (id),
    resource_id       uuid NOT NULL REFERENCES resource (id),
    version           integer NOT NULL,
    applicant_id      uuid NOT NULL REFERENCES staff (id),
    reviewer_id       uuid REFERENCES staff (id),
    basis             text NOT NULL CHECK (basis <> ''),
    scene             text NOT NULL CHECK (scene <> ''),
    purpose           text NOT NULL CHECK (purpose <> ''),
    items             text[],
    rows              jsonb,
    mode              text NOT NULL CHECK (mode IN ('inbox', 'push')),
    valid_from        timestamptz NOT NULL,
    valid_to          timestamptz NOT NULL CHECK (valid_to > valid_from),
    frequency_average integer CHECK (frequency_average >= 0),
    frequency_peak    integer,
    state             text NOT NULL CHECK (state IN (
        'in-review', 'returned', 'with-provider', 'granted', 'refused', 'withdrawn')),
    refusal_code      smallint CHECK (refusal_code BETWEEN 1 AND 4),
    refusal_text      text,
    grant_id          uuid UNIQUE REFERENCES access_grant (id),
    first_sequence    bigint,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    closed_at         timestamptz,
    CHECK (frequency_peak >= frequency_average),
    CHECK ((frequency_average IS NULL) = (frequency_peak IS NULL)),
    CHECK ((state = 'refused') = (refusal_code IS NOT NULL AND refusal_text IS NOT NULL)),
    CHECK ((state = 'granted') = (grant_id IS NOT NULL AND first_sequence IS NOT NULL)),
    CHECK ((state IN ('in-review', 'returned', 'with-provider')) = (closed_at IS NULL))
);
CREATE UNIQUE INDEX access_request_one_live_idx ON access_request (consumer_id, resource_id, purpose, mode)
    WHERE state IN ('in-review', 'returned', 'with-provider');
CREATE INDEX access_request_organisation_idx ON access_request (organisation_id, id);
CREATE INDEX access_request_resource_idx ON access_request (resource_id, id);

CREATE TABLE access_request_step (
    request_id uuid NOT NULL REFERENCES access_request (id),
    number     integer NOT NULL CHECK (number >= 1),
    act        text NOT NULL CHECK (act IN (
        'submitted', 'resubmitted', 'returned', 'forwarded', 'granted', 'refused', 'withdrawn')),
    state      text NOT NULL,
    staff_id   uuid REFERENCES staff (id),
    role       text,
    opinion    text,
    at         timestamptz NOT NULL,
    PRIMARY KEY (request_id, number),
    CHECK ((staff_id IS NULL) = (role IS NULL))
);
CREATE FUNCTION refuse_change_of_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a step that was taken never changes' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER access_request_step_immutable BEFORE UPDATE OR DELETE ON access_request_step
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_step();

CREATE TABLE access_request_attachment (
    request_id uuid PRIMARY KEY REFERENCES access_request (id),
    name       text NOT NULL CHECK (name <> ''),
    media_type text NOT NULL,
    digest     text NOT NULL CHECK (digest ~ '^sha-256:[0-9a-f]{64}$'),
    content    bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 2097152),
    added_at   timestamptz NOT NULL
);

CREATE TABLE objection (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('catalogue', 'approval', 'quality', 'use')),
    detail          text CHECK (detail IN ('duration', 'opinion', 'response', 'data', 'other')),
    subject_kind    text NOT NULL CHECK (subject_kind IN ('resource', 'access-request', 'grant', 'exchange')),
    subject_id      uuid NOT NULL,
    resource_id     uuid NOT NULL REFERENCES resource (id),
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    staff_id        uuid NOT NULL REFERENCES staff (id),
    text            text NOT NULL CHECK (text <> ''),
    state           text NOT NULL CHECK (state IN ('submitted', 'handling', 'answered', 'rated', 'withdrawn')),
    answer          text,
    answered_by     uuid REFERENCES staff (id),
    answered_at     timestamptz,
    rating          smallint CHECK (rating BETWEEN 1 AND 5),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK ((kind = 'catalogue') = (detail IS NULL)),
    CHECK ((state IN ('answered', 'rated')) = (answer IS NOT NULL)),
    CHECK ((answer IS NULL) = (answered_by IS NULL) AND (answer IS NULL) = (answered_at IS NULL)),
    CHECK ((state = 'rated') = (rating IS NOT NULL))
);
CREATE INDEX objection_organisation_idx ON objection (organisation_id, id);
CREATE INDEX objection_resource_idx ON objection (resource_id, id);

CREATE TABLE correction (
    id              uuid PRIMARY KEY,
    exchange_id     uuid NOT NULL,
    resource_id     uuid NOT NULL REFERENCES resource (id),
    consumer_id     uuid NOT NULL REFERENCES system (id),
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    staff_id        uuid REFERENCES staff (id),
    pointers        text[] NOT NULL CHECK (cardinality(pointers) BETWEEN 1 AND 200),
    state           text NOT NULL CHECK (state IN ('submitted', 'verifying', 'corrected', 'rejected', 'withdrawn')),
    correcting_id   uuid,
    reason          text,
    answered_by     uuid REFERENCES staff (id),
    answered_at     timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK ((state = 'corrected') = (correcting_id IS NOT NULL)),
    CHECK ((state = 'rejected') = (reason IS NOT NULL)),
    CHECK ((state IN ('corrected', 'rejected')) = (answered_by IS NOT NULL)),
    CHECK ((answered_by IS NULL) = (answered_at IS NULL))
);
CREATE UNIQUE INDEX correction_one_open_idx ON correction (exchange_id, consumer_id)
    WHERE state IN ('submitted', 'verifying');
CREATE INDEX correction_organisation_idx ON correction (organisation_id, id);
CREATE INDEX correction_resource_idx ON correction (resource_id, id);

CREATE TABLE correction_claim (
    correction_id uuid PRIMARY KEY REFERENCES correction (id),
    believed      text NOT NULL CHECK (believed <> '')
);
"""


def upgrade() -> None:
    """Make the tables; grants that were given before leave nothing out and expect no frequency."""
    op.execute(GRANTS)
    for statement in re.split(r";\s*\n+(?=CREATE )", TABLES.strip()):
        op.execute(statement)
