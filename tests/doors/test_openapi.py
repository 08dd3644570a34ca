"""The OpenAPI document says what is: it is valid, whole, and what the doors answer is of the schemas it names."""

import re
from typing import Any

import httpx2
import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from baton.automations.webhooks.events import EVENTS
from baton.automations.webhooks.events import body as message_of
from baton.doors.document_c import ROWS
from baton.doors.files import routes as file_routes
from baton.doors.openapi import document, offered
from baton.kernel.operation import registry
from baton.kernel.perform import perform
from tests.doors.conftest import Caller
from tests.operations import test_every_operation as every
from tests.operations.cases import cases
from tests.team import Team

OFFERED = [op.name for op in offered()]


@pytest.fixture(scope="module")
def written() -> Any:
    return msgspec.json.decode(msgspec.json.encode(document()))


def test_refers_to_nothing_that_is_not_there(written: Any) -> None:
    """Every reference leads somewhere, those of discriminators too: generators of clients follow them all."""
    text = msgspec.json.encode(written).decode()
    known = {f"#/components/{kind}/{name}" for kind, held in written["components"].items() for name in held}
    assert set(re.findall(r'"(#/components/[^"]+)"', text)) <= known


def conform(value: Any, schema: Any, written: Any) -> None:
    """Fail where a value is not of a schema of the document."""
    plain = msgspec.json.decode(msgspec.json.encode(value))
    OAS31Validator(schema | {"components": written["components"]}).validate(plain)


async def test_is_valid_openapi_and_public(http: httpx2.AsyncClient) -> None:
    """Anybody may read what programs can do; the document is OpenAPI 3.1."""
    answer = await http.get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"
    validate(answer.json())


def test_holds_every_operation_and_every_route(written: Any) -> None:
    """Spec C1: what is offered is described, and nothing else; each operation's id is its own."""
    native = {path.removeprefix("/api/v1/") for path in written["paths"] if path.startswith("/api/v1/crm.")}
    assert native == set(OFFERED)
    for name in native:
        methods = {"get", "post"} if registry[name].kind == "query" else {"post"}
        assert set(written["paths"][f"/api/v1/{name}"]) == methods, name
    files = {
        (method.upper(), route.path) for route in file_routes() for method in route.methods or () if method != "HEAD"
    }
    described = {(method.upper(), path) for path, item in written["paths"].items() for method in item}
    assert {(method, path.replace("{id:uuid}", "{id}")) for method, path in files} <= described
    routes = {
        (method.upper(), path)
        for path, item in written["paths"].items() if path.startswith("/api/crm/") for method in item
    }  # fmt: skip
    assert routes == {(row.method, f"/api/crm{row.path}") for row in ROWS}
    ids = [operation["operationId"] for item in written["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
    assert not [name for name, op in registry.items() if op.internal and f"/api/v1/{name}" in written["paths"]]
    assert set(written["webhooks"]) == set(EVENTS.values())


@pytest.mark.parametrize("name", [name for name in OFFERED if name in cases])
async def test_answers_are_of_their_schema(team: Team, written: Any, name: str) -> None:
    """Each operation's input and answer, as its case performs it, conform to what the document says of them."""
    op = registry[name]
    input = await cases[name].make(team)
    operation = written["paths"][f"/api/v1/{name}"]["post"]
    conform(input, operation["requestBody"]["content"]["application/json"]["schema"], written)
    answer = await perform(team.db, every.performer(team, op), name, input)
    conform(answer, operation["responses"]["200"]["content"]["application/json"]["schema"], written)


async def test_document_cs_answers_are_of_their_schema(ana: Caller, team: Team, written: Any) -> None:
    """Spec C1: reading through document C's routes answers what the document says."""
    lead = await team.capture()
    ids = {"leadId": str(lead.id), "pipelineId": str(lead.pipeline_id)}
    read = 0
    for row in ROWS:
        needed = set(re.findall(r"\{(\w+)\}", row.path))
        if row.method != "GET" or not needed <= ids.keys():
            continue
        answer = await ana.ok("GET", "/api/crm" + row.path.format(**ids))
        said = written["paths"][f"/api/crm{row.path}"]["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]
        conform(answer, said, written)
        read += 1
    assert read >= 5
    qualified = await ana.ok("POST", f"/api/crm/leads/qualify/{lead.id}", {})
    said = written["paths"]["/api/crm/leads/qualify/{leadId}"]["post"]["responses"]["200"]["content"][
        "application/json"
    ]["schema"]
    conform(qualified, said, written)


async def test_problems_and_webhooks_are_of_their_schema(ana: Caller, team: Team, written: Any) -> None:
    refused = await ana.call("POST", "/api/v1/crm.leads.get", {"leadId": "none"})
    conform(refused.json(), written["components"]["schemas"]["Problem"], written)
    lead = await team.capture()
    activity = (await team.log(lead.id))[0]
    told = msgspec.json.decode(message_of(activity, team.org_id, lead))
    conform(told, written["components"]["schemas"]["WebhookMessage"], written)


async def test_an_organizations_own_fields_are_said_to_it_alone(
    ana: Caller, stranger: Caller, http: httpx2.AsyncClient
) -> None:
    """Spec A5: custom fields with their types and options, for the organization that defined them."""
    field = {"key": "plan", "label": "Plan", "type": "select", "options": ["Basic", "Pro"]}
    await ana.ok("POST", "/api/v1/crm.fields.create", field)
    own = await ana.ok("GET", "/api/openapi.json")
    validate(own)
    fields = own["components"]["schemas"]["CustomFields"]["properties"]
    assert fields["plan"] == {"title": "Plan", "enum": ["Basic", "Pro", None]}
    for name in ("NewLead", "EditLead", "Lead"):
        held = own["components"]["schemas"][name]["properties"]["fields"]
        assert held == {"$ref": "#/components/schemas/CustomFields"}
    theirs = await stranger.ok("GET", "/api/openapi.json")
    public = (await http.get("/api/openapi.json")).json()
    for other in (theirs, public):
        assert "plan" not in other["components"]["schemas"]["CustomFields"]["properties"]
    wrong = await http.get("/api/openapi.json", headers={"authorization": "Bearer bat_key_wrong"})
    assert wrong.status_code == 401


async def test_the_page_reads_without_a_script(http: httpx2.AsyncClient, ana: Caller) -> None:
    """The same document for people: every operation, its fields, and links that lead somewhere."""
    page = await http.get("/api/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "crm.leads.moveStage" in page.text
    assert "lead.stage_changed" in page.text
    targets = set(re.findall(r'id="([^"]+)"', page.text))
    links = set(re.findall(r'href="#([^"]+)"', page.text))
    assert links <= targets
    assert {f"operation-{name}" for name in OFFERED} <= targets
