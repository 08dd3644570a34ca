"""Lead search: what a provider finds of places or people becomes leads of an outbound pipeline, each once. Spec A11."""

import hashlib
import re
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.enrichment import providers, runs
from baton.enrichment.found import PLACES, USUAL, Paths, check_mapping, pick
from baton.enrichment.runs import EnrichmentRun
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Line, Lines, TagNames, Values
from baton.kernel.values import Ref, email_address, email_key, fold, new_id
from baton.leads.create import NewLead, create_many
from baton.pipelines import pipeline as pipelines

OUTBOUND = "New Outbound"
MAX_ITEMS = 5_000
_CHUNK = 500


class SearchLeads(Input, kw_only=True):
    """What to look for ({word} in the provider's configuration takes it), where, and the pipeline that is filled."""

    provider_id: UUID
    query: Values
    pipeline_id: Ref | None = None
    tags: TagNames = []


class AddFound(Input, kw_only=True):
    """Items that a search found, as the provider answered them, at most 5,000; a mapping where the usual names do not fit."""

    items: Annotated[list[dict[str, Any]], Meta(max_length=5_000)]
    pipeline_id: Ref | None = None
    mapping: Annotated[dict[str, Line | Lines], Meta(max_length=100)] | None = None
    tags: TagNames = []
    search: Line = "a search"


class Added(Output, kw_only=True):
    """How many leads were made, were known already, or could not be made because an item says too little."""

    made: int
    known: int
    refused: int


@operation("crm.leads.searchAtProvider", role=Role.MEMBER, summary="Search for new leads at a provider")
async def search(tx: Tx, actor: Actor, input: SearchLeads) -> EnrichmentRun:
    """Ask a provider for places or people; what it finds becomes leads when it answers. Raises NotFound, Invalid."""
    provider = await providers.get(tx, input.provider_id)
    if provider.kind == "website":
        raise Invalid("A website is read, not searched. Choose another provider.", field="providerId")
    target = await outbound_pipeline(tx, input.pipeline_id)
    asked = {"query": input.query, "pipelineId": str(target.id), "tags": input.tags}
    (id,) = await runs.begin(tx, actor, provider, [None], "search", asked=asked)
    said = {"name": provider.name, "query": input.query, "runId": str(id)}
    await append(tx, actor, Entry(kind=kinds.LEADS_SEARCHED, subject_type="enrichment", subject_id=id, payload=said))
    return await runs.get(tx, id)


@operation("crm.leads.addFound", role=Role.MEMBER, summary="Make leads of what a search found")
async def add_found(tx: Tx, actor: Actor, input: AddFound) -> Added:
    """Make leads of places or people, each once: again, here, or under another name of the same place. Raises Invalid, NotFound."""
    if len(input.items) > MAX_ITEMS:
        raise Invalid(f"At most {MAX_ITEMS:,} items at once.", field="items")
    mapping = check_mapping(input.mapping) if input.mapping else None
    added = await add(tx, actor, input.items, await outbound_pipeline(tx, input.pipeline_id), mapping, input.tags)
    said = {"name": input.search[:200], "made": added.made, "known": added.known, "refused": added.refused}
    await append(
        tx, actor, Entry(kind=kinds.LEADS_SEARCHED, subject_type="enrichment", subject_id=new_id(), payload=said)
    )
    return added


async def outbound_pipeline(tx: Tx, ref: Ref | None) -> pipelines.Pipeline:
    """The pipeline that is named, else the outbound one of a new organization, else the intake's. Raises NotFound."""
    if ref is not None:
        return await pipelines.get(tx, ref)
    id = await tx.fetchval(
        "SELECT id FROM pipelines WHERE org_id = $1 AND name = $2 AND archived_at IS NULL ORDER BY created_at LIMIT 1", tx.org_id, OUTBOUND
    )  # fmt: skip
    return await pipelines.get(tx, id) if id else await pipelines.intake(tx)


async def add(
    tx: Tx,
    actor: Actor,
    items: list[dict[str, Any]],
    pipeline: pipelines.Pipeline,
    mapping: Paths | None,
    tags: list[str],
) -> Added:
    """Make leads of items in a pipeline; answers what became of them."""
    new = [lead for item in items if (lead := lead_of(item, mapping, tags)) is not None]
    refused = len(items) - len(new)
    made = 0
    for start in range(0, len(new), _CHUNK):
        part = await _unknown(tx, new[start : start + _CHUNK])
        made += sum(not each.duplicate for each in await create_many(tx, actor, part, via="search", pipeline=pipeline))
    return Added(made=made, known=len(new) - made, refused=refused)


