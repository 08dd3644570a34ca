"""People are invited by a link."""

from baton.kernel.upgrade import run_sql

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0020_people.sql")
