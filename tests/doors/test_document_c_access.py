"""Who may do what through document C's routes, and what odd addresses and bodies are answered. Spec B9, C1."""

import json
from typing import Any

import httpx2
import pytest

from baton.doors.document_c import ROWS
from baton.kernel.operation import registry
from tests.doors.conftest import Caller
from tests.doors.document_c import DETAIL, PIPELINES, STAGES
from tests.team import Team

ROUTES = [
    ("POST", PIPELINES, {"name": "P", "stages": [{"name": "N"}]}, "admin"), ("GET", PIPELINES, None, "viewer"),
    ("GET", PIPELINES + "/{pipeline}", None, "viewer"), ("PUT", PIPELINES + "/{pipeline}", {"name": "Q"}, "admin"),
    ("DELETE", PIPELINES + "/{pipeline}", None, "admin"), ("POST", PIPELINES + "/{pipeline}/route-unassigned", {}, "member"),
    ("POST", STAGES + "/{pipeline}", {"name": "S"}, "admin"), ("PUT", STAGES + "/reorder/{pipeline}", ["{stage}"], "admin"),
    ("PUT", STAGES + "/{pipeline}/{stage}", {"name": "T"}, "admin"), ("DELETE", STAGES + "/{pipeline}/{stage}", None, "admin"),
    ("POST", DETAIL, {"name": "L", "pipelineId": "{pipeline}"}, "member"), ("GET", DETAIL, None, "viewer"),
    ("GET", DETAIL + "/{lead}", None, "viewer"), ("PUT", DETAIL + "/{lead}", {"name": "M"}, "member"),
    ("DELETE", DETAIL + "/{lead}", None, "admin"),
    ("POST", "/api/crm/leads/qualify/{lead}", {}, "member"), ("POST", "/api/crm/leads/disqualify/{lead}", {}, "member"),
    ("POST", "/api/crm/leads/convert/{lead}", {}, "member"), ("POST", "/api/crm/leads/assign/{lead}", {"owner": None}, "member"),
    ("POST", "/api/crm/leads/follow-up/{lead}", {"dueIn": "1h"}, "member"),
    ("POST", "/api/crm/leads/activities/{lead}", {"type": "note", "notes": "n"}, "member"),
    ("GET", "/api/crm/leads/activities/{lead}", None, "viewer"), ("GET", "/api/crm/activity", None, "member"),
    ("POST", "/api/crm/leads/score/{lead}", {}, "member"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "role"), ROUTES)
async def test_who_may(
    http: httpx2.AsyncClient,
    team: Team,
    vera: Caller,
    ben: Caller,
    stranger: Caller,
    method: str,
    path: str,
    body: Any,
    role: str,
) -> None:
    """Spec B9: nobody 401, too small a role 403, another organization's ids 404, as if they did not exist."""
    lead = await team.capture()
    ids = {"pipeline": str(lead.pipeline_id), "stage": str(lead.stage_id), "lead": str(lead.id)}

    def filled(given: Any, ids: dict[str, str]) -> Any:
        text = json.dumps(given)
        for name, id in ids.items():
            text = text.replace(f"{{{name}}}", id)
        return json.loads(text)

    assert (await http.request(method, filled(path, ids), json=body)).status_code == 401
    below = {"admin": ben, "member": vera, "viewer": None}[role]
    if below is not None:
        assert (await below.call(method, filled(path, ids), filled(body, ids))).status_code == 403
    if any(f"{{{name}}}" in path + json.dumps(body) for name in ids):
        unknown = dict.fromkeys(ids, "01900000-0000-7000-8000-000000000000")
        theirs = await stranger.call(method, filled(path, ids), filled(body, ids))
        nothing = await stranger.call(method, filled(path, unknown), filled(body, unknown))
        assert (theirs.status_code, nothing.status_code) == (404, 404), theirs.text
        told = [answer.json() | {"requestId": ""} for answer in (theirs, nothing)]
        assert json.dumps(told[0]).replace(ids["pipeline"], unknown["pipeline"]) == json.dumps(told[1])


async def test_a_fixed_address_wins_over_an_id(ana: Caller) -> None:
    """PUT …/stages/reorder/:id is no stage “reorder” of a pipeline; other methods say which ones there are."""
    answer = await ana.call("PUT", f"{STAGES}/reorder/pipe-none", ["stage-x"])
    assert "pipeline" in answer.json()["detail"]
    wrong = await ana.call("PATCH", PIPELINES)
    assert (wrong.status_code, {*wrong.headers["allow"].split(", ")}) == (405, {"GET", "HEAD", "POST"})
    assert (await ana.call("GET", "/api/crm/leads/nothing")).json()["code"] == "NOT_FOUND"


async def test_odd_ids_and_bodies(ana: Caller) -> None:
    for id in ("%00", "a%00b", "%ff", "x" * 3000, "'; DROP TABLE leads; --", "%F0%9F%92%A9", "..%2f..%2f"):
        assert (await ana.call("GET", f"{DETAIL}/{id}")).status_code in (400, 404), id
    for content in (b"{", b"[1]", b'"x"', b"\xff", b"[" * 50_000, b'{"name": "\\ud800"}', b'{"name": "a\\u0000b"}'):
        answer = await ana.http.post(DETAIL, content=content, headers=ana.headers)
        assert answer.status_code == 400, content
        assert answer.headers["content-type"] == "application/problem+json"


def test_every_route_names_an_operation() -> None:
    assert {row.operation for row in ROWS} <= set(registry)
    assert len({(row.method, row.path) for row in ROWS}) == len(ROWS)
