"""Custom fields through the doors: defined, checked wherever a lead is written, filtered and sorted by their types. Spec A5, A10."""

from typing import Any

import pytest

from baton.kernel.errors import Conflict, Invalid
from tests.doors.conftest import Caller
from tests.team import Team

V1 = "/api/v1"
TYPES: list[dict[str, Any]] = [
    {"label": "Nickname", "type": "shortText"},
    {"label": "History", "type": "longText"},
    {"label": "Trucks", "type": "integer"},
    {"label": "Margin", "type": "decimal"},
    {"label": "Renewal", "type": "date"},
    {"label": "Partner", "type": "yesNo"},
    {"label": "Tier", "type": "select", "options": ["Gold", "Silver"]},
    {"label": "Regions", "type": "multiSelect", "options": ["EU", "US", "APAC"]},
    {"label": "Deck", "type": "url"},
]
LEADS: list[dict[str, Any]] = [
    {
        "nickname": "Ärmel",
        "trucks": 9,
        "margin": 0.5,
        "renewal": "2026-12-01",
        "partner": True,
        "tier": "Gold",
        "regions": ["EU", "US"],
    },
    {
        "nickname": "berta",
        "trucks": 10,
        "margin": 12.25,
        "renewal": "2027-01-01",
        "partner": False,
        "tier": "Silver",
        "regions": ["APAC"],
    },
    {
        "nickname": "Caesar",
        "trucks": 100,
        "margin": -3,
        "deck": "https://acme.example/deck.pdf",
        "history": "long\ntext",
    },
    {},
]


async def define_all(team: Team) -> None:
    for field in TYPES:
        await team.do(team.ana, "crm.fields.create", field)


async def names(team: Team, where: Any) -> list[str]:
    page = await team.do(team.ben, "crm.leads.find", where=where, sort="name", descending=False)
    return [lead.name for lead in page.items]


async def create(team: Team, lead: str, fields: dict[str, Any] | None = None) -> Any:
    return await team.do(team.ben, "crm.leads.create", {"name": lead, "fields": fields or {}})


async def test_fields_are_checked_filtered_and_sorted_by_type(fresh: Team, boss: Caller) -> None:
    """Spec A5, A10: every type, over the wire."""
    for definition in TYPES:
        made = await boss.ok("POST", f"{V1}/crm.fields.create", definition)
        assert made["key"] == definition["label"].lower()
    for place, values in enumerate(LEADS):
        answer = await boss.ok("POST", f"{V1}/crm.leads.create", {"name": f"Lead {place}", "fields": values})
        assert answer["fields"] == values
    for op, field, value, found in (
        (">", "trucks", 9, [1, 2]), ("between", "trucks", [9, 10], [0, 1]), ("in", "trucks", [9, 100], [0, 2]),
        ("<", "margin", "0.75", [0, 2]),
        ("=", "margin", 12.25, [1]), (">=", "renewal", "2026-12-15", [1]), ("within_next", "renewal", {"days": 36500}, [0, 1]),
        ("=", "partner", False, [1]), ("=", "tier", "Gold", [0]), ("!=", "tier", "Gold", [1, 2, 3]),
        ("has_any", "regions", ["US", "APAC"], [0, 1]),
        ("has_all", "regions", ["EU", "US"], [0]), ("has_none", "regions", ["EU"], [1, 2, 3]), ("contains", "nickname", "ERT", [1]),
        ("starts_with", "deck", "https://", [2]),
    ):  # fmt: skip
        asked = {"where": {"field": f"field.{field}", "op": op, "value": value}, "sort": "name", "descending": False}
        page = await boss.ok("POST", f"{V1}/crm.leads.find", asked)
        assert [lead["name"] for lead in page["items"]] == [f"Lead {i}" for i in found], (op, field)
    assert await names(fresh, {"field": "field.regions", "op": "is_not_set"}) == ["Lead 2", "Lead 3"]
    for field, up in (
        ("trucks", [0, 1, 2]),
        ("margin", [2, 0, 1]),
        ("renewal", [0, 1]),
        ("partner", [1, 0]),
        ("nickname", [0, 1, 2]),
    ):
        for descending in (False, True):
            order = list(reversed(up)) if descending else up
            seen: list[str] = []
            cursor = None
            while True:
                asked = {"sort": f"field.{field}", "descending": descending, "limit": 1, "cursor": cursor}
                page = await boss.ok("POST", f"{V1}/crm.leads.find", asked)
                seen += [lead["name"] for lead in page["items"]]
                cursor = page.get("nextCursor")
                if not cursor:
                    break
            assert seen[: len(order)] == [f"Lead {i}" for i in order], (field, descending)
            assert sorted(seen) == [f"Lead {i}" for i in range(4)]


