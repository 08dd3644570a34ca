"""What an agent may do, edited by an admin: a row of its policy, and what its evidence proposes. Spec A6."""

from typing import Any, cast

from starlette.responses import Response

from baton.accounts.members import Member
from baton.agents.evidence import AcceptProposal, Evidence, ReadEvidence
from baton.agents.limits import Limits, ReadLimits
from baton.agents.policy import Decision, NewPolicyRow, PolicyRow, ReadPolicy, SetPolicy
from baton.agents.refusals import ListRefusals, Refused
from baton.doors.web.agents.agents import HERE, found
from baton.doors.web.agents.playbooks import ACTS, TRIGGERS
from baton.doors.web.leads.condition_form import form, parsed, part
from baton.doors.web.shell.amounts import money, number
from baton.doors.web.shell.language import Told, _, marked, told
from baton.doors.web.shell.late import late
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import kept, place_of, placed, settle
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import Vocabulary, vocabulary, words
from baton.kernel.conditions import Condition, everything
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import registry

DECISIONS = Told(
    {
        "allow": marked("may do it by itself"),
        "ask": marked("asks a person first"),
        "never": marked("never does it"),
    }
)
_TONES = {"allow": "won", "ask": "wait", "never": "lost"}
GROUPS = Told(
    {
        "outward": marked("reach somebody outside"),
        "stage_changed": marked("move a lead to another stage, in any way"),
        "assignment_changed": marked("give a lead to somebody, in any way"),
        "field_updated": marked("change a lead’s facts, in any way"),
        "crm.leads.*": marked("anything with leads"),
        "*": marked("anything"),
    }
)


async def views(visit: Visit, agent: Member, known: Vocabulary) -> dict[str, Any]:
    """What an agent's profile shows of its policy, limits, evidence and refused attempts."""
    ref = str(agent.id)
    rows: list[PolicyRow] = await visit.perform("crm.agents.policy", ReadPolicy(agent_id=ref))
    limits: Limits = await visit.perform("crm.agents.limits", ReadLimits(agent_id=ref))
    later, _gap = await late(visit, 0)
    proof: list[Evidence] = [] if later else await visit.perform("crm.agents.evidence", ReadEvidence(agent_id=ref))
    refused: list[Refused] = await visit.perform("crm.agents.refusals", ListRefusals(agent_id=agent.id))
    return {
        "policy": [_row(row, known) for row in rows],
        "limits": _limits(limits, known.currency),
        "later": later,
        "evidence": [_evidence(each) for each in proof[:12]],
        "refusals": [
            {"what": said(each.operation), "why": told(each.message), "times": each.times, "when": ago(each.last_at, visit.now, visit.zone)}
            for each in refused[:10]
        ],
    }  # fmt: skip


def said(operation: str) -> str:
    """An operation or group in words."""
    known = GROUPS.get(operation) or ACTS.get(operation)
    summary = registry[operation].summary.lower() if operation in registry else operation
    return known or (
        _("what happens when %(what)s") % {"what": TRIGGERS[operation]} if operation in TRIGGERS else summary
    )


def _row(row: PolicyRow, known: Vocabulary) -> dict[str, Any]:
    which = (
        _("any lead")
        if row.condition == everything()
        else _("leads where %(words)s") % {"words": words(row.condition, known)}
    )
    return {
        "id": row.id, "name": row.name, "what": said(row.operation), "which": which, "decision": DECISIONS[row.decision],
        "tone": _TONES[row.decision],
    }  # fmt: skip


