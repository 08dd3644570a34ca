"""Markup in everything that people, visitors and files may write: every page shows it as text. ATTACKS: stored XSS.

Defences: templates escape everything, links are made of known schemes alone, the policy admits no inline script.
"""

from typing import Any

import httpx2
import pytest

from baton.doors import web
from tests.doors.conftest import Caller
from tests.security.pages import Danger, Reader
from tests.team import Team

MARKUP = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}</title><svg/onload=alert(3)>"
LINKS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " \tjavascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    '//evil.example" onmouseover=alert(1) x="',
    'https://x.example/"onclick="alert(1)',
]


async def fill(admin: Caller) -> dict[str, str]:
    """Markup in every place that can be written; answers ids for addresses."""
    team = admin.team
    await admin.ok("POST", "/api/v1/crm.organization.update", {"name": MARKUP})
    await admin.ok("POST", "/api/v1/crm.members.update", {"memberId": str(team.ben.id), "name": MARKUP})
    agent = await admin.ok("POST", "/api/v1/crm.members.addAgent", {"name": MARKUP, "purpose": MARKUP})
    stages = [{"name": MARKUP}, {"name": "Won", "probability": 100, "terminal": True}]
    pipeline = await admin.ok("POST", "/api/v1/crm.pipelines.create", {"name": MARKUP, "stages": stages})
    await admin.ok("POST", "/api/v1/crm.fields.create", {"key": "link", "label": MARKUP, "type": "shortText"})
    texts = dict.fromkeys(
        ("name", "firstName", "lastName", "title", "companyName", "location", "industry", "phone"), MARKUP
    )
    lead = await admin.ok(
        "POST",
        "/api/v1/crm.leads.create",
        texts
        | {
            "pipelineId": pipeline["id"],
            "email": "markup@x.example",
            "website": MARKUP,
            "tags": [MARKUP[:60]],
            "fields": {"link": MARKUP, MARKUP[:90]: MARKUP},
            "message": MARKUP,
            "ownerId": agent["id"],
        },
    )
    id = lead["id"]
    for kind in ("note", "call", "meeting", "email"):
        await admin.ok(
            "POST", "/api/v1/crm.leads.logActivity", {"leadId": id, "type": kind, "subject": MARKUP, "notes": MARKUP}
        )
    await admin.ok(
        "POST", "/api/v1/crm.leads.followUp", {"leadId": id, "dueIn": "1h", "title": MARKUP, "notes": MARKUP}
    )
    await admin.ok(
        "POST", "/api/v1/crm.leads.moveStage", {"leadId": id, "stageId": pipeline["stages"][0]["id"], "reason": MARKUP}
    )
    await admin.ok("POST", "/api/v1/crm.leads.assign", {"leadId": id, "ownerId": str(team.ben.id), "reason": MARKUP})
    form = await admin.ok(
        "POST",
        "/api/v1/crm.forms.create",
        {
            "name": MARKUP,
            "successMessage": MARKUP,
            "fields": [{"name": "lastName", "label": MARKUP, "required": True}, {"name": "field.<b>", "label": MARKUP}],
        },
    )
    await admin.http.post(
        f"/f/{team.started.form_address}",
        data={"firstName": MARKUP, "lastName": MARKUP, "email": "f@x.example", "message": MARKUP},
    )
    await admin.http.post(
        f"/f/{team.started.form_address}",
        data={"firstName": MARKUP, "lastName": MARKUP, "email": "f@x.example", "nickname": "x"},
    )
    view = await admin.ok("POST", "/api/v1/crm.views.create", {"name": MARKUP, "shared": True})
    segment = await admin.ok("POST", "/api/v1/crm.segments.create", {"name": MARKUP, "condition": {"all": []}})
    field = await admin.ok(
        "POST",
        "/api/v1/crm.fields.create",
        {"label": MARKUP[:90], "key": "hostile", "type": "select", "options": [MARKUP[:90], "b"]},
    )
    await admin.ok(
        "POST", "/api/v1/crm.leads.update", {"leadId": id, "fields": {"hostile": MARKUP[:90]}, "tags": [MARKUP[:60]]}
    )
    made = await admin.ok("POST", "/api/v1/crm.leads.get", {"leadId": id})
    lost = await admin.ok("POST", "/api/v1/crm.leads.create", {"name": MARKUP})
    await admin.ok("POST", "/api/v1/crm.leads.disqualify", {"leadId": lost["id"], "reason": MARKUP})
    rule = {
        "name": MARKUP,
        "trigger": "lead_imported",
        "steps": [{"operation": "crm.leads.logActivity", "input": {"type": "note", "notes": MARKUP[:80]}}],
    }
    await admin.call("POST", "/api/v1/crm.agents.setPlaybook", {"agentId": agent["id"], "rules": [rule]})
    return {
        "lead": id,
        "pipeline": pipeline["id"],
        "stage": pipeline["stages"][0]["id"],
        "form": form["address"],
        "agent": agent["id"],
        "task": id,
        "record": made["contactId"],
        "view": view["id"],
        "segment": segment["id"],
        "field": field["id"],
    }


