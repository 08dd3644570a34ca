"""Joining by an invitation's link: a page for whoever holds it, which says who invites whom, and takes a password once. Spec B9."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from baton.accounts.accept_invitation import NO_LINK, AcceptInvitation, Invited, OpenInvitation, why_not
from baton.accounts.invitations import ADDRESS
from baton.accounts.members import Member
from baton.accounts.sign_in import Membership
from baton.doors.limits import limits_of
from baton.doors.web.shell.language import Told, _, language, marked, told
from baton.doors.web.shell.languages import offered
from baton.doors.web.shell.render import plain
from baton.doors.web.shell.sign_in import into
from baton.doors.web.shell.times import moment
from baton.doors.web.shell.visit import database, form_of, zone_of
from baton.kernel.actor import Actor, Role, system
from baton.kernel.errors import BatonError, Conflict, Invalid, NotFound
from baton.kernel.explain import explained
from baton.kernel.perform import perform
from baton.kernel.security import token_hash
from baton.kernel.values import utc_now

DOOR = "Invitation"
# Neither this page's address nor a part of it is told to any other page; "no-referrer" would take its own form's origin away too.
_POLICY = {"referrer-policy": "strict-origin", "x-robots-tag": "noindex, nofollow"}
_MAY = Told(
    {
        Role.OWNER: marked("You will own it: everything is yours to decide."),
        Role.ADMIN: marked("You will set it up and work on leads."),
        Role.MEMBER: marked("You will work on leads."),
        Role.VIEWER: marked("You will read along."),
    }
)


async def show(request: Request) -> Response:
    """GET /join/{token}; with `known=1` for who signs in here already."""
    actor = await _visitor(request)
    invited = await _open(request, actor)
    if invited.state != "waiting":
        return _ended(request, invited)
    return _page(request, invited, known=request.query_params.get("known") == "1")


async def submit(request: Request) -> Response:
    """POST /join/{token}: join, and be signed in there; what was wrong stands beside its field."""
    actor = await _visitor(request)
    invited = await _open(request, actor)
    if invited.state != "waiting":
        return _ended(request, invited)
    fields = dict(await form_of(request))
    known = fields.get("known") == "1"
    right = limits_of(request).must_admit_sign_in(request, invited.email)
    try:
        wish = {"token": request.path_params["token"], "known": known, "timeZone": str(zone_of(request))} | {
            key: fields[key] for key in ("name", "password", "newPassword", "language") if fields.get(key)
        }
        joined: Member = await perform(database(request), actor, "crm.members.acceptInvitation", _read(wish))
    except (Invalid, Conflict) as error:
        again = await _open(request, actor)
        if again.state != "waiting":
            return _ended(request, again)
        return _page(request, invited, known=known or error.field == "email", values=fields, error=error)
    right()
    place = Membership(
        org_id=actor.org_id, org_name=invited.organization, member_id=joined.id, name=joined.name, role=joined.role
    )
    return await into(request, place, "/board")


def _read(wish: Mapping[str, Any]) -> AcceptInvitation:
    if "password" not in wish:
        raise Invalid("Give a password.", field="password")
    try:
        return msgspec.convert(wish, AcceptInvitation)
    except msgspec.ValidationError as error:
        raise explained(error, AcceptInvitation) from None


async def _visitor(request: Request) -> Actor:
    """Who holds a link, acting in its organization. Raises NotFound for a link that leads nowhere, TooMany for who tries many."""
    found = limits_of(request).must_admit_link(request)
    token = request.path_params["token"]
    org_id = None
    if len(token) <= 200 and token.isascii() and token.isprintable():
        org_id = await database(request).app.fetchval(
            "SELECT org_id FROM directory_address($1, $2)", ADDRESS, token_hash(token).hex()
        )
    if org_id is None:
        raise NotFound(NO_LINK)
    found()
    return system(org_id, DOOR, via="page", role=Role.VIEWER)


async def _open(request: Request, actor: Actor) -> Invited:
    asked = OpenInvitation(token=request.path_params["token"])
    invited: Invited = await perform(database(request), actor, "crm.members.openInvitation", asked)
    return invited


def _ended(request: Request, invited: Invited) -> Response:
    used = invited.state == "accepted"
    problem = {
        "status": 410,
        "title": _("This link is used up") if used else _("This link opens nothing any more"),
        "message": told(why_not(invited.state)),
        "back": "/sign-in",
        "act": _("Sign in"),
    }
    return plain(request, "problem.html", status=410, headers=_POLICY, problem=problem)


def _page(
    request: Request, invited: Invited, *, known: bool, values: Mapping[str, str] = {}, error: BatonError | None = None
) -> Response:
    bad: defaultdict[str, str] = defaultdict(str)
    if error is not None and error.field:
        bad[error.field] = told(error.message)
    return plain(
        request,
        "join.html",
        status=422 if error else 200,
        headers=_POLICY,
        invited=invited,
        may=_MAY[invited.role],
        until=moment(invited.expires_at, utc_now(), zone_of(request)),
        known=known,
        anew=known and error is not None and error.field == "newPassword",
        here=request.url.path,
        languages=[(tag, each.name) for tag, each in offered().items()],
        v=defaultdict(str, {"name": invited.name, "language": language().tag} | dict(values)),
        bad=bad,
        wrong=told(error.message) if error and error.field not in ("name", "password", "newPassword") else "",
    )
