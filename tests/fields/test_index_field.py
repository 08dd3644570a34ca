"""A field with an index answers what it answered without one, whatever is written. Spec A5."""

from typing import Any

import pytest

from baton.kernel.errors import Conflict, Invalid
from tests.team import Team

HELD: list[Any] = [5, "7", "twelve", None, 10**17, -3, {"x": 1}, True, 2.5]


async def index(team: Team, field: Any, **given: Any) -> Any:
    done = await team.do(team.ana, "crm.fields.index", {"fieldId": str(field.id)} | given)
    while done.next_cursor:
        done = await team.do(team.ana, "crm.fields.index", fieldId=str(field.id), cursor=done.next_cursor)
    return done


async def ask(team: Team, key: str, op: str, value: Any) -> list[str]:
    where = {"field": f"field.{key}", "op": op} | ({} if value is None else {"value": value})
    page = await team.do(team.ben, "crm.leads.find", {"where": where, "sort": "name", "descending": False})
    return [lead.name for lead in page.items]


@pytest.mark.parametrize(
    ("type", "values", "questions"),
    [
        ("integer", [5, 7, 10**17, -3], [("=", 5), (">", 5), ("between", [-3, 7]), ("in", [5, 10**17]), ("!=", 5),
        ("is_set", None), ("is_not_set", None)]),
        ("decimal", [0.1, 12.25, -3], [("=", 0.1), ("=", "12.250"), (">", 0.1), ("<=", 0.1), ("not_in", [0.1])]),
        ("date", ["2026-01-31", "2027-01-01"], [("=", "2026-01-31"), (">", "2026-06-01"), ("within_next", {"days": 90})]),
        ("shortText", ["Ärmel", "b", "B"], [("=", "b"), ("contains", "B"), ("starts_with", "är"), ("has_word", "b")]),
        ("select", ["A", "B"], [("=", "A"), ("in", ["A", "B"]), ("is_not_set", None)]),
    ],
)  # fmt: skip
async def test_it_answers_the_same(fresh: Team, type: str, values: list[Any], questions: list[tuple[str, Any]]) -> None:
    """Before and after, for values that fit and those from before the definition, for new leads, edits and undone edits."""
    for place, held in enumerate([*HELD, *values]):
        await fresh.do(fresh.ben, "crm.leads.create", {"name": f"old {place:02}", "fields": {"it": held}})
    options = {"options": ["A", "B"]} if type == "select" else {}
    field = await fresh.do(fresh.ana, "crm.fields.create", {"label": "It", "type": type} | options)
    plain = [await ask(fresh, "it", *question) for question in questions]
    assert (await index(fresh, field)).indexed
    assert [await ask(fresh, "it", *question) for question in questions] == plain
    made = [await fresh.do(fresh.ben, "crm.leads.create", {"name": f"new {v}", "fields": {"it": v}}) for v in values]
    lead = str(made[0].id)
    await fresh.do(fresh.ben, "crm.leads.update", leadId=lead, fields={"it": values[1]})
    edit = [a for a in await fresh.log(made[0].id) if a.kind == "field_updated"][-1]
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(made[1].id), fields={"it": None})
    indexed = [await ask(fresh, "it", *question) for question in questions]
    await fresh.do(fresh.ben, "crm.operations.undo", operationId=str(edit.operation_id))
    undone = [await ask(fresh, "it", *question) for question in questions]
    await index(fresh, field, indexed=False)
    assert [await ask(fresh, "it", *question) for question in questions] == undone
    await fresh.do(fresh.ben, "crm.leads.update", leadId=lead, fields={"it": values[1]})
    assert [await ask(fresh, "it", *question) for question in questions] == indexed


async def test_there_are_only_so_many(fresh: Team) -> None:
    """A column that is given back serves another field, and holds nothing of the first."""
    fields = [await fresh.do(fresh.ana, "crm.fields.create", label=f"F{i}", type="decimal") for i in range(2)]
    await fresh.do(fresh.ben, "crm.leads.create", {"name": "Ann", "fields": {"f0": 1.5}})
    await index(fresh, fields[0])
    with pytest.raises(Conflict, match="Take the index"):
        await index(fresh, fields[1])
    await index(fresh, fields[0], indexed=False)
    assert (await index(fresh, fields[1])).indexed
    assert await ask(fresh, "f1", "is_set", None) == []
    assert await ask(fresh, "f0", "=", 1.5) == ["Ann"]
    text = await fresh.do(fresh.ana, "crm.fields.create", label="Long", type="longText")
    with pytest.raises(Invalid):
        await index(fresh, text)