async def test_every_page_shows_markup_as_text(admin: Caller, page: Reader) -> None:
    """Each address of the pages, with a lead, pipeline, form, agent and members whose every word is markup."""
    names = await fill(admin)
    seen, texts = 0, ""
    for route in web.routes:
        if "GET" not in (route.methods or ()) or route.path == "/live" or "{name" in route.path:
            continue
        given: dict[str, Any] = {name: names.get(name, MARKUP) for name in route.param_convertors}
        for query in (
            "",
            f"?q={MARKUP}&pipeline={names['pipeline']}&edit=name&embed=1",
            "?edit=website&sent=1&status=" + MARKUP,
        ):
            answer = await page.get(route.path.format(**given) + query.replace("#", ""))
            assert answer.status_code in (200, 303, 404, 400, 422), (route.path, answer.text)
            assert Danger(answer.text).found == [], route.path
            seen += "onerror" in answer.text
            texts += answer.text
    assert seen >= 6, "the markup was shown"
    assert "&lt;img" in texts


@pytest.mark.parametrize("link", LINKS)
async def test_a_website_is_a_link_only_when_it_leads_to_a_website(admin: Caller, page: Reader, link: str) -> None:
    """Odoo CVE-2021-45071, Krayin CVE-2024-45932: `javascript:` as a website. Refused, or shown as text."""
    lead = await admin.call(
        "POST", "/api/v1/crm.leads.create", {"name": "Linked", "website": link, "phone": link, "fields": {"site": link}}
    )
    if lead.status_code != 200:
        assert lead.status_code == 400
        return
    await admin.call("POST", "/api/v1/crm.fields.create", {"key": "site", "label": "Site", "type": "url"})
    for path in (f"/leads/{lead.json()['id']}", f"/leads/{lead.json()['id']}?edit=website", "/leads", "/board"):
        found = Danger((await page.get(path)).text)
        assert found.found == []
        assert not [
            one for one in found.links if "alert" in one and not one.startswith(("https://", "http://", "tel:"))
        ]


async def test_the_policy_admits_no_inline_script(http: httpx2.AsyncClient, page: Reader, fresh: Team) -> None:
    """Were something not escaped, it would not run: no unsafe words in any page's policy, the form's in other sites' frames too."""
    for path in ("/board", "/leads", "/sign-in", f"/f/{fresh.started.form_address}", "/nothing", "/settings/forms"):
        policy = (await page.get(path)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy.replace("frame-ancestors *", "")
        assert "base-uri 'none'" in policy


async def test_json_answers_are_never_read_as_pages(admin: Caller) -> None:
    """Markup in JSON: the type says JSON, and sniffing is off."""
    lead = await admin.ok("POST", "/api/v1/crm.leads.create", {"name": MARKUP})
    for path in (
        f"/api/v1/crm.leads.get?leadId={lead['id']}",
        f"/api/crm/leads/detail/{lead['id']}",
        "/api/v1/<script>alert(1)</script>",
        "/api/trpc/<script>alert(1)</script>",
        "/api/crm/<script>",
    ):
        answer = await admin.call("GET", path)
        assert answer.headers["content-type"].startswith(("application/json", "application/problem+json")), path
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_words_for_scripts_carry_no_header_of_their_own(page: Reader, fresh: Team) -> None:
    """Header injection: a lead's name goes into htmx's header as JSON in ASCII, a line break and all."""
    lead = await fresh.do(fresh.ana, "crm.leads.create", lastName="Bad\r\nset-cookie: a=b\u2028é")
    answer = await page.post(f"/leads/{lead.id}/qualify", {}, **{"hx-request": "true"})
    assert "set-cookie" not in answer.headers
    assert "\\r\\n" in answer.headers["hx-trigger"]
    for path in (
        "/leads/x%0d%0aset-cookie:%20a=b",
        "/f/x%0d%0aset-cookie:%20a=b",
        "/sign-in?next=/x%0d%0aset-cookie:%20a=b",
    ):
        answer = await page.get(path)
        assert "set-cookie" not in answer.headers
        assert "\n" not in answer.headers.get("location", "")
