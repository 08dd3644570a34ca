"""How a delimited file is written: its separator, quotes and header line, concluded from its beginning."""

import dataclasses
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator

from baton.imports.records import Dialect, lines_of, records, unwrapped
from baton.imports.table import Limits, Notes, Refusal

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_RECORDS = 200
_PREAMBLE = 10
"""So many lines of title at most may stand above the headers."""


def recognise(sample: str, newline: str, limits: Limits, delimiter: str | None = None) -> Dialect:
    """The dialect in which the sample's records have the most even width, the widest one among equals.

    `newline` is that of `open()`: "" where a lone carriage return ends a line.
    """
    first, _, rest = sample.partition("\n")
    if match := re.fullmatch(r"sep=(.)\r?", first, re.IGNORECASE):
        found = recognise(rest, newline, limits, delimiter or match[1])
        return dataclasses.replace(found, above=found.above + 1)
    best, best_score = Dialect(delimiter or ","), (0.0, 0)
    for candidate in _candidates(sample, delimiter):
        score, above = _evenness(io.StringIO(sample, newline), candidate, limits)
        if score > best_score:
            best_score = score
            best = dataclasses.replace(candidate, above=above)
    return best


def _candidates(sample: str, delimiter: str | None) -> Iterator[Dialect]:
    """The plain dialect of each separator first; the odd ones only where the sample gives a reason to try."""
    for mark in (delimiter,) if delimiter else DELIMITERS:
        quotes = ['"', "'"] if re.search(rf"(^|{re.escape(mark)})'", sample, re.MULTILINE) else ['"']
        escapes = [None, "\\"] if '\\"' in sample or "\\'" in sample else [None]
        blanks = [False, True] if re.search(rf"{re.escape(mark)} +[\"']", sample) else [False]
        for quote, escape, skip in itertools.product(quotes, escapes, blanks):
            yield Dialect(mark, quote, escape, skip)


def _evenness(sample: io.StringIO, dialect: Dialect, limits: Limits) -> tuple[tuple[float, int], int]:
    """The share of records as wide as the usual one, and that width; and the line count above the header."""
    widths: list[tuple[int, int]] = []
    found = records(lines_of(sample, limits, Notes()), dialect, limits)
    for record in itertools.islice(found, _SAMPLE_RECORDS):
        if isinstance(record, Refusal):
            widths.append((record.line, 0))
        elif any(cell.strip() for cell in record[1]):
            widths.append((record[0], len(unwrapped(record[1], dialect) or record[1])))
    if not widths:
        return (0.0, 0), 0
    usual = Counter(width for _, width in widths).most_common(1)[0][0]
    header = widths[0][1]
    above = 0
    if header == 1 and usual > 2:
        above, header = next(((line - 1, width) for line, width in widths[:_PREAMBLE] if width == usual), (0, 1))
    if header < 2:
        return (0.0, 0), 0
    share = sum(width == header for _, width in widths) / len(widths)
    return (round(share, 1), header), above
