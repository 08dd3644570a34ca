"""One rule of a playbook, edited by an admin: when, for which leads, and what is done step by step."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from baton.accounts.members import Member
from baton.agents.playbook import NewPlaybookRule, PlaybookRule, ReadPlaybook, SetPlaybook, Step
from baton.doors.web.agents.agents import HERE, found
from baton.doors.web.agents.playbooks import ACTS, TRIGGERS
from baton.doors.web.leads.condition_form import form, parsed, part
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import YES_NO, Clash, Part, kept, place_of, placed, settle
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import Vocabulary, vocabulary
from baton.kernel.conditions import everything
from baton.kernel.errors import Conflict, Invalid, NotFound

EXAMPLES = (
    'Schedule a follow-up: {"dueIn": "1d", "title": "Call {{ lead.name }}"}',
    'Set its status: {"status": "contacted"}',
    'Write a note: {"type": "note", "notes": "{{ lead.companyName }} asked for a demo"}',
)


async def edit(visit: Visit) -> Response:
    """GET and POST /agents/{agent}/rules/{rule}; `new` makes one. A press on Remove takes the rule away."""
    agent = await found(visit)
    rules: list[PlaybookRule] = await visit.perform("crm.agents.playbook", ReadPlaybook(agent_id=str(agent.id)))
    wanted = visit.path["rule"]
    place = placed(visit, rules, wanted, lambda rule: (rule.id, rule.name))
    if place is None and wanted != "new":
        raise NotFound("This rule was changed meanwhile. Open the playbook again.")
    known = await vocabulary(visit)
    error: Refusal | None = None
    before = rules[place] if place is not None else None
    condition = before.condition if before else everything()
    now = _facts(before)
    parts = [part(condition, known), _steps_part(before)] if before else []
    labels = {"name": _("Name"), "trigger": _("When"), "enabled": _("The rule is on")}
    shown = {"trigger": TRIGGERS, "enabled": YES_NO}
    clashes = await settle(visit, agent.id, now, labels, shown=shown, parts=parts) if before else []
    if visit.request.method == "POST" and not clashes:
        try:
            new = [_again(rule) for rule in rules]
            if visit.fields.get("do") == "remove" and place is not None:
                gone = new.pop(place)
                return await _set(visit, agent, new, _("The rule “%(name)s” is removed.") % {"name": gone.name})
            condition = parsed(visit.several, known)
            mine = _wish(visit, condition)
            if place is None:
                new.append(mine)
            else:
                new[place] = mine
            return await _set(
                visit,
                agent,
                new,
                _("%(name)s works by “%(name2)s” from now on.") % {"name": agent.name, "name2": mine.name},
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await _sheet(
        visit,
        agent,
        before,
        condition,
        known,
        error,
        kept(now, parts) | place_of(place, rules) if before else None,
        clashes,
    )


async def _sheet(
    visit: Visit, agent: Member, rule: PlaybookRule | None, condition: Any, known: Vocabulary, error: Refusal | None,
    was: Mapping[str, Any] | None, clashes: Sequence[Clash],
) -> Response:  # fmt: skip
    posted = visit.request.method == "POST"
    steps = _posted_steps(visit) if posted else [(s.operation, _text(s.input)) for s in rule.steps] if rule else []
    values = _facts(rule)
    more = {op: op for op, _ in steps if op and op not in ACTS}
    return await sheet(
        visit, "agent_rule.html", _("A rule of %(name)s") % {"name": agent.name}, act=_("Save the rule"), back=f"/agents/{agent.id}",
        values=({"enabled": ""} | visit.fields) if posted else values, error=error, here=HERE, was=was, clashes=clashes,
        action=f"/agents/{agent.id}/rules/{rule.id if rule else 'new'}",
        triggers=list(TRIGGERS.items()), form=form(condition, known, visit.several), steps=[*steps, ("", "")],
        acts=[("", "—"), *ACTS.items(), *more.items()], examples=EXAMPLES, removable=rule is not None,
        lede=_("It holds from the next activity on; nothing needs to be restarted."),
    )  # fmt: skip


def _facts(rule: PlaybookRule | None) -> dict[str, str]:
    """What the form says of a rule besides its condition and its steps; what a new one begins with."""
    return {
        "name": rule.name if rule else "",
        "trigger": rule.trigger if rule else "lead_imported",
        "enabled": "on" if rule is None or rule.enabled else "",
    }


def _steps_part(rule: PlaybookRule) -> Part:
    pairs = [pair for s in rule.steps for pair in (("operation", s.operation), ("input", _text(s.input)))]
    told = ", ".join(ACTS.get(s.operation, s.operation) for s in rule.steps)
    return Part("*steps", _("Steps"), pairs, rows=("operation", "input"), told=told, keys=("rules",))


def _posted_steps(visit: Visit) -> list[tuple[str, str]]:
    columns = [[value for key, value in visit.several if key == name] for name in ("operation", "input")]
    return [(op, text.strip()) for op, text in zip(*columns, strict=False) if op]


def _wish(visit: Visit, condition: Any) -> NewPlaybookRule:
    steps = []
    for operation, text in _posted_steps(visit):
        try:
            given = json.loads(text or "{}")
        except json.JSONDecodeError as error:
            raise Invalid(
                f"“{ACTS.get(operation, operation)}”: this is no JSON (column {error.colno}).", field="steps"
            ) from None
        if not isinstance(given, dict):
            raise Invalid("What a step is given is an object in braces.", field="steps")
        steps.append(Step(operation=operation, input=given))
    return NewPlaybookRule(
        name=visit.fields.get("name", "").strip(), trigger=visit.fields.get("trigger", ""), condition=condition,
        steps=steps, enabled=visit.fields.get("enabled") == "on",
    )  # fmt: skip


def _again(rule: PlaybookRule) -> NewPlaybookRule:
    return NewPlaybookRule(
        **{name: getattr(rule, name) for name in ("name", "trigger", "condition", "steps", "enabled")}
    )


def _text(given: dict[str, Any]) -> str:
    return json.dumps(msgspec.to_builtins(given), ensure_ascii=False) if given else ""


async def _set(visit: Visit, agent: Member, rules: list[NewPlaybookRule], words: str) -> Response:
    await visit.perform("crm.agents.setPlaybook", SetPlaybook(agent_id=str(agent.id), rules=rules))
    return done(visit, words, f"/agents/{agent.id}")
