"""What goes out is small for whoever can read it, and its length tells nothing of what it holds."""

import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from baton.doors.app import create_app
from baton.doors.compress import packed, wanted
from baton.doors.web.shell.assets import asset
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.team import Team
from tests.ui.test_pages import SITE, sign_in


@pytest_asyncio.fixture(scope="module")
async def http(settings: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=create_app(settings, db))
    async with httpx2.AsyncClient(transport=transport, base_url=SITE) as client:
        yield client


@pytest.mark.parametrize(
    ("accepted", "packs"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("GZIP", True), ("gzip;q=0", False), ("identity", False), ("", False)],
)
def test_who_can_read_it(accepted: str, packs: bool) -> None:
    assert wanted(accepted) is packs


def test_the_same_page_has_many_lengths() -> None:
    """ATTACKS: a page that holds a secret beside what an address puts there is not measured (BREACH)."""
    page = b"<p>secret</p>" * 500
    sizes = {len(packed(page)) for _ in range(60)}
    assert len(sizes) > 20
    assert gzip.decompress(packed(page)) == page


async def test_pages_and_files_are_packed_and_the_rest_is_not(
    http: httpx2.AsyncClient, db: Database, fresh: Team
) -> None:
    """Pages, style sheets and scripts; never JSON, fonts, or for those who do not ask."""
    ben = await sign_in(http, db, fresh.ben)
    page = await ben.get("/leads", **{"accept-encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in page.headers["vary"]
    assert "No leads yet" in page.text
    plain = await ben.get("/leads", **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert int(page.headers["content-length"]) < len(plain.content) / 2
    for name in ("css/baton.css", "js/main.js", "vendor/htmx.min.js"):
        file = await http.get(asset(name), headers={"accept-encoding": "gzip"})
        assert file.headers["content-encoding"] == "gzip", name
    for path in (asset("vendor/inter-latin.woff2"), "/api/openapi.json"):
        answer = await http.get(path, headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in answer.headers, path
