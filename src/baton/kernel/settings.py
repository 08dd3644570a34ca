"""Settings: what the environment and the data directory say, read once and handed on."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from baton.kernel import addresses, data_dir
from baton.kernel.data_dir import Misconfigured
from baton.kernel.security import derived

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8420
APP_ROLE = "baton_app"
RELAY_ROLE = "baton_relay"
ERASER_ROLE = "baton_eraser"
"""Nobody signs in as it: it owns the one function that erases a person from the log."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process runs. Each field names its environment variable; times are in seconds, sizes in bytes.

    `owner_dsn` is for migrations only; the application connects as `baton_app` and `baton_relay`. Where none of the
    three is given, the embedded PostgreSQL in `data_dir` serves, and `with_database` puts its address in.
    """

    data_dir: Path  # BATON_DATA
    secret: str  # BATON_SECRET, else <data>/secret
    host: str = DEFAULT_HOST  # BATON_HOST
    port: int = DEFAULT_PORT  # BATON_PORT
    public_url: str = (
        f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"  # BATON_PUBLIC_URL: what links in e-mails and snippets begin with
    )
    owner_dsn: str | None = None  # DATABASE_URL
    app_dsn: str | None = None  # DATABASE_APP_URL
    relay_dsn: str | None = None  # DATABASE_RELAY_URL
    read_dsn: str | None = None  # DATABASE_READ_URL: a streaming replica, for what only reads
    prepared: bool = True  # BATON_PREPARED=0: a pooler in between keeps no prepared statements
    app_role_managed: bool = True  # False where DATABASE_APP_URL is given: its password is not ours to set
    relay_role_managed: bool = True
    pool_size: int = 6  # BATON_POOL_SIZE: connections of the application; three a core
    body_limit: int = 1_048_576  # BATON_BODY_LIMIT: the largest request
    import_limit: int = 200_000_000  # BATON_IMPORT_LIMIT: the largest file that may be brought for an import
    capture_per_organization: int = 5_000  # BATON_CAPTURE_PER_ORGANIZATION: public captures a minute; 0 is no limit
    capture_per_address: int = 1_000  # BATON_CAPTURE_PER_ADDRESS: the same, from one network address
    sign_in_per_email: int = 10  # BATON_SIGN_IN_PER_EMAIL: wrong passwords a minute for one e-mail; 0 is no limit
    sign_in_per_address: int = 60  # BATON_SIGN_IN_PER_ADDRESS: the same, from one network address
    outbound_allow: tuple[addresses.Network, ...] = ()  # BATON_OUTBOUND_ALLOW: private networks that webhooks may reach
    smtp_url: str | None = (
        None  # BATON_SMTP_URL: the relay for notices, and for organizations without a mailbox of their own
    )
    mail_from: str | None = None  # BATON_MAIL_FROM: who that relay's mail is from
    metrics_token: str | None = (
        None  # BATON_METRICS_TOKEN: what Prometheus brings to /metrics; without it this machine alone reads them
    )
    keep_keys: int = 30  # BATON_KEEP_KEYS: days that an Idempotency-Key recognises a repetition
    keep_jobs: int = 14  # BATON_KEEP_JOBS: days that the log of finished jobs is kept
    keep_notices: int = (
        180  # BATON_KEEP_NOTICES: days that notices, decided suspicious captures and models' words are kept
    )
    web_processes: int = 1  # BATON_WEB_PROCESSES: how many share the requests; each takes its part of the limits
    trusted_proxies: int = 0  # BATON_TRUSTED_PROXIES: how many of our own proxies add to X-Forwarded-For

    def with_database(self, owner_dsn: str) -> "Settings":
        """These settings on that database: the addresses of both roles are derived where they were not given."""
        app_dsn = self.app_dsn or role_dsn(owner_dsn, APP_ROLE, self.role_password(APP_ROLE))
        return replace(
            self,
            owner_dsn=owner_dsn,
            app_dsn=app_dsn,
            relay_dsn=self.relay_dsn or role_dsn(owner_dsn, RELAY_ROLE, self.role_password(RELAY_ROLE)),
        )

    def role_password(self, role: str) -> str:
        """The password of a login role that we provision, derived from the secret."""
        return derived(self.secret, f"database role {role}")


def load(
    *,
    data: Path | str | None = None,
    host: str | None = None,
    port: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Settings from the environment, overridden by the arguments.

    Makes the data directory and its secret where they are needed and absent. Raises Misconfigured.
    """
    folder = data_dir.find(data, environ)
    owner_dsn = _dsn(environ, "DATABASE_URL")
    app_dsn, relay_dsn = _dsn(environ, "DATABASE_APP_URL"), _dsn(environ, "DATABASE_RELAY_URL")
    if owner_dsn is None and bool(app_dsn) != bool(relay_dsn):
        raise Misconfigured("DATABASE_APP_URL and DATABASE_RELAY_URL belong together: set both, or DATABASE_URL.")
    read_dsn = _dsn(environ, "DATABASE_READ_URL")
    if read_dsn and not (owner_dsn or app_dsn):
        raise Misconfigured("DATABASE_READ_URL is a replica of DATABASE_URL's server: set that too.")
    host = host or environ.get("BATON_HOST") or DEFAULT_HOST
    port = port if port is not None else _number(environ, "BATON_PORT", DEFAULT_PORT, 1, 65_535)
    settings = Settings(
        data_dir=folder,
        secret=_secret(environ, folder),
        host=host,
        port=port,
        public_url=(environ.get("BATON_PUBLIC_URL") or local_url(host, port)).rstrip("/"),
        app_dsn=app_dsn,
        relay_dsn=relay_dsn,
        read_dsn=read_dsn,
        prepared=environ.get("BATON_PREPARED", "1") != "0",
        app_role_managed=app_dsn is None,
        relay_role_managed=relay_dsn is None,
        pool_size=_number(environ, "BATON_POOL_SIZE", 3 * (os.cpu_count() or 2), 1, 1_000),
        body_limit=_number(environ, "BATON_BODY_LIMIT", 1_048_576, 1_024, 1 << 30),
        import_limit=_number(environ, "BATON_IMPORT_LIMIT", 200_000_000, 1_024, 2_000_000_000),
        capture_per_organization=_number(environ, "BATON_CAPTURE_PER_ORGANIZATION", 5_000, 0, 10_000_000),
        capture_per_address=_number(environ, "BATON_CAPTURE_PER_ADDRESS", 1_000, 0, 10_000_000),
        sign_in_per_email=_number(environ, "BATON_SIGN_IN_PER_EMAIL", 10, 0, 1_000_000),
        sign_in_per_address=_number(environ, "BATON_SIGN_IN_PER_ADDRESS", 60, 0, 1_000_000),
        outbound_allow=_networks(environ),
        smtp_url=environ.get("BATON_SMTP_URL") or None,
        mail_from=environ.get("BATON_MAIL_FROM") or None,
        metrics_token=environ.get("BATON_METRICS_TOKEN") or None,
        keep_keys=_number(environ, "BATON_KEEP_KEYS", 30, 1, 3_650),
        keep_jobs=_number(environ, "BATON_KEEP_JOBS", 14, 1, 3_650),
        keep_notices=_number(environ, "BATON_KEEP_NOTICES", 180, 1, 3_650),
        web_processes=_number(environ, "BATON_WEB_PROCESSES", 1, 1, 1_000),
        trusted_proxies=_number(environ, "BATON_TRUSTED_PROXIES", 0, 0, 20),
    )
    return settings.with_database(owner_dsn) if owner_dsn else settings


