"""The language in which a page is written: what it says goes through `_`, and is put into the reader's language."""

import gettext as catalogs
from contextvars import ContextVar

_ENGLISH = catalogs.NullTranslations()
_reader: ContextVar[catalogs.NullTranslations] = ContextVar("reader", default=_ENGLISH)


def _(text: str) -> str:
    """English words in the reader's language."""
    return _reader.get().gettext(text)


def several_of(one: str, many: str, count: int) -> str:
    """English words for a count, in the reader's language, by its rules of plural."""
    return _reader.get().ngettext(one, many, count)