async def test_a_value_is_checked_at_every_door(fresh: Team, boss: Caller) -> None:
    """Spec A5: pages, API, capture, forms, imports and edits refuse the same, and name the field."""
    await define_all(fresh)
    wrong = {"deck": "javascript:alert(document.cookie)"}
    person = {"firstName": "Ann", "lastName": "Lee", "email": "ann@acme.example", "fields": wrong}
    lead = await fresh.capture(fields={"trucks": "12", "regions": "US, EU", "Imported column": "as it was"})
    assert lead.fields == {"trucks": 12, "regions": ["EU", "US"], "Imported column": "as it was"}
    (pipeline, *_) = await fresh.do(fresh.ana, "crm.pipelines.list")
    for actor, name, body in (
        (fresh.ben, "crm.leads.create", {"name": "Ann", "fields": wrong}),
        (fresh.form, "crm.leads.capture", {"orgId": str(fresh.org_id)} | person),
        (fresh.ben, "crm.imports.load", {"pipelineId": str(pipeline.id), "leads": [person]}),
        (fresh.ben, "crm.leads.update", {"leadId": str(lead.id), "fields": wrong}),
    ):
        with pytest.raises(Invalid, match="web address") as refused:
            await fresh.do(actor, name, body)
        assert refused.value.field == "fields.deck", name
    answer = await boss.call("POST", f"{V1}/crm.leads.update", {"leadId": str(lead.id), "fields": {"trucks": "many"}})
    assert answer.status_code == 400
    assert answer.json()["field"] == "fields.trucks"
    form = {
        "name": "Fleet",
        "fields": [{"name": "lastName", "label": "Name"}, {"name": "field.trucks", "label": "Trucks"}],
    }
    address = (await fresh.do(fresh.ana, "crm.forms.create", form)).address
    made = await fresh.do(
        fresh.form, "crm.forms.submit", address=address, values={"lastName": "Rey", "field.trucks": " 42 "}
    )
    assert (await fresh.do(fresh.ben, "crm.leads.get", leadId=str(made.id))).fields == {"trucks": 42}
    with pytest.raises(Invalid, match="Trucks"):
        await fresh.do(fresh.form, "crm.forms.submit", address=address, values={"lastName": "Rey", "field.trucks": "x"})


async def test_rules_compare_by_type(fresh: Team) -> None:
    """Scoring asks the same fields: 100 trucks are more than 9, which as text they are not."""
    await define_all(fresh)
    rule = {"name": "a large fleet", "condition": {"field": "field.trucks", "op": ">", "value": 9}, "points": 50}
    await fresh.do(
        fresh.ana, "crm.scoring.setRules", factors=[{"key": "f", "label": "Fleet", "maxPoints": 50, "rules": [rule]}]
    )
    large = await create(fresh, "Large", {"trucks": 100})
    small = await create(fresh, "Small", {"trucks": 9})
    assert (large.score, small.score) == (50, 0)
    broken = rule | {"condition": {"field": "field.trucks", "op": ">", "value": "nine"}}
    factor = {"key": "f", "label": "F", "maxPoints": 50, "rules": [broken]}
    with pytest.raises(Invalid, match="integer"):
        await fresh.do(fresh.ana, "crm.scoring.setRules", factors=[factor])


