"""What an agent thinks with, edited by an admin: its model and where it is, its instructions, its tools, what it costs. Spec A6."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.agents.model import TOOLS, AgentModel, SetModel
from baton.agents.policy import ReadPolicy
from baton.doors.web.agents.agents import HERE, found
from baton.doors.web.agents.policy import said
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import kept, settle, ticks
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound


async def edit(visit: Visit) -> Response:
    """GET and POST /agents/{agent}/model."""
    agent = await found(visit)
    now: AgentModel | None = await visit.perform("crm.agents.model", ReadPolicy(agent_id=str(agent.id)))
    error: Refusal | None = None
    first: dict[str, Any] = (
        {"model": now.model, "baseUrl": now.base_url or "", "instructions": now.instructions, "mostAnswers": now.most_answers,
         "inputPrice": f"{now.input_price:g}", "outputPrice": f"{now.output_price:g}"}
        if now
        else {"mostAnswers": 12, "inputPrice": "0", "outputPrice": "0"}
    )  # fmt: skip
    parts = [ticks("tool", _("Its tools, on the lead of the run"), [name for name in _offered(now.tools) if name in now.tools],
                   {name: said(name) for name in now.tools})] if now else []  # fmt: skip
    labels = {"model": _("Model"), "baseUrl": _("Address of a server of your own"), "instructions": _("Instructions"),
              "mostAnswers": _("Answers in a run at most"), "inputPrice": _("Price of a million tokens read"),
              "outputPrice": _("Price of a million written")}  # fmt: skip
    clashes = await settle(visit, agent.id, first, labels, parts=parts) if now else []
    chosen = [value for key, value in visit.several if key == "tool"]
    if visit.request.method == "POST" and not clashes:
        try:
            await visit.perform("crm.agents.setModel", _wish(visit, str(agent.id), chosen, now))
            words = _(
                "%(name)s thinks with it from the next run on. A rule with the step “think it over” says when."
            ) % {"name": agent.name}
            return done(visit, words, f"/agents/{agent.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    values = first | visit.fields | {"key": ""}
    given = chosen if visit.request.method == "POST" else now.tools if now else list(TOOLS)
    names = _offered(given)
    return await sheet(
        visit,
        "agent_model.html",
        _("What %(name)s thinks with") % {"name": agent.name},
        act=_("Save"),
        back=f"/agents/{agent.id}",
        values=values,
        error=error,
        here=HERE,
        has_key=now is not None and now.has_key,
        currency=(await visit.organization()).currency,
        tools=[(name, said(name), name in given) for name in names],
        was=kept(first, parts) if now else None,
        clashes=clashes,
        lede=_("Words of leads reach the model as data only. What it would send outside waits for a person."),
    )


def _offered(given: list[str]) -> list[str]:
    """The tools that the form offers, in its order."""
    return [*TOOLS, *(name for name in given if name not in TOOLS)]


def _wish(visit: Visit, agent_id: str, tools: list[str], now: AgentModel | None) -> SetModel:
    given = {
        name: visit.fields.get(name, "").strip()
        for name in ("model", "baseUrl", "key", "mostAnswers", "inputPrice", "outputPrice")
    }
    wish = {
        "agentId": agent_id, "model": given["model"], "baseUrl": given["baseUrl"] or None, "key": given["key"] or None,
        "instructions": visit.fields.get("instructions", "").replace("\r\n", "\n"), "tools": tools,
        "mostAnswers": given["mostAnswers"] or "12", "inputPrice": given["inputPrice"] or "0", "outputPrice": given["outputPrice"] or "0",
    }  # fmt: skip
    try:
        return msgspec.convert(wish, SetModel, strict=False)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        raise Invalid("Write a number here.", field=field or None) from None
