"""Each person's language, time zone and theme."""

from baton.kernel.upgrade import run_sql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0015_language.sql")
