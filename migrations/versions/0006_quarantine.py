"""Captures that look suspicious wait for a person."""

from baton.kernel.upgrade import run_sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0006_quarantine.sql")
