"""Timelines of contacts and companies; sessions that end together."""

from baton.kernel.upgrade import run_sql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0014_pages.sql")
