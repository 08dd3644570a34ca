"""A model agent's run: it is told about one lead, acts through operations, and every step is kept before the next. Spec A6.

What leads, mails and websites say reaches the model between marks only, as data; what it does after reading such words asks
before it reaches anybody outside. Each act has the key of its tool call, so that going on repeats nothing. When a person
rejects what it asked for, it is woken again with their reason.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from baton.agents.authority import ever
from baton.agents.briefing import MOST_WAKES, TOLD, first, marked, rejection, wakes
from baton.agents.model import ThinkWith
from baton.agents.model_client import MISSING, ask, model_of
from baton.agents.policy import PolicyRow, ReadPolicy
from baton.agents.receipt import kept, receipt
from baton.agents.run import PlannedStep, Run
from baton.agents.turns import KeepTurn, OfStep, Turns
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.errors import BatonError, Conflict, NeedsApproval, TooMany, Unavailable
from baton.kernel.operation import Operation, registry
from baton.kernel.perform import Cause, perform
from baton.kernel.schema import object_schema
from baton.leads.find import GetLead
from baton.leads.timeline import ReadTimeline

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ToolCallPart
    from pydantic_ai.models import Model
    from pydantic_ai.tools import ToolDefinition


async def think(
    db: Database,
    agent: Actor,
    run: Run,
    planned: PlannedStep,
    told: str,
    cause: Cause,
    now: datetime | None,
    rejected: Sequence[PlannedStep] = (),
) -> list[PlannedStep]:
    """Let the agent's model decide on a step of a run; answers the step, then each act that it did or asked for.

    `rejected` are acts of it that people rejected by now: the model hears each reason once, and decides anew. Raises Conflict
    without a model, TooMany beyond its tokens or money, Unavailable where the model is away: then the same call goes on later
    where it was.
    """
    try:
        from pydantic_ai.messages import ModelMessagesTypeAdapter
    except ImportError as error:
        raise Conflict(MISSING) from error
    how: ThinkWith = await perform(db, agent, "crm.agents.thinkWith", ReadPolicy(agent_id=str(agent.id)), now=now)
    thinking = _Thinking(db, agent, run, planned, how, cause, now)
    so_far: Turns = await perform(db, agent, "crm.agents.turns", OfStep(run_id=run.id, step=planned.index), now=now)
    messages: list[ModelMessage] = [ModelMessagesTypeAdapter.validate_json(f"[{each}]")[0] for each in so_far.messages]
    thinking.tokens, thinking.micros = so_far.tokens, so_far.micros
    if not messages:
        lead_id = str(run.lead_id)
        lead = await perform(db, agent, "crm.leads.get", GetLead(lead_id=lead_id), now=now)
        history = await perform(db, agent, "crm.leads.timeline", ReadTimeline(lead_id=lead_id, limit=TOLD), now=now)
        await thinking.keep(messages, first(how, thinking.mark, told, lead, history.items))
    model, tools = model_of(how, db.installation.outbound), await thinking.tools()
    await thinking.go_on(messages, model, tools)
    while await thinking.hear(messages, rejected):
        await thinking.go_on(messages, model, tools)
    return receipt(planned, messages, thinking.offered, tokens=thinking.tokens, micros=thinking.micros)


class _Thinking:
    """One step of a run while its model thinks."""

    def __init__(
        self,
        db: Database,
        agent: Actor,
        run: Run,
        planned: PlannedStep,
        how: ThinkWith,
        cause: Cause,
        now: datetime | None,
    ) -> None:
        self.db, self.agent, self.run, self.planned, self.how = db, agent, run, planned, how
        self.cause, self.now = cause, now
        self.mark = run.id.hex[-12:]
        self.tokens = self.micros = 0
        self.offered: dict[str, Operation] = {}

    async def go_on(self, messages: "list[ModelMessage]", model: "Model[Any]", tools: "list[ToolDefinition]") -> None:
        """Ask and act until the model has nothing more to do, or is at its limit of answers."""
        from pydantic_ai.messages import ModelRequest

        while True:
            last = messages[-1]
            if isinstance(last, ModelRequest):
                if _answers(messages) >= self.how.most_answers:
                    return
                asked = OfStep(run_id=self.run.id, step=self.planned.index)
                await perform(self.db, self.agent, "crm.agents.mayThink", asked, now=self.now)
                await self.keep(messages, await ask(model, messages, tools))
            elif last.tool_calls:
                await self.keep(
                    messages, ModelRequest(parts=[await self.call(each, len(messages)) for each in last.tool_calls])
                )
            else:
                return

    async def hear(self, messages: "list[ModelMessage]", rejected: Sequence[PlannedStep]) -> bool:
        """Tell the model which acts people rejected and why, each once and in a few rounds; whether there was anything to tell."""
        rounds = [told for each in messages if (told := wakes(each))]
        new = [act for act in rejected if not any(str(act.approval_id) in told for told in rounds)]
        if not new or len(rounds) >= MOST_WAKES:
            return False
        await self.keep(messages, rejection(self.mark, new))
        return True

    async def tools(self) -> "list[ToolDefinition]":
        """What the agent was given and its policy lets it do at times, acting on this lead alone."""
        from pydantic_ai.tools import ToolDefinition

        rows: list[PolicyRow] = await perform(
            self.db, self.agent, "crm.agents.policy", ReadPolicy(agent_id=str(self.agent.id)), now=self.now
        )
        found = []
        for name in self.how.tools:
            op = registry.get(name)
            if op is None or op.internal or op.role is None or not ever(op, rows):
                continue
            if op.kind == "mutation" and "lead_id" not in op.input.__struct_fields__:
                continue  # an act on something else than its lead
            self.offered[name.replace(".", "_")] = op
            schema = object_schema(msgspec.json.schema(op.input))
            schema["properties"] = {
                k: v for k, v in schema.get("properties", {}).items() if k not in ("leadId", "version")
            }
            schema["required"] = [each for each in schema.get("required", []) if each != "leadId"]
            words = f"{op.summary}. {(op.verb.__doc__ or '').strip()}"[:1000]
            found.append(ToolDefinition(name=name.replace(".", "_"), description=words, parameters_json_schema=schema))
        return found

    async def keep(self, messages: "list[ModelMessage]", message: Any) -> None:
        """Keep the next message and what it cost, before anything follows from it."""
        from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse

        tokens = micros = 0
        if isinstance(message, ModelResponse):
            tokens = message.usage.input_tokens + message.usage.output_tokens
            micros = round(
                message.usage.input_tokens * self.how.input_price + message.usage.output_tokens * self.how.output_price
            )
        text = ModelMessagesTypeAdapter.dump_json([message]).decode()[1:-1]
        turn = KeepTurn(
            run_id=self.run.id, step=self.planned.index, position=len(messages), message=text, model=self.how.model, tokens=tokens,
            micros=micros,
        )  # fmt: skip
        await perform(self.db, self.agent, "crm.agents.keepTurn", turn, now=self.now, cause=self.cause)
        self.tokens, self.micros = self.tokens + tokens, self.micros + micros
        messages.append(message)

    async def call(self, part: "ToolCallPart", place: int) -> Any:
        """Do what a tool call asks, once; the answer is data, what is refused is told."""
        from pydantic_ai.messages import ToolReturnPart

        told = await self._outcome(part, place)
        return ToolReturnPart(
            tool_name=part.tool_name,
            content=marked(self.mark, told),
            tool_call_id=part.tool_call_id,
            metadata=kept(told),
        )

    async def _outcome(self, part: "ToolCallPart", place: int) -> dict[str, Any]:
        op = self.offered.get(part.tool_name)
        if op is None:
            return {"outcome": "refused", "why": f"There is no tool “{part.tool_name[:80]}” for you."}
        try:
            given = self._given(op, part)
            actor = msgspec.structs.replace(self.agent, swayed=True)
            key = (
                f"think/{self.run.id}/{self.planned.index}/{place}/{part.tool_call_id}"[:255]
                if op.kind == "mutation"
                else None
            )
            answer = await perform(
                self.db, actor, op.name, given, idempotency_key=key, now=self.now, cause=self.cause,
                operation_id=self.run.id if op.kind == "mutation" else None,
            )  # fmt: skip
        except NeedsApproval as error:
            return {"outcome": "waiting", "approvalId": str(error.approval_id), "why": "A person decides first."}
        except Unavailable:
            raise
        except TooMany as error:
            return {"outcome": "refused", "why": error.message}
        except BatonError as error:
            return {"outcome": "refused", "why": error.message}
        return {"outcome": "done", "answer": msgspec.to_builtins(answer)}

    def _given(self, op: Operation, part: "ToolCallPart") -> dict[str, Any]:
        """A call's arguments, about this lead whatever they say."""
        try:
            given = dict(part.args_as_dict())
        except ValueError:
            given = {"": None}  # no JSON object: the operation says what is wrong
        if "lead_id" in op.input.__struct_fields__:
            given["leadId"] = str(self.run.lead_id)
        return given


def _answers(messages: "list[ModelMessage]") -> int:
    """How often the model answered since it was woken last."""
    from pydantic_ai.messages import ModelResponse

    woken = max((place for place, each in enumerate(messages) if wakes(each)), default=0)
    return sum(isinstance(each, ModelResponse) for each in messages[woken:])
