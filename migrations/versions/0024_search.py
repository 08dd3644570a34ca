"""A search asks for whole words before it asks for beginnings."""

from baton.kernel.upgrade import run_sql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0024_search.sql")
