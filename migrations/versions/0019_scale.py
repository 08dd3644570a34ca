"""What replicas and distribution need."""

from baton.kernel.upgrade import run_sql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0019_scale.sql")
