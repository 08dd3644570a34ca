"""Every form of a record that stood open while another hand changed the record: nothing is overwritten unseen. SPEC "Concurrency"."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest

from tests.browser.stages import inbound
from tests.security.pages import Reader, sign_in
from tests.team import Team

Pairs = list[tuple[str, str]]


class Form(HTMLParser):
    """What a browser would send of the form that carries what it was filled with."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pairs: Pairs = []
        self.action, self._forms = "", 0
        self._of: str | None = None
        self._text: list[str] | None = None
        self._chosen: tuple[str, str | None, bool] | None = None
        cut = next(part for part in page.split("<form")[1:] if 'name="was"' in part)
        self.feed("<form" + cut.partition("</form>")[0] + "</form>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = dict(attrs)
        if tag == "form":
            self.action = a.get("action") or ""
        elif tag == "input" and a.get("name") and "disabled" not in a and a.get("type") not in ("submit", "button"):
            if a.get("type") not in ("checkbox", "radio") or "checked" in a:
                self.pairs.append((str(a["name"]), a.get("value") or ("on" if a.get("type") == "checkbox" else "")))
        elif tag == "textarea":
            self._of, self._text = a["name"], []
        elif tag == "select":
            self._chosen = (str(a["name"]), None, False)
        elif tag == "option" and self._chosen and not self._chosen[2]:
            name, first, _ = self._chosen
            picked = "selected" in a
            self._chosen = (name, a.get("value") if picked or first is None else first, picked)

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            self.pairs.append((str(self._of), "".join(self._text).removeprefix("\n").replace("\n", "\r\n")))
            self._text = None
        elif tag == "select" and self._chosen:
            self.pairs.append((self._chosen[0], self._chosen[1] or ""))
            self._chosen = None

    def but(self, changes: dict[str, Any]) -> Pairs:
        """The form with some fields otherwise: a value, the values of boxes, or none for a box that is not ticked."""
        given = dict(changes)
        pairs: Pairs = []
        for name, value in self.pairs:
            if name not in changes:
                pairs.append((name, value))
            elif name in given:
                new = given.pop(name)
                pairs += [(name, each) for each in (new if isinstance(new, list) else [] if new is None else [new])]
        return pairs + [
            (name, each) for name, new in given.items() for each in (new if isinstance(new, list) else [new]) if each
        ]

    def of(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]


@dataclass(frozen=True)
class Case:
    """A form, a field that both change (`mine`, `theirs`), and one beside it that the other changes."""

    path: Callable[[Team], Awaitable[str]]
    field: str
    mine: Any
    theirs: Any
    beside: str
    other: Any


async def _pipeline(team: Team) -> str:
    return f"/settings/pipelines/{(await inbound(team)).id}/edit"


async def _stage(team: Team) -> str:
    pipeline = await inbound(team)
    return f"/settings/pipelines/{pipeline.id}/stages/{pipeline.stages[1].id}"


async def _template(team: Team) -> str:
    made = await team.do(
        team.ana, "crm.templates.create", {"name": "Hello", "subject": "Hi", "text": "Dear\n\nyou", "html": ""}
    )
    return f"/settings/mail/templates/{made.id}"


async def _field(team: Team) -> str:
    made = await team.do(team.ana, "crm.fields.create", label="Supplier", type="select", options=["Contoso", "None"])
    return f"/settings/fields/{made.id}"


async def _view(team: Team) -> str:
    where = {"all": [{"field": "score", "op": ">=", "value": 40}]}
    made = await team.do(team.ana, "crm.views.create", {"name": "Warm", "shared": True, "condition": where})
    return f"/leads/views/{made.id}"


async def _segment(team: Team) -> str:
    where = {"all": [{"field": "score", "op": ">=", "value": 40}]}
    return f"/segments/{(await team.do(team.ana, 'crm.segments.create', {'name': 'Warm', 'condition': where})).id}"


async def _agent(team: Team) -> str:
    return f"/agents/{team.marcus.id}/edit"


async def _policy(team: Team) -> str:
    rows = [
        {
            "name": name,
            "operation": operation,
            "decision": "ask",
            "condition": {"field": "valueCents", "op": ">", "value": 500},
        }
        for name, operation in (("Notes", "crm.leads.logActivity"), ("Mail", "crm.emails.send"))
    ]
    await team.do(team.ana, "crm.agents.setPolicy", agentId=str(team.marcus.id), rows=rows)
    found = await team.do(team.ana, "crm.agents.policy", agentId=str(team.marcus.id))
    return f"/agents/{team.marcus.id}/policy/{found[1].id}"


async def _limits(team: Team) -> str:
    return f"/agents/{team.marcus.id}/limits"


async def _model(team: Team) -> str:
    await team.do(team.ana, "crm.agents.setModel", agentId=str(team.marcus.id), model="openai:gpt-5", key="k", instructions="Be kind.",
                  tools=["crm.leads.get"])  # fmt: skip
    return f"/agents/{team.marcus.id}/model"


async def _playbook(team: Team) -> str:
    rules = await team.do(team.ana, "crm.agents.playbook", agentId=str(team.athena.id))
    return f"/agents/{team.athena.id}/rules/{rules[0].id}"


_STEPS = [{"do": "task", "title": "Ask again"}, {"do": "wait", "span": "2d"}]


async def _automation(team: Team) -> str:
    rule = {"name": "Welcome", "trigger": {"on": "activity", "kind": "call_logged"}, "steps": _STEPS}
    return f"/automations/{(await team.do(team.ana, 'crm.automations.create', rule)).id}/edit"


async def _sequence(team: Team) -> str:
    made = await team.do(team.ana, "crm.sequences.create", {"name": "First", "plan": {"steps": list(reversed(_STEPS))}})
    return f"/sequences/{made.id}/edit"


async def _routing(team: Team) -> str:
    return f"/settings/routing/{(await team.do(team.ana, 'crm.routing.rules'))[0].id}"


async def _scoring(team: Team) -> str:
    factor = (await team.do(team.ana, "crm.scoring.rules"))[0]
    return f"/settings/scoring/{factor.id}/{factor.rules[0].id}"


async def _factor(team: Team) -> str:
    return f"/settings/scoring/{(await team.do(team.ana, 'crm.scoring.rules'))[0].id}"


async def _bands(team: Team) -> str:
    return "/settings/scoring/bands"


async def _webhook(team: Team) -> str:
    made = await team.do(team.ana, "crm.webhooks.create", url="https://hooks.example/baton", events=["lead.*"])
    return f"/settings/webhooks/{made.id}/edit"


async def _provider(team: Team) -> str:
    config = {"url": "https://facts.example/v1?email={email}", "mapping": {"industry": "industry"}}
    made = await team.do(
        team.ana, "crm.enrichment.setProvider", {"kind": "http", "name": "Facts", "config": config, "secret": "k"}
    )
    return f"/settings/enrichment/providers/{made.id}"


async def _look_up(team: Team) -> str:
    where = {"all": [{"field": "source", "op": "=", "value": "event"}]}
    return f"/settings/enrichment/rules/{(await team.do(team.ana, 'crm.leads.enrichAuto', where=where)).id}"


async def _calendar(team: Team) -> str:
    return "/settings/calendar"


async def _mailbox(team: Team) -> str:
    made = await team.do(
        team.ana, "crm.mailboxes.create", fromName="Northwind", fromAddress="sales@northwind.example", smtpHost="127.0.0.1",
        smtpPort=2525, smtpSecurity="none",
    )  # fmt: skip
    return f"/settings/mail/mailboxes/{made.id}/edit"


async def _hosted(team: Team) -> str:
    return f"/settings/forms/{(await team.do(team.ana, 'crm.forms.create', {'name': 'Ask us'})).id}/edit"


async def _organization(team: Team) -> str:
    return "/settings/organization"


CASES = {
    "stage": Case(_stage, "name", "Mine", "Theirs", "probability", "35"),
    "template": Case(_template, "subject", "Mine", "Theirs", "text", "Dear\r\n\r\nall"),
    "field": Case(_field, "label", "Mine", "Theirs", "options", "Contoso\r\nFabrikam"),
    "view": Case(_view, "name", "Mine", "Theirs", "testValue", ["60", "", ""]),
    "segment": Case(_segment, "testValue", ["50", "", ""], ["60", "", ""], "name", "Theirs"),
    "agent": Case(_agent, "purpose", "Mine", "Theirs", "day", ["2", "4"]),
    "policy": Case(_policy, "decision", "never", "allow", "testValue", ["9", "", ""]),
    "limits": Case(_limits, "actionsPerDay", "7", "9", "largestValue", "1000.00"),
    "model": Case(_model, "instructions", "Mine", "Theirs", "tool", ["crm.leads.get", "crm.leads.logActivity"]),
    "playbook": Case(_playbook, "name", "Mine", "Theirs", "enabled", None),
    "automation": Case(_automation, "name", "Mine", "Theirs", "stepText", ["Ring", "3d", "", ""]),
    "sequence": Case(_sequence, "day", ["1"], ["2"], "name", "Theirs"),
    "routing": Case(_routing, "name", "Mine", "Theirs", "workingHours", "on"),
    "scoring": Case(_scoring, "points", "7", "9", "enabled", None),
    "factor": Case(_factor, "label", "Mine", "Theirs", "maxPoints", "33"),
    "bands": Case(_bands, "high", "80", "75", "medium", "30"),
    "webhook": Case(_webhook, "description", "Mine", "Theirs", "events", "task.*"),
    "provider": Case(_provider, "name", "Mine", "Theirs", "position", "4"),
    "look up": Case(_look_up, "name", "Mine", "Theirs", "testOp", ["!=", "=", "="]),
    "calendar": Case(_calendar, "near", "70", "60", "tell", ["admins"]),
    "mailbox": Case(_mailbox, "fromName", "Mine", "Theirs", "smtpUser", "box"),
    "hosted form": Case(_hosted, "successMessage", "Mine", "Theirs", "ask", ["phone", "message"]),
    "organization": Case(_organization, "name", "Mine", "Theirs", "timeZone", "Europe/Berlin"),
}  # fmt: skip


async def post(reader: Reader, action: str, pairs: Pairs) -> httpx2.Response:
    from urllib.parse import urlencode

    kind = {"content-type": "application/x-www-form-urlencoded"}
    return await reader.http.post(action, content=urlencode(pairs), headers=reader.cookie | kind)


def clean(value: Any) -> list[str]:
    """Values as a form shows them, spare rows left out."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [each.replace("\r\n", "\n").strip() for each in values if each]


@pytest.mark.parametrize("name", CASES)
async def test_no_form_overwrites_unseen(http: httpx2.AsyncClient, fresh: Team, name: str) -> None:
    """What I did not touch stays as the other made it; what both changed is shown with both values and by whom, and my second
    sending, or taking theirs, decides."""
    case = CASES[name]
    path = await case.path(fresh)
    ana, olivia = await sign_in(http, fresh, "ana"), await sign_in(http, fresh, "olivia")
    mine = Form((await ana.get(path)).text)
    theirs = Form((await olivia.get(path)).text)
    saved = await post(olivia, theirs.action, theirs.but({case.field: case.theirs, case.beside: case.other}))
    assert saved.status_code == 303, re.findall(r'class="(?:wrong|notice)[^>]*>(.*?)</', saved.text)

    answer = await post(ana, mine.action, mine.but({case.field: case.mine}))
    assert answer.status_code == 422, answer.headers
    assert "Olivia Park" in answer.text
    assert "meanwhile" in answer.text
    again = Form(answer.text)
    assert clean(again.of(case.field)) == clean(case.mine)
    assert clean(again.of(case.beside)) == clean(case.other)
    done = await post(ana, again.action, again.pairs)
    assert done.status_code == 303, re.findall(r'class="(?:wrong|notice bad)"[^>]*>([^<]*)', done.text)

    now = Form((await ana.get(await _place(fresh, name, again.action))).text)
    assert clean(now.of(case.field)) == clean(case.mine)
    assert clean(now.of(case.beside)) == clean(case.other)


@pytest.mark.parametrize("name", CASES)
async def test_an_untouched_form_takes_nothing_back(http: httpx2.AsyncClient, fresh: Team, name: str) -> None:
    """Saving a form in which nothing was changed leaves what another hand wrote since it was opened."""
    case = CASES[name]
    path = await case.path(fresh)
    ana, olivia = await sign_in(http, fresh, "ana"), await sign_in(http, fresh, "olivia")
    mine = Form((await ana.get(path)).text)
    theirs = Form((await olivia.get(path)).text)
    changes = {case.field: case.theirs, case.beside: case.other}
    assert (await post(olivia, theirs.action, theirs.but(changes))).status_code == 303
    saved = await post(ana, mine.action, mine.pairs)
    assert saved.status_code == 303, re.findall(r'class="(?:wrong|notice)[^>]*>(.*?)</', saved.text)
    now = Form((await ana.get(await _place(fresh, name, mine.action))).text)
    assert {key: clean(now.of(key)) for key in changes} == {key: clean(value) for key, value in changes.items()}


async def _place(team: Team, name: str, action: str) -> str:
    """Where the form is now: rows that are written anew as a whole have new ids."""
    if name == "organization":
        return "/settings/organization"
    if name == "policy":
        rows = await team.do(team.ana, "crm.agents.policy", agentId=str(team.marcus.id))
        return f"/agents/{team.marcus.id}/policy/{rows[1].id}"
    anew = {"playbook": _playbook, "routing": _routing, "scoring": _scoring, "factor": _factor}
    return await anew[name](team) if name in anew else action


async def test_a_pipelines_name(http: httpx2.AsyncClient, fresh: Team) -> None:
    """A form of one field: both names, by whom."""
    path = await _pipeline(fresh)
    ana, olivia = await sign_in(http, fresh, "ana"), await sign_in(http, fresh, "olivia")
    mine, theirs = Form((await ana.get(path)).text), Form((await olivia.get(path)).text)
    assert (await post(olivia, theirs.action, theirs.but({"name": "Theirs"}))).status_code == 303
    answer = await post(ana, mine.action, mine.but({"name": "Mine"}))
    assert "Olivia Park wrote “Theirs” meanwhile; you wrote “Mine”." in answer.text


async def test_a_row_that_was_removed_says_so(http: httpx2.AsyncClient, fresh: Team) -> None:
    """A rule that another hand removed is not written back."""
    path = await _policy(fresh)
    ana = await sign_in(http, fresh, "ana")
    mine = Form((await ana.get(path)).text)
    await fresh.do(fresh.ana, "crm.agents.setPolicy", agentId=str(fresh.marcus.id), rows=[])
    assert (await post(ana, mine.action, mine.pairs)).status_code == 404
    assert await fresh.do(fresh.ana, "crm.agents.policy", agentId=str(fresh.marcus.id)) == []
