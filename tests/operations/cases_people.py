"""The cases of asking people in."""

import secrets
from typing import Any

from baton.activities import kinds
from tests.operations.cases import Input, case
from tests.operations.cases_clock import notice_for
from tests.team import PASSWORD, Team


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
