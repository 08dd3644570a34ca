"""The words of a lead stand in a table of their own."""

from baton.kernel.upgrade import run_sql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0025_words.sql")
