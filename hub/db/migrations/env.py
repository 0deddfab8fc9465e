"""Runs revisions on the connection that `hub.db.migrate` hands over: one transaction each."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
