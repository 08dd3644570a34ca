"""The web door without a browser: who may come in, where a change may come from, what a refusal looks like."""

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from baton.accounts.sign_in import Membership, open_session
from baton.doors.app import create_app
from baton.doors.web.shell.visit import csrf_of
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.team import Team

SITE = "http://baton.test"
PAGES = (
    "/board",
    "/leads",
    "/leads/new",
    "/tasks",
    "/settings/forms",
    "/contacts",
    "/companies",
    "/contacts/duplicates",
    "/segments",
    "/imports",
    "/imports/new",
    "/profile",
    "/settings/fields",
    "/settings/log",
    "/settings/webhooks",
    "/live",
    "/leads/00000000-0000-0000-0000-000000000000",
)


class Somebody:
    """A signed-in person's browser, without the browser."""

    def __init__(self, http: httpx2.AsyncClient, token: str) -> None:
        self.http, self.token = http, token

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.http.get(path, headers=self._cookie | headers)

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
        return await self.http.post(path, data=fields, headers=self._cookie | headers)

    @property
    def csrf(self) -> str:
        return csrf_of(self.token)

    @property
    def _cookie(self) -> dict[str, str]:
        return {"cookie": f"baton_session={self.token}"}


@pytest_asyncio.fixture(scope="module")
async def http(settings: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=create_app(settings, db))
    async with httpx2.AsyncClient(transport=transport, base_url=SITE) as client:
        yield client


async def sign_in(http: httpx2.AsyncClient, db: Database, actor: Actor) -> Somebody:
    assert actor.id
    place = Membership(org_id=actor.org_id, org_name="", member_id=actor.id, name=actor.name, role=actor.role)
    return Somebody(http, await open_session(db, place))


