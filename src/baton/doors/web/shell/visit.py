"""A request of a signed-in person: who they are, what they asked, and the few things that every page reads once."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request

from baton.accounts.members import Member
from baton.accounts.organization import Organization
from baton.accounts.sign_in import Habits
from baton.fields.definition import Definition
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Database
from baton.kernel.errors import Forbidden, Invalid
from baton.kernel.operation import find
from baton.kernel.perform import perform
from baton.kernel.security import derived
from baton.kernel.values import new_id, time_zones, utc_now
from baton.pipelines.pipeline import Pipeline

SESSION = "baton_session"
MAX_FIELDS = 500


class Visit:
    """One request and its actor. What is read through `organization`, `pipelines`, `members` and `definitions` is read once.

    `said` is a word for the person, `since` where the log stood before anything was read; `operation_id` is the last
    change that the person made, `undo` one that the word offers to take back.
    """

    def __init__(
        self,
        request: Request,
        actor: Actor,
        token: str,
        fields: dict[str, str],
        several: list[tuple[str, str]],
        habits: Habits,
    ):
        self.request, self.actor, self.token = request, actor, token
        self.fields, self.several, self.habits = fields, several, habits
        self.now: datetime = utc_now()
        self.said: str | None = None
        self.since = ""
        self.operation_id: UUID | None = None
        self.undo: UUID | None = None
        self._organization: Organization | None = None
        self._pipelines: list[Pipeline] | None = None
        self._members: list[Member] | None = None
        self._definitions: list[Definition] | None = None

    async def perform(self, name: str, input: Any = None, *, idempotency_key: str | None = None) -> Any:
        """Perform an operation as this person."""
        changes = find(name).kind == "mutation"
        id = new_id() if changes else None
        if changes and isinstance(input, msgspec.Struct):
            input = msgspec.to_builtins(input)  # so that what a form says meets the limits that other doors meet
        answer = await perform(
            database(self.request), self.actor, name, input, idempotency_key=idempotency_key, operation_id=id
        )
        self.operation_id = id or self.operation_id
        return answer

    async def organization(self) -> Organization:
        """The organization that the person acts in."""
        if self._organization is None:
            self._organization = await self.perform("crm.organization.get")
        return self._organization

    async def pipelines(self) -> list[Pipeline]:
        """The pipelines with their stages."""
        if self._pipelines is None:
            self._pipelines = await self.perform("crm.pipelines.list")
        return self._pipelines

    async def members(self) -> list[Member]:
        """People and agents of the organization."""
        if self._members is None:
            self._members = await self.perform("crm.members.list")
        return self._members

    async def definitions(self) -> list[Definition]:
        """The organization's custom fields in their order, the archived among them."""
        if self._definitions is None:
            self._definitions = await self.perform("crm.fields.list")
        return self._definitions

    @property
    def query(self) -> Mapping[str, str]:
        """What the address asks."""
        return self.request.query_params

    @property
    def path(self) -> Mapping[str, str]:
        """The ids in the address."""
        return self.request.path_params

    @property
    def csrf(self) -> str:
        """The proof that this session's pages put into their forms."""
        return csrf_of(self.token)

    @property
    def may_write(self) -> bool:
        """Whether the person may change leads. Spec B9."""
        return self.actor.role.admits(Role.MEMBER)

    @property
    def may_manage(self) -> bool:
        """Whether the person may change the organization's set-up. Spec B9."""
        return self.actor.role.admits(Role.ADMIN)

    @property
    def wants_json(self) -> bool:
        """Whether one of our scripts asked, rather than a page."""
        return "application/json" in self.request.headers.get("accept", "")

    @property
    def from_htmx(self) -> bool:
        """Whether htmx asked for a part of a page."""
        return self.request.headers.get("hx-request") == "true"

    @cached_property
    def zone(self) -> ZoneInfo:
        """The reader's time zone: the one that they chose, else their browser's, else UTC."""
        own = self.habits.time_zone
        return ZoneInfo(own) if own != "UTC" and own in time_zones() else zone_of(self.request)

    @property
    def theme(self) -> str | None:
        """Light or dark where the reader chose, here or on another device; None for what the system has."""
        own = self.habits.theme
        return theme_of(self.request) if own is None else None if own == "system" else own

    def back(self, fallback: str) -> str:
        """Where the person came from within these pages, else `fallback`."""
        came = urlsplit(self.request.headers.get("referer", ""))
        ours = came.netloc == self.request.url.netloc and not came.path.startswith("//")
        if ours and came.path != self.request.url.path:
            return came.path + (f"?{came.query}" if came.query else "")
        return fallback


def database(request: Request) -> Database:
    """The application's database."""
    db: Database = request.app.state.db
    return db


def zone_of(request: Request) -> ZoneInfo:
    """The time zone that the browser told, else UTC."""
    told = unquote(request.cookies.get("tz", ""))
    return ZoneInfo(told if told in time_zones() else "UTC")


def zones() -> list[str]:
    """The names of time zones that people choose from."""
    passed_over = ("Etc/", "posix/", "right/", "SystemV/")
    return [*sorted(zone for zone in time_zones() if "/" in zone and not zone.startswith(passed_over)), "UTC"]


def theme_of(request: Request) -> str | None:
    """Light or dark where the reader chose; None for what the system has."""
    chosen = request.cookies.get("theme")
    return chosen if chosen in ("light", "dark") else None


def csrf_of(token: str) -> str:
    """A value that only pages of this session can know: a key derived from its secret token."""
    return derived(token, "csrf")


def must_be_own(request: Request) -> None:
    """Raise Forbidden for a change that another site's page asks for (Fetch Metadata, else the Origin header)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Forbidden("This request came from another site. Open Baton and try again.")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("This request came from another site. Open Baton and try again.")


def must_be_proven(request: Request, token: str, fields: Mapping[str, str]) -> None:
    """Raise Forbidden where the form does not carry this session's proof, or comes from another site."""
    must_be_own(request)
    given = fields.get("csrf") or request.headers.get("x-csrf-token") or ""
    if not hmac.compare_digest(given.encode(), csrf_of(token).encode()):
        raise Forbidden("This page is out of date. Reload it and try again.")


async def form_of(request: Request) -> list[tuple[str, str]]:
    """The text fields of a posted form. Raises Invalid for files, too many fields or a body that is no form."""
    kind = request.headers.get("content-type", "").split(";")[0]
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise Invalid("A form is sent as application/x-www-form-urlencoded.")
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        pairs = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
    if any("\0" in key or "\0" in value for key, value in pairs):
        raise Invalid("Text may not hold the NUL character.")
    return pairs


def sign_in_url(request: Request) -> str:
    """The sign-in page, which leads back to the page that was asked for."""
    url = request.url
    wanted = url.path + (f"?{url.query}" if url.query else "")
    return "/sign-in" if request.method != "GET" or wanted == "/" else f"/sign-in?next={quote(wanted)}"


def as_uuid(text: str | None) -> UUID | None:
    """The UUID in a field, or None for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
