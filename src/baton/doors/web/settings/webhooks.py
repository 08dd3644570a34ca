"""Settings → Webhooks: addresses that are told of events, their secrets shown once, and what was delivered. Spec C9."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from starlette.responses import Response

from baton.automations.webhooks.deliveries import (
    Delivery,
    DeliveryLog,
    ListDeliveries,
    NameDelivery,
    Replay,
    Replayed,
    Status,
)
from baton.automations.webhooks.endpoint import (
    CreateEndpoint,
    EditEndpoint,
    Endpoint,
    NameEndpoint,
    NewEndpoint,
    RotateSecret,
)
from baton.automations.webhooks.events import EVENTS, TEST
from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.language import Choices, _, marked
from baton.doors.web.shell.render import done, page, redirect, said
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import Clash, settle
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.page import Page

HERE = "/settings/webhooks"
NAMES = sorted(set(EVENTS.values()) - {TEST})
GROUPS = ["*", *sorted({f"{name.partition('.')[0]}.*" for name in NAMES})]
STATUSES: Options = Choices(
    [
        ("", marked("any")),
        ("delivered", marked("delivered")),
        ("waiting", marked("waiting")),
        ("failed", marked("failed")),
    ]
)


async def show(visit: Visit) -> Response:
    """GET /settings/webhooks."""
    found: list[Endpoint] = await visit.perform("crm.webhooks.list")
    rows = [
        {"id": each.id, "url": each.url, "what": each.description, "events": ", ".join(each.events),
         "live": each.status == "active", "failing": ago(each.failing_since, visit.now, visit.zone) if each.failing_since else None,
         "why": each.disabled_reason or ""}
        for each in found
    ]  # fmt: skip
    return await page(visit, "webhooks.html", here=HERE, rows=rows)


async def new(visit: Visit) -> Response:
    """GET and POST /settings/webhooks/new: the secret is shown this once."""
    _must_manage(visit)
    error: Refusal | None = None
    made: NewEndpoint | None = None
    if visit.request.method == "POST":
        try:
            wish = CreateEndpoint(
                url=visit.fields.get("url", "").strip(),
                events=_events(visit),
                description=visit.fields.get("description", ""),
            )
            made = await visit.perform("crm.webhooks.create", wish)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await _sheet(visit, None, {"events": "lead.*"} | visit.fields, error, made)


async def edit(visit: Visit) -> Response:
    """GET and POST /settings/webhooks/{webhook}/edit."""
    _must_manage(visit)
    endpoint = await _endpoint(visit)
    error: Refusal | None = None
    values: dict[str, Any] = {
        "url": endpoint.url,
        "description": endpoint.description,
        "events": ", ".join(endpoint.events),
    }
    now = dict(values)
    labels = {"url": _("Address"), "events": _("Events"), "description": _("What it is for")}
    clashes = await settle(visit, endpoint.id, now, labels)
    values |= visit.fields
    if visit.request.method == "POST" and not clashes:
        try:
            await visit.perform("crm.webhooks.update", EditEndpoint(
                webhook_id=endpoint.id, url=visit.fields.get("url", "").strip(), events=_events(visit),
                description=visit.fields.get("description", ""), version=endpoint.version,
            ))  # fmt: skip
            return done(visit, _("The webhook is changed."), f"{HERE}/{endpoint.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await _sheet(visit, endpoint, values, error, None, now, clashes)


def _events(visit: Visit) -> list[str]:
    return [event.strip() for event in visit.fields.get("events", "").replace("\n", ",").split(",") if event.strip()]


async def _sheet(
    visit: Visit, endpoint: Endpoint | None, values: Any, error: Any, made: NewEndpoint | None, was: Mapping[str, Any] | None = None,
    clashes: Sequence[Clash] = (),
) -> Response:  # fmt: skip
    title = (
        _("The webhook to %(url)s") % {"url": made.url}
        if made
        else _("Change the webhook to %(url)s") % {"url": endpoint.url}
        if endpoint
        else _("New webhook")
    )
    return await sheet(
        visit, "webhook_new.html", title, act=_("Save") if endpoint else _("Make the webhook"), back=HERE, values=values, error=error,
        here=HERE, made=made, known=[*GROUPS, *NAMES], was=was, clashes=clashes,
        lede="" if made else _("Each event is a signed POST, tried again for a day."),
    )  # fmt: skip


async def one(visit: Visit) -> Response:
    """GET /settings/webhooks/{webhook}: what was delivered, the newest first."""
    endpoint = await _endpoint(visit)
    status = visit.query.get("status", "")
    status = status if status in dict(STATUSES) else ""
    asked = ListDeliveries(
        webhook_id=endpoint.id, status=cast("Status", status) if status else None, cursor=visit.query.get("cursor")
    )
    try:
        found: Page[Delivery] = await visit.perform("crm.webhooks.deliveries", asked)
    except Invalid:
        asked.cursor = None
        found = await visit.perform("crm.webhooks.deliveries", asked)
    rows = [
        {"id": each.id, "event": each.event, "status": each.status, "attempts": each.attempts, "answer": each.last_status or "",
         "error": each.last_error or "", "when": ago(each.created_at, visit.now, visit.zone)}
        for each in found.items
    ]  # fmt: skip
    url = f"{HERE}/{endpoint.id}"
    more = f"{url}?status={status}&cursor={found.next_cursor}" if found.next_cursor else None
    return await page(
        visit, "webhook.html", here=HERE, one=endpoint, rows=rows, statuses=STATUSES, chosen=status, next_url=more, page_url=url,
    )  # fmt: skip


async def delivery(visit: Visit) -> Response:
    """GET /settings/webhooks/deliveries/{delivery}: the message, and each attempt."""
    id = _id(visit, "delivery")
    found: DeliveryLog = await visit.perform("crm.webhooks.delivery", NameDelivery(delivery_id=id))
    attempts = [
        {"when": ago(each.attempted_at, visit.now, visit.zone), "status": each.status or "", "ms": each.milliseconds,
         "told": each.error or each.response or ""}
        for each in found.log
    ]  # fmt: skip
    return await sheet(
        visit, "delivery.html", found.event, act=_("Send again"), back=f"{HERE}/{found.endpoint_id}", values={}, here=HERE,
        attempts=attempts, message=found.message, delivery=found,
    )  # fmt: skip


async def resend(visit: Visit) -> Response:
    """POST /settings/webhooks/deliveries/{delivery}: once more."""
    again: Replayed = await visit.perform("crm.webhooks.replay", Replay(delivery_id=_id(visit, "delivery")))
    return done(visit, _("%(deliveries)s is sent again.") % {"deliveries": again.deliveries}, visit.back(HERE))


async def act(visit: Visit) -> Response:
    """POST /settings/webhooks/{webhook}/{act}: try it out, switch it, remove it, or send again what failed."""
    endpoint, what = await _endpoint(visit), visit.path["act"]
    if what == "test":
        await visit.perform("crm.webhooks.test", NameEndpoint(webhook_id=endpoint.id))
        words = _("A test event is on its way.")
    elif what == "switch":
        status: Any = "disabled" if endpoint.status == "active" else "active"
        await visit.perform("crm.webhooks.update", EditEndpoint(webhook_id=endpoint.id, status=status))
        words = _("The webhook is switched off.") if status == "disabled" else _("The webhook is told of events again.")
    elif what == "replay":
        again: Replayed = await visit.perform("crm.webhooks.replay", Replay(webhook_id=endpoint.id))
        words = _("%(deliveries)s that failed are sent again.") % {"deliveries": again.deliveries}
    elif what == "remove":
        await visit.perform("crm.webhooks.delete", NameEndpoint(webhook_id=endpoint.id))
        return redirect(HERE)
    else:
        raise NotFound("There is no such act.")
    return said(visit, words) if visit.from_htmx else redirect(f"{HERE}/{endpoint.id}")


async def rotate(visit: Visit) -> Response:
    """GET and POST /settings/webhooks/{webhook}/rotate: a new secret, shown this once; the old one signs for a day more."""
    endpoint = await _endpoint(visit)
    made: NewEndpoint | None = None
    if visit.request.method == "POST":
        made = await visit.perform("crm.webhooks.rotateSecret", RotateSecret(webhook_id=endpoint.id))
    return await sheet(
        visit,
        "webhook_new.html",
        _("New secret"),
        act=_("Make a new secret"),
        back=f"{HERE}/{endpoint.id}",
        values={},
        here=HERE,
        made=made,
        known=[],
        rotating=True,
        lede="" if made else _("Both secrets sign for a day, so that you can change over."),
    )


async def _endpoint(visit: Visit) -> Endpoint:
    _must_manage(visit)
    id = _id(visit, "webhook")
    found: list[Endpoint] = await visit.perform("crm.webhooks.list")
    endpoint = next((each for each in found if each.id == id), None)
    if endpoint is None:
        raise NotFound("There is no such webhook in your organization.")
    return endpoint


def _id(visit: Visit, name: str) -> UUID:
    id = as_uuid(visit.path[name])
    if id is None:
        raise NotFound("There is nothing of this id.")
    return id


def _must_manage(visit: Visit) -> None:
    if not visit.may_manage:
        raise Forbidden("Only an admin sets up webhooks.")
