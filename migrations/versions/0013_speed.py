"""Indexes and functions for what is read and written most."""

from baton.kernel.upgrade import run_sql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0013_speed.sql")
