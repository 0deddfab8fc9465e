"""Search over the catalogue: bigrams of names, and of all texts, in GIN; one row in sixteen is indexed a second time.

Everything here is derived from resources, versions and organisations; `shuniu resource reindex` writes it anew.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty tables: what was registered before is found once the index has been written."""
    op.execute("""
        CREATE TABLE resource_search (
            resource_id  uuid     NOT NULL REFERENCES resource (id),
            for_systems  boolean  NOT NULL,
            for_staff    boolean  NOT NULL,
            is_sample    boolean  NOT NULL,
            code         text COLLATE "C" NOT NULL,
            status       text     NOT NULL,
            share_type   smallint NOT NULL,
            provider_id  uuid     NOT NULL,
            update_cycle smallint NOT NULL,
            format_class smallint,
            text         text     NOT NULL,
            tokens       tsvector NOT NULL,
            PRIMARY KEY (resource_id, for_systems),
            CONSTRAINT resource_search_check CHECK (for_systems OR for_staff)
        )
    """)
    op.execute("""
        CREATE TABLE resource_search_body (
            resource_id  uuid     NOT NULL REFERENCES resource (id),
            for_systems  boolean  NOT NULL,
            for_staff    boolean  NOT NULL,
            is_sample    boolean  NOT NULL,
            code         text COLLATE "C" NOT NULL,
            status       text     NOT NULL,
            share_type   smallint NOT NULL,
            provider_id  uuid     NOT NULL,
            update_cycle smallint NOT NULL,
            format_class smallint,
            name         text     NOT NULL,
            text         text     NOT NULL,
            tokens       tsvector NOT NULL,
            PRIMARY KEY (resource_id, for_systems),
            CONSTRAINT resource_search_body_check CHECK (for_systems OR for_staff)
        )
    """)
    for table in ("resource_search", "resource_search_body"):
        op.execute(f"CREATE INDEX {table}_code_idx ON {table} (code)")
        op.execute(f"CREATE INDEX {table}_tokens_idx ON {table} USING gin (tokens) WITH (fastupdate = off)")
        op.execute(
            f"CREATE INDEX {table}_sample_idx ON {table} USING gin (tokens) WITH (fastupdate = off) WHERE is_sample"
        )
