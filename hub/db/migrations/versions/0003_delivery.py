"""Delivery that pushes: where to, each lane's lease and fence, the attempts, and what was parked."""

import re

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WIDER = """
ALTER TABLE lane DROP CONSTRAINT lane_mode_check;
ALTER TABLE lane ADD CONSTRAINT lane_mode_check CHECK (mode IN ('inbox', 'push'));
ALTER TABLE delivered DROP CONSTRAINT delivered_outcome_check;
ALTER TABLE delivered ALTER acknowledgement DROP NOT NULL;
ALTER TABLE delivered ADD CONSTRAINT delivered_outcome_check CHECK (outcome IN ('acknowledged', 'transport-confirmed'));
ALTER TABLE delivered ADD CONSTRAINT delivered_signed_check
    CHECK ((outcome = 'acknowledged') = (acknowledgement IS NOT NULL))
"""

DELIVERY = """
CREATE TABLE push_target (
    system_id    uuid PRIMARY KEY REFERENCES system (id),
    adapter      text NOT NULL CHECK (adapter ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    settings     jsonb NOT NULL,
    policy       text NOT NULL CHECK (policy IN ('park', 'block')),
    max_attempts integer NOT NULL CHECK (max_attempts BETWEEN 1 AND 100),
    state        text NOT NULL CHECK (state IN ('active', 'paused')),
    state_reason text,
    set_by       text NOT NULL CHECK (set_by <> ''),
    set_at       timestamptz NOT NULL,
    CHECK ((state = 'paused') = (state_reason IS NOT NULL))
);

CREATE TABLE lane_lease (
    lane_id         uuid PRIMARY KEY REFERENCES lane (id),
    fence           bigint NOT NULL CHECK (fence >= 0),
    holder          uuid,
    expires_at      timestamptz,
    claimed_at      timestamptz,
    next_attempt_at timestamptz NOT NULL,
    failures        integer NOT NULL CHECK (failures >= 0),
    failed_reason   text,
    batch_limit     integer NOT NULL CHECK (batch_limit >= 1),
    blocked_at      timestamptz,
    paused_at       timestamptz,
    paused_reason   text,
    CHECK ((holder IS NULL) = (expires_at IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_reason IS NULL)),
    CHECK ((failures = 0) = (failed_reason IS NULL))
) WITH (fillfactor = 50);

CREATE TABLE attempt (
    id             uuid PRIMARY KEY,
    lane_id        uuid NOT NULL,
    fence          bigint NOT NULL,
    holder         uuid NOT NULL,
    first_sequence bigint NOT NULL,
    count          integer NOT NULL CHECK (count >= 1),
    started_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    outcome        text CHECK (outcome IN ('transport-confirmed', 'acknowledged', 'failed', 'expired')),
    reason         text,
    answer         bytea CHECK (octet_length(answer) <= 512),
    UNIQUE (lane_id, fence),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX attempt_open_idx ON attempt (lane_id) WHERE ended_at IS NULL;

CREATE TABLE dead_letter (
    id          uuid PRIMARY KEY,
    lane_id     uuid NOT NULL,
    exchange_id uuid NOT NULL,
    kid         text NOT NULL,
    digest      bytea NOT NULL,
    position    bigint NOT NULL,
    sequence    bigint NOT NULL,
    claimed_at  timestamptz NOT NULL,
    attempts    integer NOT NULL CHECK (attempts >= 1),
    reason      text NOT NULL CHECK (reason <> ''),
    parked_at   timestamptz NOT NULL,
    replayed_as uuid UNIQUE,
    replayed_at timestamptz,
    CHECK ((replayed_as IS NULL) = (replayed_at IS NULL))
);
CREATE INDEX dead_letter_waiting_idx ON dead_letter (lane_id, sequence) WHERE replayed_as IS NULL;
"""


def upgrade() -> None:
    """Let lanes push and deliveries end without a signature, and make the tables of pushing."""
    for block in (WIDER, DELIVERY):
        for statement in re.split(r";\s*\n+(?=CREATE |INSERT |ALTER )", block.strip()):
            op.execute(statement)
