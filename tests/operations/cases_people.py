"""The cases of asking people in."""

import secrets
from datetime import datetime
from typing import Any

from baton.accounts import reset_password
from baton.activities import kinds
from baton.kernel.actor import Role, system
from baton.kernel.perform import perform
from tests.operations.cases import Input, case
from tests.operations.cases_clock import notice_for
from tests.team import PASSWORD, Team, make_team


def whom(name: str = "Bea Stone", **more: Any) -> Input:
    """Somebody who is not known here."""
    return {"name": name, "email": f"bea.{secrets.token_hex(4)}@northwind.example"} | more


async def invited(team: Team, **more: Any) -> Any:
    """An invitation by Ana, with its link."""
    return await team.do(team.ana, "crm.members.invite", whom(**more))


def token_of(made: Any) -> str:
    """The end of an invitation's link."""
    link: str = made.link
    return link.rpartition("/")[2]


@case("crm.members.invitations", foreign=False)
async def _list(team: Team) -> Input:
    await invited(team)
    return {}


@case("crm.members.invite", kinds.INVITATION_SENT, foreign=False)
async def _invite(team: Team) -> Input:
    return whom()


async def _one(team: Team) -> Input:
    return {"invitationId": str((await invited(team)).id)}


case("crm.members.resendInvitation", kinds.INVITATION_RENEWED)(_one)
case("crm.members.revokeInvitation", kinds.INVITATION_REVOKED)(_one)


@case("crm.members.noteInvitationMail", kinds.INVITATION_MAILED)
async def _mailed(team: Team) -> Input:
    return await _one(team) | {"end": "sent"}


@case("crm.notifications.markUnread", kinds.NOTICES_UNREAD)
async def _unread(team: Team) -> Input:
    id = await notice_for(team, team.vera)
    await team.do(team.vera, "crm.notifications.markRead", noticeId=id)
    return {"noticeId": id}


@case("crm.forms.update", kinds.FORM_CHANGED)
async def _form(team: Team) -> Input:
    made = await team.do(team.ana, "crm.forms.create", {"name": "Ask us"})
    return {"formId": str(made.id), "name": "Ask us anything", "status": "closed"}


@case("crm.members.openInvitation")
async def _open(team: Team) -> Input:
    return {"token": token_of(await invited(team))}


@case("crm.members.acceptInvitation", kinds.INVITATION_ACCEPTED)
async def _accept(team: Team) -> Input:
    return await _open(team) | {"name": "Bea Stone", "password": PASSWORD}


async def somebody(team: Team, *others: Team) -> tuple[str, Any]:
    """The e-mail of a new person of these organizations, who signs in with the tests' password, and their member in the first."""
    email, places = f"cleo.{secrets.token_hex(4)}@northwind.example", []
    for place in (team, *others):
        actor = system(place.org_id, "Baton", role=Role.OWNER)
        person = {"name": "Cleo Vance", "email": email, "role": "member", "password": PASSWORD}
        places.append(await perform(place.db, actor, "crm.members.addPerson", person))
    return email, places[0]


async def reset_token(team: Team, email: str, *, now: datetime | None = None) -> str:
    """The end of a link by which the person of an e-mail chooses a new password."""
    return (await reset_password.link(team.db, email, now=now)).rpartition("/")[2]


@case("crm.profile.resetPassword", kinds.PASSWORD_RESET)
async def _reset(team: Team) -> Input:
    email, _ = await somebody(team)
    return {"token": await reset_token(team, email), "new": "an own password of hers"}


@case("crm.profile.noteReset", kinds.PASSWORD_RESET)
async def _note_reset(team: Team) -> Input:
    other = await make_team(team.db, "Second")
    email, _ = await somebody(other, team)
    actor = system(other.org_id, "Forgotten password", via="page", role=Role.VIEWER)
    wish = {"token": await reset_token(other, email), "new": "an own password of hers"}
    await perform(team.db, actor, "crm.profile.resetPassword", wish)
    async with team.db.transaction(team.org_id) as conn:
        id = await conn.fetchval(
            "SELECT id FROM password_resets WHERE org_id = $1 ORDER BY reset_at DESC LIMIT 1", team.org_id
        )
    return {"resetId": str(id)}
