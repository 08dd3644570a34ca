"""Nurturing and notices over a real SMTP server: the mail arrives once, the rep is told, the reply tells the owner. Spec A6, B7, C9."""

from collections.abc import AsyncIterator

import pytest_asyncio

from baton.jobs import handlers, lanes
from baton.jobs.relay import Job
from tests.messages.conftest import connect
from tests.messages.postoffice import PostOffice
from tests.team import Team


@pytest_asyncio.fixture
async def post() -> AsyncIterator[PostOffice]:
    made = PostOffice()
    server = await made.open()
    yield made
    server.close()


async def test_a_nurturing_stage_writes_once_and_its_rep_hears_of_it_by_mail(fresh: Team, post: PostOffice) -> None:
    """B2, B7: leadNurtureFollowUp; the job delivered three times, one mail to the lead; the rep's notice is mailed too."""
    await connect(fresh, post)
    stage = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0].stages[2]
    await fresh.do(fresh.ana, "crm.pipelines.updateStage", stageId=str(stage.id), autoNurture=True)
    await fresh.do(fresh.ben, "crm.notifications.setSettings", events={"nurture": {"inApp": True, "email": True}})
    lead = await fresh.capture(firstName="Hannah", lastName="Ott", email="hannah@kestrel.example")
    await fresh.run_due()
    await fresh.do(fresh.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(fresh.ben.id))
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(stage.id))
    await fresh.run_due()
    move = next(a for a in reversed(await fresh.log(lead.id)) if a.kind == "stage_changed")
    for _ in range(2):
        await handlers.HANDLERS["leadNurtureFollowUp"](fresh.db, Job(fresh.org_id, "stage_changed", [move.id], 0), None)
    for _ in range(2):
        await lanes.step(fresh.db, only=fresh.org_id)
    by_recipient = {
        to: [taken for taken in post.taken if to in taken.to] for to in ("hannah@kestrel.example", fresh.emails["ben"])
    }
    assert [len(mails) for mails in by_recipient.values()] == [1, 1]
    (nurture,) = by_recipient["hannah@kestrel.example"]
    assert "shall we take the next step" in str(nurture.mail["Subject"])
    (notice,) = by_recipient[fresh.emails["ben"]]
    assert f"{lead.name} was written to" in str(notice.mail["Subject"])
    assert f"/leads/{lead.id}" in notice.mail.get_content()
    (told,) = [n for n in (await fresh.do(fresh.ben, "crm.notifications.list")).items if n.event == "nurture"]
    assert told.email == "sent"
    assert "email_sent" in [a.kind for a in await fresh.log(lead.id)]


async def test_without_a_mailbox_the_notice_says_why_it_was_not_mailed(fresh: Team) -> None:
    """A6: in the product it stands all the same."""
    await fresh.do(
        fresh.ana, "crm.notifications.notify", memberId=str(fresh.ben.id), kind="reply", title="Jane replied"
    )
    await lanes.step(fresh.db, only=fresh.org_id)
    (told,) = (await fresh.do(fresh.ben, "crm.notifications.list")).items
    assert (told.email, told.read_at) == ("failed", None)
    assert "mailbox" in str(told.email_error)
