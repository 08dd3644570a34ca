"""Webhooks: what is told, to whom, how it is proved, how often it is tried, and when it is given up. Spec C9."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from baton.automations.webhooks import deliver
from baton.automations.webhooks.deliver import LEASE, backoff
from baton.jobs import lanes, worker
from baton.kernel.addresses import Refused
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.values import utc_now
from tests.team import Team
from tests.webhooks.receiver import Message, Receiver


async def hook(team: Team, receiver: Receiver, *events: str) -> Any:
    return await team.do(team.ana, "crm.webhooks.create", url=receiver.url, events=list(events) or ["lead.*"])


async def tell(team: Team, now: datetime | None = None) -> None:
    """Read the log and deliver what is due, as a worker would."""
    await team.run_due()
    await lanes.step(team.db, now=now, only=team.org_id)


async def deliveries(team: Team, webhook_id: UUID) -> list[Any]:
    page = await team.do(team.ana, "crm.webhooks.deliveries", webhookId=str(webhook_id))
    return list(reversed(page.items))


def verified(message: Message, secret: str) -> Any:
    """The message as a receiver reads it with the Standard Webhooks library."""
    return Webhook(secret).verify(message.body, message.headers)


async def test_a_stage_change_is_told_signed_with_old_and_new_values(fresh: Team, receiver: Receiver) -> None:
    """Spec C9: `lead.stage_changed`; the public library verifies it, and refuses another secret or body."""
    lead = await fresh.capture()
    await fresh.run_due()
    made = await hook(fresh, receiver, "lead.stage_changed")
    lead = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
    pipeline = await fresh.do(fresh.ana, "crm.pipelines.get", pipelineId=str(lead.pipeline_id))
    target = next(stage for stage in pipeline.stages if stage.id != lead.stage_id and stage.outcome == "open")
    await fresh.do(
        fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(target.id), reason="They answered."
    )
    await tell(fresh)
    (message,) = receiver.messages
    told = verified(message, made.secret)
    assert told["type"] == "lead.stage_changed"
    assert told["data"]["changes"]["stageId"] == {"old": str(lead.stage_id), "new": str(target.id)}
    assert told["data"]["actor"] == {"type": "user", "id": str(fresh.ben.id), "name": "Ben Okafor"}
    assert (told["data"]["leadId"], told["data"]["reason"]) == (str(lead.id), "They answered.")
    assert told["data"]["lead"]["stageId"] == str(target.id)
    with pytest.raises(WebhookVerificationError):
        verified(message, "whsec_" + "A" * 43 + "=")
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(message.body + b" ", message.headers)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (["lead.*"], {"lead.created", "lead.scored", "lead.assigned", "lead.updated", "lead.deleted"}),
        (["task.created", "note.added"], {"task.created", "note.added"}),
        (["lead.deleted"], {"lead.deleted"}),
    ],
)
async def test_an_endpoint_hears_what_it_listens_to(
    fresh: Team, receiver: Receiver, events: list[str], expected: set[str]
) -> None:
    """Events are chosen one by one or as a group; a member's acts and an agent's are told alike."""
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id), rules=[])
    await hook(fresh, receiver, *events)
    lead = {"leadId": str((await fresh.capture()).id)}
    await fresh.do(fresh.ben, "crm.leads.assign", lead | {"ownerId": str(fresh.ben.id)})
    await fresh.do(fresh.marcus, "crm.leads.update", lead | {"location": "Lisbon"})
    await fresh.do(fresh.ben, "crm.leads.logActivity", lead | {"type": "note", "notes": "Met at the fair"})
    await fresh.do(fresh.ben, "crm.leads.followUp", lead | {"dueIn": "2h"})
    await fresh.do(fresh.ana, "crm.leads.delete", lead)
    await tell(fresh)
    assert {json.loads(message.body)["type"] for message in receiver.messages} == expected


async def test_each_activity_is_delivered_once(fresh: Team, receiver: Receiver) -> None:
    """A job that is done twice, and two workers that deliver at once, send one message."""
    made = await hook(fresh, receiver, "lead.created")
    lead = await fresh.capture()
    (activity,) = [a for a in await fresh.log(lead.id) if a.kind == "lead_imported"]
    assert await deliver.queue(fresh.db, fresh.org_id, "lead_imported", [activity.id]) == 1
    assert await deliver.queue(fresh.db, fresh.org_id, "lead_imported", [activity.id]) == 0
    await fresh.run_due()
    await asyncio.gather(*(deliver.deliver(fresh.db, fresh.org_id, made.id) for _ in range(3)))
    await lanes.step(fresh.db, only=fresh.org_id)
    assert len(receiver.messages) == 1
    (done,) = await deliveries(fresh, made.id)
    assert (done.status, done.attempts, done.last_status) == ("delivered", 1, 200)
    read = await fresh.do(fresh.ana, "crm.webhooks.delivery", deliveryId=str(done.id))
    assert [(each.status, each.response) for each in read.log] == [(200, "thanks")]
    assert read.message == json.loads(receiver.messages[0].body)


async def test_a_failing_endpoint_is_tried_for_a_day_then_switched_off(fresh: Team, receiver: Receiver) -> None:
    """24 h of exponential backoff, each attempt in the log; then the webhook is switched off, and the log says so."""
    made = await hook(fresh, receiver, "lead.created")
    receiver.status, receiver.answer = 500, b"boom " * 1000
    await fresh.capture()
    start = now = utc_now()
    await fresh.run_due()
    for _ in range(60):
        await lanes.step(fresh.db, now=now, only=fresh.org_id)
        (one,) = await deliveries(fresh, made.id)
        if one.status != "waiting":
            break
        assert one.next_at is not None
        assert one.next_at > now
        now = one.next_at
    assert one.status == "failed"
    assert start + timedelta(hours=23, minutes=59) <= now <= start + timedelta(hours=24, minutes=1)
    assert 10 <= len(receiver.messages) <= 16
    ids = {message.headers["webhook-id"] for message in receiver.messages}
    assert len(ids) == 1, "every attempt carries the same id"
    read = await fresh.do(fresh.ana, "crm.webhooks.delivery", deliveryId=str(one.id))
    assert len(read.log) == len(receiver.messages)
    assert len(read.log[0].response) == 1000
    (endpoint,) = await fresh.do(fresh.ana, "crm.webhooks.list")
    assert endpoint.status == "disabled"
    page = await fresh.do(fresh.ana, "crm.activities.list", kind="webhook_disabled")
    assert page.items[0].actor_name == "Baton"
    assert "500" in page.items[0].reason
    await fresh.capture()
    await tell(fresh)
    assert len(await deliveries(fresh, made.id)) == 1, "a webhook that is off hears nothing"
    with pytest.raises(Conflict):
        await fresh.do(fresh.ana, "crm.webhooks.replay", deliveryId=str(one.id))


async def test_replay_sends_the_same_message_again(fresh: Team, receiver: Receiver) -> None:
    """What failed is sent again under its id, one delivery or all since a moment."""
    made = await hook(fresh, receiver, "lead.created")
    receiver.status = 410
    await fresh.capture()
    await tell(fresh)
    (one,) = await deliveries(fresh, made.id)
    assert (one.status, one.last_status) == ("failed", 410)
    (endpoint,) = await fresh.do(fresh.ana, "crm.webhooks.list")
    assert endpoint.status == "disabled", "410 Gone says that nobody listens there any more"
    await fresh.do(fresh.ana, "crm.webhooks.update", webhookId=str(made.id), status="active")
    receiver.status = 200
    since = (utc_now() - timedelta(hours=1)).isoformat()
    for ask in ({"deliveryId": str(one.id)}, {"webhookId": str(made.id), "since": since}):
        replayed = await fresh.do(fresh.ana, "crm.webhooks.replay", ask)
        await lanes.step(fresh.db, only=fresh.org_id)
        assert replayed.deliveries == (1 if "deliveryId" in ask else 0), "what was delivered is not among the failed"
    first, second = receiver.messages
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert json.loads(first.body)["data"]["id"] == json.loads(second.body)["data"]["id"]
    assert verified(second, made.secret)


async def test_two_secrets_are_valid_for_a_while(fresh: Team, receiver: Receiver) -> None:
    """Rotation: both verify during the overlap; afterwards only the new one. Each is told once."""
    made = await hook(fresh, receiver)
    rotated = await fresh.do(fresh.ana, "crm.webhooks.rotateSecret", webhookId=str(made.id), overlapHours=1)
    assert rotated.secret != made.secret
    await fresh.do(fresh.ana, "crm.webhooks.test", webhookId=str(made.id))
    await lanes.step(fresh.db, only=fresh.org_id)
    assert verified(receiver.messages[0], made.secret) == verified(receiver.messages[0], rotated.secret)
    await fresh.do(fresh.ana, "crm.webhooks.rotateSecret", webhookId=str(made.id), overlapHours=0)
    await fresh.do(fresh.ana, "crm.webhooks.test", webhookId=str(made.id))
    await lanes.step(fresh.db, only=fresh.org_id)
    for old in (made.secret, rotated.secret):
        with pytest.raises(WebhookVerificationError):
            verified(receiver.messages[1], old)
    listed = json.dumps(str(await fresh.do(fresh.ana, "crm.webhooks.list")))
    log = str(await fresh.do(fresh.ana, "crm.activities.list", limit=200))
    assert "whsec_" not in listed + log
    async with fresh.db.transaction(fresh.org_id) as conn:
        kept = await conn.fetchval("SELECT secret FROM webhook_endpoints WHERE id = $1", made.id)
    assert made.secret.encode() not in kept
    assert b"whsec_" not in kept


async def test_a_slow_endpoint_holds_up_nobody(fresh: Team, carla: Team, receiver: Receiver, slow: Receiver) -> None:
    """One endpoint that takes its time, with a long queue, does not delay another's messages, nor another organization's."""
    theirs = await fresh.do(fresh.ana, "crm.webhooks.create", url=slow.url, events=["lead.created"])
    ours = await hook(fresh, receiver, "lead.created")
    other = await hook(carla, receiver, "lead.created")
    for _ in range(12):
        await fresh.capture()
    await carla.capture()
    await fresh.run_due()
    stop, began = asyncio.Event(), time.monotonic()
    running = asyncio.create_task(lanes.run(fresh.db, stop))
    async with asyncio.timeout(10):
        while len(receiver.messages) < 13:  # noqa: ASYNC110 - the messages come from outside
            await asyncio.sleep(0.02)
    took = time.monotonic() - began
    assert took < 4, "all were told long before the slow one had answered twelve times"
    assert slow.most <= deliver.AT_ONCE
    async with asyncio.timeout(15):
        while len(slow.messages) < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    stop.set()
    await running
    for team, endpoint in ((fresh, theirs), (fresh, ours), (carla, other)):
        assert {each.status for each in await deliveries(team, endpoint.id)} == {"delivered"}
    await carla.do(carla.ana, "crm.webhooks.delete", webhookId=str(other.id))


async def test_the_worker_delivers_by_itself(fresh: Team, receiver: Receiver) -> None:
    """From the log to the receiver with nothing but a worker running."""
    made = await hook(fresh, receiver, "lead.created")
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(fresh.db, stop))
    lead = await fresh.capture()
    async with asyncio.timeout(20):
        while not receiver.messages:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    stop.set()
    await running
    assert verified(receiver.messages[0], made.secret)["data"]["leadId"] == str(lead.id)


async def test_what_a_dead_worker_held_is_sent_after_its_lease(fresh: Team, receiver: Receiver) -> None:
    """A worker that died between claiming and sending loses nothing."""
    made = await hook(fresh, receiver)
    one = await fresh.do(fresh.ana, "crm.webhooks.test", webhookId=str(made.id))
    now = utc_now()
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute(
            "UPDATE webhook_deliveries SET attempts = 1, next_at = $2 WHERE id = $1", one.id, now + LEASE
        )
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    assert not receiver.messages
    await lanes.step(fresh.db, now=now + LEASE, only=fresh.org_id)
    assert len(receiver.messages) == 1


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1/x", "https://2130706433/", "https://0x7f.1/", "https://[::ffff:10.0.0.1]/", "ftp://example.com/",
     "https://user:pw@example.com/", "https://example.com:5432/"],
)  # fmt: skip
async def test_private_addresses_cannot_be_named(fresh: Team, url: str) -> None:
    """Attacks "Server": SSRF through a webhook is refused where it is named …"""
    with pytest.raises(Refused):
        await fresh.do(fresh.ana, "crm.webhooks.create", url=url)
    made = await fresh.do(fresh.ana, "crm.webhooks.create", url="https://example.com/hook")
    with pytest.raises(Refused):
        await fresh.do(fresh.ana, "crm.webhooks.update", webhookId=str(made.id), url=url)


async def test_private_addresses_behind_names_and_redirects_are_not_called(fresh: Team, receiver: Receiver) -> None:
    """… and again where it is called: a name that leads inside fails at once, a redirect is not followed."""
    inside = await fresh.do(fresh.ana, "crm.webhooks.create", url="https://inside.example/hook")

    async def resolver(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    outbound = fresh.db.installation.outbound
    await outbound.close()
    before, outbound.resolver = outbound.resolver, resolver
    try:
        await fresh.do(fresh.ana, "crm.webhooks.test", webhookId=str(inside.id))
        await lanes.step(fresh.db, only=fresh.org_id)
    finally:
        await outbound.close()
        outbound.resolver = before
    (refused,) = await deliveries(fresh, inside.id)
    assert (refused.status, refused.attempts) == ("failed", 1)
    assert "private network" in refused.last_error
    receiver.status, receiver.headers = 302, {"location": "http://169.254.169.254/latest/meta-data"}
    away = await hook(fresh, receiver)
    await fresh.do(fresh.ana, "crm.webhooks.test", webhookId=str(away.id))
    await lanes.step(fresh.db, only=fresh.org_id)
    (redirected,) = await deliveries(fresh, away.id)
    assert (redirected.status, redirected.last_status) == ("waiting", 302)
    await fresh.do(fresh.ana, "crm.webhooks.delete", webhookId=str(away.id))


async def test_unknown_events_are_refused(fresh: Team) -> None:
    with pytest.raises(Invalid, match=r"lead\.stage_changed"):
        await fresh.do(fresh.ana, "crm.webhooks.create", url="https://example.com/", events=["lead.exploded"])
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.webhooks.create", url="https://example.com/", events=[])


async def test_a_receiver_may_ask_for_time(fresh: Team, receiver: Receiver) -> None:
    """Retry-After is honoured, within the day."""
    made = await hook(fresh, receiver)
    receiver.status, receiver.headers = 429, {"retry-after": "3600"}
    await fresh.do(fresh.ana, "crm.webhooks.test", webhookId=str(made.id))
    now = datetime.now(UTC)
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    (one,) = await deliveries(fresh, made.id)
    assert one.next_at >= now + timedelta(hours=1)
    await fresh.do(fresh.ana, "crm.webhooks.delete", webhookId=str(made.id))
    (one,) = await deliveries_of_all(fresh)
    assert one.status == "failed", "what a removed webhook still had to hear is not sent"


async def deliveries_of_all(team: Team) -> list[Any]:
    return list((await team.do(team.ana, "crm.webhooks.deliveries")).items)


def test_backoff_grows_with_jitter_up_to_four_hours() -> None:
    waits = [[backoff(attempt).total_seconds() for _ in range(20)] for attempt in (1, 2, 5, 9, 50)]
    middle = [5, 15, 405, 14_400, 14_400]
    for tries, expected in zip(waits, middle, strict=True):
        assert all(expected * 0.79 <= wait <= expected * 1.21 for wait in tries)
        assert len(set(tries)) > 1


async def test_old_deliveries_are_forgotten(fresh: Team, receiver: Receiver) -> None:
    """The log of deliveries holds a month; what still waits stays."""
    made = await hook(fresh, receiver)
    await fresh.do(fresh.ana, "crm.webhooks.test", webhookId=str(made.id))
    await lanes.step(fresh.db, only=fresh.org_id)
    await fresh.do(fresh.ana, "crm.webhooks.test", webhookId=str(made.id))
    await deliver.prune(fresh.db, fresh.org_id, utc_now() + timedelta(days=29))
    assert len(await deliveries(fresh, made.id)) == 2
    await deliver.prune(fresh.db, fresh.org_id, utc_now() + timedelta(days=31))
    assert [each.status for each in await deliveries(fresh, made.id)] == ["waiting"]
    await fresh.do(fresh.ana, "crm.webhooks.delete", webhookId=str(made.id))
