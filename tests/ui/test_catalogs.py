"""Catalogs are complete, and nothing on a page stands outside of them."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from baton.doors.web.shell.assets import UI
from baton.doors.web.shell.languages import FOLDER
from tests.ui.catalogs import extracted, written

CATALOGS = sorted(FOLDER.glob("*/LC_MESSAGES/baton.po"))
TEMPLATES = sorted((UI / "templates").rglob("*.html"))
IN_ENGLISH = {"api_docs.html"}
"""What operations say of themselves is English, and the page about them too."""
NAMES = {"WhatsApp", "Baton", "Esc", "Enter", "Twilio", "Meta Cloud API", "STARTTLS", "EUR"}
READ_ALOUD = ("aria-label", "title", "placeholder", "alt", "aria-description")
VALUE = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.parts[-3])
def test_a_catalog_lacks_nothing_and_doubts_nothing(path: Path) -> None:
    catalog = written(path)
    known = {(message.id, message.context): message for message in catalog if message.id}
    wanted = {(message.id, message.context) for message in extracted() if message.id}
    assert sorted(str(key) for key in wanted - known.keys()) == []
    assert [message.id for message in known.values() if message.fuzzy] == []
    empty = [m.id for m in known.values() if not (all(m.string) if isinstance(m.string, tuple) else m.string)]
    assert empty == []


def _words(found: Any) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else tuple(found)


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.parts[-3])
def test_translations_hold_the_values_of_their_sentences(path: Path) -> None:
    wrong = []
    for message in written(path):
        ids, said = _words(message.id), _words(message.string)
        wanted = set(VALUE.findall(" ".join(ids)))
        wrong += [(ids, words) for words in said if ids[0] and set(VALUE.findall(words)) != wanted]
        wrong += [(ids, words) for words in said if words[:1].isspace() != ids[0][:1].isspace()]
    assert wrong == []


class Text(HTMLParser):
    """What a template says outside of Jinja: its text, and the attributes that are read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag if tag in ("code", "kbd", "script", "style") else self._silent
        self.found += [value for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent = "" if tag == self._silent else self._silent

    def handle_data(self, text: str) -> None:
        if not self._silent:
            self.found.append(re.sub(r'[\w-]+="[^"]*"', "", text).strip())  # attributes that stand in a block or macro


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_is_not_marked(path: Path) -> None:
    """Spec A9: words on pages are whole sentences, in the reader's language."""
    if path.name in IN_ENGLISH:
        return
    reader = Text()
    reader.feed(re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL))
    assert [text for text in reader.found if re.search(r"[A-Za-z]{2,}", text) and text not in NAMES] == []
