"""Every page in both themes and three widths: axe finds nothing, nothing overflows, nothing complains. Pictures go to artefacts/pages."""

import asyncio
import base64
import os
from pathlib import Path
from typing import Literal

from baton.doors.web import routes
from tests.browser.conftest import OpenRoom, Room
from tests.browser.gallery import NO_PAGES, furnish
from tests.browser.gallery_rooms import Walls
from tests.browser.stages import lead
from tests.messages.conftest import post as post
from tests.messages.postoffice import PostOffice
from tests.team import Team

WIDTHS = {"wide": (1440, 900), "tablet": (820, 1100), "phone": (390, 844)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AXE: dict[tuple[str, str], bool | None] = {("light", "wide"): None, ("dark", "wide"): True, ("light", "phone"): False}
"""What axe looks at: everything; colours alone; everything but colours, which no width changes."""
STRANGERS = ("/sign-in", "/forgot", "/reset/", "/f/", "/join/")
PICTURES = Path(os.environ.get("BATON_PICTURES") or Path(__file__).parents[2] / "artefacts" / "pages")


async def test_every_page_is_accessible_fits_and_is_quiet(enter: OpenRoom, team: Team, post: PostOffice) -> None:
    """Each page of the router, at a desk (wide, then narrower) and on a phone, in light and in dark."""
    walls = await furnish(team, post)
    assert_complete(walls)
    paths = {name: path for wall in walls.values() for name, path in wall.items()}
    desk, phone = await _pair(enter, team, "wide"), await _pair(enter, team, "phone")
    wrong = await asyncio.gather(_walk(desk, paths, ("wide", "tablet")), _walk(phone, paths, ("phone",)))
    assert "\n".join(finding for found in wrong for finding in found) == ""


def assert_complete(walls: Walls) -> None:
    """Every address that answers GET is a page of the gallery, or said to be none."""
    answering = {route.path for route in routes if "GET" in (route.methods or ())}
    assert answering - set(NO_PAGES) == set(walls)
    assert set(NO_PAGES) <= answering


async def _pair(enter: OpenRoom, team: Team, width: str) -> tuple[Room, Room]:
    across, down = WIDTHS[width]
    options = {
        "viewport": {"width": across, "height": down},
        "has_touch": width == "phone",
        "is_mobile": width == "phone",
        "reduced_motion": "reduce",
    }
    return await enter(team.ana, **options), await enter(**options)


async def _walk(rooms: tuple[Room, Room], paths: dict[str, str], widths: tuple[str, ...]) -> list[str]:
    """Visit all pages once each, and look at them in each width and theme; what is wrong with them."""
    wrong: list[str] = []
    member, stranger = rooms
    for name, path in paths.items():
        room = stranger if path.startswith(STRANGERS) else member
        page, answer = room.page, await room.page.goto(room.site + path)
        if answer is None or answer.status != (404 if name == "not-found" else 200):
            wrong.append(f"{name} answers {answer and answer.status}")
        for width in widths:
            across, down = WIDTHS[width]
            if width != widths[0]:
                await page.set_viewport_size({"width": across, "height": down})
            beyond = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if beyond > 0:
                wrong.append(f"{name} {width}: {beyond} px too wide")
            for theme in THEMES:
                await page.emulate_media(color_scheme=theme)
                await picture(room, f"{name}-{theme}-{width}")
                if (theme, width) in AXE:
                    found = await room.axe(colours=AXE[theme, width])
                    wrong += [f"{name} {theme} {width}: {finding}" for finding in found]
        across, down = WIDTHS[widths[0]]
        await page.emulate_media(color_scheme="light")
        if len(widths) > 1:
            await page.set_viewport_size({"width": across, "height": down})
        wrong += [f"{name} says: {words}" for words in room.complaints]
        room.complaints.clear()
    return wrong


async def picture(room: Room, name: str) -> None:
    """What a window shows, kept for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    if room.camera is None:
        room.camera = await room.context.new_cdp_session(room.page)
    taken = await room.camera.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
    await asyncio.to_thread((PICTURES / f"{name}.png").write_bytes, base64.b64decode(taken["data"]))


async def test_dialogs_and_menus_are_accessible(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.ana)
    page = await room.go("/board")
    await page.get_by_role("link", name="Add lead").click()
    await page.get_by_role("dialog").wait_for()
    wrong = await room.axe()
    await picture(room, "dialog")
    await page.keyboard.press("Escape")
    await page.locator(f"#card-{hannah.id} h3 a").focus()
    await page.keyboard.press("m")
    await page.get_by_role("menu").wait_for()
    wrong += await room.axe()
    await picture(room, "menu")
    assert wrong == []


async def test_the_theme_is_chosen_and_kept(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ben, color_scheme="light")
    page = await room.go("/board")
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.get_by_role("button", name="Dark").click()
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    await page.get_by_role("button", name="As the system").click()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == light


async def test_the_navigation_of_a_phone_opens_and_closes(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ben, viewport={"width": 390, "height": 844}, has_touch=True)
    page = await room.go("/board")
    assert not await page.get_by_role("link", name="Leads", exact=True).is_visible()
    await page.get_by_role("button", name="Open the navigation").click()
    await page.wait_for_timeout(100)
    await picture(room, "navigation-phone")
    assert await room.axe() == []
    await page.get_by_role("link", name="Leads", exact=True).click()
    await page.get_by_role("heading", name="Leads", exact=True).wait_for()
