"""The core: registry, catalogue, grants, the path of a payload, the log, staff."""

import re

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REGISTRY = """
CREATE TABLE registry_epoch (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch     bigint  NOT NULL
);
INSERT INTO registry_epoch (epoch) VALUES (1);

CREATE TABLE organisation (
    id         uuid PRIMARY KEY,
    code       text UNIQUE CHECK (code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
    name       text NOT NULL CHECK (name <> ''),
    name_en    text NOT NULL DEFAULT '',
    region     text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    parent_id  uuid REFERENCES organisation (id),
    is_example boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    UNIQUE (region, name),
    CHECK (code IS NOT NULL OR parent_id IS NOT NULL)
);

CREATE TABLE system (
    id              uuid PRIMARY KEY,
    code            text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    name            text NOT NULL CHECK (name <> ''),
    name_en         text NOT NULL DEFAULT '',
    state           text NOT NULL CHECK (state IN ('active', 'suspended', 'retired')),
    state_reason    text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

CREATE TABLE certificate (
    kid               text PRIMARY KEY CHECK (kid ~ '^[A-Za-z0-9_-]{43}$'),
    system_id         uuid NOT NULL REFERENCES system (id),
    der               bytea NOT NULL,
    serial            text NOT NULL UNIQUE,
    subject           text NOT NULL,
    algorithm         text NOT NULL CHECK (algorithm IN ('ES256', 'EdDSA', 'SM2')),
    not_before        timestamptz NOT NULL,
    not_after         timestamptz NOT NULL CHECK (not_after > not_before),
    state             text NOT NULL CHECK (state IN ('active', 'revoked')),
    revoked_at        timestamptz,
    revocation_reason text,
    issued_at         timestamptz NOT NULL,
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL AND revocation_reason IS NOT NULL))
);
CREATE INDEX certificate_system_idx ON certificate (system_id);

CREATE SEQUENCE crl_number;

CREATE TABLE hub_key (
    kid         text PRIMARY KEY,
    purpose     text NOT NULL CHECK (purpose IN ('root', 'issuing', 'receipt', 'projection', 'push', 'token', 'log')),
    algorithm   text NOT NULL,
    wrapped_key bytea NOT NULL,
    certificate bytea,
    state       text NOT NULL CHECK (state IN ('active', 'retired')),
    created_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX hub_key_active_idx ON hub_key (purpose) WHERE state = 'active';
"""

CATALOGUE = """
CREATE TABLE resource_code_counter (
    prefix text PRIMARY KEY,
    last   bigint NOT NULL CHECK (last >= 0)
);

CREATE TABLE resource (
    id              uuid PRIMARY KEY,
    code            text NOT NULL UNIQUE CHECK (code ~ '^[123][0-9]{5}[0-9A-Za-z]*/[0-9]+$'),
    name            text NOT NULL CHECK (name <> ''),
    summary         text NOT NULL,
    provider_id     uuid NOT NULL REFERENCES organisation (id),
    system_id       uuid NOT NULL REFERENCES system (id),
    share_type      smallint NOT NULL CHECK (share_type BETWEEN 1 AND 3),
    share_condition text,
    no_share_basis  text,
    update_cycle    smallint NOT NULL,
    status          text NOT NULL CHECK (status IN ('draft', 'submitted', 'published', 'suspended', 'withdrawn')),
    status_reason   text,
    live_version    integer,
    is_example      boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE INDEX resource_provider_idx ON resource (provider_id);

CREATE TABLE resource_version (
    resource_id   uuid NOT NULL REFERENCES resource (id),
    number        integer NOT NULL CHECK (number >= 1),
    items         jsonb NOT NULL,
    schema        jsonb NOT NULL,
    schema_digest text NOT NULL CHECK (schema_digest ~ '^sha-256:[0-9a-f]{64}$'),
    state         text NOT NULL CHECK (state IN ('draft', 'submitted', 'published', 'ended')),
    created_at    timestamptz NOT NULL,
    submitted_at  timestamptz,
    published_at  timestamptz,
    ended_at      timestamptz,
    PRIMARY KEY (resource_id, number)
);

CREATE FUNCTION refuse_change_of_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.published_at IS NOT NULL AND (
        NEW.items <> OLD.items OR NEW.schema <> OLD.schema OR NEW.schema_digest <> OLD.schema_digest
        OR NEW.resource_id <> OLD.resource_id OR NEW.number <> OLD.number
        OR NEW.published_at IS DISTINCT FROM OLD.published_at
    ) THEN
        RAISE EXCEPTION 'a published version never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER resource_version_immutable BEFORE UPDATE OR DELETE ON resource_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published_version();
"""

