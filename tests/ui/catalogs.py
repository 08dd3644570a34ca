"""What the interface says, found in templates, Python and scripts; `python -m tests.ui.catalogs` puts it into every catalog."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from baton.doors.web.shell.language import OF_ERRORS
from baton.doors.web.shell.languages import FOLDER

SOURCE = Path(__file__).parents[2] / "src" / "baton"
KEYWORDS = {
    "_": None,
    "marked": None,
    "gettext": None,
    "meant": ((1, "c"), 2),
    "several_of": (1, 2),
    "ngettext": (1, 2),
}
METHODS = [("ui/templates/**.html", "jinja2"), ("ui/js/**.js", "javascript"), ("**.py", "python")]
_OF_NO_USE = ('"Report-', '"POT-', '"PO-', '"Last-', '"Language-Team', '"Generated-')
OPTIONS = {
    "ui/templates/**.html": {
        "extensions": "jinja2.ext.i18n", "trimmed": "true", "newstyle_gettext": "true", "silent": "false",
        "trim_blocks": "true", "lstrip_blocks": "true",
    },
}  # fmt: skip
ERRORS = ("Invalid", "Conflict", "NotFound", "Forbidden", "Unauthenticated", "TooMany", "TooLarge", "shaped")
BELOW = (
    "accounts", "pipelines", "contacts", "fields", "scoring", "leads", "tasks", "routing", "imports", "exports", "messages", "enrichment",
    "agents", "automations", "reports", "doors/web",
)  # fmt: skip


_OWN_WORDS = re.compile(r"(?<!\()\b[a-z]{2,}\b[^%]* \w")
"""What is nothing but its values matches everything, and is no sentence."""


def extracted() -> Catalog:
    """Everything that pages say, with the places where they say it."""
    found = Catalog(project="Baton", charset="utf-8", fuzzy=False)
    for path, line, text, _, context in extract_from_dir(SOURCE, METHODS, OPTIONS, KEYWORDS):
        found.add(text, locations=[(path, line)], context=context)
    for path, line, text, context in errors():
        found.add(text, locations=[(path, line)], context=context)
    return found


def errors() -> Iterator[tuple[str, int, str, str | None]]:
    """The sentences of errors: constant ones as they are, those with values as patterns."""
    for folder in BELOW:
        for path in sorted((SOURCE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Name):
                    continue
                if node.func.id in ERRORS and (said := sentence(node.args[0])) and _is_said(node.func.id, said[0]):
                    yield str(path.relative_to(SOURCE)), node.lineno, *said


def _is_said(name: str, words: str) -> bool:
    return name == "shaped" or _OWN_WORDS.search(words) is not None


def sentence(node: ast.expr) -> tuple[str, str | None] | None:
    """The words of a constant, or of an f-string with its values named."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, OF_ERRORS if "%(" in node.value else None
    if not isinstance(node, ast.JoinedStr):
        return None
    names: dict[str, int] = {}
    said = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            said += str(part.value).replace("%", "%%")
        elif isinstance(part, ast.FormattedValue):
            said += f"%({_name(part.value, names)})s"
    return said, OF_ERRORS


def _name(node: ast.expr, names: dict[str, int]) -> str:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else "value"
    name = name.lower().strip("_")
    names[name] = names.get(name, 0) + 1
    return name if names[name] == 1 else f"{name}{names[name]}"


def written(path: Path) -> Catalog:
    """A catalog as it stands in its file."""
    with path.open("rb") as file:
        return read_po(file)


def update(path: Path) -> None:
    """Bring a catalog up to date: new words wait for a translation, words that nobody says any more are left out."""
    catalog = written(path)
    catalog.update(extracted(), no_fuzzy_matching=True, keep_user_comments=True)
    for id in list(catalog.obsolete):
        del catalog.obsolete[id]
    made = io.BytesIO()
    write_po(made, catalog, width=0, omit_header=False, sort_output=True, no_location=True)
    lines = made.getvalue().decode().rstrip().split("\n")
    path.write_text("\n".join(line for line in lines if not line.startswith(_OF_NO_USE)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for file in sorted(FOLDER.glob("*/LC_MESSAGES/baton.po")):
        update(file)
