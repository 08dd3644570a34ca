"""How a member wants to be told: each event in the product and by e-mail, quiet hours, and mail at once or once a day."""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Forbidden, Invalid
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Count, TimeOfDay
from baton.messages.notices.events import EVENTS, OTHER

Digest = Literal["off", "daily", "immediate"]


class Channels(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """Where an event is told."""

    in_app: bool = True
    email: bool = False


class QuietHours(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """A window "HH:MM" of the member's own day in which no mail is sent; from 22:00 to 07:00 goes over midnight."""

    from_: TimeOfDay = msgspec.field(name="from")
    to: TimeOfDay

    def __post_init__(self) -> None:
        if time.fromisoformat(self.from_) == time.fromisoformat(self.to):
            raise ValueError("quiet hours begin and end at different times")


class NoticeSettings(Output, kw_only=True):
    """What a member is told, and how. `digest`: mail at once, once a day at `digestHour` of the member's zone, or never."""

    events: dict[str, Channels]
    quiet_hours: QuietHours | None
    digest: Digest
    digest_hour: int
    time_zone: str
    version: int


class EditNoticeSettings(Input, kw_only=True):
    """What to change; absent fields stay, and events that are not named too. `quietHours` null ends them."""

    version: Count | None = None
    events: Annotated[dict[str, Channels], Meta(max_length=100)] | None = None
    quiet_hours: QuietHours | UnsetType | None = UNSET
    digest: Digest | None = None
    digest_hour: Annotated[int, Meta(ge=0, le=23)] | None = None


def usual(event: str) -> Channels:
    """What everybody has who chose nothing else."""
    return Channels(in_app=True, email=EVENTS.get(event, OTHER).email)


async def of(tx: Tx, member_id: UUID) -> NoticeSettings:
    """A member's settings, or what everybody has."""
    row = await tx.fetchrow(
        """SELECT m.time_zone, s.events, s.quiet_from, s.quiet_to, coalesce(s.digest, 'immediate') AS digest,
                  coalesce(s.digest_hour, 8) AS digest_hour, coalesce(s.version, 0) AS version
             FROM members m LEFT JOIN notice_settings s ON s.org_id = m.org_id AND s.member_id = m.id
            WHERE m.org_id = $1 AND m.id = $2""",
        tx.org_id, member_id,
    )  # fmt: skip
    assert row is not None
    chosen = msgspec.convert(row["events"] or {}, dict[str, Channels])
    quiet = QuietHours(row["quiet_from"], row["quiet_to"]) if row["quiet_from"] else None
    return NoticeSettings(
        events={event: usual(event) for event in EVENTS} | chosen, quiet_hours=quiet, digest=row["digest"],
        digest_hour=row["digest_hour"], time_zone=row["time_zone"], version=row["version"],
    )  # fmt: skip


@operation("crm.notifications.settings", kind="query", role=Role.VIEWER, summary="Read how one is notified")
async def settings(tx: Tx, actor: Actor, input: Nothing) -> NoticeSettings:
    """The actor's own settings. Raises Forbidden for who is no member."""
    return await of(tx, own(actor))


@operation("crm.notifications.setSettings", role=Role.VIEWER, summary="Change how one is notified")
async def set_settings(tx: Tx, actor: Actor, input: EditNoticeSettings) -> NoticeSettings:
    """Change the actor's own settings; what waits to be mailed stays as it is. Raises Invalid, Conflict for a stale version."""
    member_id = own(actor)
    await tx.execute("SELECT FROM members WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE", tx.org_id, member_id)
    before = await of(tx, member_id)
    if input.version is not None and input.version != before.version:
        raise Conflict("Your settings were changed since you read them. Read them again.")
    unknown = sorted(set(input.events or {}) - set(EVENTS))
    if unknown:
        raise Invalid(f"There is no event “{unknown[0][:60]}”. Events are: {', '.join(EVENTS)}.", field="events")
    if input.digest_hour is not None and not 0 <= input.digest_hour <= 23:
        raise Invalid("The hour of the daily mail is from 0 to 23.", field="digestHour")
    after = msgspec.structs.replace(
        before,
        events=before.events | (input.events or {}),
        quiet_hours=before.quiet_hours if input.quiet_hours is UNSET else input.quiet_hours,
        digest=input.digest or before.digest,
        digest_hour=before.digest_hour if input.digest_hour is None else input.digest_hour,
        version=before.version + 1,
    )
    await _write(tx, member_id, after)
    told = ("timeZone", "version")
    old, new = ({k: v for k, v in msgspec.to_builtins(each).items() if k not in told} for each in (before, after))
    await append(
        tx, actor,
        Entry(kind=kinds.NOTICE_SETTINGS_CHANGED, subject_type="member", subject_id=member_id, changes=difference(old, new),
              payload={"name": actor.name}),
    )  # fmt: skip
    return after


async def _write(tx: Tx, member_id: UUID, after: NoticeSettings) -> None:
    chosen = {event: each for event, each in after.events.items() if each != usual(event)}
    quiet = after.quiet_hours
    await tx.execute(
        """INSERT INTO notice_settings (org_id, member_id, events, quiet_from, quiet_to, digest, digest_hour, version)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (org_id, member_id) DO UPDATE SET events = excluded.events, quiet_from = excluded.quiet_from,
              quiet_to = excluded.quiet_to, digest = excluded.digest, digest_hour = excluded.digest_hour, version = excluded.version""",
        tx.org_id, member_id, msgspec.to_builtins(chosen), quiet.from_ if quiet else None, quiet.to if quiet else None,
        after.digest, after.digest_hour, after.version,
    )  # fmt: skip


def own(actor: Actor) -> UUID:
    """The membership of whoever asks. Raises Forbidden for the system."""
    if actor.id is None:
        raise Forbidden("Only a member has notices.")
    return actor.id


def mail_at(now: datetime, wish: NoticeSettings) -> datetime | None:
    """When something that happens now is mailed: at once, after the quiet hours, at the daily hour, or never (None).

    Hours are those of the member's own clock, whatever day of 23 or 25 hours it is; the answer is in UTC.
    """
    if wish.digest == "off":
        return None
    zone = ZoneInfo(wish.time_zone)
    at = now
    if wish.digest == "daily":
        local = now.astimezone(zone)
        hour = datetime.combine(local.date(), time(wish.digest_hour), tzinfo=zone)
        if hour.astimezone(now.tzinfo) <= now:
            hour = datetime.combine(local.date() + timedelta(days=1), time(wish.digest_hour), tzinfo=zone)
        at = hour.astimezone(now.tzinfo)
    return after_quiet(at, wish.quiet_hours, zone)


def after_quiet(at: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> datetime:
    """The moment itself, or the end of the quiet hours that it falls into."""
    if quiet is None:
        return at
    local = at.astimezone(zone)
    begins, ends = time.fromisoformat(quiet.from_), time.fromisoformat(quiet.to)
    clock = local.time()
    within = begins <= clock < ends if begins < ends else clock >= begins or clock < ends
    if not within:
        return at
    tomorrow = begins > ends and clock >= begins
    day = local.date() + timedelta(days=1) if tomorrow else local.date()
    return max(at, datetime.combine(day, ends, tzinfo=zone).astimezone(at.tzinfo))
