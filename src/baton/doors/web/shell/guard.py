"""The door to every page: who comes in, whether a change is really theirs, and what happens when it fails."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from baton.accounts.sessions import note_use
from baton.accounts.sign_in import Habits, visitor_of_token
from baton.doors.web.shell.language import Told, _, marked, reading, told
from baton.doors.web.shell.languages import best
from baton.doors.web.shell.live import hub, written
from baton.doors.web.shell.render import plain, redirect, trigger
from baton.doors.web.shell.visit import SESSION, Visit, database, form_of, must_be_own, must_be_proven, sign_in_url
from baton.kernel.actor import Actor
from baton.kernel.errors import BatonError, Forbidden, Unauthenticated

log = structlog.get_logger()
Handler = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
_TITLES = Told(
    {
        403: marked("You may not do this"),
        404: marked("Nothing is here"),
        409: marked("It has changed meanwhile"),
        413: marked("That is too large"),
        429: marked("That was too much at once"),
        503: marked("The database is busy"),
    }
)


def signed_in(handler: Handler, *, files: bool = False) -> Endpoint:
    """A page for signed-in people: others are led to the sign-in page; a change must prove that it comes from ours.

    A form with `files` is read, and its proof looked at, by the handler.
    """

    async def endpoint(request: Request) -> Response:
        token = request.cookies.get(SESSION, "")
        try:
            actor, habits = await visitor_of_token(database(request), token)
        except BatonError as error:
            with reading(best(None, _accepted(request))):
                return _must_sign_in(request, error) if isinstance(error, Unauthenticated) else refused(request, error)
        with reading(best(habits.language, _accepted(request))):
            return await _let_in(request, actor, token, habits)

    async def _let_in(request: Request, actor: Actor, token: str, habits: Habits) -> Response:
        try:
            pairs: list[tuple[str, str]] = []
            if request.method not in ("GET", "HEAD"):
                must_be_own(request)
                if not files:
                    pairs = await form_of(request)
                    must_be_proven(request, token, dict(pairs))
            visit = Visit(request, actor, token, dict(pairs), pairs, habits)
            await note_use(database(request), token, request.headers.get("user-agent", ""))
            if request.method == "GET":
                visit.since = written(await hub(database(request)).position())
            return await handler(visit)
        except Unauthenticated as error:
            return _must_sign_in(request, error)
        except BatonError as error:
            return refused(request, error)
        except HTTPException as error:
            return refused(request, _typed(error))

    return endpoint


def public(handler: Endpoint, *, own_pages_only: bool = False) -> Endpoint:
    """A page for everybody, in the language that the address (`lang`), else the browser, asks for.

    With `own_pages_only` a form is taken from our own pages alone.
    """

    async def endpoint(request: Request) -> Response:
        with reading(best(request.query_params.get("lang"), _accepted(request))):
            try:
                if own_pages_only and request.method == "POST":
                    must_be_own(request)
                return await handler(request)
            except BatonError as error:
                return refused(request, error)
            except HTTPException as error:
                return refused(request, _typed(error))

    return endpoint


def _accepted(request: Request) -> str:
    return request.headers.get("accept-language", "")


def refused(request: Request, error: BatonError) -> Response:
    """What a page answers when it cannot: words for a script, a toast for htmx, a page of its own for people."""
    headers = {"retry-after": str(error.retry_after)} if error.retry_after else {}
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"message": told(error.message), "code": error.code}, error.status, headers)
    if request.headers.get("hx-request") == "true":
        return Response(
            status_code=error.status,
            headers=headers | {"hx-reswap": "none"} | trigger("toast", words=told(error.message), bad=True),
        )
    problem = {
        "status": error.status,
        "title": _TITLES.get(error.status, _("That did not work")),
        "message": told(error.message),
        "back": "/",
        "act": _("Go to the board"),
    }
    return plain(request, "problem.html", status=error.status, headers=headers, problem=problem)


def _must_sign_in(request: Request, error: Unauthenticated) -> Response:
    if "application/json" in request.headers.get("accept", "") or "text/event-stream" in request.headers.get(
        "accept", ""
    ):
        return JSONResponse({"message": told(error.message), "code": error.code}, 401)
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"hx-redirect": sign_in_url(request)})
    return redirect(sign_in_url(request))


def _typed(error: HTTPException) -> BatonError:
    typed = Forbidden(str(error.detail)) if error.status_code == 403 else BatonError(str(error.detail))
    typed.status = error.status_code
    return typed
