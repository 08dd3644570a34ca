"""The real tRPC client from npm, through its three links, against a real server. Spec B11."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.doors.conftest import token_of
from tests.team import Team

CLIENT = Path(__file__).parent / "trpc_client"
LINKS = ["httpLink", "httpBatchLink", "httpBatchStreamLink"]


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the client that the lock names."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("NO NODE: the real tRPC client was not run (Debian: apt install nodejs npm)")
    if not (CLIENT / "node_modules" / "@trpc" / "client").exists():
        installed = subprocess.run([npm, "ci"], cwd=CLIENT, capture_output=True, text=True, timeout=120)
        if installed.returncode:
            pytest.skip(f"NO @trpc/client: npm could not install it, it was not run: {installed.stderr[-300:]}")
    return node


@pytest_asyncio.fixture(scope="session")
async def answers(node: str, address: str, http: httpx2.AsyncClient, team: Team) -> dict[str, Any]:
    """What the client was answered, by link."""
    token = await token_of(http, team, "ben")
    lead = await team.capture()
    process = await asyncio.create_subprocess_exec(
        node, "client.mjs", f"{address}/api/trpc", token, str(team.org_id), str(lead.id),
        cwd=CLIENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    told: dict[str, Any] = json.loads(out)
    return told


@pytest.mark.parametrize("link", LINKS)
async def test_calls_succeed(answers: dict[str, Any], team: Team, link: str) -> None:
    told = answers[link]
    assert told["captured"]["success"] is True
    assert told["read"]["id"] == told["captured"]["id"]
    assert told["organization"]["orgId"] == str(team.org_id)
    assert len(told["list"]["leads"]) == 2
    assert {"total", "active", "won", "lost", "totalPipelineValue", "conversionRate", "avgScore", "byStage"} <= set(
        told["summary"]
    )
    assert told["moved"]["status"] == "qualified"


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize(
    ("call", "code", "status", "number", "path"),
    [
        ("missing", "NOT_FOUND", 404, -32004, "crm.leads.get"), ("invalid", "BAD_REQUEST", 400, -32600, "crm.leads.list"),
        ("again", "CONFLICT", 409, -32009, "crm.leads.qualify"), ("forbidden", "FORBIDDEN", 403, -32003, "crm.leads.delete"),
        ("unauthorized", "UNAUTHORIZED", 401, -32001, "crm.leads.list"),
        ("unknownProcedure", "NOT_FOUND", 404, -32004, "crm.leads.explode"),
        ("unknownOrganization", "NOT_FOUND", 404, -32004, "crm.leads.capture"),
    ],
)  # fmt: skip
async def test_errors_are_understood(
    answers: dict[str, Any], link: str, call: str, code: str, status: int, number: int, path: str
) -> None:
    told = answers[link][call]
    assert (told["code"], told["httpStatus"], told["number"], told["path"]) == (code, status, number, path)
    assert told["message"]
