"""Nobody is shown what they may not use: every link and form of every page that a person reaches is theirs to press. Spec B9."""

import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from baton.doors.web import routes
from baton.kernel.db import Database
from tests.browser.gallery import furnish
from tests.messages.conftest import post as post
from tests.messages.postoffice import PostOffice
from tests.team import Team
from tests.ui.test_pages import Somebody, http, sign_in

__all__ = ["http"]
EACH = 2  # so many pages of a kind are looked at
NOT_FOLLOWED = ("/live", "/sign-out", "/ui/", "/f/", "/api/")


class _Reader(HTMLParser):
    """The links and the addresses of forms within a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for key in ("href", "hx-get", "data-edit") if tag != "link" and (value := given.get(key))]
        if tag == "form" and (given.get("method") or "").lower() == "post":
            self.forms.append(given.get("action") or "")
        self.forms += [value for key in ("formaction", "hx-post") if (value := given.get(key))]


def _kind(path: str) -> str:
    """Which route answers an address, so that a thousand leads are one kind of page."""
    plain = urlsplit(path).path
    return next((route.path for route in routes if route.path_regex.match(plain)), plain)


async def _walk(who: Somebody, start: list[str]) -> tuple[list[str], int]:
    """Follow every link from some pages on, and press every form with nothing in it; what was refused and where it stood, and how many
    kinds of pages there were."""
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    pressed: set[str] = set()
    waiting = [(path, "the beginning") for path in start]
    while waiting:
        path, where = waiting.pop(0)
        if seen[_kind(path)] >= EACH or path.startswith(NOT_FOLLOWED):
            continue
        seen[_kind(path)] += 1
        answer = await who.get(path)
        if answer.status_code in (403, 500):
            wrong.append(f"{where} leads to {path}: {answer.status_code}")
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        reader = _Reader()
        reader.feed(answer.text)
        links = (urljoin(path, href) for href in reader.links if not re.match(r"[a-z]+:|#", href))
        waiting += [(link.partition("#")[0], path) for link in links]
        for action in {urljoin(path, form) for form in reader.forms} - {"/sign-out"}:
            if _kind(action) in pressed:
                continue
            pressed.add(_kind(action))
            refused = await who.post(action, {"csrf": who.csrf})
            if refused.status_code in (403, 500):
                wrong.append(f"{path} has a form to {action}: {refused.status_code}")
    return wrong, len(seen)


@pytest.mark.parametrize("role", ["vera", "ben", "ana"])
async def test_what_is_shown_may_be_pressed(
    http: object, db: Database, fresh: Team, post: PostOffice, role: str
) -> None:
    """A viewer, a member and an admin, from the first page to the last that a link leads to."""
    await furnish(fresh, post)
    who = await sign_in(http, db, getattr(fresh, role))  # type: ignore[arg-type]
    wrong, kinds = await _walk(who, ["/board", "/leads", "/dashboard/crm", "/palette?q=han"])
    assert "\n".join(wrong) == ""
    assert kinds > {"vera": 25, "ben": 45, "ana": 65}[role]
