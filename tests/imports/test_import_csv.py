"""Delimited files: whatever dialect and encoding a table is written in, it reads back; what cannot be read is named."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.imports.read import open_table
from baton.imports.table import Limits, Notes, Refusal, Row, Table
from baton.kernel.errors import Invalid, NotFound, TooLarge

HEADERS = ["First Name", "Email", "Company", "Notes"]
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=30)
ROWS = st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), max_size=12)
FILES = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(folder: Path, content: bytes | str, name: str = "leads.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(table: Table, notes: Notes | None = None) -> tuple[list[tuple[object, ...]], list[Refusal]]:
    good: list[tuple[object, ...]] = []
    bad: list[Refusal] = []
    for row in table.rows(notes):
        if isinstance(row, Row):
            good.append(row.cells)
        else:
            bad.append(row)
    return good, bad


@FILES
@given(
    rows=ROWS,
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_any_table_in_any_dialect_and_encoding_reads_back(
    tmp_path: Path, rows: list[tuple[str, ...]], delimiter: str, quoting: int, end: str, encoding: str
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerows([HEADERS, *rows])
    table = open_table(write(tmp_path, buffer.getvalue().encode(encoding)))
    good, bad = read(table)
    assert table.headers == tuple(HEADERS)
    assert table.delimiter == delimiter
    assert not bad
    assert good == [row for row in rows if any(cell and not cell.isspace() for cell in row)]


@FILES
@given(rows=st.lists(st.tuples(*[st.text("aäöüÄßéè ,;\"'\n", max_size=12)] * 3), max_size=8))
def test_a_named_legacy_encoding_reads_back(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";", lineterminator="\r\n").writerows([["Vorname", "Größe", "Straße"], *rows])
    table = open_table(write(tmp_path, buffer.getvalue().encode("cp1252")), encoding="cp1252")
    good, bad = read(table)
    assert not bad
    assert good == [row for row in rows if any(cell and not cell.isspace() for cell in row)]


@FILES
@given(content=st.binary(max_size=400))
def test_any_bytes_are_a_table_or_a_clear_refusal(tmp_path: Path, content: bytes) -> None:
    try:
        table = open_table(write(tmp_path, content))
    except (Invalid, TooLarge):
        return
    good, _ = read(table)
    assert all(len(cells) == len(table.headers) for cells in good)


@FILES
@given(text=st.text(st.sampled_from("ab,;\"'\n\r\\ |\t"), max_size=80))
def test_every_line_is_a_row_blank_part_of_a_record_or_refused(tmp_path: Path, text: str) -> None:
    try:
        table = open_table(write(tmp_path, "h1,h2\n" + text))
    except Invalid:
        return
    lines = [row.line for row in table.rows()]
    assert lines == sorted(lines)
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize(
    ("encoding", "cells"),
    [
        ("cp1252", ["Jürgen", "Bäckerei Größe", "Société Générale"]),
        ("cp1250", ["Łukasz", "Spółka Ślązak", "Žižkovská pekárna"]),
        ("cp1251", ["Иван", "Ромашка и партнёры", "Продажи"]),
        ("cp932", ["山田太郎", "株式会社サンプル", "東京商事"]),
        ("gb18030", ["王伟", "北京科技有限公司", "上海贸易公司"]),
        ("cp1253", ["Γιώργος", "Παπαδόπουλος ΑΕ", "Αθήνα"]),
        ("utf-16-le", ["Ana", "Acme", "unmarked"]),
        ("utf-16-be", ["Ana", "Acme", "unmarked"]),
    ],
)
def test_encodings_without_a_mark_are_recognised_by_their_letters(
    tmp_path: Path, encoding: str, cells: list[str]
) -> None:
    rows = [cells] * 5
    text = "Name,Company,Notes\n" + "".join(",".join(row) + "\n" for row in rows)
    table = open_table(write(tmp_path, text.encode(encoding)))
    good, bad = read(table)
    assert not bad
    assert good == [tuple(row) for row in rows]
    assert encoding.startswith("utf") or any(encoding in warning for warning in table.warnings)


def test_utf8_with_some_pasted_windows_bytes_keeps_every_letter(tmp_path: Path) -> None:
    body = "".join(f"Zoë {n},Łódź\n" for n in range(40)).encode() + "Müller,x\n".encode("cp1252")
    table = open_table(write(tmp_path, b"Name,City\n" + body))
    good, _ = read(table)
    assert good[0] == ("Zoë 0", "Łódź")
    assert good[-1] == ("Müller", "x")
    assert "Windows-1252" in table.warnings[0]


def test_a_record_wrapped_in_quotes_once_more_is_unwrapped_and_counted(tmp_path: Path) -> None:
    text = 'Id,Field,City\n1,a,Berlin\n"2,""Banking, Investment"",Mumbai"\n"3,plain,Pune"\n'
    notes = Notes()
    good, bad = read(open_table(write(tmp_path, text)), notes)
    assert not bad
    assert good[1:] == [("2", "Banking, Investment", "Mumbai"), ("3", "plain", "Pune")]
    assert notes.sentences() == [
        "Records were wrapped in quotes once more as a whole, and were unwrapped (2 times, first on line 3)"
    ]


def test_ragged_rows_are_named_by_the_line_they_begin_on(tmp_path: Path) -> None:
    text = 'A,B,C\n1,2,3\n1,2\n"x\ny",2,3\n1,2,3,4\n1,2,3,,\n'
    good, bad = read(open_table(write(tmp_path, text)))
    assert good == [("1", "2", "3"), ("x\ny", "2", "3"), ("1", "2", "3")]
    assert [(refusal.line, refusal.reason) for refusal in bad] == [
        (3, "It has 2 cells where the headers name 3"),
        (6, "It has 4 cells where the headers name 3"),
    ]


def test_a_quote_that_never_closes_costs_its_own_row_only(tmp_path: Path) -> None:
    text = 'A,B\n1,2\n"open,2\n3,4\n5,6\n'
    good, bad = read(open_table(write(tmp_path, text)))
    assert good == [("1", "2"), ("3", "4"), ("5", "6")]
    assert [(refusal.line, refusal.reason) for refusal in bad] == [(3, "A quote opens here and is never closed")]


@pytest.mark.parametrize(
    ("text", "headers", "row"),
    [
        ("sep=;\r\nA;B\r\n1;2\r\n", ("A", "B"), ("1", "2")),
        ("A\rB,C\r1,2\r", ("A",), None),
        ("A,B\r1,2\r", ("A", "B"), ("1", "2")),
        ("'A','B'\n'x, y','2'\n", ("A", "B"), ("x, y", "2")),
        ('A,B\n"say \\"hi\\", ok",2\n', ("A", "B"), ('say "hi", ok', "2")),
        ('A, "B"\n1, "x, y"\n', ("A", "B"), ("1", "x, y")),
        ("Leads of May\n\nA,B,C\n1,2,3\n4,5,6\n", ("A", "B", "C"), ("1", "2", "3")),
        ("A,,A\n1,2,3\n", ("A", "column 2", "A (2)"), ("1", "2", "3")),
        ("Email\na@b.example\n", ("Email",), ("a@b.example",)),
        ("A,B,\n1,2\n", ("A", "B", "column 3"), ("1", "2", "")),
        ("N;V\na;1,50\nb;2,50\n", ("N", "V"), ("a", "1,50")),
    ],
)
def test_odd_but_common_files(tmp_path: Path, text: str, headers: tuple[str, ...], row: tuple[str, ...] | None) -> None:
    table = open_table(write(tmp_path, text))
    assert table.headers == headers
    if row:
        assert read(table)[0][0] == row


def test_a_table_can_be_read_again(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "A,B\n1,2\n3,4\n"))
    assert list(table.rows()) == list(table.rows()) == [Row(2, ("1", "2")), Row(3, ("3", "4"))]


def test_what_is_no_file_or_holds_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_table(tmp_path / "absent.csv")
    with pytest.raises(Invalid, match="empty"):
        open_table(write(tmp_path, b"\xef\xbb\xbf \r\n"))
    with pytest.raises(Invalid, match="no file"):
        open_table(tmp_path)
    with pytest.raises(Invalid, match="encoding"):
        open_table(write(tmp_path, "A,B\n"), encoding="utf-99")
    with pytest.raises(TooLarge):
        open_table(write(tmp_path, "A,B\n1,2\n"), limits=Limits(file_bytes=3))
    with pytest.raises(TooLarge):
        read(open_table(write(tmp_path, "A,B\n1,2\n3,4\n"), limits=Limits(rows=1)))
