"""Mailing invitations through a real SMTP server: a link of its own in each mail, once, and what happens where nothing carries it."""

import re
from datetime import timedelta
from typing import Any

from baton.jobs import lanes
from baton.kernel.actor import Role, system
from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from baton.messages.invite import MOST
from tests.messages.conftest import connect
from tests.messages.postoffice import PostOffice
from tests.operations.cases_people import invited, token_of
from tests.team import Team


async def row(team: Team, made: Any) -> Any:
    return next(each for each in await team.do(team.ana, "crm.members.invitations") if each.id == made.id)


async def opens(team: Team, token: str) -> str:
    actor = system(team.org_id, "Invitation", via="page", role=Role.VIEWER)
    invited_as = await perform(team.db, actor, "crm.members.openInvitation", {"token": token})
    state: str = invited_as.state
    return state


async def test_an_invitation_is_mailed_once_with_a_link_of_its_own(fresh: Team, post: PostOffice) -> None:
    """B9. Who invites whom into what, the link, and until when; the link that was shown holds too."""
    await connect(fresh, post)
    made = await invited(fresh, name="Bea\tStone")
    for _ in range(2):
        await lanes.step(fresh.db, only=fresh.org_id)
    (taken,) = post.taken
    assert taken.to == [made.email]
    assert taken.mail["subject"] == "Ana Duarte invites you to Fresh"
    assert taken.mail["auto-submitted"] == "auto-generated"
    text = taken.mail.get_content()
    assert "Hello Bea Stone," in text
    assert "as a member" in text
    (mailed,) = re.findall(r"/join/(\S+)", text)
    assert mailed != token_of(made)
    assert [await opens(fresh, each) for each in (mailed, token_of(made))] == ["waiting", "waiting"]
    assert (await row(fresh, made)).mail == "sent"
    log = (await fresh.do(fresh.ana, "crm.activities.list")).items
    assert [a.kind for a in log[:2]] == ["invitation_mailed", "invitation_sent"]
    async with fresh.db.transaction(fresh.org_id) as conn:
        kept = await conn.fetch("SELECT t::text AS row FROM messages t WHERE org_id = $1", fresh.org_id)
    assert not any(mailed in each["row"] for each in kept)


async def test_a_renewed_one_is_mailed_again_a_minute_later_at_the_earliest(fresh: Team, post: PostOffice) -> None:
    """Nobody's inbox is filled by pressing a button; every link before opens nothing any more."""
    await connect(fresh, post)
    made = await invited(fresh)
    now = utc_now()
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    for _ in range(3):
        again = await fresh.do(fresh.ana, "crm.members.resendInvitation", invitationId=str(made.id))
        await lanes.step(fresh.db, now=now + timedelta(seconds=30), only=fresh.org_id)
    assert len(post.taken) == 1
    await lanes.step(fresh.db, now=now + timedelta(seconds=90), only=fresh.org_id)
    assert len(post.taken) == 2
    newest = re.findall(r"/join/(\S+)", post.taken[1].mail.get_content())[0]
    assert [await opens(fresh, each) for each in (newest, token_of(again))] == ["waiting", "waiting"]


async def test_what_is_ended_is_not_mailed(fresh: Team, post: PostOffice) -> None:
    """Revoked before it left: nothing leaves."""
    await connect(fresh, post)
    made = await invited(fresh)
    await fresh.do(fresh.ana, "crm.members.revokeInvitation", invitationId=str(made.id))
    await lanes.step(fresh.db, only=fresh.org_id)
    assert post.taken == []


async def test_where_nothing_carries_mail_it_says_so(fresh: Team) -> None:
    """The list says that the link has to be handed over."""
    made = await invited(fresh)
    await lanes.step(fresh.db, only=fresh.org_id)
    found = await row(fresh, made)
    assert (found.mail, "Hand the link over" in found.mail_error) == ("none", True)


async def test_a_refused_address_fails_and_a_silent_server_is_tried_again(fresh: Team, post: PostOffice) -> None:
    """A no for good is told at once; silence is tried again, each time with a fresh link, and given up in the end."""
    await connect(fresh, post)
    post.refuse = "550 5.1.1 no such person"
    refused = await invited(fresh)
    await lanes.step(fresh.db, only=fresh.org_id)
    found = await row(fresh, refused)
    assert (found.mail, "no such person" in found.mail_error) == ("failed", True)
    post.refuse, post.answer = None, "451 try later"
    late = await invited(fresh)
    now = utc_now()
    await lanes.step(fresh.db, now=now, only=fresh.org_id)
    assert (await row(fresh, late)).mail == "waiting"
    post.answer = "250 taken"
    await lanes.step(fresh.db, now=now + timedelta(minutes=6), only=fresh.org_id)
    assert (await row(fresh, late)).mail == "sent"
    post.answer = "451 try later"
    never = await invited(fresh)
    for n in range(MOST):
        await lanes.step(fresh.db, now=now + timedelta(hours=n + 1), only=fresh.org_id)
    assert (await row(fresh, never)).mail == "failed"


async def test_the_inviter_is_told_when_somebody_joins(fresh: Team) -> None:
    """A6. The inviter hears of it, and nobody else."""
    made = await invited(fresh)
    actor = system(fresh.org_id, "Invitation", via="page", role=Role.VIEWER)
    wish = {"token": token_of(made), "name": "Bea Stone", "password": "a password of her own"}
    await perform(fresh.db, actor, "crm.members.acceptInvitation", wish)
    await fresh.run_due()
    (told, *_) = (await fresh.do(fresh.ana, "crm.notifications.list")).items
    assert (told.event, told.title, told.href) == ("joined", "Bea Stone joined", "/settings/members")
    assert (await fresh.do(fresh.vera, "crm.notifications.list")).items == []
