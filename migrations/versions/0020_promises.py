"""What agents, sequences and removals still needed."""

from baton.kernel.upgrade import run_sql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0020_promises.sql")