async def test_values_from_before_the_definition_that_do_not_fit_count_as_missing(fresh: Team) -> None:
    """An import kept text under a key that becomes a number later: a filter finds what fits and breaks on nothing."""
    for name, value in (("A", "12"), ("B", "twelve"), ("C", "2026-02-31"), ("D", {"x": 1})):
        await create(fresh, name, {"x": value})
    await fresh.do(fresh.ana, "crm.fields.create", label="X", type="integer")
    await fresh.do(fresh.ana, "crm.fields.create", label="Y", type="date")
    assert await names(fresh, {"field": "field.x", "op": ">", "value": 3}) == ["A"]
    assert await names(fresh, {"field": "field.x", "op": "is_not_set"}) == ["B", "C", "D"]
    assert await names(fresh, {"field": "field.y", "op": ">", "value": "2020-01-01"}) == []


async def test_required_options_and_archive(fresh: Team) -> None:
    """A required field is asked where a lead is made by hand; what is archived or taken away stays where it is held."""
    made = await fresh.do(
        fresh.ana, "crm.fields.create", label="Tier", type="select", options=["Gold", "Silver"], required=True
    )
    with pytest.raises(Invalid, match="required") as refused:
        await create(fresh, "Ann")
    assert refused.value.field == "fields.tier"
    await fresh.capture()  # a website that knows nothing of it still captures
    lead = await create(fresh, "Ann", {"tier": "Gold"})
    with pytest.raises(Invalid, match="required"):
        await fresh.do(fresh.ben, "crm.leads.update", leadId=str(lead.id), fields={"tier": None})
    changed = await fresh.do(fresh.ana, "crm.fields.update", fieldId=str(made.id), options=["Silver"], version=1)
    assert changed.options == ["Silver"]
    with pytest.raises(Conflict, match="since you read it"):
        await fresh.do(fresh.ana, "crm.fields.update", fieldId=str(made.id), label="Level", version=1)
    kept = await fresh.do(fresh.ben, "crm.leads.update", leadId=str(lead.id), title="CEO")
    assert kept.fields == {"tier": "Gold"}
    await fresh.do(fresh.ben, "crm.leads.qualify", leadId=str(lead.id))
    done = await fresh.do(fresh.ben, "crm.leads.convert", leadId=str(lead.id))
    assert done.opportunity.fields == {"tier": "Gold"}
    archived = await fresh.do(fresh.ana, "crm.fields.archive", fieldId=str(made.id))
    assert archived.archived_at is not None
    await create(fresh, "Bea")
    assert await names(fresh, {"field": "field.tier", "op": "=", "value": "Gold"}) == ["Ann", "Ann"]
    back = await fresh.do(fresh.ana, "crm.fields.update", fieldId=str(made.id), archived=False)
    assert back.archived_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "x' OR '1'='1"}, {"key": "1x"}, {"key": "x y"}, {"key": "é"}, {"key": "a" * 64}, {"label": " "}, {"label": "x" * 101},
        {"type": "select"}, {"type": "select", "options": ["A", "a"]}, {"options": ["A"]}, {"type": "multiSelect", "options": ["A, B"]},
        {"type": "password"},
    ],
)  # fmt: skip
async def test_definitions_that_make_no_sense(fresh: Team, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.fields.create", {"label": "It", "type": "integer"} | wrong)


async def test_a_key_is_taken_once(fresh: Team) -> None:
    made = await fresh.do(fresh.ana, "crm.fields.create", label="Annual revenue (€)", type="integer")
    assert made.key == "annual_revenue"
    with pytest.raises(Conflict, match="annual_revenue"):
        await fresh.do(fresh.ana, "crm.fields.create", label="Annual Revenue", type="integer")
