"""Classes as data, review step by step, upstream codes, ends of versions, what versions claim, freshness, notices."""

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CLASSIFICATION = """
CREATE TABLE classification (
    code       text PRIMARY KEY CHECK (code ~ '^[123]([0-9]{2}([0-9]{3}([0-9A-Za-z]{1,32})?)?)?$'),
    parent     text REFERENCES classification (code),
    name       text NOT NULL CHECK (name <> ''),
    state      text NOT NULL CHECK (state IN ('active', 'ended')),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    CHECK (parent IS NOT DISTINCT FROM CASE length(code) WHEN 1 THEN NULL WHEN 3 THEN left(code, 1)
           WHEN 6 THEN left(code, 3) ELSE left(code, 6) END)
)
"""
CLASSES = (
    ("1", "基础信息资源类"),
    ("101", "人口信息"),
    ("102", "法人单位信息"),
    ("103", "自然资源和空间地理信息"),
    ("104", "社会信用信息"),
    ("105", "电子证照信息"),
    ("2", "主题信息资源类"),
    ("201", "公共服务"),
    ("202", "健康保障"),
    ("203", "社会保障"),
    ("204", "食品药品安全"),
    ("205", "安全生产"),
    ("206", "价格监管"),
    ("207", "能源安全"),
    ("208", "信用体系"),
    ("209", "城乡建设"),
    ("210", "社区治理"),
    ("211", "生态环保"),
    ("212", "应急维稳"),
    ("3", "部门信息资源类"),
)
"""类 and 项 that the guideline gives as examples (CL-1); 项 of class 3 are the county's departments, 目 and 细目 its own."""

SHIPPED = """
INSERT INTO classification (code, parent, name, state, created_at, changed_at, changed_by)
VALUES (:code, nullif(left(:code, length(:code) - 2), ''), :name, 'active', now(), now(), 'migration')
"""
IN_USE = """
INSERT INTO classification (code, parent, name, state, created_at, changed_at, changed_by)
SELECT code, CASE length(code) WHEN 3 THEN left(code, 1) WHEN 6 THEN left(code, 3) ELSE left(code, 6) END, code, 'active',
       now(), now(), 'migration'
FROM (SELECT DISTINCT left(prefix, size) AS code
      FROM (SELECT split_part(code, '/', 1) AS prefix FROM resource) AS used,
           LATERAL (VALUES (3), (6), (length(prefix))) AS sizes (size)) AS needed
ORDER BY length(code)
ON CONFLICT DO NOTHING
"""
"""Classes that resources were registered under before, by their codes until the authority names them."""

