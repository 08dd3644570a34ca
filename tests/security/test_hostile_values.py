"""Every field of every operation against hostile values, through REST. ATTACKS: injection in any field, server, ReDoS.

A defence taken away shows as a 500, as a wait, or as a table that is gone: parameters in SQL, checked types and lengths,
bounded work.
"""

import json
import time
from typing import Any

import httpx2
import msgspec
import pytest
import pytest_asyncio

from baton.kernel.db import Database
from baton.kernel.operation import registry
from tests.doors.conftest import Caller, caller
from tests.security.bodies import OFFERED, case_of, places, with_value
from tests.team import Team, make_team

SECONDS = 3.0
TEXTS: list[Any] = [
    "a\x00b", "\ud800", "'; DROP TABLE leads; --", "x" * 100_000, "((((a+)+)+)+)+$" + "a" * 3_000 + "!", "../../../etc/passwd",
    "%s%n{0}{{7*7}}${7*7}", "1e999999",
]  # fmt: skip
NUMBERS: list[Any] = [2**31, 2**70, -1, 1e308, True, "9" * 400]
TREES: list[Any] = [None, [], {}, [{}], ["' OR ''='"] * 3, {"a": {"b": ["\u202e"]}}, [2**70], ["x" * 5_000] * 20]
TIMES: list[Any] = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "00000000-0000-0000-0000-000000000000"]
HOSTILE = [*TEXTS, *NUMBERS, *TREES, *TIMES]


@pytest_asyncio.fixture(scope="module")
async def target(db: Database) -> Team:
    """An organization that may be broken."""
    return await make_team(db, "Target")


@pytest_asyncio.fixture(scope="module")
async def attacker(http: httpx2.AsyncClient, target: Team) -> Caller:
    """Its admin, whom every operation admits."""
    return await caller(http, target, "ana")


@pytest.mark.parametrize("name", OFFERED)
async def test_no_value_breaks_an_operation(attacker: Caller, target: Team, name: str) -> None:
    """Each answer is a success or a clear refusal, in bounded time."""
    fields = [(field.encode_name,) for field in msgspec.structs.fields(registry[name].input)]
    body = await case_of(target, name)
    headers = attacker.headers | {"content-type": "application/json"}
    broken = []
    for path in dict.fromkeys([*fields, *places(body)]):
        for value in HOSTILE if len(path) == 1 else HOSTILE[::6]:
            sent = json.dumps(with_value(body, path, value)).encode()
            began = time.perf_counter()
            answer = await attacker.http.post(f"/api/v1/{name}", content=sent, headers=headers)
            took = time.perf_counter() - began
            if answer.status_code >= 500 or took > SECONDS:
                broken.append((path, str(value)[:40], answer.status_code, round(took, 2)))
    assert not broken, broken


@pytest.mark.parametrize("parameter", ["sort", "where", "search", "limit", "cursor", "descending", "count"])
async def test_no_sql_through_what_a_list_takes(member: Caller, parameter: str) -> None:
    """Sort, filter, limit and cursor are parts of SQL: each comes from a closed list or is a parameter (SuiteCRM CVE-2024-36412)."""
    lead = await member.team.capture(firstName="Only", lastName="One")
    values: list[Any] = [
        "created_at; DROP TABLE leads", "(SELECT pg_sleep(5))", "1 UNION SELECT password_hash FROM directory_people", "l.org_id",
        {"field": "id) OR (1=1", "op": "=", "value": "x"}, {"field": "score", "op": "> 0 OR 1=1 --", "value": 1},
        {"field": "field.x' = '' OR ''='", "op": "=", "value": "' OR ''='"}, {"field": "name", "op": "contains", "value": "%' OR '1'='1"},
        {"field": "tags", "op": "has_any", "value": ["x') OR ('1'='1"]},
    ]  # fmt: skip
    for value in values:
        began = time.perf_counter()
        for method in ("GET", "POST"):
            asked = {"params": {parameter: json.dumps(value)}} if method == "GET" else {}
            body = {parameter: value} if method == "POST" else None
            answer = await member.call(method, "/api/v1/crm.leads.find", body, **asked)
            if answer.status_code == 200:
                assert answer.json()["items"] == [], (method, value)
            else:
                assert answer.status_code == 400, (method, value, answer.text)
        listed = await member.call(
            "GET", "/api/crm/leads/detail", params={parameter: json.dumps(value), "sortField": str(value)}
        )
        assert listed.status_code in (200, 400)
        assert time.perf_counter() - began < SECONDS
    assert (await member.ok("GET", f"/api/v1/crm.leads.get?leadId={lead.id}"))["name"] == "Only One"
