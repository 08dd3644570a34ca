"""The foundation: organizations, pipelines, contacts, leads, the log, tasks, scores, routing, playbooks, forms."""

from baton.kernel.upgrade import run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0001_foundation.sql")
