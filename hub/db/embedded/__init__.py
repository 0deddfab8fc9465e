"""The PostgreSQL that comes with us: `EmbeddedPostgres` shares one server among all commands that use a data folder."""

from hub.db.embedded.layout import make_data_directory
from hub.db.embedded.user import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "make_data_directory"]
