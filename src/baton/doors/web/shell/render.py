"""Turning templates into pages: everything is escaped, and every page knows who looks at it."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from baton.doors.web.shell import amounts, show
from baton.doors.web.shell.assets import UI, asset, files
from baton.doors.web.shell.language import _, english, language, meant, several_of, told
from baton.doors.web.shell.nav import navigation
from baton.doors.web.shell.visit import Visit, theme_of
from baton.doors.web.told.verbs import DESK_KINDS, LIVE

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(UI / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    extensions=["jinja2.ext.i18n"],
)
_templates.policies["ext.i18n.trimmed"] = True
_templates.install_gettext_callables(_, several_of, newstyle=True)  # type: ignore[attr-defined]
_templates.globals |= {"asset": asset, "told": told}
_templates.filters |= {"band": show.band, "hex": show.colour, "number": amounts.number, "percent": amounts.percent}
_PRIVATE = {"cache-control": "no-store", "vary": "HX-Request, Cookie, Accept-Language"}


def plain(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] = {}, **values: Any
) -> Response:
    """A page without navigation: sign in, hosted forms, what could not be shown."""
    text = _templates.get_template(template).render(
        theme=theme_of(request), lang=language().tag, listed=False, **values
    )
    return HTMLResponse(text, status, {**_PRIVATE, **headers})


def fragment(visit: Visit, template: str, **values: Any) -> Response:
    """A part of a page, for htmx to put in its place."""
    return HTMLResponse(_templates.get_template(template).render(_common(visit) | values), headers=_PRIVATE)


async def page(
    visit: Visit, template: str, *, here: str = "", status: int = 200, headers: Mapping[str, str] = {}, **values: Any
) -> Response:
    """A page of a signed-in person; `here` marks its place in the navigation."""
    organization = await visit.organization()
    actor = visit.actor
    shell = {
        "me": {
            "id": actor.id,
            "kind": "person",
            "name": actor.name,
            "role": role_words(actor.role),
            "initials": show.initials(actor.name, "person"),
            "organization": organization.name,
        },
        "nav": navigation(await visit.pipelines(), here),
        "desk_kinds": DESK_KINDS,
        "script_words": script_words(),
        "live_words": json.dumps(dict(LIVE)),
        "said": None,
        "unread": None,
        "at_bell": here.startswith("/notifications"),
        "since": visit.since,
    }
    text = _templates.get_template(template).render(_common(visit) | shell | values)
    return HTMLResponse(text, status, {**_PRIVATE, **headers, **(_toast(visit) if visit.said else {})})


def _common(visit: Visit) -> dict[str, Any]:
    return {
        "theme": visit.theme,
        "lang": language().tag,
        "listed": False,
        "csrf": visit.csrf,
        "may_write": visit.may_write,
        "may_move": visit.may_write,
        "may_manage": visit.may_manage,
    }


def role_words(role: str) -> str:
    """A member's role in words. Spec B9."""
    return {"owner": meant("role", "owner"), "admin": _("admin"), "member": _("member"), "viewer": _("viewer")}[role]


_templates.globals["role_words"] = role_words


def script_words() -> str:
    """What scripts say, as JSON from English to the reader's language; nothing for English itself."""
    return "" if english() else json.dumps({words: _(words) for words in _said_by_scripts()}, ensure_ascii=False)


@cache
def _said_by_scripts() -> list[str]:
    scripts = (content.decode() for name, content in files().items() if name.startswith("js/"))
    return sorted({words for script in scripts for words in re.findall(r'\b_\("([^"]+)"', script)})


def redirect(url: str) -> Response:
    """To another page, by GET (RFC 9110, 303)."""
    return RedirectResponse(url, 303, headers={"cache-control": "no-store"})


def done(visit: Visit, words: str, url: str) -> Response:
    """A form succeeded: the next page, or a word above the page that stayed."""
    if not visit.from_htmx:
        return redirect(url)
    return Response(headers={"hx-reswap": "none"} | trigger("done", words=words, href=url, **_way_back(visit)))


def go(visit: Visit, url: str) -> Response:
    """To another page, from a form or from a sheet above a page."""
    return Response(headers={"hx-redirect": url}) if visit.from_htmx else redirect(url)


def said(visit: Visit, words: str) -> Response:
    """A word above the page, which stays as it is; `visit.undo` is offered with it."""
    return Response(headers={"hx-reswap": "none"} | trigger("toast", words=words, **_way_back(visit)))


def trigger(event: str, **detail: Any) -> dict[str, str]:
    """The header by which htmx raises an event in the page; ASCII only, as headers are."""
    return {"hx-trigger": json.dumps({event: detail})}


def _toast(visit: Visit) -> dict[str, str]:
    return trigger("toast", words=visit.said, **_way_back(visit))


def _way_back(visit: Visit) -> dict[str, str]:
    return {"undo": str(visit.undo)} if visit.undo else {}
