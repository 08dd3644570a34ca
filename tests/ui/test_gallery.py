"""A new page is named in the gallery, or said to be none: seen at once, before any browser starts."""

from pathlib import Path

from baton.doors.web import routes

GALLERY = "".join(
    (Path(__file__).parents[1] / "browser" / name).read_text() for name in ("gallery.py", "gallery_rooms.py")
)


def test_every_page_stands_in_the_gallery() -> None:
    answering = {route.path for route in routes if "GET" in (route.methods or ())}
    assert sorted(path for path in answering if f'"{path}"' not in GALLERY) == []
