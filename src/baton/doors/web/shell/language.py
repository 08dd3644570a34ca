"""The language in which a page is written: what it says goes through `_`, and is put into the reader's language."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeVar

from babel import Locale

from baton.doors.web.shell.languages import ENGLISH, Language, offered

Key = TypeVar("Key")
_reader: ContextVar[Language | None] = ContextVar("reader", default=None)
OF_ERRORS = "error"
"""The context (gettext) of sentences with values in them that are written below the pages."""


@contextlib.contextmanager
def reading(language: Language) -> Iterator[None]:
    """Everything that is said inside is said in this language."""
    before = _reader.set(language)
    try:
        yield
    finally:
        _reader.reset(before)


def language() -> Language:
    """The reader's language."""
    return _reader.get() or offered()[ENGLISH]


def locale() -> Locale:
    """The reader's way to write dates, numbers and money."""
    return language().locale


def english() -> bool:
    """Whether the reader reads the English that stands in the source."""
    return language().tag == ENGLISH


def _(text: str) -> str:
    """English words in the reader's language."""
    return language().words.gettext(text) if text else ""


def meant(context: str, text: str) -> str:
    """English words that mean two things ("Owner" of a lead, of the organization), in the reader's language."""
    found = language().words.pgettext(context, text)
    return found if found != text else _(text)


def marked(text: str) -> str:
    """English words that stand in a table, and are put into the reader's language by `_` where they are shown."""
    return text


class Told(Mapping[Key, str]):
    """A table of words, each in the language of whoever reads it at that moment."""

    def __init__(self, words: Mapping[Key, str]) -> None:
        self._words = dict(words)

    def __getitem__(self, key: Key) -> str:
        return _(self._words[key])

    def __or__(self, other: "Told[Key]") -> "Told[Key]":
        return Told(self._words | other._words)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


class Choices(list[tuple[str, str]]):
    """Values to choose from with their words, each in the language of whoever reads them at that moment."""

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((key, _(words)) for key, words in super().__iter__())


def shaped(text: str) -> str:
    """A sentence with values, "%(name)s is taken.", that is written below the pages and shown through `told`."""
    return text


def several_of(one: str, many: str, count: int) -> str:
    """English words for a count, in the reader's language, by its rules of plural."""
    return language().words.ngettext(one, many, count)


def told(text: str) -> str:
    """A sentence that the product wrote below the pages (an error, a notice, a reason), in the reader's language where it is known.

    Its values are found by the catalog's own patterns, "%(name)s is taken.", and put into the translation.
    """
    reader = language()
    if reader.catalog is None or not text:
        return text
    found = reader.words.gettext(text)
    if found != text:
        return found
    for pattern, wording in _patterns(reader.catalog):
        if hit := pattern.fullmatch(text):
            return wording % {name: _each(value, within=text) for name, value in hit.groupdict().items()}
    return text


def _each(value: str, *, within: str) -> str:
    """The values of a sentence, which may be sentences themselves; those of a list one by one."""
    return ", ".join(told(part) if len(part) < len(within) else part for part in value.split(", "))


@lru_cache(8)
def _patterns(catalog: str) -> list[tuple[re.Pattern[str], str]]:
    """The catalog's sentences with values, as patterns and their translations; those with the most words of their own first."""
    words = next(each.words for each in offered().values() if each.catalog == catalog)
    start = f"{OF_ERRORS}\x04"
    known = [(str(key)[len(start) :], said) for key, said in words._catalog.items() if str(key).startswith(start)]  # type: ignore[attr-defined]
    return [(_pattern(text), said) for text, said in sorted(known, key=lambda each: -len(each[0])) if said]


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", text)
    seen: set[str] = set()
    made = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            made += re.escape(part.replace("%%", "%"))
        else:
            made += f"(?P={part})" if part in seen else f"(?P<{part}>.+?)"
            seen.add(part)
    return re.compile(made, re.DOTALL)
