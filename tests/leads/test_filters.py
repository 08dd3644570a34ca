"""Filters in any combination, orders, saved views and segments. Spec A10."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.leads.order import SORTS
from tests.doors.conftest import Caller
from tests.team import Team

V1 = "/api/v1"


def asks(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


async def room(team: Team) -> dict[str, Any]:
    """Six leads that differ in everything that can be asked, by name."""
    pipelines = await team.do(team.ana, "crm.pipelines.list")
    intake = next(p for p in pipelines if p.is_intake)
    other = next(p for p in pipelines if not p.is_intake)
    await team.do(team.ana, "crm.fields.create", label="Trucks", type="integer")
    leads = {}
    for place, (name, owner) in enumerate(
        [
            ("ada", team.ben.id),
            ("Bo", team.ana.id),
            ("Çem", team.marcus.id),
            ("dan", team.athena.id),
            ("Eve", None),
            ("Éva", team.ben.id),
        ]
    ):
        pipeline = intake if place < 4 else other
        body = {
            "name": name, "ownerId": str(owner) if owner else None, "pipelineId": str(pipeline.id), "valueCents": place * 1000 or None,
            "stageId": str(pipeline.stages[place % 2].id), "tags": ["EU", f"n{place}"][: place % 3], "fields": {"trucks": place * 5},
            "companyName": ["Zeta", "acme", None][place % 3],
        }  # fmt: skip
        leads[name] = await team.do(team.ana, "crm.leads.create", body)
        if place % 2:
            due = (datetime.now(UTC) + timedelta(days=place)).isoformat()
            await team.do(team.ben, "crm.leads.followUp", {"leadId": str(leads[name].id), "dueAt": due})
    return leads


async def names(team: Team, where: Any, **asked: Any) -> list[str]:
    page = await team.do(team.vera, "crm.leads.find", {"where": where, "sort": "name", "descending": False} | asked)
    return [lead.name for lead in page.items]


async def test_every_filter_alone(fresh: Team) -> None:
    """Spec A10: owner (this person, any person, this agent, any agent, nobody), place, tags, fields, dates, value range."""
    leads = await room(fresh)
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    for where, expected in (
        (asks("ownerId", "=", str(fresh.ben.id)), ["ada", "Éva"]),
        (asks("ownerKind", "=", "person"), ["ada", "Bo", "Éva"]),
        (asks("ownerId", "=", str(fresh.marcus.id)), ["Çem"]),
        (asks("ownerKind", "=", "agent"), ["Çem", "dan"]),
        (asks("ownerId", "is_not_set"), ["Eve"]),
        (asks("pipelineId", "=", str(leads["Eve"].pipeline_id)), ["Éva", "Eve"]),
        (asks("stageId", "=", str(leads["ada"].stage_id)), ["ada", "Çem"]),
        (asks("tags", "has_any", ["EU"]), ["Bo", "Çem", "Éva", "Eve"]),
        (asks("tags", "has_all", ["EU", "n2"]), ["Çem"]),
        (asks("tags", "has_none", ["EU"]), ["ada", "dan"]),
        (asks("field.trucks", "between", [10, 20]), ["Çem", "dan", "Eve"]),
        (asks("createdAt", "within_last", {"days": 1}), ["ada", "Bo", "Çem", "dan", "Éva", "Eve"]),
        (asks("lastActivityAt", "older_than", {"days": 1}), []),
        (asks("nextActionAt", "is_set"), ["Bo", "dan", "Éva"]),
        (asks("nextActionAt", "<", soon), ["Bo"]),
        (asks("valueCents", "between", [1000, 3000]), ["Bo", "Çem", "dan"]),
    ):
        found = await names(fresh, where)
        assert sorted(found) == sorted(expected), where


async def test_filters_in_any_combination(fresh: Team) -> None:
    """Spec A10: whatever is combined with all, any and not is what the sets of each alone give."""
    await room(fresh)
    tests = [
        asks("ownerId", "=", str(fresh.ben.id)), asks("ownerKind", "=", "agent"), asks("ownerId", "is_not_set"),
        asks("tags", "has_any", ["EU"]), asks("field.trucks", ">", 9), asks("nextActionAt", "is_set"),
        asks("valueCents", "between", [1000, 3000]), asks("createdAt", "within_last", {"days": 1}), asks("status", "=", "new"),
    ]  # fmt: skip
    alone = [set(await names(fresh, where)) for where in tests]
    everyone = set(await names(fresh, {"all": []}))
    chance = random.Random(10)

    def tree(depth: int) -> Any:
        if depth == 0 or chance.random() < 0.3:
            return chance.randrange(len(tests))
        return chance.choice(["all", "any", "not"]), [tree(depth - 1) for _ in range(chance.randint(1, 3))]

    def condition(tree: Any) -> Any:
        if isinstance(tree, int):
            return tests[tree]
        word, parts = tree
        return {"not": condition(parts[0])} if word == "not" else {word: [condition(part) for part in parts]}

    def expected(tree: Any) -> set[str]:
        if isinstance(tree, int):
            return alone[tree]
        word, parts = tree
        sets = [expected(part) for part in parts]
        if word == "not":
            return everyone - sets[0]
        return set.intersection(*sets) if word == "all" else set.union(*sets)

    for _ in range(80):
        asked = tree(3)
        assert set(await names(fresh, condition(asked))) == expected(asked), condition(asked)


@pytest.mark.parametrize("sort", [*SORTS, "field.trucks"])
async def test_every_order_reads_every_lead_once(fresh: Team, sort: str) -> None:
    """Forwards and backwards, one lead a page, the same order as in one page; leads without a value come last."""
    await room(fresh)
    for descending in (False, True):
        whole = await fresh.do(fresh.vera, "crm.leads.find", sort=sort, descending=descending)
        seen: list[Any] = []
        cursor = None
        for _ in range(10):
            asked = {"sort": sort, "descending": descending, "limit": 1, "cursor": cursor}
            page = await fresh.do(fresh.vera, "crm.leads.find", asked)
            seen += [lead.id for lead in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [lead.id for lead in whole.items]
        assert len(seen) == 6


async def test_orders_are_what_people_expect(fresh: Team) -> None:
    """Names without case and accents; what has no value comes last both ways."""
    await room(fresh)
    assert await names(fresh, {"all": []}) == ["ada", "Bo", "Çem", "dan", "Éva", "Eve"]
    assert await names(fresh, {"all": []}, descending=True) == ["Eve", "Éva", "dan", "Çem", "Bo", "ada"]
    for descending, first in ((False, ["Bo", "dan", "Éva"]), (True, ["Éva", "dan", "Bo"])):
        assert (await names(fresh, {"all": []}, sort="nextActionAt", descending=descending))[:3] == first
    assert (await names(fresh, {"all": []}, sort="valueCents"))[-1] == "ada"
    assert (await names(fresh, {"all": []}, sort="valueCents", descending=True))[-1] == "ada"
    assert [name in ("Çem", "Éva") for name in await names(fresh, {"all": []}, sort="companyName")][-2:] == [True, True]
    assert (await names(fresh, {"all": []}, sort="owner"))[-1] == "Eve"


async def test_saved_views(fresh: Team, boss: Caller) -> None:
    """Each person keeps their own; a shared one is seen by all, and changed by its owner or an admin."""
    condition = {"field": "ownerKind", "op": "=", "value": "agent"}
    view = {
        "name": "Agents' leads",
        "condition": condition,
        "sort": "score",
        "search": "acme",
        "columns": ["name", "score", "field.trucks"],
    }
    with pytest.raises(Invalid, match=r"field\.trucks"):
        await fresh.do(fresh.ben, "crm.views.create", view)
    await fresh.do(fresh.ana, "crm.fields.create", label="Trucks", type="integer")
    made = await fresh.do(fresh.ben, "crm.views.create", view)
    assert [v.id for v in await fresh.do(fresh.ben, "crm.views.list")] == [made.id]
    assert await boss.ok("GET", f"{V1}/crm.views.list") == []
    for actor in (fresh.ana, fresh.vera):
        for name in ("crm.views.update", "crm.views.delete"):
            with pytest.raises(NotFound):
                await fresh.do(actor, name, {"viewId": str(made.id)})
    shared = await fresh.do(fresh.ben, "crm.views.update", viewId=str(made.id), shared=True, version=1)
    assert (shared.version, shared.condition, shared.columns) == (2, condition, view["columns"])
    assert [v["name"] for v in await boss.ok("GET", f"{V1}/crm.views.list")] == ["Agents' leads"]
    with pytest.raises(Forbidden):
        await fresh.do(fresh.vera, "crm.views.delete", viewId=str(made.id))
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.views.update", viewId=str(made.id), search=None, version=1)
    await boss.ok("POST", f"{V1}/crm.views.delete", {"viewId": str(made.id)})
    assert await fresh.do(fresh.ben, "crm.views.list") == []
    own = await fresh.do(fresh.vera, "crm.views.create", {"name": "Mine"})
    with pytest.raises(Forbidden, match="member"):
        await fresh.do(fresh.vera, "crm.views.update", viewId=str(own.id), shared=True)


async def test_segments(fresh: Team, boss: Caller) -> None:
    """A condition that is asked each time, the leads of one moment, or leads by name; each with its count, and listed by find."""
    leads = await room(fresh)
    eu = asks("tags", "has_any", ["EU"])
    living = await boss.ok("POST", f"{V1}/crm.segments.create", {"name": "EU", "condition": eu})
    frozen = await boss.ok("POST", f"{V1}/crm.segments.create", {"name": "EU then", "condition": eu, "fixed": True})
    chosen = await boss.ok("POST", f"{V1}/crm.segments.create", {"name": "Chosen", "leadIds": [str(leads["ada"].id)]})
    assert [living["count"], frozen["count"], chosen["count"]] == [4, 4, 1]
    await fresh.do(fresh.ben, "crm.leads.addTags", leadId=str(leads["ada"].id), tags=["EU"])
    await fresh.do(fresh.ana, "crm.leads.delete", leadId=str(leads["Bo"].id))
    counts = {s["name"]: s["count"] for s in await boss.ok("GET", f"{V1}/crm.segments.list")}
    assert counts == {"EU": 4, "EU then": 3, "Chosen": 1}
    assert await names(fresh, {"all": []}, segmentId=living["id"]) == ["ada", "Çem", "Éva", "Eve"]
    assert await names(fresh, {"all": []}, segmentId=frozen["id"]) == ["Çem", "Éva", "Eve"]
    assert await names(fresh, asks("valueCents", ">", 4500), segmentId=frozen["id"]) == ["Éva"]
    swapped = {"addLeadIds": [str(leads[name].id) for name in ("Eve", "dan")], "removeLeadIds": [str(leads["ada"].id)]}
    changed = await fresh.do(fresh.ben, "crm.segments.update", {"segmentId": chosen["id"]} | swapped)
    assert changed.count == 2
    with pytest.raises(Invalid):
        await fresh.do(fresh.ben, "crm.segments.update", segmentId=chosen["id"], condition=eu)
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.segments.update", segmentId=chosen["id"], addLeadIds=["nobody"])
    await fresh.do(fresh.ben, "crm.segments.delete", segmentId=chosen["id"])
    with pytest.raises(NotFound):
        await names(fresh, {"all": []}, segmentId=chosen["id"])
