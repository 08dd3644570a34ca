"""One's own profile: name, time zone, language, theme, password, and where one is signed in."""

from collections import defaultdict
from typing import Any

import msgspec
from starlette.responses import Response

from baton.accounts.members import Member
from baton.accounts.profile import EditProfile, Ended, SetPassword
from baton.accounts.sessions import EndSession, Session, session_of
from baton.accounts.sign_in import SESSION_LIFETIME, Membership, open_session
from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.languages import offered
from baton.doors.web.shell.render import page, redirect
from baton.doors.web.shell.sign_in import is_secure
from baton.doors.web.shell.times import ago, moment
from baton.doors.web.shell.visit import SESSION, Visit, as_uuid, database, zones
from baton.kernel.errors import Invalid, NotFound

HERE = "/profile"


def zone_options() -> Options:
    """The time zones, by name."""
    return [(zone, zone.replace("_", " ")) for zone in zones()]


def language_options() -> Options:
    """The languages, by what they call themselves; the first is whatever the browser asks for."""
    return [("", _("As the browser")), *((tag, each.name) for tag, each in offered().items())]


async def show(visit: Visit) -> Response:
    """GET /profile."""
    return await _page(visit)


async def save(visit: Visit) -> Response:
    """POST /profile: name, time zone and language."""
    try:
        wish = EditProfile(
            name=visit.fields.get("name", ""), time_zone=visit.fields.get("timeZone") or None, language=visit.fields.get("language")
        )  # fmt: skip
        await visit.perform("crm.profile.update", wish)
    except Invalid as error:
        return await _page(visit, error)
    return redirect(f"{HERE}?said=saved")


async def password(visit: Visit) -> Response:
    """POST /profile/password: the new one signs this browser in again, and no other."""
    wish = SetPassword(current=visit.fields.get("current", ""), new=visit.fields.get("new", ""))
    try:
        if wish.new != visit.fields.get("again", ""):
            raise Invalid("The two are not the same.", field="again")
        await visit.perform("crm.profile.setPassword", wish)
    except Invalid as error:
        return await _page(visit, error)
    return await _signed_in(visit, f"{HERE}?said=password")


async def sign_out_others(visit: Visit) -> Response:
    """POST /profile/sessions: every other browser is signed out."""
    ended: Ended = await visit.perform("crm.profile.signOutEverywhere")
    return await _signed_in(visit, f"{HERE}?said=sessions&ended={max(ended.sessions - 1, 0)}")


async def end_session(visit: Visit) -> Response:
    """POST /profile/sessions/{session}: one other browser is signed out; this one goes to the sign-in page."""
    id = as_uuid(visit.path["session"])
    if id is None:
        raise NotFound("You are not signed in there any more.")
    own = await session_of(database(visit.request), visit.token)
    await visit.perform("crm.profile.endSession", EndSession(session_id=id))
    return redirect("/sign-in" if id == own else f"{HERE}?said=session#sessions")


async def _sessions(visit: Visit) -> list[dict[str, Any]]:
    """Where the reader is signed in, this browser first."""
    own = await session_of(database(visit.request), visit.token)
    found: list[Session] = await visit.perform("crm.profile.sessions")
    rows = [
        {"id": each.id, "device": each.device or _("A program, or a browser not seen lately"), "here": each.id == own,
         "used": ago(each.used_at or each.created_at, visit.now, visit.zone), "since": moment(each.created_at, visit.now, visit.zone)}
        for each in found
    ]  # fmt: skip
    return sorted(rows, key=lambda row: not row["here"])


async def _signed_in(visit: Visit, url: str) -> Response:
    assert visit.actor.id
    actor = visit.actor
    place = Membership(
        org_id=actor.org_id, org_name="", member_id=visit.actor.id, name=visit.actor.name, role=visit.actor.role
    )
    answer = redirect(url)
    answer.set_cookie(
        SESSION, await open_session(database(visit.request), place), max_age=int(SESSION_LIFETIME.total_seconds()), httponly=True,
        samesite="lax", secure=is_secure(visit.request), path="/",
    )  # fmt: skip
    return answer


async def _page(visit: Visit, error: Invalid | None = None) -> Response:
    own: Member = await visit.perform("crm.profile.get")
    said = {"saved": _("Your profile is saved."), "password": _("Your password is changed. Other browsers are signed out."),
            "session": _("That browser is signed out."),
            "sessions": _("Every other browser is signed out.")}.get(visit.query.get("said", ""))  # fmt: skip
    shown = {"name": own.name, "timeZone": own.time_zone, "language": own.language or ""} | visit.fields
    bad = defaultdict(str, {error.field or "": told(error.message)} if error else {})
    return await page(
        visit, "profile.html", here=HERE, status=422 if error else 200, own=msgspec.to_builtins(own), v=shown, bad=bad,
        wrong=told(error.message) if error else "", zones=zone_options(), languages=language_options(), said=said,
        sessions=await _sessions(visit),
    )  # fmt: skip
