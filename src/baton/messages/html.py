"""HTML of messages: what may stay of it, and the plain text that says the same."""

import re
from html.parser import HTMLParser

import nh3

MAX_HTML = 200_000
_TAGS = frozenset(nh3.ALLOWED_TAGS) | {"font", "center", "u"}
_ATTRIBUTES = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
for _tag in ("table", "td", "th", "tr", "p", "div", "span", "a", "img", "h1", "h2", "h3", "ul", "ol", "li", "font"):
    _ATTRIBUTES.setdefault(_tag, set()).update({"style", "align", "width", "height"})
_STYLES = {
    "color", "background-color", "font-size", "font-family", "font-weight", "font-style", "text-align", "text-decoration", "line-height",
    "padding", "padding-left", "padding-right", "padding-top", "padding-bottom", "margin", "margin-left", "margin-right", "margin-top",
    "margin-bottom", "border", "border-radius", "width", "max-width", "height", "display", "vertical-align",
}  # fmt: skip
_BLOCKS = frozenset(
    {"p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table", "ul", "ol", "hr"}
)
_STRUCTURE = {
    "a", "b", "blockquote", "br", "caption", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "s",
    "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_UNSEEN = frozenset({"style", "script", "head", "title"})


def sanitized(html: str, *, remote_images: bool = True) -> str:
    """The HTML without scripts, forms, frames, handlers and foreign schemes; without remote pictures where they may not load."""
    return nh3.clean(
        html,
        tags=_TAGS if remote_images else _TAGS - {"img"},
        attributes=_ATTRIBUTES,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "tel"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )


def legible(html: str) -> str:
    """A received message's HTML as a page of ours shows it: its structure alone, no styles, pictures, names or relative links."""
    return nh3.clean(
        html,
        tags=_STRUCTURE,
        attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        url_schemes={"http", "https", "mailto", "tel"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )


def text_of(html: str) -> str:
    """The words of an HTML text, paragraphs apart, and links with where they lead."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen = 0
        self.link: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen += tag in _UNSEEN
        if tag == "a":
            self.link = dict(attrs).get("href")
        if tag in _BLOCKS or tag == "br":
            self.parts.append("\n" if tag in ("br", "li", "tr") else "\n\n")
        if tag == "li":
            self.parts.append("- ")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in _UNSEEN and self.unseen > 0
        if tag == "a" and self.link and self.link.startswith(("http:", "https:")):
            self.parts.append(f" ({self.link})")
        if tag == "a":
            self.link = None
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(data.replace("\n", " "))
