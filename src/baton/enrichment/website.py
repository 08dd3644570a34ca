"""The reader of a company's own website: its name, what it says of itself, how to reach it, where else it is."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from baton.enrichment.found import Failed, Found
from baton.kernel.addresses import Refused
from baton.kernel.outbound import Answer, Outbound, Unreachable

FREE_MAIL = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "yahoo.de", "ymail.com",
    "icloud.com", "me.com", "mac.com", "aol.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "mail.com", "mail.ru",
    "proton.me", "protonmail.com", "hey.com", "fastmail.com", "qq.com", "163.com", "126.com",
})  # fmt: skip
_NETWORKS = {
    "linkedin.com": "linkedin", "facebook.com": "facebook", "instagram.com": "instagram", "twitter.com": "twitter", "x.com": "twitter",
    "youtube.com": "youtube", "github.com": "github", "tiktok.com": "tiktok", "xing.com": "xing",
}  # fmt: skip
_COMPANIES = ("organization", "corporation", "localbusiness", "store", "hvacbusiness", "professionalservice")
_LIMIT, _SECONDS = 1_000_000, 15.0
_CHARSET = re.compile(rb"charset=[\"']?([A-Za-z0-9_-]{1,30})", re.IGNORECASE)


def address_of(website: str | None, email: str | None) -> str | None:
    """Where a company's website should be: as the lead says, else behind its e-mail's domain unless that is a public mailbox."""
    if website:
        return website if "://" in website else f"https://{website}"
    domain = (email or "").rpartition("@")[2].lower()
    return f"https://{domain}/" if domain and domain not in FREE_MAIL else None


async def read(outbound: Outbound, url: str) -> Found:
    """What a website says of its company. Raises Failed where there is none to read."""
    answer = await _fetch(outbound, url)
    kind = answer.headers.get("content-type", "text/html")
    if not answer.ok or "html" not in kind:
        raise Failed(
            f"{answer.url} answered {answer.status} ({kind.split(';')[0][:60]}).", final=400 <= answer.status < 500
        )
    page = Page(answer.url)
    page.feed(_text(answer, kind))
    values = {name: value for name, value in page.values().items() if value}
    return Found(values=values, sources=dict.fromkeys(values, answer.url), url=answer.url, cost=0.0)


async def _fetch(outbound: Outbound, url: str) -> Answer:
    headers = {"accept": "text/html,application/xhtml+xml"}
    try:
        return await outbound.send(
            "GET", url, headers=headers, seconds=_SECONDS, limit=_LIMIT, redirects=5, plain_http=True
        )
    except Refused as error:
        raise Failed(error.message, final=True) from None
    except Unreachable as error:
        raise Failed(str(error)) from None


def _text(answer: Answer, kind: str) -> str:
    told = _CHARSET.search(kind.encode()) or _CHARSET.search(answer.body[:2048])
    try:
        return answer.body.decode(told[1].decode() if told else "utf-8", "replace")
    except LookupError:
        return answer.body.decode("utf-8", "replace")


class Page(HTMLParser):
    """The few things of a page that say who it belongs to. Its words are data: nothing in them is followed or obeyed."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url = url
        self.meta: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.title = ""
        self.data: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta":
            name = (given.get("property") or given.get("name") or "").lower()
            self.meta.setdefault(name, given.get("content", ""))
        elif tag in ("a", "link") and given.get("href"):
            self._link(given["href"])
        self._inside = (
            "title" if tag == "title" else "data" if given.get("type", "").lower() == "application/ld+json" else ""
        )
        if self._inside == "data":
            self.data.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title = (self.title + data)[:1000]
        elif self._inside == "data":
            self.data[-1] = (self.data[-1] + data)[:200_000]

    def _link(self, href: str) -> None:
        if href.lower().startswith("tel:"):
            self.links.setdefault("phone", href[4:].strip())
            return
        try:
            parts = urlsplit(urljoin(self.url, href))
            host = (parts.hostname or "").removeprefix("www.")
        except ValueError:
            return
        network = _NETWORKS.get(host) or _NETWORKS.get(host.partition(".")[2])
        if network and len(parts.path) > 1 and "share" not in parts.path and "intent" not in parts.path:
            self.links.setdefault(network, parts._replace(query="", fragment="").geturl())

    def values(self) -> dict[str, Any]:
        """A lead's fields, as far as the page says them."""
        company = self._company()
        shown = urlsplit(self.url)
        name = (
            company.get("name")
            or self.meta.get("og:site_name")
            or re.split(r"\s+[|–—·-]\s+|[:|]", self.title.strip())[0]
        )
        social = {f"field.{name}": url for name, url in self.links.items() if name != "phone"}
        return {
            "companyName": _line(name), "website": f"{shown.scheme}://{shown.netloc}",
            "phone": _line(company.get("telephone") or self.links.get("phone")), "location": _line(_address(company.get("address"))),
            "field.description": _line(self.meta.get("description") or self.meta.get("og:description") or company.get("description")),
            "field.pageTitle": _line(self.title),
        } | social  # fmt: skip

    def _company(self) -> dict[str, Any]:
        for text in self.data[:20]:
            try:
                waiting = [msgspec.json.decode(text)]
            except (msgspec.DecodeError, RecursionError):
                continue
            for _ in range(200):
                if not waiting:
                    break
                node = waiting.pop(0)
                if isinstance(node, list):
                    waiting += node[:50]
                elif isinstance(node, dict):
                    kinds = node.get("@type")
                    named = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
                    if any(str(each).lower() in _COMPANIES for each in named):
                        return node
                    waiting += [node[key] for key in ("@graph", "publisher", "mainEntity") if key in node]
        return {}


def _address(found: Any) -> str:
    if isinstance(found, dict):
        parts = (
            found.get(key)
            for key in ("streetAddress", "postalCode", "addressLocality", "addressRegion", "addressCountry")
        )
        return ", ".join(part for part in parts if isinstance(part, str) and part)
    return found if isinstance(found, str) else ""


def _line(text: Any) -> str:
    if not isinstance(text, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]
