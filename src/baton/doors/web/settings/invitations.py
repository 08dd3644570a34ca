"""Settings → Members: asking people in by a link, which is shown once to copy, and mailed where mail can leave."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.accounts.invitations import Invitation, Invite, NameInvitation, NewInvitation
from baton.doors.web.shell.language import Choices, Told, _, marked, meant, told
from baton.doors.web.shell.render import redirect, said
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.times import moment
from baton.doors.web.shell.visit import Visit, as_uuid, database
from baton.kernel.actor import Role
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from baton.kernel.explain import explained
from baton.messages.mailbox import Mailbox

HERE = "/settings/members"
ROLES = Choices([("admin", marked("Admin")), ("member", marked("Member")), ("viewer", marked("Viewer"))])
_MAIL = Told(
    {
        "waiting": marked("To be mailed"),
        "sent": marked("Mailed"),
        "failed": marked("Not mailed"),
        "none": marked("Not mailed"),
    }
)
_STATES = Told(
    {"waiting": marked("Waiting"), "expired": marked("Expired"), "withheld": marked("Its inviter may invite no more")}
)


def roles_of(visit: Visit) -> list[tuple[str, str]]:
    """The roles that this person may give."""
    return [("owner", meant("role", "Owner")), *ROLES] if visit.actor.role == Role.OWNER else ROLES


async def asked(visit: Visit) -> list[dict[str, Any]]:
    """The open invitations, as rows."""
    found: list[Invitation] = await visit.perform("crm.members.invitations")
    names = {member.id: member.name for member in await visit.members()}
    return [
        {
            "id": each.id, "version": each.version, "name": each.name, "email": each.email, "role": each.role.value,
            "by": names.get(each.invited_by, _("a former member")), "until": moment(each.expires_at, visit.now, visit.zone),
            "state": each.state, "words": _STATES.get(each.state, each.state), "mail": _MAIL[each.mail],
            "why": told(each.mail_error) if each.mail_error else "",
            "mine": each.role != Role.OWNER or visit.actor.role == Role.OWNER,
        }
        for each in found
    ]  # fmt: skip


async def invite(visit: Visit) -> Response:
    """GET and POST /settings/members/new: whom to ask in; the link is shown once."""
    _must_manage(visit)
    error: Refusal | TooMany | None = None
    made: NewInvitation | None = None
    if visit.request.method == "POST":
        try:
            made = await visit.perform("crm.members.invite", _wish(visit))
        except (Invalid, Conflict, NotFound, TooMany) as refusal:
            error = refusal
    return await _sheet(visit, _("Invite a person"), _("Invite"), made, error, values={"role": "member"} | visit.fields)


def _wish(visit: Visit) -> Invite:
    wish = {key: text for key in ("name", "email", "role") if (text := visit.fields.get(key, "").strip())}
    for key, words in (("name", _("Name")), ("email", _("Email"))):
        if key not in wish:
            raise Invalid(_("%(field)s is required.") % {"field": words}, field=key)
    try:
        return msgspec.convert(wish, Invite)
    except msgspec.ValidationError as error:
        raise explained(error, Invite) from None


async def resend(visit: Visit) -> Response:
    """GET and POST /settings/members/invitations/{invitation}/resend: another link in place of the earlier ones."""
    _must_manage(visit)
    found = await _one(visit)
    error: Refusal | None = None
    made: NewInvitation | None = None
    if visit.request.method == "POST":
        try:
            made = await visit.perform("crm.members.resendInvitation", NameInvitation(invitation_id=found.id))
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    lede = _("Links that were made before open nothing any more. The new one is good for 7 days.")
    title = _("A new link for %(name)s") % {"name": found.name}
    return await _sheet(visit, title, _("Make a new link"), made, error, lede=lede, asks=False)


async def revoke(visit: Visit) -> Response:
    """POST /settings/members/invitations/{invitation}/revoke."""
    id = as_uuid(visit.path["invitation"])
    if id is None:
        raise NotFound("There is no such invitation in your organization.")
    gone: Invitation = await visit.perform("crm.members.revokeInvitation", NameInvitation(invitation_id=id))
    words = _("The invitation of %(name)s opens nothing any more.") % {"name": gone.name}
    return said(visit, words) if visit.from_htmx else redirect(HERE)


async def _sheet(
    visit: Visit, title: str, act: str, made: NewInvitation | None, error: Any, *, values: dict[str, Any] | None = None, lede: str = "",
    asks: bool = True,
) -> Response:  # fmt: skip
    if made is not None:
        title = _("%(name)s is invited") % {"name": made.name}
    return await sheet(
        visit, "member_invite.html", title, act=act, back=HERE, here=HERE, values=values or {}, error=error,
        lede="" if made else lede, roles=roles_of(visit), made=made, asks=asks, mails=await _carried(visit),
        until=moment(made.expires_at, visit.now, visit.zone) if made else None,
    )  # fmt: skip


async def _carried(visit: Visit) -> bool:
    """Whether there is anybody to mail the link: the installation's relay, or a mailbox."""
    if database(visit.request).installation.mail is not None:
        return True
    boxes: list[Mailbox] = await visit.perform("crm.mailboxes.list")
    return any(box.status == "active" and box.member_id in (None, visit.actor.id) for box in boxes)


async def _one(visit: Visit) -> Invitation:
    found: list[Invitation] = await visit.perform("crm.members.invitations")
    one = next((each for each in found if str(each.id) == visit.path["invitation"]), None)
    if one is None:
        raise NotFound("There is no such invitation, or it was accepted or revoked.")
    return one


def _must_manage(visit: Visit) -> None:
    if not visit.may_manage:
        raise Forbidden("Only an admin invites.")
