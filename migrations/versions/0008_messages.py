"""E-mail and WhatsApp: accounts, templates, what goes out and comes in, suppression."""

from baton.kernel.upgrade import run_sql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0008_messages.sql")
