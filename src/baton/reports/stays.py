"""How long leads stayed in stages, from the log: a stay begins with an activity that set the stage and ends with the next."""

from baton.reports.scope import Scope

PERCENTILES = """count(s.left_at) AS passed,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds) FILTER (WHERE s.left_at IS NOT NULL) AS median,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY s.seconds) FILTER (WHERE s.left_at IS NOT NULL) AS p90,
    count(*) FILTER (WHERE s.waits) AS waiting,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds) FILTER (WHERE s.waits) AS median_waiting"""
"""Of stays `s`: those that ended with their median and 90th percentile, and open leads that are still there. In seconds."""


def stays(scope: Scope) -> str:
    """SQL of a common table `stays`: of each lead of the scope its stages, when it entered and left, up to the moment."""
    return f"""cohort AS MATERIALIZED (
      SELECT l.id, l.owner_id, l.status, l.created_at, l.closed_at FROM {scope.rowset} l WHERE {scope.tests}),
    entered AS (
      SELECT c.id, c.owner_id, c.status, (a.changes -> 'stageId' ->> 1)::uuid AS stage_id, a.occurred_at AS entered_at,
             lead(a.occurred_at) OVER (PARTITION BY c.id ORDER BY a.lead_version) AS left_at
        FROM cohort c JOIN activities a ON a.org_id = $1 AND a.lead_id = c.id
       WHERE a.lead_version IS NOT NULL AND a.changes ? 'stageId' AND (a.occurred_at <= $2) IS TRUE),
    stays AS (
      SELECT e.*, extract(epoch FROM coalesce(e.left_at, $2) - e.entered_at)::float8 AS seconds,
             e.left_at IS NULL AND e.status NOT IN ('won', 'lost', 'disqualified') AS waits
        FROM entered e)"""


def seconds(value: float | None) -> int | None:
    """Whole seconds of a percentile; none where there is nothing to take it of."""
    return None if value is None else round(value)
