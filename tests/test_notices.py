"""Notices: who is told of what, once, as they want to be told. Spec A6."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from baton.jobs import lanes
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.operation import Input, Output, operation, registry
from baton.kernel.values import utc_now
from baton.messages.notices import mail
from baton.messages.notices.settings import NoticeSettings, QuietHours, after_quiet, mail_at
from tests.team import Team

BERLIN = "Europe/Berlin"
NIGHT = QuietHours("22:00", "07:00")


async def notices(team: Team, actor: Actor, **asked: Any) -> list[Any]:
    found: list[Any] = (await team.do(actor, "crm.notifications.list", asked)).items
    return found


async def owned(team: Team, owner: Actor) -> Any:
    """A lead of somebody's, and nothing left to be told of it."""
    lead = await team.capture()
    await team.do(owner, "crm.leads.assign", leadId=str(lead.id), ownerId=str(owner.id))
    await team.run_due()
    await team.do(owner, "crm.notifications.markRead", all=True)
    return lead


async def test_the_owner_is_told_of_a_reply_once_and_not_of_their_own_act(fresh: Team) -> None:
    """A6: a reply on one's lead is told; delivered twice it is told once."""
    lead = await owned(fresh, fresh.ben)
    await fresh.do(
        fresh.ana, "crm.leads.logActivity", leadId=str(lead.id), type="email_received", notes="Yes, let us talk."
    )
    await fresh.run_due()
    (told, *_) = await notices(fresh, fresh.ben, unread=True)
    assert (told.event, told.lead_id, told.href) == ("reply", lead.id, f"/leads/{lead.id}")
    assert told.body == "Yes, let us talk."
    assert told.title == f"{lead.name} replied"
    again = {"activityIds": [str(told.activity_id)]}
    assert (await fresh.do(fresh.ben, "crm.notifications.ofActivities", again)).notices == 0
    await fresh.do(
        fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="email_received", notes="By my own hand."
    )
    await fresh.run_due()
    assert len(await notices(fresh, fresh.ben, unread=True)) == 1
    assert await notices(fresh, fresh.ana, unread=True) == []


async def test_many_leads_given_by_one_act_are_one_notice(fresh: Team) -> None:
    """A6: assigned to you; forty leads at once are told as forty, once."""
    ids = [str((await fresh.capture()).id) for _ in range(4)]
    await fresh.run_due()
    await fresh.do(fresh.ben, "crm.notifications.markRead", all=True)
    await fresh.do(fresh.ana, "crm.leads.bulkUpdate", leadIds=ids, ownerId=str(fresh.ben.id))
    await fresh.run_due()
    (told,) = [each for each in await notices(fresh, fresh.ben, unread=True) if "4 leads" in each.title]
    assert told.title == "Ana Duarte assigned 4 leads to you"
    assert told.event == "assigned"


async def test_a_mention_is_told_to_whom_it_names(fresh: Team) -> None:
    """A6: @Ben and @Vera Lind are told of a note, nobody else is, nor the one who wrote it."""
    lead = await owned(fresh, fresh.ana)
    note = "@vera lind and @Ben: see this. ana@northwind.example is no mention of @Nobody, @Ana"
    await fresh.do(fresh.ana, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes=note)
    await fresh.run_due()
    for actor, told in ((fresh.ben, ["mention"]), (fresh.vera, ["mention"]), (fresh.ana, [])):
        found = await notices(fresh, actor, unread=True)
        assert [each.event for each in found if each.lead_id == lead.id] == told


async def test_an_agent_that_fails_calls_its_supervisor(fresh: Team) -> None:
    """A6: what an agent cannot do is told to the person behind it."""
    broken = {"operation": "crm.leads.assign", "input": {"ownerId": "{{ '1e999' | floor }}"}}
    await fresh.do(
        fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id),
        rules=[{"name": "Broken", "trigger": "lead_imported", "steps": [broken]}],
    )  # fmt: skip
    await fresh.capture()
    await fresh.run_due()
    supervisor = next(
        member.supervisor_id for member in await fresh.do(fresh.ana, "crm.members.list") if member.id == fresh.athena.id
    )
    async with fresh.db.transaction(fresh.org_id) as conn:
        asked = "SELECT member_id FROM notices WHERE org_id = $1 AND event = 'agent'"
        whom = {row["member_id"] for row in await conn.fetch(asked, fresh.org_id)}
    assert whom == ({supervisor} if supervisor else {fresh.started.owner_id, fresh.ana.id})


async def test_one_reads_ones_own_alone(fresh: Team, carla: Team) -> None:
    """A6, B9: another member's notice does not exist for anybody else, nor does another organization's."""
    lead = await owned(fresh, fresh.ben)
    told = await fresh.do(
        fresh.ana, "crm.notifications.notify", memberId=str(fresh.ben.id), kind="reply", title="x", leadId=str(lead.id)
    )
    for actor, db in ((fresh.ana, fresh), (carla.ana, carla)):
        with pytest.raises(NotFound):
            await db.do(actor, "crm.notifications.markRead", noticeId=str(told.notice_id))
    with pytest.raises(Invalid):
        await fresh.do(fresh.ben, "crm.notifications.markRead")
    with pytest.raises(Forbidden):
        await fresh.do(fresh.form, "crm.notifications.list")
    read = await fresh.do(fresh.ben, "crm.notifications.markRead", noticeId=str(told.notice_id))
    assert (
        read.marked,
        (await fresh.do(fresh.ben, "crm.notifications.markRead", noticeId=str(told.notice_id))).marked,
    ) == (1, 0)


