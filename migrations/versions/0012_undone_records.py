"""What imports made, and how it is taken back; search."""

from baton.kernel.upgrade import run_sql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0012_undone_records.sql")
