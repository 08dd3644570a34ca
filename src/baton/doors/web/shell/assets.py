"""The files that pages need, under one fingerprint: an address that never changes its content may be kept for ever."""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

import baton
from baton.doors.compress import packed, wanted
from baton.kernel.errors import NotFound

UI = Path(baton.__file__).parent / "ui"
_SERVED = ("css", "js", "img", "vendor")
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".woff2": "font/woff2"}
_TEXT = (".css", ".js", ".svg")
_ORDER = ("fonts.css", "tokens.css", "base.css", "layout.css", "components", "utilities.css")
STYLES = "css/baton.css"


@cache
def files() -> dict[str, bytes]:
    """All files by their path below `ui/`, and the one style sheet that the components make."""
    found = {
        path.relative_to(UI).as_posix(): path.read_bytes()
        for folder in _SERVED
        for path in sorted((UI / folder).rglob("*"))
        if path.is_file()
    }
    return found | {STYLES: _styles(found)}


def _styles(found: dict[str, bytes]) -> bytes:
    parts = (name for start in _ORDER for name in sorted(found) if name.startswith(f"css/{start}"))
    return b"\n".join(found[name] for name in parts)


@cache
def build() -> str:
    """The fingerprint of all files together."""
    whole = hashlib.sha256()
    for name, content in sorted(files().items()):
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:16]


@cache
def small(name: str) -> bytes:
    """A file of text as gzip."""
    return packed(files()[name], level=9, padded=False)


def asset(name: str) -> str:
    """The address of a file. Raises NotFound for one that is not there: a page must not name it."""
    if name not in files():
        raise NotFound(f"There is no file {name}.")
    return f"/ui/{build()}/{name}"


async def serve(request: Request) -> Response:
    """A file of the interface: for ever under the current fingerprint, to be asked again under any other."""
    name = request.path_params["name"]
    content = files().get(name)
    if content is None:
        return Response(status_code=404)
    kept = request.path_params["build"] == build()
    suffix = Path(name).suffix
    headers = {
        "cache-control": "public, max-age=31536000, immutable" if kept else "no-cache",
        "x-content-type-options": "nosniff",
    }
    if suffix in _TEXT:
        headers["vary"] = "Accept-Encoding"
        if wanted(request.headers.get("accept-encoding", "")):
            content, headers["content-encoding"] = small(name), "gzip"
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    return Response(content, media_type=media_type, headers=headers)
