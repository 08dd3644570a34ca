"""A signed-in person at the pages, and what a page holds that could run or lead somewhere."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2

from baton.doors.web.shell.visit import SESSION, csrf_of
from tests.team import PASSWORD, Team

SITE = "http://baton.test"


@dataclass
class Reader:
    """A browser without the browser: its session's cookie and, for forms, its page's proof."""

    http: httpx2.AsyncClient
    session: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> dict[str, str]:
        return {"cookie": f"{SESSION}={self.session}"} | self.headers

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.http.get(path, headers=self.cookie | headers)

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
        proven = {"csrf": csrf_of(self.session)} | fields
        return await self.http.post(path, data=proven, headers=self.cookie | headers)


async def sign_in(http: httpx2.AsyncClient, team: Team, who: str, **headers: str) -> Reader:
    """Sign in by the sign-in page."""
    fields = {"email": team.emails[who], "password": PASSWORD}
    answer = await http.post("/sign-in", data=fields, headers=headers)
    assert answer.status_code == 303, answer.text
    session = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    http.cookies.clear()
    return Reader(http, session)


class Danger(HTMLParser):
    """What of a page runs by itself or leads where a lead's text says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        inline = tag == "script" and not (named.get("src") or "").startswith("/ui/")
        if inline or tag in ("iframe", "object", "embed", "base", "foreignobject", "xss"):
            self.found.append((tag, attrs))
        for name, value in attrs:
            if name.startswith(("on", "hx-on")) or name == "srcdoc" or (name == "style" and value):
                self.found.append((tag, name, value))
            if name in ("href", "src", "action", "formaction", "xlink:href", "hx-get", "hx-post"):
                self.links.append(value or "")
                if "".join((value or "").split()).lower().startswith(("javascript:", "data:text", "vbscript:")):
                    self.found.append((tag, name, value))
