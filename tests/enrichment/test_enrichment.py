"""Enrichment: who is asked, what is filled in and what is left, by whom each value was said, what it cost. Spec A7, C8."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from baton.enrichment.found import fill_in, pick
from baton.enrichment.look_up import ATTEMPTS, LOOK_AGAIN
from baton.enrichment.website import Page, address_of
from baton.jobs import lanes
from baton.kernel.addresses import Refused
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.values import utc_now
from tests.enrichment.world import WEBSITE, World
from tests.team import Team

FACTS = {
    "industry": "organization.industry",
    "companySize": "organization.size",
    "title": "title",
    "field.funding": "money.0",
}
PERSON = {
    "title": "CFO",
    "organization": {"industry": "Logistics", "size": 240},
    "money": ["Series B"],
    "spent": {"usd": 0.02},
}


async def provider(team: Team, world: World, **more: Any) -> Any:
    config = {
        "url": world.url + "/v1/{domain}?mail={email}",
        "headers": {"x-key": "{secret}"},
        "mapping": FACTS,
        "costPath": "spent.usd",
    }
    body = {"kind": "http", "name": "Facts Inc", "config": config | more, "secret": "s3cret"}
    return await team.do(team.ana, "crm.enrichment.setProvider", body)


async def look_up(team: Team, lead_id: Any, **fields: Any) -> Any:
    run = await team.do(team.ben, "crm.leads.enrich", leadId=str(lead_id), **fields)
    await lanes.step(team.db, only=team.org_id)
    return await team.do(team.ben, "crm.leads.enrichmentStatus", id=str(run.id))


async def test_gaps_are_filled_and_every_value_knows_its_source(fresh: Team, world: World) -> None:
    """Spec C8: what a person typed stays; the log says who asked, which provider said what, and where."""
    await provider(fresh, world)
    world.say("GET /v1/kestrel.example", PERSON)
    lead = await fresh.capture(email="hannah+crm@kestrel.example", title="Director")
    run = await look_up(fresh, lead.id)
    assert (run.status, run.provider, run.cost, run.attempts) == ("done", "Facts Inc", 0.02, 1)
    after = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(lead.id))
    assert (after.industry, after.company_size, after.fields["funding"]) == ("Logistics", 240, "Series B")
    assert after.title == "Director", "what a person typed is never overwritten"
    assert run.kept == {"title": "It has a value already."}
    source = f"{world.url}/v1/kestrel.example"
    assert run.found["industry"] == {"value": "Logistics", "source": source}
    (told,) = [a for a in await fresh.log(lead.id) if a.kind == "contact_enriched"]
    assert (told.actor_name, told.payload["provider"]) == ("Ben Okafor", "Facts Inc")
    assert told.payload["sources"]["industry"] == source
    assert told.changes["industry"] == [None, "Logistics"]
    method, path, headers, _ = world.asked[0]
    assert (method, path) == ("GET", "/v1/kestrel.example?mail=hannah+crm@kestrel.example")
    assert headers["x-key"] == "s3cret"


async def test_a_refresh_changes_only_what_was_looked_up(fresh: Team, world: World) -> None:
    """A second lookup may refresh its own values; what a person changed or cleared since is theirs."""
    await provider(fresh, world)
    world.say("GET /v1/kestrel.example", PERSON)
    lead = await fresh.capture(email="h@kestrel.example")
    await look_up(fresh, lead.id)
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(lead.id), industry="Freight", title=None)
    newer = {"title": "CEO", "organization": {"industry": "Aviation", "size": 300}, "money": ["Series C"]}
    world.say("GET /v1/kestrel.example", newer)
    run = await look_up(fresh, lead.id)
    after = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(lead.id))
    assert (after.industry, after.title, after.company_size, after.fields["funding"]) == (
        "Freight",
        None,
        300,
        "Series C",
    )
    assert run.kept == {"industry": "It has a value already.", "title": "It was cleared."}
    again = await look_up(fresh, lead.id)
    assert again.status == "nothing"


async def test_the_website_reader(fresh: Team, world: World) -> None:
    """Without any configuration a company's own website is read; its words are data, whatever they ask for."""
    world.say("GET /", WEBSITE)
    lead = await fresh.capture(email="weiss.kestrel@gmail.com", website=world.url)
    run = await look_up(fresh, lead.id)
    assert (run.status, run.provider, run.cost) == ("done", "Their website", 0.0)
    after = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(lead.id))
    assert (after.company_name, after.location) == ("Kestrel Health GmbH", "Lindenstr. 4, 10969, Berlin, DE")
    assert after.fields["linkedin"] == "https://www.linkedin.com/company/kestrel"
    assert "twitter" not in after.fields
    assert "\n" not in after.fields["description"]
    assert after.deleted_at is None
    bare = await fresh.capture(email=f"someone.{lead.id.hex[:6]}@gmail.com")
    assert (await look_up(fresh, bare.id)).status == "nothing", "a public mailbox says nothing of a company"


