"""Text in CSV files that no spreadsheet runs as a formula, and that comes back as it was (CWE-1236, docs/decisions)."""

import re

_SIGNS = "=+\\-@＝＋－＠"
_BLANKS = "\\s\\x00-\\x1f'\""
_START = re.compile(f"[{_BLANKS}]*[{_SIGNS}]")
_INNER = re.compile(f"([;\\t\\r\\n|][{_BLANKS}]*)(?=[{_SIGNS}])")
_INNER_GUARDED = re.compile(f"([;\\t\\r\\n|][{_BLANKS}]*)'(?=[{_SIGNS}])")
_NUMBER = re.compile(r"[+-]?[\d\s().,/-]*\d[\d\s().,/-]*")
SUSPECT = re.compile(f"(?:^|[\x1e;\\t\\r\\n|])[{_BLANKS}]*[{_SIGNS}]")
"""Finds whether any of several cells, joined by the record separator U+001E, may need a guard."""


def harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula; numbers and phones ("+49 30 1234", "-5") stay as they are.

    An apostrophe is put before what begins as a formula does, also after blanks, quotes and control characters, and
    behind every semicolon, tab, bar or line end, where a program with other separators would see a new cell begin.
    """
    if not SUSPECT.search(text) or _NUMBER.fullmatch(text):
        return text
    guarded = _INNER.sub(r"\1'", text)
    return f"'{guarded}" if _START.match(text) else guarded


def unguarded(text: str) -> str:
    """The text that `harmless` was given."""
    if "'" not in text:
        return text
    plain = text[1:] if text[0] == "'" and _START.match(text[1:]) and not _NUMBER.fullmatch(text[1:]) else text
    return _INNER_GUARDED.sub(r"\1", plain)