GRANTS = """
CREATE TABLE lane (
    id            uuid PRIMARY KEY,
    consumer_id   uuid NOT NULL REFERENCES system (id),
    resource_id   uuid NOT NULL REFERENCES resource (id),
    purpose       text NOT NULL CHECK (purpose <> ''),
    mode          text NOT NULL CHECK (mode IN ('inbox')),
    next_sequence bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    UNIQUE (consumer_id, resource_id, purpose, mode)
) WITH (fillfactor = 50);

CREATE FUNCTION refuse_removal_of_lane() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a lane stays: deliveries name it' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER lane_stays BEFORE DELETE OR UPDATE OF id ON lane
    FOR EACH ROW EXECUTE FUNCTION refuse_removal_of_lane();

CREATE TABLE access_grant (
    id           uuid PRIMARY KEY,
    lane_id      uuid NOT NULL REFERENCES lane (id),
    consumer_id  uuid NOT NULL REFERENCES system (id),
    resource_id  uuid NOT NULL REFERENCES resource (id),
    purpose      text NOT NULL,
    basis        text NOT NULL CHECK (basis <> ''),
    mode         text NOT NULL,
    valid_from   timestamptz NOT NULL,
    valid_to     timestamptz NOT NULL CHECK (valid_to > valid_from),
    state        text NOT NULL CHECK (state IN ('active', 'suspended', 'revoked')),
    state_reason text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX access_grant_one_live_idx ON access_grant (consumer_id, resource_id, purpose, mode)
    WHERE state <> 'revoked';
CREATE INDEX access_grant_resource_idx ON access_grant (resource_id);
CREATE INDEX access_grant_lane_idx ON access_grant (lane_id);

CREATE TABLE grant_version (
    grant_id      uuid NOT NULL REFERENCES access_grant (id),
    version       integer NOT NULL CHECK (version >= 1),
    schema_digest text NOT NULL,
    PRIMARY KEY (grant_id, version)
);
"""