async def test_apify_is_asked_through_its_real_client(fresh: Team, world: World) -> None:
    """Spec A7: an actor is started with the lead's values, looked at until it is done, its dataset read, its cost known."""
    world.apify("acme/people", [{"jobTitle": "COO", "organization": {"industry": "Energy"}}], cost=0.2654, looks=2)
    config = {
        "actorId": "acme/people",
        "apiUrl": world.url,
        "input": {"emails": ["{email}"], "deep": True},
        "maxItems": 5,
    }
    made = await fresh.do(
        fresh.ana,
        "crm.enrichment.setProvider",
        {"kind": "apify", "name": "Apify", "config": config, "secret": "apify_api_x"},
    )
    lead = await fresh.capture(email="coo@volt.example")
    run = await fresh.do(fresh.ben, "crm.leads.enrich", leadId=str(lead.id), providerId=str(made.id))
    now = utc_now()
    for _ in range(4):
        await lanes.step(fresh.db, now=now, only=fresh.org_id)
        now += LOOK_AGAIN
    done = await fresh.do(fresh.ben, "crm.leads.enrichmentStatus", id=str(run.id))
    assert (done.status, done.error, done.cost, done.attempts) == ("done", None, 0.2654, 1)
    after = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(lead.id))
    assert (after.title, after.industry) == ("COO", "Energy")
    started = [ask for ask in world.asked if ask[0] == "POST"]
    assert len(started) == 1
    assert started[0][3] == {"emails": ["coo@volt.example"], "deep": True}
    assert {ask[2]["authorization"] for ask in world.asked} == {"Bearer apify_api_x"}


async def test_a_broken_actor_and_a_wrong_key_are_final(fresh: Team, world: World) -> None:
    world.say("POST /v2/acts/a~b/runs", {"error": {"type": "user-or-token-not-found", "message": "no"}}, 401)
    world.say("POST /v2/actors/a~b/runs", {"error": {"type": "user-or-token-not-found", "message": "no"}}, 401)
    config = {"actorId": "a/b", "apiUrl": world.url}
    await fresh.do(fresh.ana, "crm.enrichment.setProvider", {"kind": "apify", "name": "Apify", "config": config})
    run = await look_up(fresh, (await fresh.capture()).id)
    assert run.status == "failed"
    assert "401" in run.error
    assert run.attempts == 1


async def test_a_provider_that_stumbles_is_asked_again_then_given_up(fresh: Team, world: World) -> None:
    """Retries with growing pauses; the error is told; a 404 is an answer: nothing is known."""
    await provider(fresh, world)
    lead = await fresh.capture(email="x@stumbles.example")
    world.say("GET /v1/stumbles.example", {}, 503)
    run = await fresh.do(fresh.ben, "crm.leads.enrich", leadId=str(lead.id))
    now, pauses = utc_now(), []
    for _ in range(ATTEMPTS + 2):
        await lanes.step(fresh.db, now=now, only=fresh.org_id)
        seen = await fresh.do(fresh.ben, "crm.leads.enrichmentStatus", id=str(lead.id))
        if seen.status != "waiting":
            break
        pauses.append(seen.next_at - now)
        now = seen.next_at
    assert (seen.id, seen.status, seen.attempts) == (run.id, "failed", ATTEMPTS)
    assert "503" in seen.error
    assert pauses == sorted(pauses)
    assert pauses[0] < timedelta(minutes=1) < pauses[-1]
    nothing = await look_up(fresh, (await fresh.capture(email="x@unknown.example")).id)
    assert nothing.status == "nothing"


async def test_batches_by_name_or_condition(fresh: Team, world: World) -> None:
    """Spec C8: many at once, under one operation."""
    await provider(fresh, world)
    world.say("GET /v1/one.example", PERSON)
    world.say("GET /v1/two.example", PERSON)
    one, two = await fresh.capture(email="a@one.example"), await fresh.capture(email="b@two.example", source="event")
    named = await fresh.do(fresh.ben, "crm.leads.enrichBatch", leadIds=[str(one.id)])
    found = await fresh.do(fresh.ben, "crm.leads.enrichBatch", where={"field": "source", "op": "=", "value": "event"})
    assert [run.lead_id for run in named.runs + found.runs] == [one.id, two.id]
    await lanes.step(fresh.db, only=fresh.org_id)
    page = await fresh.do(fresh.ben, "crm.enrichment.runs", status="done")
    assert {run.lead_id for run in page.items} == {one.id, two.id}
    with pytest.raises(Invalid):
        await fresh.do(fresh.ben, "crm.leads.enrichBatch")


