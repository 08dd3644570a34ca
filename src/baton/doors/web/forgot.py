"""Forgotten passwords: a page that asks for the e-mail and answers everybody alike, and the page behind the link. Spec B9."""

from starlette.requests import Request
from starlette.responses import Response

from baton.accounts import reset_password
from baton.accounts.reset_password import NO_LINK, Account, ResetPassword
from baton.accounts.sign_in import memberships
from baton.doors.limits import limits_of
from baton.doors.web.shell import sign_in
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.render import plain, redirect
from baton.doors.web.shell.visit import database, form_of
from baton.kernel.actor import Role, system
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.perform import perform

DOOR = "Forgotten password"
# As on an invitation's page: no other page is told this address, and its own form keeps its origin.
_POLICY = {"referrer-policy": "strict-origin", "x-robots-tag": "noindex, nofollow"}


async def show(request: Request) -> Response:
    """GET /forgot; with `sent=1` what everybody is answered who asked."""
    return _ask_page(request, sent=request.query_params.get("sent") == "1")


async def submit(request: Request) -> Response:
    """POST /forgot: ask for a link. The same answer after the same work, whoever has the address."""
    email = dict(await form_of(request)).get("email", "").strip()
    if not _mails(request):
        return _ask_page(request)
    if not email.isprintable() or not 3 <= len(email) <= 254 or "@" not in email[1:-1]:
        return _ask_page(request, email=email, wrong=_("Give the e-mail address that you sign in with."), status=422)
    limits_of(request).must_admit_reset(request, email)
    await reset_password.ask(database(request), email)
    return redirect("/forgot?sent=1")


async def open_link(request: Request) -> Response:
    """GET /reset/{token}: choose a new password. Looking at it uses nothing up: programs that read mail look, too."""
    account = await _account(request)
    return _page(request, account) if account else _ended(request)


async def choose(request: Request) -> Response:
    """POST /reset/{token}: the new password, and on into the organization, or to the choice among several."""
    account = await _account(request)
    places = await memberships(database(request), account.person_id) if account else ()
    if account is None or not places:
        return _ended(request)
    new = dict(await form_of(request)).get("password", "")
    actor = system(places[0].org_id, DOOR, via="page", role=Role.VIEWER)
    try:
        if len(new) > 1000:
            raise Invalid("A password has at most 1000 characters.", field="new")
        wish = ResetPassword(token=request.path_params["token"], new=new)
        await perform(database(request), actor, "crm.profile.resetPassword", wish)
    except Invalid as error:
        return _page(request, account, wrong=told(error.message))
    except NotFound:
        return _ended(request)
    if len(places) == 1:
        return await sign_in.into(request, places[0], "/board")
    return sign_in.choose_place(request, account.email, places, said=_("Your password is changed."))


async def _account(request: Request) -> Account | None:
    """Whose link this is. Raises TooMany for who tries many that lead nowhere."""
    found = limits_of(request).must_admit_link(request)
    account = await reset_password.opened(database(request), request.path_params["token"])
    if account is not None:
        found()
    return account


def _mails(request: Request) -> bool:
    return database(request).installation.mail is not None


def _ask_page(request: Request, *, sent: bool = False, email: str = "", wrong: str = "", status: int = 200) -> Response:
    mails = _mails(request)
    return plain(
        request,
        "forgot.html",
        status=status,
        headers=_POLICY,
        sent=sent and mails,
        mails=mails,
        email=email,
        wrong=wrong,
    )


def _page(request: Request, account: Account, *, wrong: str = "") -> Response:
    return plain(
        request,
        "reset.html",
        status=422 if wrong else 200,
        headers=_POLICY,
        email=account.email,
        here=request.url.path,
        wrong=wrong,
    )


def _ended(request: Request) -> Response:
    problem = {
        "status": 404,
        "title": _("This link opens nothing any more"),
        "message": told(NO_LINK),
        "back": "/forgot",
        "act": _("Ask for a new link"),
    }
    return plain(request, "problem.html", status=404, headers=_POLICY, problem=problem)
