"""What belongs to another organization does not exist, at every door and in every respect: status, body and time. Spec B9, C1."""

import json
import random
import re
import statistics
import time
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx2
import pytest

from baton.kernel.operation import registry
from baton.kernel.values import new_id
from tests.doors.conftest import Caller
from tests.operations import test_every_operation as test_every_operation  # registers the cases
from tests.operations.cases import cases
from tests.team import Team

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_REQUEST = re.compile(r'"requestId":"[^"]*"')
_MOST = 1.6  # a foreign id may take this much longer or shorter than one that is nowhere
FOREIGN = sorted(
    name for name, case in cases.items() if case.foreign and not (op := registry[name]).internal and op.role is not None
)


def elsewhere(input: Any) -> Any:
    """The same input with ids that are nowhere, each replaced wherever it stands."""
    known: dict[str, str] = {}
    return json.loads(_ID.sub(lambda found: known.setdefault(found[0], str(new_id())), json.dumps(input)))


def told(answer: httpx2.Response) -> tuple[int, str, list[str]]:
    """All that an answer says but the ids that were asked for, and the request's own."""
    text = _REQUEST.sub("", _ID.sub("ID", answer.text))
    return answer.status_code, text, sorted(name for name in answer.headers if name != "content-length")


@pytest.mark.parametrize("name", FOREIGN)
async def test_every_operation_at_both_doors(team: Team, stranger: Caller, name: str) -> None:
    """As an admin of another organization: not found, told as of what is nowhere, by REST and by tRPC."""
    theirs = json.loads(json.dumps(await cases[name].make(team), default=str))
    nowhere = elsewhere(theirs)
    rest = [await stranger.call("POST", f"/api/v1/{name}", input) for input in (theirs, nowhere)]
    if registry[name].kind == "query":
        paths = [f"/api/trpc/{name}?input={quote(json.dumps(input))}" for input in (theirs, nowhere)]
        trpc = [await stranger.call("GET", path) for path in paths]
    else:
        trpc = [await stranger.call("POST", f"/api/trpc/{name}", input) for input in (theirs, nowhere)]
    for first, second in (rest, trpc):
        assert first.status_code == 404, first.text
        if theirs != nowhere:
            assert told(first) == told(second)


ROUTES: list[tuple[str, str, Any]] = [
    ("POST", "/api/crm/leads/enrich/{lead}", {}), ("GET", "/api/crm/leads/enrichment/status/{lead}", None),
    ("POST", "/api/crm/leads/score/batch", ["{lead}"]), ("POST", "/api/crm/leads/enrich/batch", {"leadIds": ["{lead}"]}),
    ("GET", "/api/crm/leads/analytics?pipelineId={pipeline}", None),
    ("POST", "/api/crm/leads/detail", {"name": "L", "pipelineId": "{pipeline}"}),
    ("POST", "/api/crm/leads/detail", {"name": "L", "contactId": "{contact}"}),
    ("POST", "/api/crm/leads/detail", {"name": "L", "owner": "{member}"}),
    ("PUT", "/api/crm/leads/pipelines/stages/reorder/{pipeline}", ["{stage}"]),
    ("DELETE", "/api/crm/leads/pipelines/{pipeline}?moveTo={pipeline}", None),
    ("GET", "/api/v1/imports/{import}", None), ("GET", "/api/v1/imports/{import}/refused.csv", None),
    ("GET", "/api/v1/exports/leads.csv?pipelineId={pipeline}", None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_routes_of_document_c_and_of_files(
    team: Team, stranger: Caller, method: str, path: str, body: Any
) -> None:
    """Spec C1: those that `test_document_c_access.py` does not ask, and references inside bodies."""
    lead = await team.capture()
    started = await cases["crm.imports.get"].make(team)
    ids = {
        "lead": lead.id, "pipeline": lead.pipeline_id, "stage": lead.stage_id, "contact": lead.contact_id, "member": team.ben.id,
        "import": started["importId"],
    }  # fmt: skip
    answers = []
    for known in (ids, {name: new_id() for name in ids}):
        text = json.dumps([path, body])
        for name, id in known.items():
            text = text.replace(f"{{{name}}}", str(id))
        filled_path, filled = json.loads(text)
        answers.append(await stranger.call(method, filled_path, filled))
    first, second = answers
    assert first.status_code == 404, first.text
    assert told(first) == told(second)


@pytest.mark.parametrize("name", ["crm.leads.get", "crm.leads.update", "crm.contacts.get", "crm.pipelines.get"])
async def test_no_time_tells_what_exists_elsewhere(team: Team, stranger: Caller, name: str) -> None:
    """A foreign id is refused as fast as one that is nowhere: asked in turns, in random order, so that noise meets both.

    The machine may be busy: only a difference that shows three times, in one direction, is one.
    """
    lead = await team.capture()
    key, theirs = {
        "crm.leads.get": ("leadId", lead.id), "crm.leads.update": ("leadId", lead.id),
        "crm.contacts.get": ("contactId", lead.contact_id), "crm.pipelines.get": ("pipelineId", lead.pipeline_id),
    }[name]  # fmt: skip
    assert theirs is not None
    found = []
    for _ in range(3):
        ratio = await _ratio(stranger, name, key, theirs)
        found.append(ratio)
        if 1 / _MOST < ratio < _MOST:
            return
    assert not all(ratio >= _MOST for ratio in found), found
    assert not all(ratio <= 1 / _MOST for ratio in found), found


async def _ratio(stranger: Caller, name: str, key: str, theirs: UUID) -> float:
    """How much longer a foreign id takes than one that is nowhere, by the medians of 40 questions each."""
    times: dict[bool, list[float]] = {True: [], False: []}
    order = [True, False] * 40
    random.shuffle(order)
    for foreign in order:
        body = {key: str(theirs if foreign else new_id())}
        began = time.perf_counter()
        answer = await stranger.call("POST", f"/api/v1/{name}", body)
        times[foreign].append(time.perf_counter() - began)
        assert answer.status_code == 404
    return statistics.median(times[True]) / statistics.median(times[False])