def _limits(limits: Limits, currency: str) -> list[tuple[str, str]]:
    def most(value: int | None, used: int) -> str:
        return (
            _("%(used)s used, no limit") % {"used": number(used)}
            if value is None
            else _("%(used)s of %(value)s") % {"used": number(used), "value": number(value)}
        )

    def worth(cents: int | None, none: str) -> str:
        return none if cents is None else money(cents, currency)

    spent = money(limits.used["money"] // 10_000, currency)
    top = limits.money_micros_per_month
    return [
        (_("Acts today"), most(limits.actions_per_day, limits.used["actions"])),
        (_("Messages today"), most(limits.sends_per_day, limits.used["sends"])),
        (_("Tokens this month"), most(limits.tokens_per_month, limits.used["tokens"])),
        (
            _("Spent this month"),
            _("%(spent)s of %(money)s") % {"spent": spent, "money": money(top // 10_000, currency)}
            if top is not None
            else _("%(spent)s, no limit") % {"spent": spent},
        ),
        (_("Largest value"), worth(limits.largest_value_cents, _("no limit"))),
        (_("Two people above"), worth(limits.second_person_above_cents, _("never"))),
        (_("An approval waits"), _("%(approval_hours)s hours") % {"approval_hours": limits.approval_hours}),
    ]


def _evidence(each: Evidence) -> dict[str, Any]:
    def share(value: float | None) -> str:
        return "—" if value is None else f"{value:.0%}"

    return {
        "operation": each.operation, "what": said(each.operation), "asked": each.asked, "accepted": share(each.accepted_share),
        "edited": share(each.edited_share), "rejected": share(each.rejected_share), "done": each.done,
        "undone": share(each.undone_share), "proposed": each.proposed,
    }  # fmt: skip


async def edit_row(visit: Visit) -> Response:
    """GET and POST /agents/{agent}/policy/{row}; `new` makes one, first in order. A press on Remove takes it away."""
    agent = await found(visit)
    rows: list[PolicyRow] = await visit.perform("crm.agents.policy", ReadPolicy(agent_id=str(agent.id)))
    wanted = visit.path["row"]
    place = placed(visit, rows, wanted, lambda row: (row.id, row.name))
    if place is None and wanted != "new":
        raise NotFound("This row was changed meanwhile. Open the policy again.")
    known = await vocabulary(visit)
    row = rows[place] if place is not None else None
    condition: Condition = row.condition if row else everything()
    error: Refusal | None = None
    offered = {key: words for key, words in {**GROUPS, **ACTS}.items() if key in registry or key in GROUPS}
    more = {row.operation: said(row.operation)} if row and row.operation not in offered else {}
    operations = [*offered.items(), *more.items()]
    now = {"name": row.name, "operation": row.operation, "decision": row.decision} if row else {}
    parts = [part(condition, known)] if row else []
    labels = {"operation": _("When it would"), "decision": _("What is decided"), "name": _("Name")}
    shown = {"operation": dict(operations), "decision": DECISIONS}
    clashes = await settle(visit, agent.id, now, labels, shown=shown, parts=parts) if row else []
    if visit.request.method == "POST" and not clashes:
        try:
            return await _set_row(visit, agent, rows, place, known)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "agent_policy.html", _("What %(name)s may do") % {"name": agent.name}, act=_("Save the row"), back=f"/agents/{agent.id}",
        values={"decision": "ask"} | now | visit.fields, error=error, here=HERE, operations=operations,
        was=kept(now, parts) | place_of(place, rows) if row else None,
        clashes=clashes, action=f"/agents/{agent.id}/policy/{row.id if row else 'new'}",
        decisions=list(DECISIONS.items()), form=form(condition, known, visit.several), removable=row is not None,
        lede=_("The first row that fits decides, of the lead before and after the act. It holds from the next act on."),
    )  # fmt: skip


async def _set_row(
    visit: Visit, agent: Member, rows: list[PolicyRow], place: int | None, known: Vocabulary
) -> Response:
    new = [
        NewPolicyRow(name=row.name, operation=row.operation, condition=row.condition, decision=row.decision)
        for row in rows
    ]
    if visit.fields.get("do") == "remove" and place is not None:
        gone = new.pop(place)
        return await _set(visit, agent, new, _("The row “%(name)s” is removed.") % {"name": gone.name})
    operation, decision = visit.fields.get("operation", ""), visit.fields.get("decision", "")
    if decision not in DECISIONS:
        raise Invalid("Choose what is decided.", field="decision")
    name = visit.fields.get("name", "").strip() or f"{said(operation)}: {DECISIONS[decision]}"
    mine = NewPolicyRow(
        name=name, operation=operation, condition=parsed(visit.several, known), decision=cast("Decision", decision)
    )
    if place is None:
        new.insert(0, mine)
    else:
        new[place] = mine
    return await _set(visit, agent, new, _("“%(name)s” holds from now on.") % {"name": mine.name})


async def _set(visit: Visit, agent: Member, rows: list[NewPolicyRow], told: str) -> Response:
    await visit.perform("crm.agents.setPolicy", SetPolicy(agent_id=str(agent.id), rows=rows))
    return done(visit, told, f"/agents/{agent.id}")


async def accept(visit: Visit) -> Response:
    """POST /agents/{agent}/accept: what the evidence proposes it may do by itself from now on."""
    agent = await found(visit)
    operation = visit.fields.get("operation", "")
    await visit.perform("crm.agents.acceptProposal", AcceptProposal(agent_id=str(agent.id), operation=operation))
    return done(
        visit,
        _("%(name)s may %(said)s by itself from now on.") % {"name": agent.name, "said": said(operation)},
        f"/agents/{agent.id}",
    )
