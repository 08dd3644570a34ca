"""The application: every door on one address."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from baton.doors import auth, crm, files, mail, metrics, openapi, operations, web, whatsapp
from baton.doors.answers import answering, json, problem
from baton.doors.compress import Compressed
from baton.doors.direct import METHODS, Direct
from baton.doors.edge import AccessLog, BodyLimit, PublicCors, SecurityHeaders
from baton.doors.limits import Limits
from baton.doors.mcp.door import McpDoor
from baton.doors.rest import rest
from baton.doors.trpc import failure, trpc
from baton.doors.web import api_docs
from baton.doors.web.leads import mail_write
from baton.doors.web.settings import imports as web_imports
from baton.doors.web.shell.guard import public, refused
from baton.doors.web.shell.language import reading
from baton.doors.web.shell.languages import best
from baton.kernel.db import Database
from baton.kernel.errors import BatonError, Forbidden, Invalid, MethodNotSupported, NotFound
from baton.kernel.installation import installation
from baton.kernel.settings import Settings, read_dsn_of

_PUBLIC = (
    "/api/trpc/crm.leads.capture",
    "/api/trpc/crm.forms.submit",
    "/api/v1/crm.leads.capture",
    "/api/v1/crm.forms.submit",
)
_TYPED: dict[int, type[BatonError]] = {400: Invalid, 403: Forbidden, 404: NotFound, 405: MethodNotSupported}


def create_app(settings: Settings, db: Database | None = None) -> Starlette:
    """The application on a database: the given one, else that of the settings, opened and closed with the application."""
    mcp = McpDoor()
    app = Starlette(
        routes=[
            Route("/healthz", health, methods=["GET"]),
            Route("/metrics", answering(metrics.show), methods=["GET"]),
            Route("/api/auth/token", answering(auth.tokens), methods=["POST", "DELETE"]),
            Route("/api/trpc/{path:path}", trpc, methods=METHODS),
            *files.routes(),
            *mail.routes(),
            *whatsapp.routes(),
            Route("/api/v1/crm.{operation}", answering(rest), methods=[*METHODS, "OPTIONS", "TRACE"]),
            Route("/mcp", mcp, methods=["GET", "POST", "DELETE"]),
            Route("/api/openapi.json", answering(openapi.serve), methods=["GET"]),
            Route("/api/docs", public(api_docs.show), methods=["GET"]),
            *crm.routes(),
            *web.routes,
        ],
        middleware=[
            Middleware(SecurityHeaders, https=settings.public_url.startswith("https://")),
            Middleware(AccessLog, render=told),
            Middleware(PublicCors, public=is_public),
            Middleware(Compressed),
            Middleware(
                BodyLimit,
                limit=settings.body_limit,
                uploads={
                    **dict.fromkeys((files.IMPORTS, web_imports.NEW), settings.import_limit + files.FORM_BYTES),
                    files.ATTACH: max(settings.body_limit, files.ATTACH_BYTES),
                    mail_write.POST: max(settings.body_limit, mail_write.FORM_BYTES),
                    mail.PUSHED: max(settings.body_limit, mail.MOST),
                },
            ),
            Middleware(Direct, doors={"/api/trpc/": ("path", trpc), "/api/v1/crm.": ("operation", answering(rest))}),
        ],
        exception_handlers={HTTPException: _http, BatonError: _typed},
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.limits = Limits(settings)
    app.state.mcp = mcp
    app.state.operations = operations.MODULES
    app.state.db = db or Database(
        settings.app_dsn or "",
        settings.relay_dsn or "",
        read_dsn=read_dsn_of(settings),
        pool_size=settings.pool_size,
        prepared=settings.prepared,
        installation=installation(settings),
    )
    return app


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the database where nobody else did, and close then what was opened."""
    db: Database = app.state.db
    ours = not db.opened
    if ours:
        await db.open()
    try:
        yield
    finally:
        await app.state.mcp.close()
        if ours:
            await db.close()


def is_public(path: str) -> bool:
    """Whether pages of any site may post there."""
    return path in _PUBLIC or path.startswith("/f/")


async def health(request: Request) -> Response:
    """GET /healthz: 200 once the database answers, else 503."""
    db: Database = request.app.state.db
    try:
        async with asyncio.timeout(2):
            await db.app.fetchval("SELECT 1")
    except (OSError, RuntimeError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return json({"status": "unavailable"}, 503)
    return json({"status": "ok"})


async def told(request: Request, error: BatonError) -> Response:
    """An error in the words of the door that was knocked at: a tRPC shape, problem details, or a page."""
    path = request.url.path
    if path.startswith("/api/trpc/"):
        answer = failure(error, None)
        return json(answer.body, answer.status, answer.headers)
    if path.startswith(("/api/", "/crm/", "/mcp")) or path in ("/healthz", "/metrics"):
        return problem(request, error)
    with reading(best(None, request.headers.get("accept-language", ""))):
        return refused(request, error)


async def _typed(request: Request, error: Exception) -> Response:
    assert isinstance(error, BatonError)
    return await told(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _TYPED.get(error.status_code, BatonError)
    words = {404: "There is nothing at this address.", 405: "This address does not answer this method."}
    typed = kind(words.get(error.status_code, error.detail))
    typed.status = error.status_code
    answer = await told(request, typed)
    answer.headers.update(error.headers or {})
    return answer