LEDGER = """
CREATE TABLE data_key (
    id         integer PRIMARY KEY,
    scheme     text NOT NULL CHECK (scheme IN ('none')),
    state      text NOT NULL CHECK (state IN ('active', 'destroyed')),
    created_at timestamptz NOT NULL
);
INSERT INTO data_key (id, scheme, state, created_at) VALUES (0, 'none', 'active', now());

CREATE TABLE acceptance (
    sender      text NOT NULL,
    jti         text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('exchange', 'ack')),
    digest      bytea NOT NULL CHECK (octet_length(digest) = 32),
    message_id  uuid NOT NULL,
    answer      bytea NOT NULL,
    accepted_at timestamptz NOT NULL,
    PRIMARY KEY (sender, jti)
);
CREATE INDEX acceptance_accepted_at_idx ON acceptance USING brin (accepted_at);

CREATE TABLE exchange (
    id            uuid NOT NULL,
    sender_id     uuid NOT NULL,
    jti           text NOT NULL,
    resource_id   uuid NOT NULL,
    version       integer NOT NULL,
    digest        bytea NOT NULL,
    schema_digest bytea NOT NULL,
    kid           text NOT NULL,
    envelope      bytea NOT NULL,
    data_key_id   integer NOT NULL,
    deliveries    uuid[] NOT NULL,
    epoch         bigint NOT NULL,
    accepted_at   timestamptz NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
ALTER TABLE exchange ALTER envelope SET STORAGE EXTERNAL;
CREATE TABLE exchange_default PARTITION OF exchange DEFAULT;

CREATE SEQUENCE delivery_position CACHE 1;

CREATE TABLE delivery (
    id          uuid PRIMARY KEY,
    lane_id     uuid NOT NULL,
    exchange_id uuid NOT NULL,
    kid         text NOT NULL,
    digest      bytea NOT NULL,
    position    bigint NOT NULL DEFAULT nextval('delivery_position'),
    sequence    bigint,
    claimed_at  timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER SEQUENCE delivery_position OWNED BY delivery.position;
CREATE INDEX delivery_queue_idx ON delivery (lane_id, position) WHERE sequence IS NULL;
CREATE UNIQUE INDEX delivery_sequence_idx ON delivery (lane_id, sequence) WHERE sequence IS NOT NULL;

CREATE TABLE delivered (
    id              uuid NOT NULL,
    lane_id         uuid NOT NULL,
    exchange_id     uuid NOT NULL,
    digest          bytea NOT NULL,
    position        bigint NOT NULL,
    sequence        bigint NOT NULL,
    claimed_at      timestamptz NOT NULL,
    outcome         text NOT NULL CHECK (outcome IN ('acknowledged')),
    acknowledgement uuid NOT NULL,
    ended_at        timestamptz NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE delivered_default PARTITION OF delivered DEFAULT;

CREATE TABLE acknowledgement (
    id          uuid NOT NULL,
    system_id   uuid NOT NULL,
    jti         text NOT NULL,
    digest      bytea NOT NULL,
    envelope    bytea NOT NULL,
    data_key_id integer NOT NULL,
    deliveries  integer NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE acknowledgement_default PARTITION OF acknowledgement DEFAULT;
"""

