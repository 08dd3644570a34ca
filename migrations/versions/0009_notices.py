"""Notices to members, the organization's calendar, service levels, recurring tasks."""

from baton.kernel.upgrade import run_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0009_notices.sql")
