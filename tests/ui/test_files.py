"""What the strict policy and the design rest on: no inline style or handler, tokens only, no address elsewhere."""

import re
from pathlib import Path

import pytest

from baton.doors.web.shell.assets import STYLES, UI, asset, build, files
from baton.kernel.errors import NotFound

TEMPLATES = sorted((UI / "templates").rglob("*.html"))
STYLE_SHEETS = sorted((UI / "css").rglob("*.css"))
SCRIPTS = sorted((UI / "js").glob("*.js"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_inline_style_handler_or_code(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=|<style|\son\w+\s*=|hx-on|\bjs:|javascript:|hx-vals='js|\|\s*safe|Markup", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"hx-trigger=\"[^\"]*\[", text)
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.mark.parametrize("path", STYLE_SHEETS, ids=lambda path: path.name)
def test_a_component_uses_tokens_only(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    if path.name != "tokens.css":
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\boklch\(|\bhsl", text)
    assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_builds_no_html_and_evaluates_nothing(path: Path) -> None:
    text = path.read_text()
    assert not re.search(
        r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://", text
    )
    assert len(text.splitlines()) <= 250


def test_all_styles_are_one_sheet_with_the_layers_first() -> None:
    sheet = files()[STYLES].decode()
    assert sheet.index("@layer tokens, base") < sheet.index("@layer components")
    for path in STYLE_SHEETS:
        assert path.read_text() in sheet


def test_addresses_change_with_the_content_and_name_only_what_is_there() -> None:
    assert asset("js/main.js") == f"/ui/{build()}/js/main.js"
    with pytest.raises(NotFound):
        asset("js/nothing.js")