LOG = """
CREATE TABLE log_entry (
    id          uuid NOT NULL,
    event       text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('success', 'fail')),
    actor       text NOT NULL,
    object_type text NOT NULL,
    object_id   text NOT NULL,
    occurred_at timestamptz NOT NULL,
    leaf        bytea NOT NULL,
    leaf_hash   bytea NOT NULL CHECK (octet_length(leaf_hash) = 32),
    openings    jsonb,
    leaf_index  bigint,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE log_entry_default PARTITION OF log_entry DEFAULT;
CREATE INDEX log_entry_unsealed_idx ON log_entry (id) WHERE leaf_index IS NULL;

CREATE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.leaf_index IS NULL
        AND (NEW.id, NEW.leaf, NEW.leaf_hash, NEW.occurred_at, NEW.event, NEW.outcome, NEW.actor, NEW.object_type, NEW.object_id)
          = (OLD.id, OLD.leaf, OLD.leaf_hash, OLD.occurred_at, OLD.event, OLD.outcome, OLD.actor, OLD.object_type, OLD.object_id)
        AND NEW.openings IS NOT DISTINCT FROM OLD.openings
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the sharing log only grows' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER log_entry_append_only BEFORE UPDATE OR DELETE ON log_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_log();

CREATE TYPE new_acceptance AS (
    id uuid, sender text, jti text, digest bytea, receipt bytea, accepted_at timestamptz, epoch bigint, until timestamptz
);
CREATE TYPE new_exchange AS (
    id uuid, sender_id uuid, jti text, resource_id uuid, version integer, digest bytea, schema_digest bytea, kid text,
    envelope bytea, deliveries uuid[], epoch bigint, accepted_at timestamptz
);
CREATE TYPE new_delivery AS (id uuid, lane_id uuid, exchange_id uuid, kid text, digest bytea);
CREATE TYPE new_entry AS (
    id uuid, actor text, occurred_at timestamptz, leaf bytea, leaf_hash bytea, openings jsonb
);

CREATE FUNCTION accept_batch(
    barrier bigint, acceptances new_acceptance[], exchanges new_exchange[], deliveries new_delivery[], entries new_entry[],
    OUT epoch bigint, OUT now timestamptz, OUT won uuid[]
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    -- Each statement below has a snapshot of its own (VOLATILE, READ COMMITTED): the epoch is read after the lock.
    PERFORM pg_advisory_xact_lock_shared(barrier);
    SELECT e.epoch, clock_timestamp() INTO STRICT epoch, now FROM registry_epoch e;
    WITH new AS (
        INSERT INTO acceptance (sender, jti, kind, digest, message_id, answer, accepted_at)
        SELECT a.sender, a.jti, 'exchange', a.digest, a.id, a.receipt, a.accepted_at FROM unnest(acceptances) AS a
        WHERE a.epoch = accept_batch.epoch AND a.until > accept_batch.now
        ORDER BY a.sender, a.jti
        ON CONFLICT (sender, jti) DO NOTHING
        RETURNING message_id
    )
    SELECT coalesce(array_agg(message_id), '{}') INTO won FROM new;
    IF won = '{}' THEN
        RETURN;
    END IF;
    INSERT INTO exchange (id, sender_id, jti, resource_id, version, digest, schema_digest, kid, envelope, data_key_id,
                          deliveries, epoch, accepted_at)
    SELECT e.id, e.sender_id, e.jti, e.resource_id, e.version, e.digest, e.schema_digest, e.kid, e.envelope, 0,
           e.deliveries, e.epoch, e.accepted_at
    FROM unnest(exchanges) AS e WHERE e.id = ANY (won);
    INSERT INTO delivery (id, lane_id, exchange_id, kid, digest)
    SELECT d.id, d.lane_id, d.exchange_id, d.kid, d.digest
    FROM unnest(deliveries) AS d WHERE d.exchange_id = ANY (won);
    INSERT INTO log_entry (id, event, outcome, actor, object_type, object_id, occurred_at, leaf, leaf_hash, openings)
    SELECT l.id, 'exchange.accepted', 'success', l.actor, 'exchange', l.id::text, l.occurred_at, l.leaf, l.leaf_hash,
           l.openings
    FROM unnest(entries) AS l WHERE l.id = ANY (won);
END $$;

CREATE TABLE refusal_count (
    minute  timestamptz NOT NULL,
    cause   text NOT NULL,
    address text NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (minute, cause, address)
);
"""

STAFF = """
CREATE TABLE staff (
    id                  uuid PRIMARY KEY,
    login               text NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
    display_name        text NOT NULL,
    organisation_id     uuid REFERENCES organisation (id),
    state               text NOT NULL CHECK (state IN ('proposed', 'active', 'disabled')),
    password_hash       text,
    password_changed_at timestamptz,
    must_change         boolean NOT NULL DEFAULT true,
    wrapped_totp        bytea,
    totp_last_step      bigint,
    failed_attempts     integer NOT NULL DEFAULT 0,
    locked_until        timestamptz,
    proposed_by         uuid REFERENCES staff (id),
    approved_by         uuid REFERENCES staff (id),
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL
);

CREATE TABLE staff_role (
    staff_id uuid NOT NULL REFERENCES staff (id),
    role     text NOT NULL CHECK (role IN ('editor', 'reviewer', 'secrecy', 'decider', 'security', 'operator', 'auditor',
                                           'inspector')),
    PRIMARY KEY (staff_id, role)
);

CREATE TABLE staff_session (
    id           uuid PRIMARY KEY,
    token_digest bytea NOT NULL UNIQUE,
    staff_id     uuid NOT NULL REFERENCES staff (id),
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE INDEX staff_session_staff_idx ON staff_session (staff_id);

CREATE TABLE client_assertion (
    system_code text NOT NULL,
    jti         text NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (system_code, jti)
);
"""


def upgrade() -> None:
    """Create everything; each block is one floor's tables."""
    for block in (REGISTRY, CATALOGUE, GRANTS, LEDGER, LOG, STAFF):
        for statement in re.split(r";\s*\n+(?=CREATE |INSERT |ALTER )", block.strip()):
            op.execute(statement)
