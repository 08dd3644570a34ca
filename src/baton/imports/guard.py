"""Text in CSV files that no spreadsheet runs as a formula, and that comes back as it was (CWE-1236, docs/decisions).

The patterns name every character, so that Python and PostgreSQL read them alike: an export is guarded by the database.
"""

import re

_SIGNS = r"=+@\-\uff1d\uff0b\uff0d\uff20"
_SPACES = r"\x01-\x20\x7f\x85\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f\u3000\ufeff"
_BLANKS = _SPACES + "'\""
_START = f"^[{_BLANKS}]*[{_SIGNS}]"
_INNER = rf"([;\t\r\n|][{_BLANKS}]*)(?=[{_SIGNS}])"
_SUSPECT = rf"(^|[\x1e;\t\r\n|])[{_BLANKS}]*[{_SIGNS}]"
_NUMBER = rf"^[+-]?[0-9(),./{_SPACES}-]*[0-9][0-9(),./{_SPACES}-]*$"

_starts = re.compile(_START)
_inner = re.compile(_INNER)
_inner_guarded = re.compile(rf"([;\t\r\n|][{_BLANKS}]*)'(?=[{_SIGNS}])")
_suspect = re.compile(_SUSPECT)
_number = re.compile(_NUMBER.replace("$", r"\Z"))


def harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula; numbers and phones ("+49 30 1234", "-5") stay as they are.

    An apostrophe is put before what begins as a formula does, also after blanks, quotes and control characters, and
    behind every semicolon, tab, bar or line end, where a program with other separators would see a new cell begin.
    """
    if not _suspect.search(text) or _number.match(text):
        return text
    guarded = _inner.sub(r"\1'", text)
    return f"'{guarded}" if _starts.match(text) else guarded


def harmless_sql(text: str) -> str:
    """The same in SQL: an expression for the guarded form of a text expression."""
    return (
        f"CASE WHEN {text} ~ {_quoted(_NUMBER)} OR {text} !~ {_quoted(_SUSPECT)} THEN {text} ELSE "
        f"CASE WHEN {text} ~ {_quoted(_START)} THEN '''' ELSE '' END "
        f"|| regexp_replace({text}, {_quoted(_INNER)}, '\\1''', 'g') END"
    )


def suspect_sql(texts: list[str]) -> str:
    """Whether one of several text expressions may need a guard, in SQL, looked at together."""
    return f"concat_ws(chr(30), {', '.join(texts)}) ~ {_quoted(_SUSPECT)}" if texts else "false"


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"


def unguarded(text: str) -> str:
    """The text that `harmless` was given."""
    if "'" not in text:
        return text
    begins = text[0] == "'" and _starts.match(text[1:]) is not None and _number.match(text[1:]) is None
    return _inner_guarded.sub(r"\1", text[1:] if begins else text)
