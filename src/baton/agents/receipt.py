"""The receipt of a model's run: what it read, said and cost, then each act, as the kept messages tell. Spec A6."""

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from baton.agents.briefing import MOST_WAKES, wakes
from baton.agents.playbook import Step
from baton.agents.run import ACT, PlannedStep
from baton.kernel.operation import Operation

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ToolCallPart

_OUTCOMES: dict[str, Literal["done", "waiting"]] = {"done": "done", "waiting": "waiting"}


def kept(told: dict[str, Any]) -> dict[str, Any]:
    """Of a tool's result what the receipt needs."""
    return {name: told[name] for name in ("outcome", "why", "approvalId") if name in told}


def receipt(
    planned: PlannedStep, messages: "list[ModelMessage]", offered: dict[str, Operation], *, tokens: int, micros: int
) -> list[PlannedStep]:
    """The step with what it read and cost, then each act that it asked for, in order."""
    from pydantic_ai.messages import ModelRequest, ModelResponse, ToolReturnPart

    said = getattr(messages[-1], "text", None) or "It stopped at its limit of answers."
    acts: list[PlannedStep] = []
    read = ["the lead", "its history"]
    for place, each in enumerate(messages):
        if not isinstance(each, ModelResponse) or not each.tool_calls:
            continue
        answer = messages[place + 1] if place + 1 < len(messages) else ModelRequest(parts=[])
        results = {part.tool_call_id: part.metadata or {} for part in answer.parts if isinstance(part, ToolReturnPart)}
        for call in each.tool_calls:
            op = offered.get(call.tool_name)
            if op is not None and op.kind == "query":
                read.append(op.summary.lower())
                continue
            acts.append(_act(planned, call, op, results.get(call.tool_call_id, {}), len(acts)))
    answers = sum(isinstance(each, ModelResponse) for each in messages)
    rounds = sum(bool(wakes(each)) for each in messages)
    cost = f", {micros / 1e6:.4f} spent" if micros else ""
    again = f" Woken again by a rejection, {rounds} of at most {MOST_WAKES} times." if rounds else ""
    counted = f"(Read: {', '.join(dict.fromkeys(read))}. {answers} answers, {tokens:,} tokens{cost}.{again})"
    return [msgspec.structs.replace(planned, outcome="done", detail=f"{said[:1000]} {counted}"), *acts]


def _act(
    planned: PlannedStep, call: "ToolCallPart", op: Operation | None, result: dict[str, Any], number: int
) -> PlannedStep:
    try:
        given = {name: value for name, value in call.args_as_dict().items() if name != "leadId"}
    except ValueError:
        given = {}
    return PlannedStep(
        rule_id=planned.rule_id, rule=planned.rule, index=ACT + number,
        step=Step(operation=op.name if op else call.tool_name[:80], input=given),
        outcome=_OUTCOMES.get(result.get("outcome", ""), "skipped"), detail=result.get("why"), approval_id=result.get("approvalId"),
    )  # fmt: skip
