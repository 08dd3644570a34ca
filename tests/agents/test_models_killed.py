"""A worker that is killed around each answer of a model: the run goes on elsewhere, and each of its acts happens once. Spec A6."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.alone import Alone
from tests.team import Team, make_team
from tests.test_crash import free_port, ready, serving

ACTS = (
    ("crm_leads_logActivity", {"type": "note", "notes": "Read it."}),
    ("crm_leads_followUp", {"dueIn": "1h"}),
    ("crm_leads_addTags", {"tags": ["x"]}),
)


@dataclass
class Oracle:
    """A model server that makes one call after the other; around some of its answers it kills who asked."""

    victim: int | None = None
    kills: list[tuple[int, float | None]] = field(default_factory=lambda: [(0, None), (1, 0.004), (2, 0.02), (3, 0.0)])
    """After how many acts, and how long after the answer was sent; None before it."""

    async def complete(self, request: Request) -> JSONResponse:
        body = await request.json()
        done = sum(each["role"] == "tool" for each in body["messages"])
        due = next((each for each in self.kills if each[0] == done), None)
        if due is not None:
            self.kills.remove(due)
            if due[1] is None:
                self.kill()
            else:
                asyncio.get_running_loop().call_later(due[1], self.kill)
        return JSONResponse(_said(done))

    def kill(self) -> None:
        if self.victim is not None:
            os.kill(self.victim, signal.SIGKILL)


def _said(done: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "Done."}
    if done < len(ACTS):
        name, args = ACTS[done]
        call = {"id": f"c{done}", "type": "function", "function": {"name": name, "arguments": json.dumps(args)}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "finish_reason": "tool_calls" if done < len(ACTS) else "stop", "message": message}
    usage = {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


@contextlib.asynccontextmanager
async def answering(oracle: Oracle) -> AsyncIterator[str]:
    """The model's address while it answers."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/v1/chat/completions", oracle.complete, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    running = asyncio.create_task(server.serve(sockets=[taken]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        await running


async def test_kill_9_around_every_answer(alone: Alone) -> None:
    """Four kills, before an answer, at it, and in the midst of the acts that follow: a note, a task and a tag, once each."""
    db = await alone.database()
    team = await make_team(db, "Killed")
    oracle = Oracle()
    async with answering(oracle) as url:
        lead_id, agent_id = await _prepared(team, url)
        for _ in range(8):
            port = free_port()
            with serving(alone.environ, port) as process:
                oracle.victim = process.pid
                await ready(port)
                if await _done(team, lead_id, process):
                    break
    assert oracle.kills == []
    mine = [each.kind for each in await team.log(lead_id) if each.actor_id == agent_id]
    assert sorted(kind for kind in mine if kind != "lead_scored") == ["field_updated", "note_added", "task_created"]
    (run,) = await team.do(team.ana, "crm.agents.runs", leadId=str(lead_id))
    assert [step.outcome for step in run.receipt] == ["done"] * 4


async def _prepared(team: Team, url: str) -> tuple[UUID, UUID]:
    """A lead that was just given to an agent that thinks by the model at the address."""
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])
    about = {"name": "Nora", "agentKind": "model", "purpose": "Outbound"}
    made = await team.do(team.ana, "crm.members.addAgent", about)
    await team.do(team.ana, "crm.agents.setModel", agentId=str(made.id), model="m", baseUrl=url, key="sk-mine")
    rule = {
        "name": "Think", "trigger": "assignment_changed",
        "steps": [{"operation": "crm.agents.think", "input": {"instructions": "Greet."}}],
        "condition": {"field": "ownerId", "op": "=", "value": str(made.id)},
    }  # fmt: skip
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(made.id), rules=[rule])
    lead = await team.capture()
    await team.do(team.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(made.id))
    return lead.id, made.id


async def _done(team: Team, lead_id: UUID, process: Any) -> bool:
    """Whether the run ended while this process lived."""
    for _ in range(600):
        runs = await team.do(team.ana, "crm.agents.runs", leadId=str(lead_id))
        if runs and runs[0].status == "done":
            return True
        if process.poll() is not None:
            return False
        await asyncio.sleep(0.1)
    return False
