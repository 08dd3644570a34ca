"""Runs the migrations on the connection that `baton.kernel.migrate` opened and began a transaction on."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
