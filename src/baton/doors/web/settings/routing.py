"""Routing: who gets which leads, in words, edited by an admin; and who would get those that wait. Spec C4."""

from typing import Any

from starlette.responses import Response

from baton.accounts.members import Member
from baton.doors.web.leads.condition_form import form, parsed, part
from baton.doors.web.leads.filters import Options, named
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done, page, redirect
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.show import several, who
from baton.doors.web.shell.stale import YES_NO, Part, kept, place_of, placed, settle, ticks
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import Vocabulary, vocabulary, words
from baton.kernel.conditions import everything
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead
from baton.routing.route import DryRun, RoutedMany
from baton.routing.rules import NewRoutingRule, RoutingRule, SetRoutingRules

HERE = "/settings/routing"
TRIED = 10


async def show(visit: Visit) -> Response:
    """GET /settings/routing; `try` names a pipeline whose leads without an owner are tried."""
    rules: list[RoutingRule] = await visit.perform("crm.routing.rules")
    known = await vocabulary(visit)
    members = {member.id: member for member in await visit.members()}
    pipelines = await visit.pipelines()
    chosen = next((p for p in pipelines if str(p.id) == visit.query.get("try")), None)
    chosen = chosen or next((p for p in pipelines if p.is_intake), pipelines[0] if pipelines else None)
    tried = await _tried(visit, str(chosen.id), members) if chosen and visit.may_write else []
    return await page(
        visit,
        "routing.html",
        here=HERE,
        rules=[_view(rule, known, members) for rule in rules],
        pipelines=[(str(p.id), p.name) for p in pipelines],
        chosen=str(chosen.id) if chosen else "",
        tried=tried,
        here_url=f"{HERE}?try={chosen.id}" if chosen else HERE,
    )


def _view(rule: RoutingRule, known: Vocabulary, members: dict[Any, Member]) -> dict[str, Any]:
    stage = known.names["stageId"].get(str(rule.stage_id), _("a former stage")) if rule.stage_id else ""
    pipeline = known.names["pipelineId"].get(str(rule.pipeline_id), _("a former pipeline")) if rule.pipeline_id else ""
    where = {"place": stage or pipeline}
    which = words(rule.condition, known)
    shares = [
        f"{members[id].name}{f' ({share} of {sum(rule.shares)})' if len(set(rule.shares)) > 1 else ''}"
        for id, share in zip(rule.pool, rule.shares, strict=True) if id in members
    ]  # fmt: skip
    return {
        "id": rule.id,
        "name": rule.name,
        "which": _which(which, where),
        "pool": several(shares) or _("nobody"),
        "turns": _("in turn") if len(shares) > 1 else "",
        "hours": rule.working_hours,
        "enabled": rule.enabled,
    }


def _which(which: str, where: dict[str, str]) -> str:
    if which == _("any lead"):
        return _("any lead in %(place)s") % where if where["place"] else which
    given = where | {"which": which}
    return (
        _("a lead in %(place)s of which %(which)s") % given
        if where["place"]
        else _("a lead of which %(which)s") % given
    )


async def _tried(visit: Visit, pipeline_id: str, members: dict[Any, Member]) -> list[dict[str, Any]]:
    """Who would get the pipeline's leads that wait for an owner, and why."""
    asked = DryRun(pipeline_id=pipeline_id, limit=TRIED)
    answers: RoutedMany = await visit.perform("crm.routing.dryRun", asked)
    ids = [str(answer.lead_id) for answer in answers.leads]
    if not ids:
        return []
    found: Page[Lead] = await visit.perform(
        "crm.leads.find", ListLeads(where={"field": "id", "op": "in", "value": ids}, limit=len(ids))
    )
    leads = {lead.id: lead.name for lead in found.items}
    return [
        {"id": answer.lead_id, "name": leads.get(answer.lead_id, _("A lead")), "why": answer.reason,
         "who": who(members[answer.owner_id]) if answer.owner_id in members else None}
        for answer in answers.leads
    ]  # fmt: skip


async def edit(visit: Visit) -> Response:
    """GET and POST /settings/routing/{rule}; `new` makes one. A press on Remove takes the rule away."""
    rules, place = await _found(visit)
    known = await vocabulary(visit)
    before = rules[place] if place is not None else None
    condition = before.condition if before else everything()
    error: Refusal | None = None
    places = [("", _("any pipeline")), *known.names["pipelineId"].items(), *known.names["stageId"].items()]
    takers = _takers(await visit.members(), before)
    now = _facts(before)
    parts = _parts(before, known, takers) if before else []
    labels = {"name": _("Name"), "place": _("In"), "workingHours": _("Only those who are working at the moment"),
              "enabled": _("The rule is on")}  # fmt: skip
    shown = {"place": dict(places), "workingHours": YES_NO, "enabled": YES_NO}
    clashes = await settle(visit, visit.actor.org_id, now, labels, shown=shown, parts=parts) if before else []
    if visit.request.method == "POST" and not clashes:
        try:
            new = [_again(rule) for rule in rules]
            if visit.fields.get("do") == "remove" and place is not None:
                gone = new.pop(place)
                return await _set(visit, new, _("The rule “%(name)s” is removed.") % {"name": gone.name})
            condition = parsed(visit.several, known)
            mine = _wish(visit, condition, before, known)
            if place is None:
                new.append(mine)
            else:
                new[place] = mine
            return await _set(visit, new, _("“%(name)s” decides from the next lead on.") % {"name": mine.name})
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "routing_rule.html", _("A routing rule"), act=_("Save the rule"), back=HERE, values=_values(visit, before), error=error,
        here=HERE, form=form(condition, known, visit.several), removable=before is not None,
        places=places, members=takers, was=kept(now, parts) | place_of(place, rules) if before else None, clashes=clashes,
        action=f"{HERE}/{before.id if before else 'new'}",
        lede=_("The first rule that holds decides. Its pool takes turns; whoever is paused or full is passed over."),
    )  # fmt: skip


