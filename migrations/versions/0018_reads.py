"""What faster lists and exports need."""

from baton.kernel.upgrade import run_sql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0018_reads.sql")
