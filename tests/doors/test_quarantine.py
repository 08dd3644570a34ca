"""What looks suspicious at a public form waits for a person: nothing is lost, and nothing reaches the board by itself."""

import base64
import html
import json
import re
from typing import Any

import altcha
import httpx2
import pytest

from baton.kernel.errors import NotFound
from tests.team import Team

ANSWERS = {"firstName": "Ingrid", "lastName": "Solberg", "email": "ingrid@fjord.example", "companySize": "40"}


def solved(page: str) -> str:
    """What a browser sends for the task that stands in the page."""
    found = re.search(r'data-task="([^"]+)"', page)
    assert found
    task = json.loads(html.unescape(found[1]))
    for number in range(task["maxNumber"] + 1):
        if altcha.hash_hex("SHA-256", f"{task['salt']}{number}".encode()) == task["challenge"]:
            answer = {name: task[name] for name in ("algorithm", "challenge", "salt", "signature")} | {"number": number}
            return base64.b64encode(json.dumps(answer).encode()).decode()
    pytest.fail("the task has no solution")


async def send(http: httpx2.AsyncClient, address: str, **values: str) -> httpx2.Response:
    return await http.post(f"/f/{address}", data=ANSWERS | values, follow_redirects=True)


async def names(team: Team) -> list[str]:
    return [lead.name for lead in (await team.do(team.ana, "crm.leads.find")).items]


async def held(team: Team) -> list[Any]:
    return list((await team.do(team.ana, "crm.quarantine.list")).items)


async def test_a_trapped_capture_is_released_as_the_form_would_have_made_it(
    http: httpx2.AsyncClient, fresh: Team
) -> None:
    """B4. The sender is thanked as everybody is, and learns nothing."""
    answer = await send(http, fresh.started.form_address, nickname="me")
    assert "Thank you" in answer.text
    assert await names(fresh) == []
    (waiting,) = await held(fresh)
    assert waiting.reasons == ["A field that people do not see was filled in."]
    released = await fresh.do(fresh.ben, "crm.quarantine.release", captureId=str(waiting.id))
    lead = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(released.lead_id))
    assert (lead.name, lead.company_size, lead.via, lead.source) == ("Ingrid Solberg", 40, "form", "website")
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.quarantine.discard", captureId=str(waiting.id))
    assert await held(fresh) == []


async def test_a_proof_is_good_for_one_sending_of_its_own_form(http: httpx2.AsyncClient, fresh: Team) -> None:
    """B4. No proof, another form's, a changed or a used one: the capture waits, or is refused as a repetition."""
    one, two = [
        (await fresh.do(fresh.ana, "crm.forms.create", {"name": n, "proofOfWork": True})).address
        for n in ("One", "Two")
    ]
    page = await http.get(f"/f/{one}")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    proof = solved(page.text)
    forged = base64.b64encode(base64.b64decode(proof).replace(b'"number": ', b'"number": 1')).decode()
    for address, payload in ((one, ""), (one, "nonsense"), (one, forged), (two, proof)):
        assert "Thank you" in (await send(http, address, altcha=payload)).text
    assert await names(fresh) == []
    assert len(await held(fresh)) == 4
    assert "Thank you" in (await send(http, one, altcha=proof)).text
    assert await names(fresh) == ["Ingrid Solberg"]
    again = await send(http, one, altcha=proof, firstName="Bot")
    assert again.status_code == 422
    assert await names(fresh) == ["Ingrid Solberg"]


async def test_what_a_form_does_not_take_is_not_held_either(http: httpx2.AsyncClient, fresh: Team) -> None:
    """A held capture is one that could be released."""
    answer = await send(http, fresh.started.form_address, nickname="me", email="")
    assert answer.status_code == 422
    await send(http, fresh.started.form_address, nickname="me", ownerId=str(fresh.ana.id))
    (waiting,) = await held(fresh)
    assert set(waiting.answers) == set(ANSWERS)