def _takers(members: list[Member], before: RoutingRule | None) -> Options:
    """Who may be in the pool: the active ones, and those paused that are in it already."""
    paused = [m for m in members if m.status != "active" and before is not None and m.id in before.pool]
    return [*named(members), *((str(m.id), _("%(name)s (paused)") % {"name": m.name}) for m in paused)]


def _values(visit: Visit, before: RoutingRule | None) -> dict[str, Any]:
    values: dict[str, Any] = _facts(before) | {"pool": [str(id) for id in before.pool] if before else []}
    if visit.request.method == "POST":
        pool = [value for key, value in visit.several if key == "pool"]
        values |= {"enabled": "", "workingHours": ""} | visit.fields | {"pool": pool}
    return values


def _facts(before: RoutingRule | None) -> dict[str, Any]:
    if before is None:
        return {"enabled": "on", "place": "", "workingHours": ""}
    return {
        "name": before.name, "enabled": "on" if before.enabled else "", "place": str(before.stage_id or before.pipeline_id or ""),
        "workingHours": "on" if before.working_hours else "",
    }  # fmt: skip


def _parts(before: RoutingRule, known: Vocabulary, takers: Options) -> list[Part]:
    pool = set(map(str, before.pool))
    chosen = [id for id, _ in takers if id in pool]
    return [
        part(before.condition, known), ticks("pool", _("The owner is one of, in turn"), chosen, dict(takers), key="rules"),
    ]  # fmt: skip


def _wish(visit: Visit, condition: Any, before: RoutingRule | None, known: Vocabulary) -> NewRoutingRule:
    pool = [value for key, value in visit.several if key == "pool"]
    if not visit.fields.get("name", "").strip():
        raise Invalid("A rule needs a name.", field="name")
    if not pool:
        raise Invalid("Choose at least one who takes the leads.", field="pool")
    kept = dict(zip(map(str, before.pool), before.shares, strict=True)) if before else {}
    place = visit.fields.get("place", "")
    is_pipeline = place in known.names["pipelineId"]
    return NewRoutingRule(
        name=visit.fields["name"].strip(), pipeline_id=place if place and is_pipeline else None,
        stage_id=place if place and not is_pipeline else None, condition=condition, pool=pool,
        shares=[kept.get(id, 1) for id in pool], enabled=visit.fields.get("enabled") == "on",
        working_hours=visit.fields.get("workingHours") == "on",
    )  # fmt: skip


async def order(visit: Visit) -> Response:
    """POST /settings/routing/{rule}/order: one place up or down."""
    rules, place = await _found(visit)
    if place is not None:
        to = max(0, place - 1) if visit.fields.get("way") == "up" else min(len(rules) - 1, place + 1)
        rules.insert(to, rules.pop(place))
        await visit.perform("crm.routing.setRules", SetRoutingRules(rules=[_again(rule) for rule in rules]))
    return redirect(HERE)


async def _found(visit: Visit) -> tuple[list[RoutingRule], int | None]:
    if not visit.may_manage:
        raise Forbidden("Only an admin changes how leads are routed.")
    rules: list[RoutingRule] = await visit.perform("crm.routing.rules")
    wanted = visit.path["rule"]
    place = placed(visit, rules, wanted, lambda rule: (rule.id, rule.name))
    if place is None and wanted != "new":
        raise NotFound("This rule was changed meanwhile. Open the routing rules again.")
    return rules, place


def _again(rule: RoutingRule) -> NewRoutingRule:
    return NewRoutingRule(
        name=rule.name, pipeline_id=str(rule.pipeline_id) if rule.pipeline_id else None,
        stage_id=str(rule.stage_id) if rule.stage_id else None, condition=rule.condition, pool=[str(id) for id in rule.pool],
        shares=rule.shares, enabled=rule.enabled, working_hours=rule.working_hours,
    )  # fmt: skip


async def _set(visit: Visit, rules: list[NewRoutingRule], told: str) -> Response:
    await visit.perform("crm.routing.setRules", SetRoutingRules(rules=rules))
    return done(visit, told, HERE)