VERSIONS = (
    "ALTER TABLE resource_version ADD COLUMN ends_at timestamptz",
    "ALTER TABLE resource_version ADD COLUMN claims text[] NOT NULL DEFAULT '{}'",
    "CREATE INDEX resource_version_claims_idx ON resource_version USING gin (claims) WHERE state = 'published'",
    """
    CREATE OR REPLACE FUNCTION refuse_change_of_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR OLD.published_at IS NOT NULL AND (
            NEW.metadata <> OLD.metadata OR NEW.claims <> OLD.claims
            OR NEW.items <> OLD.items OR NEW.schema <> OLD.schema OR NEW.schema_digest <> OLD.schema_digest
            OR NEW.resource_id <> OLD.resource_id OR NEW.number <> OLD.number
            OR NEW.published_at IS DISTINCT FROM OLD.published_at
        ) THEN
            RAISE EXCEPTION 'a published version never changes' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
)

UPSTREAM = """
CREATE TABLE upstream_registration (
    resource_id       uuid NOT NULL REFERENCES resource (id),
    catalogue         text NOT NULL CHECK (catalogue <> ''),
    number            integer NOT NULL CHECK (number >= 1),
    state             text NOT NULL CHECK (state IN ('pending', 'refused', 'accepted', 'cancelled')),
    upstream_code     text,
    receipt_reference text,
    receipt_digest    text CHECK (receipt_digest ~ '^sha-256:[0-9a-f]{64}$'),
    receipt_at        timestamptz,
    recorded_by       text NOT NULL,
    recorded_at       timestamptz NOT NULL,
    PRIMARY KEY (resource_id, catalogue, number),
    CHECK (state <> 'accepted' OR upstream_code IS NOT NULL),
    CHECK (state = 'pending' OR receipt_reference IS NOT NULL AND receipt_digest IS NOT NULL AND receipt_at IS NOT NULL)
)
"""

REVIEW = (
    """
    CREATE TABLE version_author (
        resource_id uuid NOT NULL,
        version     integer NOT NULL,
        actor       text NOT NULL,
        PRIMARY KEY (resource_id, version, actor),
        FOREIGN KEY (resource_id, version) REFERENCES resource_version (resource_id, number)
    )
    """,
    """
    CREATE TABLE approval_chain_step (
        list_type       text NOT NULL CHECK (list_type <> ''),
        position        integer NOT NULL CHECK (position >= 1),
        organisation_id uuid REFERENCES organisation (id),
        role            text NOT NULL CHECK (role IN ('reviewer', 'decider')),
        basis           text NOT NULL CHECK (basis <> ''),
        PRIMARY KEY (list_type, position),
        CHECK (role = 'decider' OR organisation_id IS NOT NULL)
    )
    """,
    """
    CREATE TABLE review (
        resource_id     uuid NOT NULL,
        version         integer NOT NULL,
        round           integer NOT NULL CHECK (round >= 1),
        position        integer NOT NULL CHECK (position >= 1),
        kind            text NOT NULL CHECK (kind IN ('secrecy', 'chain', 'publication')),
        organisation_id uuid REFERENCES organisation (id),
        role            text NOT NULL CHECK (role IN ('secrecy', 'reviewer', 'decider')),
        basis           text NOT NULL,
        opened_at       timestamptz,
        verdict         text CHECK (verdict IN ('approved', 'returned')),
        decided_by      text,
        decided_at      timestamptz,
        opinion         text,
        PRIMARY KEY (resource_id, version, round, position),
        FOREIGN KEY (resource_id, version) REFERENCES resource_version (resource_id, number),
        CHECK (num_nulls(verdict, decided_by, decided_at) IN (0, 3)),
        CHECK (verdict IS NULL OR opened_at IS NOT NULL),
        CHECK (verdict <> 'returned' OR opinion IS NOT NULL)
    )
    """,
    "CREATE UNIQUE INDEX review_one_waiting_idx ON review (resource_id) WHERE opened_at IS NOT NULL AND verdict IS NULL",
    "CREATE INDEX review_waiting_idx ON review (opened_at, resource_id) WHERE opened_at IS NOT NULL AND verdict IS NULL",
    """
    CREATE FUNCTION refuse_change_of_decided_review() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR OLD.verdict IS NOT NULL THEN
            RAISE EXCEPTION 'a decided step of review never changes' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER review_kept BEFORE UPDATE OR DELETE ON review
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_decided_review()
    """,
    # What is under review as this migration comes has a round laid down like what is submitted after it.
    """
    INSERT INTO review (resource_id, version, round, position, kind, role, basis, opened_at)
    SELECT resource_id, number, 1, 1, 'secrecy', 'secrecy', '甘肃政务服务网临洮子站建设运行管理办法第十七条、第十八条', now()
    FROM resource_version WHERE state = 'submitted'
    UNION ALL
    SELECT resource_id, number, 1, 2, 'publication', 'reviewer', '目录主管部门审核发布', NULL
    FROM resource_version WHERE state = 'submitted'
    """,
    """
    INSERT INTO version_author (resource_id, version, actor)
    SELECT DISTINCT v.resource_id, v.number, e.actor
    FROM resource_version v JOIN resource r ON r.id = v.resource_id
    JOIN log_entry e ON e.object_type = 'resource' AND e.object_id = r.code AND e.occurred_at >= v.created_at
        AND e.event IN ('resource.registered', 'resource.drafted', 'resource.edited', 'resource.submitted')
    WHERE v.state IN ('draft', 'submitted')
    """,
)

FRESHNESS = (
    """
    CREATE TABLE resource_freshness (
        resource_id  uuid PRIMARY KEY REFERENCES resource (id),
        last_data_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX resource_freshness_last_idx ON resource_freshness (last_data_at)",
)

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
    """Create the tables, with the classes that are shipped and those that codes in use begin with."""
    op.execute(CLASSIFICATION)
    op.execute("CREATE INDEX classification_parent_idx ON classification (parent)")
    for code, name in CLASSES:
        op.get_bind().execute(text(SHIPPED), {"code": code, "name": name})
    op.execute(IN_USE)
    for statement in (*VERSIONS, UPSTREAM, *REVIEW, *FRESHNESS, *NOTICES):
        op.execute(statement)
