"""XLSX: types and row numbers are kept; archives and sheets that would fill the memory are refused before they are opened."""

import contextlib
import datetime as dt
import time
import zipfile
from pathlib import Path

import pytest
from tests.imports.spreadsheet import cell, sheet, write

from baton.imports.read import open_table
from baton.imports.table import Limits, Refusal, Row
from baton.kernel.errors import Invalid, TooLarge

GOOD: dict[str, object] = {
    "A3": "Name", "B3": "Close Date", "C3": "Amount", "D3": "Phone", "E3": "VIP",
    "A4": "Ana", "B4": ("date", 45415), "C4": 1234.5, "D4": 442079461001, "E4": True,
    "A6": "=HYPERLINK(1)", "B6": ("date", 45415.5), "C6": 7.0, "D6": "+49 30 1", "E6": ("formula", "1+1", "2"),
}  # fmt: skip


def test_cells_keep_their_types_and_rows_their_numbers(tmp_path: Path) -> None:
    table = open_table(write(tmp_path / "a.xlsx", {"Leads": sheet(GOOD), "Notes": sheet({"A1": "x"})}))
    assert table.headers == ("Name", "Close Date", "Amount", "Phone", "VIP")
    assert "Leads" in table.warnings[0]
    assert "Notes" in table.warnings[0]
    rows = [
        Row(4, ("Ana", dt.date(2024, 5, 3), 1234.5, 442079461001, True)),
        Row(6, ("=HYPERLINK(1)", dt.datetime(2024, 5, 3, 12), 7, "+49 30 1", "2")),  # noqa: DTZ001  as the sheet has it
    ]
    assert list(table.rows()) == rows
    assert list(table.rows()) == rows


def test_a_named_sheet_is_read_and_an_absent_one_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", {"One": sheet({"A1": "x"}), "Two": sheet({"A1": "Email", "A2": "a@b.example"})})
    assert open_table(path, sheet="Two").headers == ("Email",)
    with pytest.raises(Invalid, match="no sheet"):
        open_table(path, sheet="Three")


def test_cells_beyond_the_headers_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", {"S": sheet({"A1": "Name", "A2": "Ana", "A3": "Ben", "C3": "stray"})})
    good, bad = list(open_table(path).rows())
    assert isinstance(good, Row)
    assert isinstance(bad, Refusal)
    assert bad.line == 3


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    started = time.monotonic()
    path = write(tmp_path / "bomb.xlsx", {"S": sheet({"A1": "x"})}, {"xl/media/zeros.bin": b"\0" * 30_000_000})
    with pytest.raises(TooLarge, match="unpacks"):
        open_table(path, limits=Limits(unpacked_bytes=10_000_000))
    assert path.stat().st_size < 100_000
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("far", ["XFD1048576", "A1048576", "ZZZ9999999"])
def test_two_far_apart_cells_do_not_become_a_rectangle(tmp_path: Path, far: str) -> None:
    cells = (
        cell("A1", "Name") + cell("B1", "City"),
        cell("B" + far.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "x") + cell(far, "x"),
    )
    xml = "".join(f"<row>{each}</row>" for each in cells)
    content = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{xml}</sheetData></worksheet>'
    with pytest.raises(TooLarge, match="spans"):
        open_table(write(tmp_path / "far.xlsx", {"S": content}), limits=Limits(sheet_cells=1_000_000))


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + sheet({"A1": "x"}).partition("?>")[2]
    with pytest.raises(Invalid, match="document type"):
        open_table(write(tmp_path / "laughs.xlsx", {"S": laughs}))


def test_damaged_empty_and_protected_workbooks_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", {"S": sheet(GOOD)})
    content = path.read_bytes()
    for place in range(60, len(content), 97):
        (tmp_path / "b.xlsx").write_bytes(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
        with contextlib.suppress(Invalid, TooLarge):
            list(open_table(tmp_path / "b.xlsx").rows())
    (tmp_path / "cut.xlsx").write_bytes(content[: len(content) // 2])
    with pytest.raises(Invalid):
        open_table(tmp_path / "cut.xlsx")
    with pytest.raises(Invalid, match="empty"):
        open_table(write(tmp_path / "empty.xlsx", {"S": sheet({})}))
    (tmp_path / "old.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    with pytest.raises(Invalid, match="password"):
        open_table(tmp_path / "old.xlsx")
    with zipfile.ZipFile(tmp_path / "zip.xlsx", "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    with pytest.raises(Invalid):
        open_table(tmp_path / "zip.xlsx")


def test_limits_hold(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", {"S": sheet(GOOD)})
    with pytest.raises(TooLarge):
        open_table(path, limits=Limits(whole_bytes=100))
    with pytest.raises(TooLarge, match="columns"):
        open_table(path, limits=Limits(columns=3))
    rows = list(open_table(path, limits=Limits(cell_chars=5)).rows())
    assert [type(row) for row in rows] == [Row, Refusal]
