"""Settings → Enrichment: who looks leads up, which new ones by themselves, and how it went; and the search for new leads. Spec C8, A11."""

import json
from typing import Any

from starlette.responses import Response

from baton.doors.web.leads.condition_form import form, parsed, part
from baton.doors.web.shell.amounts import number
from baton.doors.web.shell.language import Choices, Told, _, marked
from baton.doors.web.shell.render import done, page
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import YES_NO, kept, settle
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.doors.web.told.conditions import vocabulary, words
from baton.enrichment.auto import AutoRule, EnrichAuto
from baton.enrichment.providers import NameProvider, Provider, SetProvider
from baton.enrichment.runs import EnrichmentRun, ListRuns
from baton.enrichment.search import SearchLeads
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.page import Page

HERE = "/settings/enrichment"
KINDS = Choices(
    [
        ("website", marked("The company's own website")),
        ("http", marked("Any HTTP interface")),
        ("apify", marked("An Apify actor")),
    ]
)
_EXAMPLES = {
    "website": {},
    "http": {"url": "https://api.example.com/people?email={email}", "headers": {"authorization": "Bearer {secret}"},
             "mapping": {"title": "job.title", "companySize": "company.employees"}},
    "apify": {"actorId": "compass/crawler-google-places", "input": {"searchStringsArray": ["{what}"], "locationQuery": "{where}"}},
}  # fmt: skip
_CAUSES = Told(
    {
        "request": marked("asked for"),
        "batch": marked("many at once"),
        "auto": marked("by itself"),
        "search": marked("a search"),
    }
)


async def show(visit: Visit) -> Response:
    """GET /settings/enrichment."""
    providers: list[Provider] = await visit.perform("crm.enrichment.providers") if visit.may_manage else []
    rules: list[AutoRule] = await visit.perform("crm.enrichment.rules")
    asked = ListRuns(limit=30, cursor=visit.query.get("cursor"))
    try:
        runs: Page[EnrichmentRun] = await visit.perform("crm.enrichment.runs", asked)
    except Invalid:
        asked.cursor = None
        runs = await visit.perform("crm.enrichment.runs", asked)
    known = await vocabulary(visit)
    return await page(
        visit, "enrichment.html", here=HERE, kinds=dict(KINDS), providers=providers, page_url=HERE,
        rules=[{"id": rule.id, "name": rule.name, "what": words(rule.where, known), "enabled": rule.enabled} for rule in rules],
        runs=[_run(run, visit) for run in runs.items],
        next_url=f"{HERE}?cursor={runs.next_cursor}" if runs.next_cursor else None,
    )  # fmt: skip


def _run(run: EnrichmentRun, visit: Visit) -> dict[str, Any]:
    found = (
        _("%(made)s leads made") % {"made": number(run.made)}
        if run.cause == "search"
        else ", ".join(run.found) or _("nothing new")
    )
    return {
        "lead": run.lead_id, "provider": run.provider, "cause": _CAUSES[run.cause], "status": run.status,
        "told": run.error or (found if run.status == "done" else ""), "cost": "" if run.cost is None else f"${run.cost:,.2f}",
        "when": ago(run.created_at, visit.now, visit.zone),
    }  # fmt: skip


async def provider(visit: Visit) -> Response:
    """GET and POST /settings/enrichment/providers/{provider}: one, or a new one."""
    if not visit.may_manage:
        raise Forbidden("Only an admin sets up providers.")
    before = await _provider(visit)
    error: Refusal | None = None
    kind = visit.fields.get("kind") or visit.query.get("kind") or (before.kind if before else "website")
    kind = kind if kind in dict(KINDS) else "website"
    config = before.config if before else _EXAMPLES[kind]
    values: dict[str, Any] = {"kind": kind, "name": before.name if before else dict(KINDS)[kind],
                              "position": 0 if before is None else before.position,
                              "config": json.dumps(config, indent=2, ensure_ascii=False)}  # fmt: skip
    now = {key: values[key] for key in ("name", "position", "config")}
    labels = {"name": _("Name"), "position": _("Place in the order"), "config": _("Configuration")}
    clashes = await settle(visit, before.id, now, labels) if before else []
    values |= visit.fields
    if visit.request.method == "POST" and not clashes:
        try:
            if before is not None and "remove" in visit.fields:
                await visit.perform("crm.enrichment.removeProvider", NameProvider(provider_id=before.id))
                return done(visit, _("%(name)s is asked no more.") % {"name": before.name}, HERE)
            made: Provider = await visit.perform("crm.enrichment.setProvider", _wish(visit, before))
            return done(visit, _("%(name)s can be asked now.") % {"name": made.name}, HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "provider.html",
        _("Change %(name)s") % {"name": before.name} if before else _("Add a provider"),
        act=_("Save"),
        back=HERE,
        values=values,
        error=error,
        here=HERE,
        kinds=KINDS,
        was=now if before else None,
        clashes=clashes,
        before=before,
        kind=kind,
        lede=_("What a person typed is never overwritten: only gaps are filled, and each value tells its source."),
    )


