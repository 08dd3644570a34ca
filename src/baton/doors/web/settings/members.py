"""Settings → Members: people with their roles, and what lets programs in: API keys and agents' tokens. Spec B9."""

from starlette.responses import Response

from baton.accounts.credentials import CreateCredential, Credential, NewCredential, RevokeCredential
from baton.accounts.members import EditMember, Member
from baton.accounts.remove_member import RemoveMember
from baton.doors.web.leads.filters import named
from baton.doors.web.settings.invitations import HERE, ROLES, asked, roles_of
from baton.doors.web.shell.language import Choices, Told, _, marked
from baton.doors.web.shell.render import done, page, redirect, said
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.show import who
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.actor import Role
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound

KEYS = "/settings/keys"
_CHANGED = Told(
    {
        "owner": marked("%(name)s is an owner now."),
        "admin": marked("%(name)s is an admin now."),
        "member": marked("%(name)s is a member now."),
        "viewer": marked("%(name)s is a viewer now."),
    }
)
SCOPES = Choices([("", marked("everything that its owner may")), ("query:*", marked("reading alone"))])


async def show(visit: Visit) -> Response:
    """GET /settings/members."""
    rows = [
        {"id": member.id, "who": who(member), "email": member.email or "", "role": member.role.value,
         "zone": member.time_zone, "me": member.id == visit.actor.id, "active": member.status == "active"}
        for member in await visit.members() if member.kind == "person"
    ]  # fmt: skip
    return await page(
        visit, "members.html", here=HERE, rows=rows, roles=roles_of(visit), asked=await asked(visit) if visit.may_manage else [],
    )  # fmt: skip


async def set_role(visit: Visit) -> Response:
    """POST /settings/members/{member}/role."""
    role = visit.fields.get("role", "")
    if role not in ("owner", *dict(ROLES)):
        raise Invalid("Choose a role.", field="role")
    changed: Member = await visit.perform("crm.members.update", EditMember(member_id=str(_id(visit)), role=Role(role)))
    words = _CHANGED[role] % {"name": changed.name}
    return said(visit, words) if visit.from_htmx else redirect(HERE)


def _id(visit: Visit) -> str:
    id = as_uuid(visit.path["member"])
    if id is None:
        raise NotFound("There is no such member in your organization.")
    return str(id)


async def remove(visit: Visit) -> Response:
    """GET and POST /settings/members/{member}/remove."""
    if not visit.may_manage:
        raise Forbidden("Only an admin removes members.")
    found = next((member for member in await visit.members() if str(member.id) == _id(visit)), None)
    if found is None:
        raise NotFound("There is no such member in your organization.")
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            await visit.perform("crm.members.remove", RemoveMember(member_id=str(found.id)))
            return done(visit, _("%(name)s can not come in any more.") % {"name": found.name}, HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "confirm.html",
        _("Deactivate %(name)s?") % {"name": found.name},
        act=_("Deactivate"),
        back=HERE,
        values={},
        error=error,
        here=HERE,
        tone="danger",
        lede=_("Sessions, keys and tokens end at once. What was done stays in the log under this name."),
    )


async def keys(visit: Visit) -> Response:
    """GET /settings/keys: API keys and agents' tokens, without their secrets."""
    found: list[Credential] = await visit.perform("crm.credentials.list")
    members = {member.id: member for member in await visit.members()}
    rows = [
        {
            "id": key.id, "name": key.name, "hint": f"…{key.hint}",
            "who": who(members[key.member_id]) if key.member_id in members else None,
            "scope": ", ".join(_("reading alone") if scope == "query:*" else scope for scope in key.scopes) or _("everything"),
            "made": ago(key.created_at, visit.now, visit.zone),
            "live": key.revoked_at is None and (key.expires_at is None or key.expires_at > visit.now),
            "state": _("Revoked") if key.revoked_at else _("Expired") if key.expires_at and key.expires_at <= visit.now else _("Live"),
        }
        for key in found if key.kind != "session"
    ]  # fmt: skip
    return await page(visit, "keys.html", here=KEYS, rows=rows)


async def new_key(visit: Visit) -> Response:
    """GET and POST /settings/keys/new: the secret is shown once."""
    if not visit.may_manage:
        raise Forbidden("Only an admin makes keys.")
    error: Refusal | None = None
    made: NewCredential | None = None
    if visit.request.method == "POST":
        try:
            made = await visit.perform("crm.credentials.create", _wish(visit))
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    members = [member for member in await visit.members() if member.status == "active"]
    return await sheet(
        visit,
        "key_new.html",
        _("New key") if made is None else _("The key “%(name)s”") % {"name": made.name},
        act=_("Make the key"),
        back=KEYS,
        values={"memberId": visit.query.get("member", str(visit.actor.id or ""))} | visit.fields,
        error=error,
        here=KEYS,
        owners=named(members),
        scopes=SCOPES,
        made=made,
    )


def _wish(visit: Visit) -> CreateCredential:
    days, scope = visit.fields.get("days", "").strip(), visit.fields.get("scope", "")
    if days and not (days.isascii() and days.isdigit() and len(days) < 6):
        raise Invalid("The days are a whole number.", field="days")
    return CreateCredential(
        name=visit.fields.get("name", "").strip(), member_id=visit.fields.get("memberId") or None,
        scopes=[scope] if scope else [], days=int(days) if days else None,
    )  # fmt: skip


async def revoke(visit: Visit) -> Response:
    """POST /settings/keys/{key}/revoke."""
    id = as_uuid(visit.path["key"])
    if id is None:
        raise NotFound("There is no such key.")
    gone: Credential = await visit.perform("crm.credentials.revoke", RevokeCredential(credential_id=id))
    return (
        said(visit, _("The key “%(name)s” opens nothing any more.") % {"name": gone.name})
        if visit.from_htmx
        else redirect(KEYS)
    )
