"""GET /metrics: how the installation works, as Prometheus reads it; for operators, who bring a token or come from the machine itself."""

import functools
import hmac
import ipaddress
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from baton.kernel.db import Database
from baton.kernel.errors import NotFound
from baton.kernel.queue import SCHEMA
from baton.kernel.settings import Settings

OWN = CollectorRegistry()
REQUESTS = Counter(
    "baton_requests_total", "Requests by door, method and status.", ("door", "method", "status"), "", "", "", OWN
)
SECONDS = Histogram(
    "baton_request_seconds", "How long requests take, by door.", ("door",), "", "", "", OWN,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip
_DOORS = ("/api/trpc", "/api/v1", "/api", "/crm", "/mcp", "/f", "/ui", "/live", "/healthz", "/metrics")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


def count(path: str, method: str, status: int, seconds: float) -> None:
    """Count a request; the path's first part alone is a label, so that nobody can make labels at will."""
    door = next((each for each in _DOORS if path == each or path.startswith(each + "/")), "pages")
    _requests(door, method if method in _METHODS else "other", status).inc()
    if door != "/live":  # a stream lasts as long as somebody looks
        _seconds(door).observe(seconds)


@functools.lru_cache(maxsize=4096)
def _requests(door: str, method: str, status: int) -> Counter:
    return REQUESTS.labels(door, method, str(status))


@functools.lru_cache(maxsize=len(_DOORS) + 1)
def _seconds(door: str) -> Histogram:
    return SECONDS.labels(door)


async def show(request: Request) -> Response:
    """The metrics. For anybody else there is nothing at this address: raises NotFound."""
    settings: Settings = request.app.state.settings
    if not admitted(request, settings.metrics_token):
        raise NotFound("There is nothing at this address.")
    db: Database = request.app.state.db
    now = CollectorRegistry()
    now.register(_Found(await _gauges(db)))
    text = generate_latest(OWN) + generate_latest(now)
    return Response(text, media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"})


def admitted(request: Request, token: str | None) -> bool:
    """Whether an operator asks: with the token, where one is set; else from this machine, and not through a proxy on it."""
    if token:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


class _Found:
    """Gauges that were read just now."""

    def __init__(self, gauges: list[Metric]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        return self._gauges


async def _gauges(db: Database) -> list[Metric]:
    async with db.relay.acquire() as conn, conn.transaction(readonly=True):
        lag = await conn.fetchval(
            """SELECT coalesce(extract(epoch FROM now() - (
                 SELECT a.recorded_at FROM log_cursors c, activities a
                  WHERE c.name = 'relay' AND (a.txid, a.id) > (c.txid, c.id) AND a.txid < pg_snapshot_xmin(pg_current_snapshot())
                  ORDER BY a.txid, a.id LIMIT 1)), 0)::float8"""
        )
        jobs = await conn.fetch(
            f"SELECT entrypoint, status::text AS status, count(*) AS n, extract(epoch FROM now() - min(created))::float8 AS age "
            f"FROM {SCHEMA}.pgqueuer GROUP BY 1, 2"
        )
        mail = await conn.fetch(
            """SELECT state, count(*) AS n, coalesce(extract(epoch FROM now() - min(next_at)), 0)::float8 AS age FROM messages
                WHERE state IN ('waiting', 'sending', 'in_doubt') AND (state <> 'waiting' OR next_at <= now()) GROUP BY 1"""
        )
        hooks = await conn.fetchrow(
            """SELECT count(*) AS n, coalesce(extract(epoch FROM now() - min(next_at)), 0)::float8 AS age FROM webhook_deliveries
                WHERE status = 'waiting' AND next_at <= now()"""
        )
        notices = await conn.fetchval("SELECT count(*) FROM notice_mail WHERE next_at <= now()")
    replica = db.replica
    reads = [(("read",), replica.reads), (("behind",), replica.behind), (("away",), replica.away)] if replica else []
    pools = [(("app",), db.app.pool), (("relay",), db.relay)]
    return [
        _gauge("baton_relay_lag_seconds", "Age of the oldest activity that was not read yet.", [((), lag)]),
        _gauge("baton_jobs", "Jobs by name and state.", [((r["entrypoint"], r["status"]), r["n"]) for r in jobs], "job", "state"),
        _gauge("baton_jobs_oldest_seconds", "Age of the oldest job by name and state.",
               [((r["entrypoint"], r["status"]), r["age"]) for r in jobs], "job", "state"),
        _gauge("baton_jobs_held", "Jobs that wait for a person.", [((), sum(r["n"] for r in jobs if r["status"] == "failed"))]),
        _gauge("baton_messages", "Messages that are due, being sent, or in doubt.", [((r["state"],), r["n"]) for r in mail], "state"),
        _gauge("baton_messages_oldest_seconds", "How long the oldest of them waits.", [((r["state"],), r["age"]) for r in mail], "state"),
        _gauge("baton_webhooks_waiting", "Webhook deliveries that are due.", [((), hooks["n"])]),
        _gauge("baton_webhooks_oldest_seconds", "How long the oldest of them waits.", [((), hooks["age"])]),
        _gauge("baton_notice_mail_due", "Members whose notices are due to be mailed.", [((), notices)]),
        _gauge("baton_db_connections", "Open connections by pool.", [(name, pool.get_size()) for name, pool in pools], "pool"),
        _gauge("baton_db_connections_idle", "Idle connections by pool.", [(name, pool.get_idle_size()) for name, pool in pools], "pool"),
        _gauge("baton_replica_reads", "Reads of the replica, and those that it missed.", reads, "found"),
        _gauge("baton_db_connections_limit", "The most by pool.", [(name, pool.get_max_size()) for name, pool in pools], "pool"),
    ]  # fmt: skip


def _gauge(name: str, words: str, values: Iterable[tuple[tuple[str, ...], float]], *labels: str) -> Metric:
    gauge = GaugeMetricFamily(name, words, labels=labels)
    for given, value in values:
        gauge.add_metric(given, value)
    return gauge
