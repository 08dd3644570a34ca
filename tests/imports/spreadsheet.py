"""Writes the least that is an XLSX file, good or bad, so that tests say exactly what is in it."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

_TYPES = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
</Types>"""
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = f"""<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>"""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STYLES = f"""<?xml version="1.0"?><styleSheet xmlns="{_MAIN}">
<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"""


def cell(reference: str, value: object) -> str:
    """A cell's XML: text inline, `("date", serial)` in a date format, `("formula", f, v)` with its last value."""
    if isinstance(value, tuple) and value[0] == "date":
        return f'<c r="{reference}" s="1"><v>{value[1]}</v></c>'
    if isinstance(value, tuple):
        return f'<c r="{reference}" t="str"><f>{escape(value[1])}</f><v>{escape(value[2])}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{reference}"><v>{value}</v></c>'
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def sheet(cells: dict[str, object]) -> str:
    """A sheet of cells by reference ("B3"), each in its row."""
    rows: dict[int, list[str]] = {}
    for reference, value in cells.items():
        rows.setdefault(int("".join(c for c in reference if c.isdigit())), []).append(cell(reference, value))
    body = "".join(f'<row r="{number}">{"".join(parts)}</row>' for number, parts in sorted(rows.items()))
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'


def write(path: Path, sheets: dict[str, str], extra: dict[str, bytes] | None = None) -> Path:
    """An XLSX file of sheets by name (XML), and further parts of the archive."""
    names = list(sheets)
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, start=1))
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATION}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELS)
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><sheets>{listed}</sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{relations}
            <Relationship Id="rId99" Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>""",
        )
        archive.writestr("xl/styles.xml", _STYLES)
        for number, name in enumerate(names, start=1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", sheets[name])
        for part, content in (extra or {}).items():
            archive.writestr(part, content)
    return path
