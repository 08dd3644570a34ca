"""Which encoding a text file is in: by its mark, else UTF-8 if all of it is, else the likeliest by its letters."""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from baton.kernel.errors import Invalid

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEGACY = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r",
    "cp932", "euc_jp", "gb18030", "big5", "cp949", "mac_roman", "cp850",
]  # fmt: skip
_CHUNK = 1_000_000
_SAMPLE = 200_000
_NO_WRITING = frozenset(("No", "Sk", "So", "Sm", "Cc", "Cn", "Co"))
"""Categories of Unicode: raised figures, lone accents, box drawing, controls."""
_ENOUGH_LETTERS = 4
"""Below so many letters beyond ASCII, statistics about them prove nothing."""
_ESCAPED = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")

WESTERN_REPAIR = "baton-western"
"""The error handler that reads a byte which is not UTF-8 as Windows-1252: what a file pasted from two sources needs."""


def _as_western(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(WESTERN_REPAIR, _as_western)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec's name, how its errors are handled, and a warning where it was concluded rather than known."""

    name: str
    errors: str = "strict"
    warning: str | None = None


def recognise(path: Path, wanted: str | None = None) -> Encoding:
    """The encoding of a text file; `wanted` is taken as it is. Raises Invalid for a name that no codec has."""
    if wanted:
        try:
            return Encoding(codecs.lookup(wanted).name, "replace")
        except LookupError:
            raise Invalid(f'There is no encoding called "{wanted}".', field="encoding") from None
    with path.open("rb") as file:
        head = file.read(4_096)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None) or _unmarked_utf16(head)
    if marked:
        return Encoding(marked, "replace")
    return _utf8_or_legacy(path)


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark shows as NULs in every other place; a stray NUL does not."""
    pairs = len(head) // 2
    if pairs < 2:
        return None
    even, odd = head[0 : pairs * 2 : 2].count(0), head[1 : pairs * 2 : 2].count(0)
    if odd > pairs * 0.6 and even < pairs * 0.1:
        return "utf-16-le"
    if even > pairs * 0.6 and odd < pairs * 0.1:
        return "utf-16-be"
    return None


def _utf8_or_legacy(path: Path) -> Encoding:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    sound = broken = 0
    sample = bytearray()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            text = decoder.decode(chunk)
            if text.isascii():
                continue
            strange = len(_ESCAPED.findall(text))
            broken += strange
            sound += len(_BEYOND_ASCII.findall(text)) - strange
            if len(sample) < _SAMPLE:
                sample += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:_SAMPLE]
    broken += len(decoder.decode(b"", final=True))
    if not broken:
        return Encoding("utf-8")
    if sound >= 9 * broken:
        warning = f"The file is UTF-8 but for {broken:,} bytes, which were read as Windows-1252"
        return Encoding("utf-8", WESTERN_REPAIR, warning)
    name = _likeliest(bytes(sample))
    return Encoding(name, "replace", f"The encoding was taken to be {name}; if letters look wrong, name the right one")


def _odd(text: str) -> int:
    """How many characters are none that names and firms are written with, in twentieths: "J³rgen" was read wrongly."""
    beyond = _BEYOND_ASCII.findall(text)
    return round(20 * sum(unicodedata.category(c) in _NO_WRITING for c in beyond) / max(1, len(beyond)))


def _likeliest(sample: bytes) -> str:
    """The encoding whose letters make the best words; where several do equally, the earlier of the list."""
    if sum(byte > 127 for byte in sample) < _ENOUGH_LETTERS:
        return _LEGACY[0]
    matches = charset_normalizer.from_bytes(sample, cp_isolation=_LEGACY)
    ranked = [
        (_odd(sample.decode(name, "replace")), round(match.chaos, 2), -round(match.coherence, 2), _LEGACY.index(name))
        for match in matches
        for name in match.could_be_from_charset
        if name in _LEGACY
    ]
    return _LEGACY[min(ranked)[3]] if ranked else _LEGACY[0]
