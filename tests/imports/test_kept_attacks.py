"""What may be tried with a kept import: others' files and errors, paths, bombs, endless bodies. ATTACKS: Access, Tenancy, Server."""

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.doors.conftest import Caller
from tests.imports.desk import V1, Desk
from tests.imports.test_kept_imports import PEOPLE

from baton.imports.uploads import Uploads, told_name
from baton.kernel.errors import NotFound, TooLarge


async def test_anothers_errors_are_not_found(desk: Desk) -> None:
    """EspoCRM CVE-2026-46691: another person's error export. An admin may read it, another member not."""
    done = await desk.act("run", await desk.bring(PEOPLE, who=desk.ana), who=desk.ana)
    for method, path, body in (
        ("GET", f"{V1}/imports/{done['id']}/refused.csv", None),
        ("GET", f"{V1}/imports/{done['id']}", None),
        ("POST", f"{V1}/crm.imports.refused", {"importId": done["id"]}),
        ("POST", f"{V1}/crm.imports.preview", {"importId": done["id"]}),
        ("POST", f"{V1}/crm.imports.remains", {"importId": done["id"]}),
        ("POST", f"{V1}/crm.imports.undo", {"importId": done["id"]}),
        ("POST", f"{V1}/crm.imports.map", {"importId": done["id"], "mapping": {}}),
        ("POST", f"{V1}/crm.imports.run", {"importId": done["id"]}),
    ):
        theirs = await desk.ben.call(method, path, body)
        nobodys = await desk.ben.call(
            method, path.replace(done["id"], str(uuid4())), body and body | {"importId": str(uuid4())}
        )
        assert theirs.status_code == nobodys.status_code == 404, path
        assert theirs.json()["detail"] == nobodys.json()["detail"]
    assert (await desk.ben.ok("GET", f"{V1}/imports"))["items"] == []
    mine = await desk.bring(PEOPLE, who=desk.ben)
    assert (await desk.ana.ok("GET", f"{V1}/imports/{mine['id']}"))["id"] == mine["id"]
    assert len((await desk.ana.ok("GET", f"{V1}/imports"))["items"]) == 2


async def test_another_organizations_import_is_not_found(desk: Desk, stranger: Caller) -> None:
    done = await desk.act("run", await desk.bring(PEOPLE))
    for path in (f"{V1}/imports/{done['id']}", f"{V1}/imports/{done['id']}/refused.csv"):
        assert (await stranger.call("GET", path)).status_code == 404
    for verb in ("get", "run", "undo", "preview", "refused", "remains", "map"):
        answer = await stranger.call("POST", f"{V1}/crm.imports.{verb}", {"importId": done["id"]})
        assert answer.status_code == 404, verb


async def test_a_viewer_and_a_stranger_bring_nothing(desk: Desk) -> None:
    """Spec B9. It is refused before the body is read."""
    assert (await desk.post(PEOPLE, who=desk.vera)).status_code == 403
    assert (await desk.http.post(f"{V1}/imports", files={"file": ("x.csv", PEOPLE)})).status_code == 401
    assert (
        await desk.ben.call("POST", f"{V1}/crm.imports.start", {"file": "x", "upload": "x", "size": 1})
    ).status_code == 404


def test_a_name_is_no_path(tmp_path: Path) -> None:
    """Path traversal: a file is reached by its random name only, within its organization's folder."""
    org = uuid4()
    (tmp_path / "secret").write_text("x")
    uploads = Uploads(tmp_path, org)
    for name in ("../../secret", "/etc/passwd", "..", "", "a" * 31, "A" * 32, "0" * 32, f"../{uuid4()}/{'0' * 32}"):
        with pytest.raises(NotFound):
            uploads.path(name)
    folder = tmp_path / "imports" / str(org)
    folder.mkdir(parents=True)
    (folder / ("1" * 32)).symlink_to(tmp_path / "secret")
    with pytest.raises(NotFound):
        uploads.path("1" * 32)
    uploads.remove("../../../secret")
    assert (tmp_path / "secret").exists()


async def test_file_names_are_told_without_paths_and_tricks(desk: Desk) -> None:
    for name, told in (
        ("../../etc/passwd", "passwd"), ("C:\\x\\y.csv", "y.csv"), ("a\u202evsc.exe", "avsc.exe"), ("", "file"), ("x" * 500, "x" * 200),
    ):  # fmt: skip
        assert told_name(name) == told
    found = await desk.bring(PEOPLE, name='<img src=x onerror=alert(1)>.csv"; filename="../x')
    assert "/" not in found["file"]


async def test_a_file_beyond_the_limit_is_refused_and_not_kept(tmp_path: Path) -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 65_536

    uploads = Uploads(tmp_path, uuid4())
    with pytest.raises(TooLarge):
        await uploads.receive(endless(), most=1_000_000)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_bomb_is_weighed_before_it_is_opened(desk: Desk) -> None:
    """Decompression bomb, by the name of a harmless CSV: the type is found out, not believed."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(400):
            sheet.write(b"\0" * 1_000_000)
    assert len(packed.getvalue()) < 1_000_000
    failed = await desk.bring(packed.getvalue(), name="leads.csv")
    assert failed["state"] == "failed"
    assert "unpacks to more than" in failed["error"] or "damaged" in failed["error"]


async def test_a_form_says_nothing_but_options(desk: Desk) -> None:
    """Mass assignment: who brought it, its state and its organization are not the form's to say."""
    for fields in (
        {"state": "done"},
        {"orgId": str(uuid4())},
        {"startedBy": str(uuid4())},
        {"mapping": "{"},
        {"onDuplicate": "all"},
    ):
        assert (await desk.post(PEOPLE, who=None, key=None, **fields)).status_code == 400
    assert (await desk.http.post(f"{V1}/imports", content=b"x", headers=desk.ben.headers)).status_code == 415
    no_file = await desk.http.post(f"{V1}/imports", files={"other": ("x.csv", PEOPLE)}, headers=desk.ben.headers)
    assert no_file.status_code == 400
    assert (await desk.post("")).status_code == 400


async def test_files_are_never_served(desk: Desk) -> None:
    found = await desk.bring(PEOPLE)
    folder = desk.folder
    (kept,) = folder.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    for path in (f"/imports/{kept.name}", f"/ui/../imports/{kept.name}", f"{V1}/imports/{kept.name}"):
        answer = await desk.ana.call("GET", path)
        assert answer.status_code in (303, 404, 405), path  # a page sends whom it does not know to sign in
        assert PEOPLE.split("\n")[1] not in answer.text, path
    assert kept.name not in str(found)