@pytest.mark.parametrize("path", PAGES)
async def test_a_stranger_is_led_to_the_sign_in_page(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    part = await http.get(path, headers={"hx-request": "true"})
    assert (part.status_code, part.headers["hx-redirect"][:8]) == (401, "/sign-in")
    assert "Kestrel" not in answer.text + part.text


async def test_a_change_without_proof_or_from_another_site_is_refused(
    http: httpx2.AsyncClient, db: Database, fresh: Team
) -> None:
    ben = await sign_in(http, db, fresh.ben)
    lead = await fresh.capture()
    path, note = f"/leads/{lead.id}/log", {"type": "note", "text": "x"}
    proven = note | {"csrf": ben.csrf}
    refusals = [
        await ben.post(path, note),
        await ben.post(path, note | {"csrf": "0" * 64}),
        await ben.post(path, proven, origin="https://evil.example"),
        await ben.post(path, proven, **{"sec-fetch-site": "cross-site"}),
        await ben.post(path, proven, **{"sec-fetch-site": "same-site"}),
    ]
    assert [answer.status_code for answer in refusals] == [403] * 5
    assert "note_added" not in {activity.kind for activity in await fresh.log(lead.id)}
    assert (await ben.post(path, proven, origin=SITE)).status_code == 303
    assert "note_added" in {activity.kind for activity in await fresh.log(lead.id)}


async def test_another_sites_form_signs_nobody_in(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/sign-in", data={"email": "a@b.example"}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


async def test_wrong_passwords_are_limited(settings: Settings, db: Database, fresh: Team) -> None:
    transport = httpx2.ASGITransport(app=create_app(settings, db))
    async with httpx2.AsyncClient(transport=transport, base_url=SITE) as http:
        fields = {"email": fresh.emails["ben"], "password": "wrong"}
        statuses = [
            (await http.post("/sign-in", data=fields)).status_code for _ in range(settings.sign_in_per_email + 1)
        ]
    assert set(statuses[:-1]) == {401}
    assert statuses[-1] == 429


async def test_a_viewer_changes_nothing(http: httpx2.AsyncClient, db: Database, fresh: Team) -> None:
    """Spec B9."""
    vera = await sign_in(http, db, fresh.vera)
    lead = await fresh.capture()
    fields = {
        "csrf": vera.csrf,
        "type": "note",
        "text": "x",
        "value": "x",
        "stageId": str(lead.stage_id),
        "reason": "x",
    }
    for path in ("log", "qualify", "facts/title", "disqualify", "move"):
        assert (await vera.post(f"/leads/{lead.id}/{path}", fields)).status_code == 403, path
    assert (await vera.post("/settings/forms/new", fields | {"name": "x"})).status_code == 403
    page = await vera.get(f"/leads/{lead.id}")
    assert page.status_code == 200
    assert "Disqualify" not in page.text


async def test_another_organizations_records_are_not_there(
    http: httpx2.AsyncClient, db: Database, fresh: Team, carla: Team
) -> None:
    ben = await sign_in(http, db, fresh.ben)
    hers = await carla.capture()
    stage = (await carla.do(carla.ana, "crm.pipelines.list"))[0]
    proof = {"csrf": ben.csrf, "stageId": str(hers.stage_id), "text": "x", "value": "x", "reason": "x"}
    for path in (f"/leads/{hers.id}", f"/board/{stage.id}", f"/board/{stage.id}/column/{hers.stage_id}"):
        assert (await ben.get(path)).status_code == 404, path
    for path in ("move", "log", "qualify", "facts/title"):
        assert (await ben.post(f"/leads/{hers.id}/{path}", proof)).status_code == 404, path


async def test_a_refusal_speaks_the_callers_language(http: httpx2.AsyncClient, db: Database, fresh: Team) -> None:
    ben = await sign_in(http, db, fresh.ben)
    path = "/leads/00000000-0000-0000-0000-000000000000"
    page = await ben.get(path)
    part = await ben.get(path, **{"hx-request": "true"})
    script = await ben.get(path, accept="application/json")
    assert "Nothing is here" in page.text
    assert part.text == ""
    assert '"toast"' in part.headers["hx-trigger"]
    assert script.json()["message"].startswith("There is no such lead")


async def test_what_people_write_is_text_and_never_markup(http: httpx2.AsyncClient, db: Database, fresh: Team) -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    ben = await sign_in(http, db, fresh.ben)
    lead = await fresh.capture(
        firstName=attack, lastName=attack, company=attack, message=attack, website="javascript:alert(1)"
    )
    for path in ("/board", "/leads", f"/leads/{lead.id}", f"/leads/{lead.id}/assign", f"/leads?q={attack}"):
        text = (await ben.get(path)).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert 'href="javascript:' not in text, path


async def test_no_page_asks_more_of_the_database_as_rows_grow(
    http: httpx2.AsyncClient, db: Database, fresh: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = await sign_in(http, db, fresh.ben)
    asked: list[str] = []
    original = Database.transaction

    def counted(self: Database, *args: object, **options: object) -> object:
        asked.append("BEGIN")
        return original(self, *args, **options)  # type: ignore[arg-type]

    lead = await fresh.capture(company="Kestrel Health")
    constant = (
        "/board", "/leads", f"/leads/{lead.id}", "/contacts", f"/contacts/{lead.contact_id}", f"/companies/{lead.company_id}",
        "/contacts/duplicates", "/imports", "/segments", "/settings/fields", "/settings/tags", "/settings/log", "/profile",
    )  # fmt: skip
    counts: list[list[int]] = []
    for _ in range(2):
        monkeypatch.setattr(Database, "transaction", counted)
        counts.append([])
        for path in (*constant, "/tasks?whose=all"):
            asked.clear()
            assert (await ben.get(path)).status_code == 200
            counts[-1].append(len(asked))
        monkeypatch.setattr(Database, "transaction", original)
        for number in range(12):
            made = await fresh.capture(lastName=f"N{number}", company="Kestrel Health")
            await fresh.do(fresh.ben, "crm.leads.followUp", leadId=str(made.id), dueIn="1d")
            await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="x")
    assert dict(zip(constant, counts[0], strict=False)) == dict(zip(constant, counts[1], strict=False))
    assert counts[1][-1] <= counts[0][-1] + 1  # the leads of all tasks together


async def test_files_are_kept_for_ever_under_their_own_address(http: httpx2.AsyncClient) -> None:
    from baton.doors.web.shell.assets import asset

    answer = await http.get(asset("css/baton.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert (await http.get("/ui/stale/css/baton.css")).headers["cache-control"] == "no-cache"
    for path in ("../vendor.lock", "..%2Fvendor.lock", "templates/board.html", "css/none.css"):
        assert (await http.get(f"/ui/x/{path}")).status_code in (307, 404)


async def test_a_form_meets_the_limits_that_other_doors_meet(
    http: httpx2.AsyncClient, db: Database, fresh: Team
) -> None:
    """ATTACKS: a page is no way around the schema."""
    ana = await sign_in(http, db, fresh.ana)
    long = {"csrf": ana.csrf, "name": "x" * 5000, "label": "x" * 5000, "type": "shortText", "firstName": "x" * 5000}
    for path in ("/leads/views/new", "/segments/new", "/settings/fields/new", "/leads/new", "/contacts/new"):
        answer = await ana.post(path, long | {"lastName": "y", "email": "y@x.example"})
        assert answer.status_code == 422, path
    assert await fresh.do(fresh.ana, "crm.fields.list") == []
