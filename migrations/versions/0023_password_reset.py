"""Who forgot their password is mailed a link."""

from baton.kernel.upgrade import run_sql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0023_password_reset.sql")
