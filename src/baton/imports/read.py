"""Open a file that people have (CSV, JSON, XLSX) as a table, by what is in it rather than by what it is called."""

import re
from pathlib import Path

from baton.imports.delimited import open_delimited
from baton.imports.documents import open_json
from baton.imports.table import Limits, Table
from baton.imports.workbook import open_workbook
from baton.kernel.errors import Invalid, NotFound, TooLarge

_JSON = re.compile(rb'\[\s*[{\]]|\{\s*["}]')
_OFFICE = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def open_table(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    limits: Limits | None = None,
) -> Table:
    """The file as a Table; encoding, separator and sheet are found out unless they are named.

    Raises NotFound for no such file, Invalid for one that is no table, TooLarge beyond `limits`.
    """
    limits = limits or Limits()
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise Invalid(f"“{path}” is no file.", field="file")
        with path.open("rb") as file:
            head = file.read(4_096)
    except FileNotFoundError:
        raise NotFound(f"There is no file “{path}”.", field="file") from None
    except PermissionError:
        raise Invalid(f"The file “{path}” may not be read.", field="file") from None
    if size > limits.file_bytes:
        raise TooLarge(f"The file has {size:,} bytes; {limits.file_bytes:,} are the most.")
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
        raise Invalid("The file is empty.", field="file")
    if head.startswith(_OFFICE):
        return open_workbook(path, limits, sheet=sheet)
    if _JSON.match(head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")) or path.suffix.lower() == ".json":
        return open_json(path, limits, encoding=encoding)
    return open_delimited(path, limits, encoding=encoding, delimiter=delimiter)
