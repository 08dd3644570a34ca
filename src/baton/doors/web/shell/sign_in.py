"""Signing in and out, and choosing the theme."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from baton.accounts.sign_in import SESSION_LIFETIME, Membership, actor_of_token, close_session, open_session, prove
from baton.doors.limits import limits_of
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.render import plain, redirect
from baton.doors.web.shell.visit import SESSION, Visit, as_uuid, database, form_of
from baton.kernel.errors import BatonError, Unauthenticated


async def show(request: Request) -> Response:
    """GET /sign-in; who is signed in already is led on."""
    onward = _own(request.query_params.get("next", ""))
    try:
        await actor_of_token(database(request), request.cookies.get(SESSION, ""), via="page", kinds=("session",))
    except Unauthenticated:
        return _page(request, onward)
    return redirect(onward)


async def submit(request: Request) -> Response:
    """POST /sign-in: a new session, in the organization that was chosen or the only one."""
    fields = dict(await form_of(request))
    onward = _own(fields.get("next", ""))
    email = fields.get("email", "").strip()
    try:
        right = limits_of(request).must_admit_sign_in(request, email)
        person = await prove(database(request), email, fields.get("password", ""))
    except BatonError as error:
        return _page(request, onward, email=email, wrong=told(error.message), status=error.status)
    right()
    places = {place.org_id: place for place in person.memberships}
    if not places:
        words = _("You are no member of an organization any more. Ask an admin to add you.")
        return _page(request, onward, email=email, wrong=words, status=403)
    chosen = as_uuid(fields.get("orgId"))
    place = places.get(chosen) if chosen else next(iter(places.values())) if len(places) == 1 else None
    if place is None:
        return choose_place(request, email, person.memberships, onward)
    return await into(request, place, onward)


def choose_place(
    request: Request, email: str, places: Sequence[Membership], onward: str = "/board", *, said: str = ""
) -> Response:
    """The sign-in page for a member of several organizations: which one, and the password again."""
    return _page(
        request,
        onward,
        email=email,
        organizations=[(str(place.org_id), place.org_name) for place in places],
        said=said,
        wrong=_("Choose the organization and give your password again."),
    )


async def into(request: Request, place: Membership, onward: str) -> Response:
    """A new session in an organization, whoever was signed in here before, and the page to go on to."""
    token = await open_session(database(request), place)
    answer = redirect(onward)
    answer.set_cookie(
        SESSION,
        token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
        path="/",
    )
    return answer


async def sign_out(visit: Visit) -> Response:
    """POST /sign-out: the session ends everywhere, and the browser forgets it."""
    await close_session(database(visit.request), visit.token)
    answer = redirect("/sign-in")
    answer.delete_cookie(SESSION, path="/", httponly=True, samesite="lax", secure=is_secure(visit.request))
    answer.headers["clear-site-data"] = '"cache"'
    return answer


async def theme(visit: Visit) -> Response:
    """POST /theme: light, dark, or as the system has it."""
    chosen = visit.fields.get("theme", "")
    await visit.perform("crm.profile.update", {"theme": chosen if chosen in ("light", "dark") else "system"})
    answer: Response = JSONResponse({}) if visit.wants_json else redirect(visit.back("/board"))
    if chosen in ("light", "dark"):
        answer.set_cookie("theme", chosen, max_age=31_536_000, samesite="lax", path="/")
    else:
        answer.delete_cookie("theme", path="/")
    return answer


async def root(visit: Visit) -> Response:
    """GET /: the board."""
    return RedirectResponse("/board", 303)


def _own(path: str) -> str:
    """A path of ours to go on to; the board for anything else, another site's address above all."""
    parts = urlsplit(path)
    plain_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain_path and not parts.netloc and not parts.scheme and "\\" not in path else "/board"


def is_secure(request: Request) -> bool:
    """Whether people reach this over TLS, so that cookies may insist on it."""
    return request.url.scheme == "https" or str(request.app.state.settings.public_url).startswith("https://")


def _page(
    request: Request, onward: str, *, email: str = "", wrong: str = "", status: int = 200, **values: Any
) -> Response:
    known: dict[str, Any] = {"organizations": [], "said": ""} | values
    return plain(
        request, "sign_in.html", status=status, next=onward, wrong=wrong, v={"email": email, "orgId": ""}, **known
    )