async def test_every_new_lead_that_matches_is_looked_up_by_itself(fresh: Team, world: World) -> None:
    """Spec C8: auto; once for each lead and rule, however often the job is done; a rule that is off asks nobody."""
    await provider(fresh, world)
    world.say("GET /v1/auto.example", PERSON)
    rule = await fresh.do(fresh.ana, "crm.leads.enrichAuto", where={"source": "website"})
    lead = await fresh.capture(email="a@auto.example", source="website")
    other = await fresh.capture(email="b@auto.example", source="event")
    await fresh.run_due()
    await lanes.step(fresh.db, only=fresh.org_id)
    done = await fresh.do(fresh.ben, "crm.leads.enrichmentStatus", id=str(lead.id))
    assert (done.status, done.cause) == ("done", "auto")
    (told,) = [a for a in await fresh.log(lead.id) if a.kind == "contact_enriched"]
    assert (told.actor_type, told.actor_name) == ("system", "Enrichment")
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.leads.enrichmentStatus", id=str(other.id))
    await fresh.do(fresh.ana, "crm.leads.enrichAuto", ruleId=str(rule.id), where={"source": "website"}, enabled=False)
    late = await fresh.capture(email="c@auto.example", source="website")
    await fresh.run_due()
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.leads.enrichmentStatus", id=str(late.id))


async def test_places_become_leads_of_the_outbound_pipeline_once(fresh: Team) -> None:
    """Spec A11: a map search's places are leads by `search`; found again, or listed twice, they are known."""
    places = [
        {"title": "Cool Air", "placeId": "A1", "phone": "(714) 555-0101", "website": "https://cool.example/?utm_source=gbp&x=1",
         "address": "1 Main St, Anaheim", "categoryName": "HVAC contractor", "totalScore": 4.9, "reviewsCount": 48.0},
        {"title": "Cool Air", "placeId": "A2", "phone": "+1 714-555-0101", "address": "1 Main St, Anaheim"},
        {"title": "Cool Air", "placeId": "A3", "phone": "(212) 555-0199", "address": "9 Broadway, New York"},
        {"title": "=cmd|' /C calc'!A0", "placeId": "A4", "website": "javascript:alert(1)", "phone": None},
        {"phone": "(714) 555-0100"},
    ]  # fmt: skip
    added = await fresh.do(fresh.ben, "crm.leads.addFound", items=places, tags=["hvac"])
    assert (added.made, added.known, added.refused) == (3, 1, 1)
    again = await fresh.do(fresh.ben, "crm.leads.addFound", items=places)
    assert (again.made, again.known) == (0, 4)
    page = await fresh.do(fresh.ben, "crm.leads.find", where={"field": "via", "op": "=", "value": "search"})
    pipelines = {p.id: p.name for p in await fresh.do(fresh.ana, "crm.pipelines.list")}
    assert {pipelines[lead.pipeline_id] for lead in page.items} == {"New Outbound"}
    first = next(lead for lead in page.items if lead.external_id == "found:A1")
    assert (first.name, first.company_name, first.website) == ("Cool Air", "Cool Air", "https://cool.example/?x=1")
    assert (first.fields["rating"], first.fields["reviews"], first.source, first.tags) == (
        4.9,
        48,
        "cold_outreach",
        ["hvac"],
    )
    odd = next(lead for lead in page.items if lead.external_id == "found:A4")
    assert odd.website is None


async def test_a_search_at_a_provider_fills_the_pipeline(fresh: Team, world: World) -> None:
    """Spec A11: lead search through Apify: the query goes in, places come out as leads, with what it cost."""
    world.apify(
        "compass/crawler-google-places",
        [{"title": "Alps Heating", "placeId": "P1", "phone": "(714) 633-8892"}],
        cost=0.5,
    )
    asked_of_it = {"searchStringsArray": ["{what}"], "city": "{where}"}
    config = {
        "actorId": "compass/crawler-google-places",
        "apiUrl": world.url,
        "input": asked_of_it,
    }
    made = await fresh.do(
        fresh.ana, "crm.enrichment.setProvider", {"kind": "apify", "name": "Google Maps", "config": config}
    )
    asked = {"providerId": str(made.id), "query": {"what": "HVAC", "where": "Anaheim"}}
    run = await fresh.do(fresh.ben, "crm.leads.searchAtProvider", asked)
    now = utc_now()
    for _ in range(3):
        await lanes.step(fresh.db, now=now, only=fresh.org_id)
        now += LOOK_AGAIN
    done = await fresh.do(fresh.ben, "crm.leads.enrichmentStatus", id=str(run.id))
    assert (done.status, done.error, done.made, done.cost) == ("done", None, 1, 0.5)
    assert next(ask for ask in world.asked if ask[0] == "POST")[3] == {
        "searchStringsArray": ["HVAC"],
        "city": "Anaheim",
    }
    page = await fresh.do(fresh.ben, "crm.leads.find", search="Alps Heating")
    assert [(lead.name, lead.via) for lead in page.items] == [("Alps Heating", "search")]


