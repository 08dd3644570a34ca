"""Where a person is signed in: each browser and program, when it was used last, and ending one of them. Spec B9."""

import re
from collections import OrderedDict
from datetime import datetime
from time import monotonic
from uuid import UUID

from baton.accounts.profile import Ended, own_person
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Database, Tx
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.security import token_hash

NOTED_EVERY = 300.0
"""Seconds after which a use is written down again."""
KEPT = 10_000
_noted: OrderedDict[tuple[int, bytes], float] = OrderedDict()
_BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


class Session(Output, kw_only=True):
    """One place where somebody is signed in; `device` as its browser told of itself, none for a program that signed in."""

    id: UUID
    device: str | None
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


class EndSession(Input, kw_only=True):
    """The session to end."""

    session_id: UUID


@operation("crm.profile.sessions", kind="query", role=Role.VIEWER, summary="List where one is signed in")
async def sessions(tx: Tx, actor: Actor, input: Nothing) -> list[Session]:
    """One's own sessions in this organization, the one used last first, at most 100. Raises Forbidden for who is no person."""
    own = await own_person(tx, actor)
    rows = await tx.fetch("SELECT id, device, created_at, used_at, expires_at FROM directory_sessions($1)", own.id)
    return [Session(**dict(row)) for row in rows]


@operation("crm.profile.endSession", role=Role.VIEWER, summary="Sign one browser out")
async def end_session(tx: Tx, actor: Actor, input: EndSession) -> Ended:
    """End one session of one's own; its token opens nothing any more. Raises NotFound, Forbidden for who is no person."""
    own = await own_person(tx, actor)
    device = await tx.fetchval("SELECT directory_end_session($1, $2)", own.id, input.session_id)
    if device is None:
        raise NotFound("You are not signed in there any more.", field="sessionId")
    await append(
        tx, actor,
        Entry(kind=kinds.SESSION_ENDED, subject_type="member", subject_id=own.id, payload={"name": device or "a program"}),
    )  # fmt: skip
    return Ended(sessions=1)


def device_of(agent: str) -> str:
    """What a browser calls itself, in two words: "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or re.sub(r"[^\w./ ()-]", "", agent)[:80].strip() or "A browser"


async def note_use(db: Database, token: str, agent: str) -> None:
    """Write down that a session is used, and by what; once in five minutes by each process."""
    key, now = (id(db), token_hash(token)), monotonic()
    if now - _noted.get(key, -NOTED_EVERY) < NOTED_EVERY:
        return
    _noted[key] = now
    _noted.move_to_end(key)
    while len(_noted) > KEPT:
        _noted.popitem(last=False)
    await db.app.execute("SELECT directory_note_use($1, $2)", key[1], device_of(agent))


async def session_of(db: Database, token: str) -> UUID | None:
    """The session that a token opens."""
    found: UUID | None = await db.app.fetchval("SELECT directory_session_of($1)", token_hash(token))
    return found