def lead_of(item: dict[str, Any], mapping: Paths | None, tags: list[str]) -> NewLead | None:
    """The lead that a place or a person would be; None where it says too little to be told from others."""
    place = "placeId" in item or "place_id" in item
    found = pick(item, mapping or (PLACES if place else USUAL))
    texts = {
        name: str(value) for name, value in found.items() if not name.startswith("field.") and name != "companySize"
    }
    if not any(texts.get(name) for name in ("name", "firstName", "lastName", "companyName")):
        return None
    email = texts.get("email")
    if email:
        try:
            email = email_address(email)
        except Invalid:
            email = None
    given = found.get("companySize")
    size = given if isinstance(given, int) and 0 <= given < 2**31 else None
    external = texts.get("externalId")
    lead = NewLead(
        name=texts.get("name"), first_name=texts.get("firstName"), last_name=texts.get("lastName"), email=email, phone=texts.get("phone"),
        website=_without_tracking(texts.get("website")), title=texts.get("title"), company_name=texts.get("companyName"),
        location=texts.get("location"), industry=texts.get("industry"), company_size=size,
        fields={name.removeprefix("field."): value for name, value in found.items() if name.startswith("field.")}, tags=tags,
        source="cold_outreach",
    )  # fmt: skip
    lead.external_id = f"found:{external}"[:200] if external else f"found:{_digest(lead)}"
    return lead


async def _unknown(tx: Tx, new: list[NewLead]) -> list[NewLead]:
    """Those that are not leads already: by e-mail, or by company with the same phone, website or place."""
    emails = [email_key(lead.email) for lead in new if lead.email]
    names = [fold(lead.company_name) for lead in new if lead.company_name]
    rows = await tx.fetch(
        """SELECT l.email_norm, NULL AS company, l.phone, l.website, l.location FROM leads l
            WHERE l.org_id = $1 AND l.email_norm = ANY ($2) AND l.deleted_at IS NULL
            UNION ALL
           SELECT NULL, c.name_norm, l.phone, l.website, l.location
             FROM companies c JOIN leads l ON l.org_id = c.org_id AND l.company_id = c.id AND l.deleted_at IS NULL
            WHERE c.org_id = $1 AND c.name_norm = ANY ($3)""",
        tx.org_id, emails, names,
    )  # fmt: skip
    known: set[tuple[str, ...]] = {("email", row["email_norm"]) for row in rows if row["email_norm"]}
    for row in rows:
        if row["company"]:
            known |= _marks(row["company"], row["phone"], row["website"], row["location"])
    kept: list[NewLead] = []
    for lead in new:
        mine: set[tuple[str, ...]] = {("email", email_key(lead.email))} if lead.email else set()
        if lead.company_name and not (lead.first_name or lead.last_name):
            mine |= _marks(fold(lead.company_name), lead.phone, lead.website, lead.location)
        if not mine & known:
            kept.append(lead)
        known |= mine
    return kept


def _marks(company: str, phone: str | None, website: str | None, location: str | None) -> set[tuple[str, ...]]:
    """What tells one company's place from another's: its name with its phone, its website, or its address."""
    marks: set[tuple[str, ...]] = set()
    if len(digits := re.sub(r"\D", "", phone or "")) >= 7:
        marks.add(("phone", company, digits[-9:]))
    if host := _host(website):
        marks.add(("website", company, host, fold(location or "")))
    if location:
        marks.add(("location", company, fold(location)))
    return marks


def _host(website: str | None) -> str:
    given = website or ""
    try:
        return (urlsplit(given if "://" in given else f"//{given}").hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _without_tracking(website: str | None) -> str | None:
    """A web address without utm_… and the like; None for what is none, `javascript:` among them."""
    try:
        parts = urlsplit((website or "").strip())
        if parts.scheme not in ("http", "https", ""):
            return None
        left = [
            (name, value)
            for name, value in parse_qsl(parts.query)
            if not name.lower().startswith(("utm_", "gclid", "fbclid"))
        ]
        return parts._replace(query=urlencode(left), fragment="").geturl() or None
    except ValueError:
        return None


def _digest(lead: NewLead) -> str:
    names = (lead.name, lead.first_name, lead.last_name, lead.company_name, lead.email, lead.location)
    told = [fold(part or "") for part in names] + [re.sub(r"\D", "", lead.phone or ""), _host(lead.website)]
    return hashlib.sha256("\x1f".join(told).encode("utf-8", "replace")).hexdigest()[:32]