def local_url(host: str, port: int) -> str:
    """The address at which this machine's browser reaches a server that listens there."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  (compared, not bound)
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def role_dsn(dsn: str, role: str, password: str) -> str:
    """The same database as another role."""
    parts = urlsplit(dsn)
    hosts = parts.netloc.rpartition("@")[2]
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in ("user", "password")]
    login = f"{quote(role, safe='')}:{quote(password, safe='')}@{hosts}"
    return urlunsplit((parts.scheme, login, parts.path, urlencode(query), parts.fragment))


def read_dsn_of(settings: Settings) -> str | None:
    """The replica, with the application's own login where its address names none."""
    if settings.read_dsn is None or urlsplit(settings.read_dsn).username or not settings.app_dsn:
        return settings.read_dsn
    login = urlsplit(settings.app_dsn)
    return role_dsn(settings.read_dsn, unquote(login.username or ""), unquote(login.password or ""))


def _secret(environ: Mapping[str, str], folder: Path) -> str:
    given = environ.get("BATON_SECRET")
    if given is None:
        return data_dir.secret(data_dir.ensure(folder) / "secret")
    if len(given) < 32:
        raise Misconfigured("BATON_SECRET must have 32 characters or more, for example from: openssl rand -hex 32")
    return given


def _networks(environ: Mapping[str, str]) -> tuple[addresses.Network, ...]:
    try:
        return addresses.networks(environ.get("BATON_OUTBOUND_ALLOW", ""))
    except ValueError as error:
        raise Misconfigured(
            f"BATON_OUTBOUND_ALLOW is a list of networks such as 10.0.0.0/8,fd00::/8: {error}."
        ) from None


def _dsn(environ: Mapping[str, str], name: str) -> str | None:
    given = environ.get(name)
    if not given:
        return None
    if urlsplit(given).scheme not in ("postgres", "postgresql"):
        raise Misconfigured(f"{name} must look like postgresql://user:password@host:5432/database.")
    return given


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    given = environ.get(name)
    if not given:
        return default
    try:
        number = int(given)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise Misconfigured(f"{name} must be a whole number from {least} to {most}, and is “{given}”.")
    return number