async def test_the_list_goes_on_after_its_cursor(fresh: Team) -> None:
    """A6: pages by cursor, none twice, none lost."""
    made = [
        (
            await fresh.do(
                fresh.ana, "crm.notifications.notify", memberId=str(fresh.ben.id), kind="reply", title=f"{n}"
            )
        ).notice_id
        for n in range(7)
    ]
    seen: list[Any] = []
    cursor = None
    while True:
        page = await fresh.do(fresh.ben, "crm.notifications.list", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == list(reversed(made))
    assert page.unread == 7


@pytest.mark.parametrize(
    "href", ["//evil.example", "https://evil.example", "javascript:alert(1)", "/a\\b", "/a b", "leads"]
)
async def test_a_notice_leads_to_our_own_pages_alone(fresh: Team, href: str) -> None:
    with pytest.raises(Invalid):
        await fresh.do(
            fresh.ana, "crm.notifications.notify", memberId=str(fresh.ben.id), kind="reply", title="x", href=href
        )


def wish(**given: Any) -> NoticeSettings:
    values: dict[str, Any] = {
        "events": {}, "quiet_hours": None, "digest": "immediate", "digest_hour": 8, "time_zone": BERLIN, "version": 1,
    } | given  # fmt: skip
    return NoticeSettings(**values)


@pytest.mark.parametrize(
    ("now", "given", "at"),
    [
        ("2026-11-20T12:00:00Z", {}, "2026-11-20T12:00:00Z"),
        ("2026-11-20T12:00:00Z", {"digest": "off"}, None),
        ("2026-11-20T12:00:00Z", {"digest": "daily"}, "2026-11-21T07:00:00Z"),
        ("2026-11-20T06:00:00Z", {"digest": "daily"}, "2026-11-20T07:00:00Z"),
        ("2026-11-20T22:30:00Z", {"quiet_hours": QuietHours("22:00", "07:00")}, "2026-11-21T06:00:00Z"),
        ("2026-11-21T03:00:00Z", {"quiet_hours": QuietHours("22:00", "07:00")}, "2026-11-21T06:00:00Z"),
        ("2026-11-21T06:00:00Z", {"quiet_hours": QuietHours("22:00", "07:00")}, "2026-11-21T06:00:00Z"),
        ("2026-11-20T12:00:00Z", {"digest": "daily", "digest_hour": 23, "quiet_hours": NIGHT}, "2026-11-21T06:00:00Z"),
        # the night in which the clock jumps from 02:00 to 03:00, and the one in which an hour comes twice
        ("2027-03-27T23:30:00Z", {"quiet_hours": QuietHours("22:00", "07:00")}, "2027-03-28T05:00:00Z"),
        ("2027-10-30T23:30:00Z", {"quiet_hours": QuietHours("22:00", "07:00")}, "2027-10-31T06:00:00Z"),
        ("2027-03-27T12:00:00Z", {"digest": "daily", "digest_hour": 2}, "2027-03-28T01:00:00Z"),
    ],
)  # fmt: skip
def test_quiet_hours_and_the_daily_hour_are_those_of_the_members_clock(
    now: str, given: dict[str, Any], at: str | None
) -> None:
    """A6: quiet hours put mail off, whatever the clocks do that night."""
    assert mail_at(datetime.fromisoformat(now), wish(**given)) == (datetime.fromisoformat(at) if at else None)


def test_quiet_hours_never_send_into_the_past() -> None:
    at = datetime(2026, 11, 20, 5, 59, tzinfo=UTC)
    assert after_quiet(at, QuietHours("22:00", "07:00"), ZoneInfo(BERLIN)) >= at


class TellMember(Input, kw_only=True):
    """What the outbox takes."""

    member_id: str
    subject: str
    text: str


class Sent(Output, kw_only=True):
    """Nothing to say."""


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> list[TellMember]:
    """What was handed to the outbox: an operation of the registry stands in its place."""
    sent: list[TellMember] = []
    known = registry.pop(mail.TELL_MEMBER, None)

    @operation(mail.TELL_MEMBER, role=None, summary="Mail a member", internal=True)
    async def tell(tx: Tx, actor: Actor, input: TellMember) -> Sent:
        if "refuse" in input.subject:
            raise Invalid("No mail server is set up.")
        sent.append(input)
        return Sent()

    replaced = registry.pop(mail.TELL_MEMBER)
    if known is not None:
        registry[mail.TELL_MEMBER] = known
    monkeypatch.setitem(registry, mail.TELL_MEMBER, replaced)
    return sent


async def test_mail_goes_once_and_not_for_what_was_read(fresh: Team, outbox: list[TellMember]) -> None:
    """A6: three notices are one mail; one that was read meanwhile is left out; a second look sends nothing."""
    ids = [
        (
            await fresh.do(
                fresh.ana, "crm.notifications.notify", memberId=str(fresh.ben.id), kind="reply", title=f"Reply {n}"
            )
        ).notice_id
        for n in range(3)
    ]
    await fresh.do(fresh.ben, "crm.notifications.markRead", noticeId=str(ids[1]))
    for _ in range(2):
        await lanes.step(fresh.db, only=fresh.org_id)
    (sent,) = outbox
    assert sent.member_id == str(fresh.ben.id)
    assert "Reply 0" in sent.text
    assert "Reply 2" in sent.text
    assert "Reply 1" not in sent.text
    assert [each.email for each in await notices(fresh, fresh.ben)] == ["sent", "skipped", "sent"]


async def test_quiet_hours_put_off_the_mail_and_not_the_notice(fresh: Team, outbox: list[TellMember]) -> None:
    """A6."""
    now = utc_now()
    begins, ends = (now - timedelta(hours=1), now + timedelta(hours=2))
    await fresh.do(
        fresh.ben, "crm.notifications.setSettings", quietHours={"from": f"{begins:%H:%M}", "to": f"{ends:%H:%M}"}
    )
    await fresh.do(fresh.ana, "crm.notifications.notify", memberId=str(fresh.ben.id), kind="reply", title="Late")
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    assert outbox == []
    assert [each.title for each in await notices(fresh, fresh.ben, unread=True)] == ["Late"]
    await lanes.step(fresh.db, now=ends, only=fresh.org_id)
    assert [each.subject for each in outbox] == ["Late"]


async def test_what_cannot_be_mailed_says_why_and_is_not_tried_for_ever(fresh: Team, outbox: list[TellMember]) -> None:
    await fresh.do(fresh.ana, "crm.notifications.notify", memberId=str(fresh.ben.id), kind="reply", title="refuse this")
    await lanes.step(fresh.db, only=fresh.org_id)
    (told,) = await notices(fresh, fresh.ben)
    assert (told.email, told.email_error) == ("failed", "No mail server is set up.")
    assert await lanes.step(fresh.db, only=fresh.org_id) == 0


async def test_one_chooses_what_one_is_told(fresh: Team, outbox: list[TellMember]) -> None:
    """A6: each event in the product and by e-mail, on or off; what is not named stays as it is."""
    await fresh.do(
        fresh.ben, "crm.notifications.setSettings",
        events={"reply": {"inApp": False, "email": False}, "assigned": {"inApp": True, "email": True}},
    )  # fmt: skip
    for kind in ("reply", "assigned", "mention"):
        await fresh.do(fresh.ana, "crm.notifications.notify", memberId=str(fresh.ben.id), kind=kind, title=kind)
    await lanes.step(fresh.db, only=fresh.org_id)
    assert [each.event for each in await notices(fresh, fresh.ben)] == ["mention", "assigned"]
    assert "assigned" in outbox[0].text
    with pytest.raises(Invalid, match="no event"):
        await fresh.do(fresh.ben, "crm.notifications.setSettings", events={"weather": {}})
    for quiet in ({"from": "25:00", "to": "07:00"}, {"from": "07:00", "to": "07:00"}):
        with pytest.raises(Invalid):
            await fresh.do(fresh.ben, "crm.notifications.setSettings", quietHours=quiet)


async def test_what_was_marked_as_read_is_put_back_by_whoever_read_it(fresh: Team, carla: Team) -> None:
    """A6: Done has its undo: what one operation marked waits again, and nothing that was read before or after it."""
    await fresh.do(fresh.ben, "crm.notifications.markRead", all=True)
    for _ in range(3):
        lead = await fresh.capture()
        await fresh.do(fresh.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(fresh.ben.id))
    await fresh.run_due()
    first, *others = [str(each.id) for each in await notices(fresh, fresh.ben, unread=True)]
    await fresh.do(fresh.ben, "crm.notifications.markRead", noticeId=first)
    assert (await fresh.do(fresh.ben, "crm.notifications.markRead", all=True)).marked == len(others) >= 2
    log = (await fresh.do(fresh.ben, "crm.activities.list", limit=1)).items[0]
    undo = {"operationId": str(log.operation_id)}
    for stranger, team in ((fresh.ana, fresh), (carla.ben, carla)):
        with pytest.raises(NotFound):
            await team.do(stranger, "crm.notifications.markUnread", undo)
    assert (await fresh.do(fresh.ben, "crm.notifications.markUnread", undo)).marked == len(others)
    assert {str(each.id) for each in await notices(fresh, fresh.ben, unread=True)} == set(others)
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.notifications.markUnread", undo)
    with pytest.raises(Invalid):
        await fresh.do(fresh.ben, "crm.notifications.markUnread")
    assert (await fresh.do(fresh.ben, "crm.notifications.markUnread", noticeId=first)).unread == len(others) + 1
