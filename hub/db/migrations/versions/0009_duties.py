"""Duties: rules that were set or used, what is owed by when, notices of a year's days off."""

import re

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE duty_rule (
    id         uuid PRIMARY KEY,
    duty       text NOT NULL,
    version    integer NOT NULL CHECK (version >= 1),
    code       text NOT NULL,
    origin     text NOT NULL CHECK (origin IN ('shipped', 'set')),
    terms      jsonb NOT NULL,
    digest     text NOT NULL,
    valid_from date NOT NULL,
    set_by     text NOT NULL,
    set_at     timestamptz NOT NULL,
    UNIQUE (duty, version)
);
CREATE UNIQUE INDEX duty_rule_shipped_idx ON duty_rule (code, digest) WHERE origin = 'shipped';

CREATE TABLE duty (
    id                     uuid PRIMARY KEY,
    rule_id                uuid NOT NULL REFERENCES duty_rule (id),
    duty                   text NOT NULL,
    subject_kind           text NOT NULL,
    subject_id             text NOT NULL,
    debtor_role            text NOT NULL CHECK (debtor_role IN (
        'authority', 'provider', 'consumer', 'operator', 'security', 'secrecy', 'auditor', 'supervisor', 'responsible')),
    debtor_organisation_id uuid REFERENCES organisation (id),
    debtor_staff_id        uuid,
    declared               boolean NOT NULL,
    anchored_at            timestamptz NOT NULL,
    first_due_at           timestamptz NOT NULL,
    due_at                 timestamptz NOT NULL,
    soon_at                timestamptz NOT NULL,
    provisional            boolean NOT NULL,
    extended_at            timestamptz,
    extended_amount        integer,
    extension_basis        text,
    state                  text NOT NULL CHECK (state IN ('open', 'done', 'cancelled')),
    closed_at              timestamptz,
    closed_by              text,
    closed_reason          text,
    created_at             timestamptz NOT NULL,
    CHECK (subject_kind <> '' AND subject_id <> ''),
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK ((extended_at IS NULL) = (extension_basis IS NULL)),
    CHECK ((extended_at IS NULL) = (extended_amount IS NULL))
);
CREATE UNIQUE INDEX duty_one_open_idx ON duty (subject_kind, subject_id, duty, debtor_organisation_id)
    NULLS NOT DISTINCT WHERE state = 'open';
CREATE INDEX duty_due_idx ON duty (due_at, id) WHERE state = 'open';

CREATE TABLE holiday_notice (
    id          uuid PRIMARY KEY,
    year        integer NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    version     integer NOT NULL CHECK (version >= 1),
    days_off    date[] NOT NULL,
    days_worked date[] NOT NULL,
    basis       text NOT NULL CHECK (basis <> ''),
    added_by    text NOT NULL,
    added_at    timestamptz NOT NULL,
    UNIQUE (year, version)
);

CREATE FUNCTION refuse_change_of_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a rule of duties and a notice of days off never change, a later one supersedes them'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER duty_rule_immutable BEFORE UPDATE OR DELETE ON duty_rule
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_rule();
CREATE TRIGGER holiday_notice_immutable BEFORE UPDATE OR DELETE ON holiday_notice
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_rule();
"""


def upgrade() -> None:
    """Make the tables; rules come from the profiles when they are first used."""
    for statement in re.split(r";\s*\n+(?=CREATE )", TABLES.strip()):
        op.execute(statement)
