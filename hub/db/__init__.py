"""Ground: the PostgreSQL that everything stands on, its migrations, locks and partitions."""
