"""Lists of the policy documents: suspensions of powers, publications of lists, and what sub-sites have loaded of them."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = (
    """
CREATE TABLE power_suspension (
    id                uuid PRIMARY KEY,
    resource_id       uuid NOT NULL REFERENCES resource (id),
    power_code        text NOT NULL CHECK (power_code <> ''),
    ground            text NOT NULL CHECK (ground IN ('never-exercised', 'no-case-for-three-years', 'periodic', 'other')),
    reason            text,
    state             text NOT NULL
                      CHECK (state IN ('applied', 'refused', 'suspended', 'resuming', 'confirmed', 'restored')),
    applied_by        uuid NOT NULL,
    applied_at        timestamptz NOT NULL,
    decided_by        uuid,
    decided_at        timestamptz,
    document          text,
    refusal           text,
    suspended_in      uuid,
    resumption_reason text,
    resumption_by     uuid,
    resumption_at     timestamptz,
    confirmed_by      uuid,
    confirmed_at      timestamptz,
    confirmation      text,
    restored_in       uuid,
    restored_at       timestamptz,
    CHECK (ground <> 'other' OR reason IS NOT NULL),
    CHECK ((state IN ('applied', 'refused')) = (document IS NULL)),
    CHECK ((state IN ('confirmed', 'restored')) = (confirmation IS NOT NULL)),
    CHECK ((state = 'restored') = (restored_in IS NOT NULL))
)
""",
    """
CREATE UNIQUE INDEX power_suspension_one_open_idx ON power_suspension (resource_id, power_code)
    WHERE state NOT IN ('refused', 'restored')
""",
    """
CREATE TABLE list_publication (
    id          uuid PRIMARY KEY,
    resource_id uuid NOT NULL REFERENCES resource (id),
    number      integer NOT NULL CHECK (number >= 1),
    kind        text NOT NULL CHECK (kind IN ('whole', 'change')),
    explanation text,
    occurred_on date NOT NULL,
    period_from date NOT NULL,
    period_to   date,
    exchange_id uuid,
    declared_by uuid NOT NULL,
    declared_at timestamptz NOT NULL,
    UNIQUE (resource_id, number),
    CHECK (number > 1 OR kind = 'whole'),
    CHECK (number = 1 OR explanation IS NOT NULL),
    CHECK (period_to > period_from)
)
""",
    """
CREATE TABLE list_loading (
    publication_id uuid NOT NULL REFERENCES list_publication (id),
    system_id      uuid NOT NULL REFERENCES system (id),
    loaded_at      timestamptz NOT NULL,
    online_at      timestamptz,
    url            text,
    PRIMARY KEY (publication_id, system_id),
    CHECK ((online_at IS NULL) = (url IS NULL))
)
""",
)


def upgrade() -> None:
    """New tables; what is there stays as it was."""
    for statement in TABLES:
        op.execute(statement)
