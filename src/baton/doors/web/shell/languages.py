"""The languages of the pages: one for each catalog in `ui/locale`, and the best of them for a reader."""

import gettext as catalogs
import io
import re
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from babel import Locale, UnknownLocaleError

from baton.doors.web.shell.assets import UI

FOLDER = UI / "locale"
ENGLISH = "en"
_MOST_ASKED = 20


@dataclass(frozen=True)
class Language:
    """A language: its tag (RFC 5646), the locale of its dates, numbers and money, and its catalog's file, none for English."""

    tag: str
    locale: Locale
    catalog: str | None = None

    @property
    def name(self) -> str:
        """What the language calls itself."""
        named = Locale.parse(self.tag, sep="-")
        own = named.get_display_name(named) or self.tag
        return own[:1].upper() + own[1:]

    @cached_property
    def words(self) -> catalogs.NullTranslations:
        """The words, read when the first page needs them."""
        return _read(self.catalog) if self.catalog else catalogs.NullTranslations()


@cache
def offered() -> dict[str, Language]:
    """All languages by tag, English first: what a new file adds is there at the next start."""
    found = {ENGLISH: Language(ENGLISH, Locale("en", "GB"))}
    for path in sorted(FOLDER.glob("*/LC_MESSAGES/baton.po")):
        locale = Locale.parse(path.parts[-3])
        tag = str(locale).replace("_", "-")
        found[tag] = Language(tag, locale, str(path))
    return found


def best(own: str | None, accepted: str) -> Language:
    """The language that a person chose for themselves, else the first that the browser asks for (RFC 9110, Accept-Language)."""
    if own in offered():
        return offered()[own]
    for asked in _asked(accepted):
        tag, primary = asked.replace("_", "-"), asked.split("-")[0]
        if tag in offered():
            return offered()[tag]
        if primary in offered():
            return _regional(primary, tag)
    return offered()[ENGLISH]


def _asked(accepted: str) -> list[str]:
    """The tags of the header, the most wanted first."""
    wanted: list[tuple[float, str]] = []
    for part in accepted[:1000].split(",")[:_MOST_ASKED]:
        tag, _, weight = part.strip().partition(";")
        found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", weight) if weight else None
        weighs = float(found[1]) if found else 1.0
        if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) and weighs > 0:
            language, *region = tag.split("-")
            wanted.append((weighs, "-".join([language.lower(), *(p.upper() if len(p) == 2 else p for p in region)])))
    return [tag for _, tag in sorted(wanted, key=lambda each: -each[0])]


@lru_cache(64)
def _regional(primary: str, tag: str) -> Language:
    """A language with the dates and numbers of the region that is asked for. English has one way everywhere: 12 Dec, 15:30."""
    plain = offered()[primary]
    if primary == ENGLISH:
        return plain
    try:
        locale = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return plain
    return Language(primary, locale, plain.catalog) if locale.language == primary else plain


@cache
def _read(catalog: str) -> catalogs.NullTranslations:
    from babel.messages.mofile import write_mo  # English pages never need them
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with open(catalog, "rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return catalogs.GNUTranslations(compiled)
