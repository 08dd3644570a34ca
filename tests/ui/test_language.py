"""The language of a page: chosen by the person, else by the browser; words, dates and money in it. Spec A9."""

from datetime import date
from pathlib import Path

import httpx2
import pytest

from baton.doors.app import create_app
from baton.doors.web.shell import amounts, languages, times
from baton.doors.web.shell.language import _, reading, told
from baton.doors.web.shell.languages import best, offered
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.team import Team
from tests.ui.test_pages import SITE, sign_in
from tests.ui.test_pages import http as http

PT, EN = "pt-PT,pt;q=0.9,en;q=0.5", "en-GB,en;q=0.9"


@pytest.mark.parametrize(
    ("own", "accepted", "tag", "locale"),
    [
        (None, "", "en", "en_GB"),
        (None, EN, "en", "en_GB"),
        (None, "en-US", "en", "en_GB"),
        (None, PT, "pt", "pt_PT"),
        (None, "pt-BR", "pt", "pt_BR"),
        (None, "pt-XX;q=0.7, fr", "pt", "pt"),
        (None, "fr, de;q=0.9", "en", "en_GB"),
        (None, "en;q=0.2, pt;q=0.9", "pt", "pt"),
        (None, "pt;q=0, en", "en", "en_GB"),
        (None, ";;,,q=,pt;q=x" + "a" * 5000, "pt", "pt"),
        ("pt", EN, "pt", "pt"),
        ("en", PT, "en", "en_GB"),
        ("xx", PT, "pt", "pt_PT"),
    ],
)
def test_the_language_of_a_reader(own: str | None, accepted: str, tag: str, locale: str) -> None:
    found = best(own, accepted)
    assert (found.tag, str(found.locale)) == (tag, locale)


async def test_ones_own_choice_stands_on_every_device(settings: Settings, db: Database, fresh: Team) -> None:
    """Spec B9."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=create_app(settings, db)), base_url=SITE) as http:
        ben = await sign_in(http, db, fresh.ben)
        assert '<html lang="en"' in (await ben.get("/profile", **{"accept-language": EN})).text
        assert '<html lang="pt"' in (await ben.get("/profile", **{"accept-language": PT})).text
        wish = {"csrf": ben.csrf, "name": "Ben Okafor", "timeZone": "Europe/Lisbon", "language": "pt"}
        assert (await ben.post("/profile", wish)).status_code == 303
        assert (await ben.post("/theme", {"csrf": ben.csrf, "theme": "dark"})).status_code == 303
        elsewhere = await sign_in(http, db, fresh.ben)
        page = (await elsewhere.get("/profile", **{"accept-language": EN})).text
        assert '<html lang="pt" data-theme="dark"' in page
        assert "Seu perfil" in page
        own = await fresh.do(fresh.ben, "crm.profile.get")
        assert (own.language, own.theme, own.time_zone) == ("pt", "dark", "Europe/Lisbon")
        assert (await ben.post("/profile", wish | {"language": ""})).status_code == 303
        assert '<html lang="en"' in (await elsewhere.get("/profile", **{"accept-language": EN})).text
        refused = await ben.post("/profile", wish | {"language": "../../etc"})
        assert refused.status_code == 422


async def test_pages_for_everybody_are_in_the_language_of_the_browser(http: httpx2.AsyncClient) -> None:
    page = await http.get("/sign-in", headers={"accept-language": PT})
    assert '<html lang="pt"' in page.text
    assert "Accept-Language" in page.headers["vary"]
    assert '<html lang="pt"' in (await http.get("/nothing/here", headers={"accept-language": PT})).text


def test_errors_with_values_are_told_in_the_readers_language() -> None:
    with reading(offered()["pt"]):
        assert told("A password has at least 10 characters.") == "Uma senha tem pelo menos 10 caracteres."
        assert told("Nobody has ever said this.") == "Nobody has ever said this."
    assert told("A password has at least 10 characters.") == "A password has at least 10 characters."


def test_a_new_file_is_a_new_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spec A9: more languages by adding a file."""
    catalog = tmp_path / "es" / "LC_MESSAGES" / "baton.po"
    catalog.parent.mkdir(parents=True)
    head = 'msgid ""\nmsgstr ""\n"Language: es\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    catalog.write_text(head + '\nmsgid "Board"\nmsgstr "Tablero"\n', encoding="utf-8")
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    offered.cache_clear()
    try:
        assert [(tag, each.name) for tag, each in offered().items()] == [("en", "English"), ("es", "Español")]
        with reading(best(None, "es-MX, en;q=0.5")):
            assert (_("Board"), _("Save")) == ("Tablero", "Save")
    finally:
        offered.cache_clear()


@pytest.mark.parametrize(
    ("tag", "amount", "short", "count", "share", "when", "far"),
    [
        ("en", "$42,000", "$1.31M", "12,400", "37.5%", "12 Dec 2026", "Thursday, 26 Nov"),
        ("pt-BR", "US$\xa042.000", "US$\xa01,31\xa0mi", "12.400", "37,5%", "12 de dez. de 2026", "quinta-feira, 26 de nov."),
        ("pt-PT", "42\xa0000\xa0US$", "1,31\xa0M\xa0US$", "12\xa0400", "37,5%", "12/12/2026", "quinta-feira, 26/11"),
    ],
)  # fmt: skip
def test_money_numbers_and_days_are_written_as_the_reader_does(
    tag: str, amount: str, short: str, count: str, share: str, when: str, far: str
) -> None:
    with reading(best(None, tag)):
        assert amounts.money(4_200_000, "USD") == amount
        assert amounts.money(131_000_000, "USD", short=True) == short
        assert amounts.number(12_400) == count
        assert amounts.percent(0.375, digits=1) == share
        assert times.day(date(2026, 12, 12), date(2025, 1, 1)) == when
        assert times.weekday(date(2026, 11, 26), date(2026, 1, 1)) == far


def test_a_reasons_parts_are_told_too() -> None:
    with reading(offered()["pt"]):
        said = told("Score 54: director title, e-mail known, worth 40,000 or more.")
        assert said == "Pontuação 54: cargo de diretor, e-mail conhecido, valor de 40,000 ou mais."
