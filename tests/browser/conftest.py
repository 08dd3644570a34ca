"""What browser tests share: Debian's Chromium, the real application on a free port, and people who are signed in."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, async_playwright, expect

from baton.accounts.sign_in import Membership, open_session
from baton.doors.app import create_app
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.team import Team, make_team

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=20_000)
STILL = """() => Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime < Infinity).map((each) => each.finished))"""
"""Waits until what comes in has come: colours that fade in are no finding."""
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, started once. Without one the tests that need it say so and are skipped."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("NO BROWSER: Chromium is not installed, the pages were not tested (Debian: apt install chromium)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="session")
async def site(settings: Settings, db: Database) -> AsyncIterator[str]:
    """The address of the running application."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    application = create_app(settings)
    application.state.db = db
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve(sockets=[taken]))
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it by no event
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await running


@dataclass
class Room:
    """One browser window with nobody or somebody signed in; it remembers what the page complained about."""

    site: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    camera: CDPSession | None = None

    async def go(self, path: str) -> Page:
        """Open a page and wait until it is still."""
        await self.page.goto(self.site + path)
        return self.page

    def listen(self) -> None:
        """Write down errors of scripts and refusals of the content security policy."""

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error" and "Failed to load resource" not in message.text:
                self.complaints.append(message.text)

        self.page.on("console", heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def axe(self, *, colours: bool | None = None) -> list[str]:
        """What axe finds wrong with the page as it stands (WCAG 2.2 A and AA, and good practice); by contrast alone, or by all else."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE)
        await self.page.evaluate(STILL)
        asked = {
            None: "",
            True: ", runOnly: ['color-contrast', 'link-in-text-block']",
            False: ", rules: {'color-contrast': {enabled: false}}",
        }[colours]
        found = await self.page.evaluate(
            f"async () => (await axe.run(document, {{resultTypes: ['violations']{asked}}})).violations"
        )
        return [f"{v['id']}: {v['help']}: {[node['html'][:160] for node in v['nodes'][:4]]}" for v in found]


OpenRoom = Callable[..., Awaitable[Room]]


@pytest_asyncio.fixture
async def enter(browser: Browser, site: str, db: Database) -> AsyncIterator[OpenRoom]:
    """Open windows: `await enter(actor, **options of the context)`. None may have complained in the end."""
    rooms: list[Room] = []

    async def open_room(actor: Actor | None = None, **options: Any) -> Room:
        context = await browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        context.set_default_timeout(20_000)  # the machine may be busy; what must be quick says so itself
        if actor is not None:
            assert actor.id
            place = Membership(org_id=actor.org_id, org_name="", member_id=actor.id, name=actor.name, role=actor.role)
            token = await open_session(db, place)
            await context.add_cookies([{"name": "baton_session", "value": token, "url": site, "httpOnly": True}])
        room = Room(site, context, await context.new_page())
        room.listen()
        rooms.append(room)
        return room

    yield open_room
    for room in rooms:
        await room.context.close()
    assert [complaint for room in rooms for complaint in room.complaints] == []


@pytest_asyncio.fixture
async def team(db: Database) -> Team:
    """A new organization with its people."""
    return await make_team(db)