def _wish(visit: Visit, before: Provider | None) -> SetProvider:
    fields = visit.fields
    kind: Any = before.kind if before else fields.get("kind", "website")
    try:
        config = json.loads(fields.get("config") or "{}") if kind != "website" else {}
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The configuration is no JSON: {error}", field="config") from None
    if not isinstance(config, dict):
        raise Invalid("The configuration is an object.", field="config")
    position = fields.get("position", "0")
    return SetProvider(
        kind=kind, name=fields.get("name", ""), provider_id=before.id if before else None, config=config,
        secret=fields.get("secret") or None, position=int(position) if position.isdecimal() and len(position) < 5 else 0,
    )  # fmt: skip


async def _provider(visit: Visit) -> Provider | None:
    if visit.path["provider"] == "new":
        return None
    found: list[Provider] = await visit.perform("crm.enrichment.providers")
    one = next((each for each in found if str(each.id) == visit.path["provider"].lower()), None)
    if one is None:
        raise NotFound("There is no such provider in your organization.")
    return one


async def rule(visit: Visit) -> Response:
    """GET and POST /settings/enrichment/rules/{rule}: which new leads are looked up by themselves."""
    if not visit.may_manage:
        raise Forbidden("Only an admin sets up rules.")
    known = await vocabulary(visit)
    before = await _rule(visit)
    condition, error = before.where if before else {"all": []}, None
    values: dict[str, Any] = {"name": before.name if before else _("New leads"), "enabled": "on" if not before or before.enabled else "",
                              "providerId": str(before.provider_id or "") if before else ""}  # fmt: skip
    providers: list[Provider] = await visit.perform("crm.enrichment.providers")
    options = [("", _("the first provider")), *((str(each.id), each.name) for each in providers)]
    now, parts = dict(values), [part(condition, known)] if before else []
    labels = {"name": _("Name"), "providerId": _("Who is asked"), "enabled": _("Switched on")}
    shown = {"providerId": dict(options), "enabled": YES_NO}
    clashes = await settle(visit, before.id, now, labels, shown=shown, parts=parts) if before else []
    if visit.request.method == "POST":
        values |= {"enabled": ""} | visit.fields
    if visit.request.method == "POST" and not clashes:
        try:
            condition = parsed(visit.several, known)
            await visit.perform("crm.leads.enrichAuto", EnrichAuto(
                where=condition, name=visit.fields.get("name", ""), provider_id=as_uuid(visit.fields.get("providerId")),
                rule_id=before.id if before else None, enabled="enabled" in visit.fields,
            ))  # fmt: skip
            return done(visit, _("New leads are looked up by this rule from now on."), HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "enrichment_rule.html", _("Look new leads up by themselves"), act=_("Save the rule"), back=HERE, values=values, error=error,
        here=HERE, form=form(condition, known, visit.several),
        providers=options, was=kept(now, parts) if before else None, clashes=clashes,
    )  # fmt: skip


async def _rule(visit: Visit) -> AutoRule | None:
    if visit.path["rule"] == "new":
        return None
    rules: list[AutoRule] = await visit.perform("crm.enrichment.rules")
    one = next((each for each in rules if str(each.id) == visit.path["rule"].lower()), None)
    if one is None:
        raise NotFound("There is no such rule in your organization.")
    return one


async def search(visit: Visit) -> Response:
    """GET and POST /leads/search: what to look for at a provider; what it finds becomes leads of a pipeline."""
    if not visit.may_write:
        raise Forbidden("Viewers read; they change nothing.")
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            names, texts = (
                [value.strip() for key, value in visit.several if key == each] for each in ("word", "value")
            )
            query = {name: text for name, text in zip(names, texts, strict=False) if name and text}
            id = as_uuid(visit.fields.get("providerId"))
            if id is None or not query:
                raise Invalid("Say what to look for." if id else "Choose a provider.", field="providerId")
            tags = [tag.strip() for tag in visit.fields.get("tags", "").split(",") if tag.strip()]
            await visit.perform("crm.leads.searchAtProvider", SearchLeads(
                provider_id=id, query=query, pipeline_id=visit.fields.get("pipelineId") or None, tags=tags,
            ))  # fmt: skip
            return done(visit, _("The search is on its way. What it finds becomes leads."), HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    providers: list[Provider] = await visit.perform("crm.enrichment.providers") if visit.may_manage else []
    options = [(str(each.id), each.name) for each in providers if each.kind != "website"]
    outbound = next((str(p.id) for p in await visit.pipelines() if "outbound" in p.name.casefold()), "")
    return await sheet(
        visit,
        "lead_search.html",
        _("Search for new leads"),
        act=_("Search"),
        back="/leads",
        values={"pipelineId": outbound} | visit.fields,
        error=error,
        providers=options,
        pipelines=[(str(p.id), p.name) for p in await visit.pipelines()],
        lede=_("A provider is asked for places or people; each becomes a lead once."),
    )
