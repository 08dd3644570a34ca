"""Whoever adds words to the search waits for few of them to be sorted in."""

from baton.kernel.upgrade import run_sql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0021_writes.sql")
