"""Sessions that one sees and ends one by one."""

from baton.kernel.upgrade import run_sql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0016_sessions.sql")
