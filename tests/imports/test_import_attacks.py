"""What a file may try: endless columns and cells, formulas, markup, other people's fields. ATTACKS: Injection, Server."""

import time
import tracemalloc
from pathlib import Path

import pytest
from tests.imports.conftest import Office

from baton.imports.load import load
from baton.imports.options import Options
from baton.imports.read import open_table
from baton.imports.table import Refusal, Row
from baton.kernel.errors import Invalid, TooLarge


def write(folder: Path, text: str, name: str = "leads.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path


def test_ten_thousand_columns_are_refused(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(10_000))
    with pytest.raises(TooLarge, match="10,000 columns"):
        open_table(write(tmp_path, f"{header}\n{header}\n"))
    with pytest.raises(TooLarge):
        open_table(write(tmp_path, "[{" + ",".join(f'"c{n}": 1' for n in range(10_000)) + "}]", "a.json"))


def test_ten_thousand_like_named_columns_do_not_take_forever(tmp_path: Path) -> None:
    began = time.monotonic()
    assert len(open_table(write(tmp_path, ",".join(["x"] * 1_000) + "\n")).headers) == 1_000
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("quoted", [True, False])
def test_a_cell_of_three_megabytes_is_named_and_the_next_row_is_read(tmp_path: Path, quoted: bool) -> None:
    cell = "x" * 3_000_000
    text = f"Name,Notes\nA,1\nB,{chr(34) + cell + chr(34) if quoted else cell}\nC,3\n"
    rows = list(open_table(write(tmp_path, text)).rows())
    assert [row.line for row in rows] == [2, 3, 4]
    assert [type(row) for row in rows] == [Row, Refusal, Row]


def test_a_cell_of_many_lines_that_never_ends_is_named(tmp_path: Path) -> None:
    text = 'Name,Notes\nA,1\nB,"' + "line\n" * 400_000
    rows = open_table(write(tmp_path, text)).rows()
    first, second = next(rows), next(rows)
    assert isinstance(first, Row)
    assert isinstance(second, Refusal)
    assert "never closed" in second.reason


def test_a_file_of_opening_quotes_ends_in_time(tmp_path: Path) -> None:
    began = time.monotonic()
    rows = list(open_table(write(tmp_path, "A,B\n" + '"""\n"a""b\n' * 50_000)).rows())
    assert rows
    assert time.monotonic() - began < 20


def test_a_line_without_end_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    with path.open("w") as file:
        file.write("Name,Notes\nA,1\n")
        for _ in range(60):
            file.write("x" * 1_000_000)
        file.write("\nB,2\n")
    tracemalloc.start()
    rows = list(open_table(path).rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(row) for row in rows] == [Row, Refusal, Row]
    assert peak < 25_000_000


def test_many_rows_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    with path.open("w") as file:
        file.write("Name,Email\n")
        for n in range(200_000):
            file.write(f"Person {n},p{n}@acme.example\n")
    tracemalloc.start()
    assert sum(1 for _ in open_table(path).rows()) == 200_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 25_000_000


async def test_nul_surrogates_formulas_and_markup_stay_text(office: Office, tmp_path: Path) -> None:
    text = (
        'Name,Website,Notes,Colour\nA\0da Li,javascript:alert(1),"=HYPERLINK(""http://x"")",<script>alert(1)</script>\n'
    )
    report = await load(office.db, office.ana, write(tmp_path, text))
    (lead,) = await office.leads()
    assert (lead["name"], lead["website"]) == ("Ada Li", None)
    assert lead["fields"] == {"Website": "javascript:alert(1)", "Colour": "<script>alert(1)</script>"}
    assert any("NUL" in warning for warning in report.warnings)
    await load(
        office.db, office.ana, write(tmp_path, '[{"name": "x\\ud800 y\\u0000", "a\\u0000b": "\\udfff"}]', "a.json")
    )
    assert (await office.leads())[1]["name"] == "x� y"


async def test_columns_cannot_set_what_a_file_may_not_say(office: Office, tmp_path: Path) -> None:
    text = "Name,Score,org_id,Role,Version,created_at,deleted_at,sourceCreatedAt\nA B,100,x,owner,9,1999-01-01,1999-01-01,then\n"
    await load(office.db, office.ana, write(tmp_path, text))
    (lead,) = await office.leads()
    assert lead["org_id"] == office.ana.org_id
    assert lead["score"] < 50
    assert (lead["deleted_at"], lead["version"]) == (None, 2)
    assert lead["created_at"].year >= 2024


async def test_a_row_with_too_much_for_one_lead_is_named(office: Office, tmp_path: Path) -> None:
    wide = ",".join(f"f{n}" for n in range(600))
    text = f"Name,{wide}\nA B,{wide}\nC D{',' * 600}\nE F,{'x' * 90_000},{'y' * 90_000}{',' * 598}\n"
    report = await load(office.db, office.ana, write(tmp_path, text))
    assert report.created == 1
    assert [named.line for named in report.refused] == [2, 4]
    assert all("at most" in named.reason for named in report.refused)


async def test_values_beyond_a_field_are_kept_beside_it(office: Office, tmp_path: Path) -> None:
    long = "x" * 600
    text = f"Lead ID,Name,Company,Tags,Amount,Employees,Website\n{long},A B,{long},{long},{'9' * 30},99999999999,http://{long}\n"
    report = await load(office.db, office.ana, write(tmp_path, text))
    assert report.created == 1
    (lead,) = await office.leads()
    assert lead["external_id"].startswith("row:")
    assert set(lead["fields"]) == {"Lead ID", "Company", "Tags", "Amount", "Employees", "Website"}


async def test_a_file_that_claims_our_own_row_ids_does_not_get_them(office: Office, tmp_path: Path) -> None:
    await load(office.db, office.ana, write(tmp_path, "Lead ID,Name\nrow:0000,A B\n"))
    (lead,) = await office.leads()
    assert lead["external_id"] != "row:0000"


async def test_hostile_options_are_text_only(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, "Name\nA B\n")
    for pipeline in ("'; DROP TABLE leads; --", "x" * 5_000):
        with pytest.raises(Exception, match="no pipeline"):
            await load(office.db, office.ana, path, Options(pipeline=pipeline))
    with pytest.raises(Invalid):
        await load(office.db, office.ana, path, Options(encoding="../../etc/passwd"))
    with pytest.raises(Invalid):
        await load(office.db, office.ana, path, Options(delimiter="ab"))