HVAC = Path(__file__).parents[3] / "shared" / "data" / "google_places_hvac" / "dataset_crawler-google-places.json"


@pytest.mark.skipif(not HVAC.exists(), reason="../shared/data is missing: a real search result was NOT tried")
async def test_a_real_search_result(fresh: Team) -> None:
    """Spec A11: a whole export of a map search, twice: the second time nothing is new."""
    items = json.loads(HVAC.read_text())
    for item in items:
        item["postalCode"] = None
    first = await fresh.do(fresh.ben, "crm.leads.addFound", items=items)
    assert first.made + first.known + first.refused == len(items)
    assert first.made > 500
    again = await fresh.do(fresh.ben, "crm.leads.addFound", items=items)
    assert (again.made, again.refused) == (0, first.refused)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"url": "https://10.0.0.1/x"}, Refused), ({"url": "https://2130706433/x"}, Refused), ({"url": "https://{domain}/x"}, Invalid),
        ({"url": "https://a.example/", "mapping": {"ownerId": "x"}}, Invalid), ({"url": "https://a.example/", "unknown": 1}, Invalid),
        ({"url": "https://a.example/", "mapping": {"title": "a..b"}}, Invalid),
        ({"url": "https://a.example/", "headers": {"x": "a\r\nHost: b"}}, Invalid),
    ],
)  # fmt: skip
async def test_a_configuration_that_does_not_fit_is_refused(
    fresh: Team, config: dict[str, Any], error: type[Exception]
) -> None:
    """Attacks "Server": no private address; nothing but a lead's own facts can be mapped."""
    with pytest.raises(error):
        await fresh.do(fresh.ana, "crm.enrichment.setProvider", {"kind": "http", "name": "X", "config": config})


async def test_a_leads_website_leads_into_no_private_network(fresh: Team) -> None:
    """Attacks "Server": SSRF by enrichment: the address comes from whoever filled in the form."""
    for website in (
        "http://169.254.169.254/latest",
        "http://2130706434/",
        "http://[::ffff:10.0.0.1]/",
        "file:///etc/passwd",
    ):
        run = await look_up(fresh, (await fresh.capture(website=website)).id)
        assert (run.status, run.attempts) == ("failed", 1), website


async def test_keys_are_told_to_nobody(fresh: Team, world: World) -> None:
    made = await provider(fresh, world)
    changed = await fresh.do(
        fresh.ana,
        "crm.enrichment.setProvider",
        {"providerId": str(made.id), "kind": "http", "name": "New name", "config": made.config},
    )
    assert (changed.has_secret, changed.name) == (True, "New name"), "a key that is not given stays"
    listed = str(await fresh.do(fresh.ana, "crm.enrichment.providers"))
    log = str(await fresh.do(fresh.ana, "crm.activities.list", limit=200))
    async with fresh.db.transaction(fresh.org_id) as conn:
        kept = await conn.fetchval("SELECT secret FROM enrichment_providers WHERE id = $1", made.id)
    assert "s3cret" not in listed + log
    assert b"s3cret" not in kept


def test_templates_and_paths() -> None:
    assert fill_in("a={x}&b={y}", {"x": "1&2"}, quoted=True) == "a=1%262&b="
    assert fill_in({"list": ["{n}", "{n}!"]}, {"n": 7}) == {"list": [7, "7!"]}
    assert pick({"a": [{"b": " x\n y "}], "c": True}, {"title": ["z", "a.0.b"], "industry": "c"}) == {"title": "x y"}


def test_a_hostile_page_is_read_in_bounded_time() -> None:
    """Attacks "Server": neither nesting nor endless words hold the reader up."""
    page = Page("https://a.example/")
    page.feed("<div>" * 50_000 + "<title>" + "x" * 500_000 + '<script type="application/ld+json">' + "[" * 100_000)
    assert len(page.values()["field.pageTitle"]) <= 500
    assert address_of(None, "a@gmail.com") is None
    assert address_of("kestrel.example", None) == "https://kestrel.example"
