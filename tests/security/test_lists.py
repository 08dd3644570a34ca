"""Attacks through what a list takes: sort, filter, search, field names, columns, and bodies that say more than they may."""

from typing import Any

import asyncpg
import pytest

from baton.kernel.errors import Invalid
from baton.kernel.page import cursor
from tests.doors.conftest import Caller
from tests.team import Team

V1 = "/api/v1"
HOSTILE = [
    "name; DROP TABLE leads", "name' OR '1'='1", "l.name", "name_key", "email_norm", "org_id", "search_vector", "field.",
    "field.x') OR (true",
    "field.x' || (SELECT string_agg(email, ',') FROM members) || '", "(SELECT password_hash FROM directory_people LIMIT 1)", "pg_sleep(5)",
    "deletedAt", "__proto__", "version", "field." + "x" * 200, "score DESC, (SELECT 1/0)", "ＮＡＭＥ", "",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_only_known_fields_sort_filter_and_stand_in_columns(admin: Caller, name: str) -> None:
    """SuiteCRM CVE-2024-36412, Frappe CVE-2026-31877: names come from a closed list; a hidden or unknown field is told by none."""
    sorted_by = await admin.call("POST", f"{V1}/crm.leads.find", {"sort": name})
    assert (sorted_by.status_code, sorted_by.json()["field"]) == (400, "sort")
    column = await admin.call("POST", f"{V1}/crm.views.create", {"name": "x", "columns": [name]})
    saved = await admin.call("POST", f"{V1}/crm.views.create", {"name": "x", "sort": name})
    assert saved.status_code == 400
    if name not in ("version", "deletedAt"):  # these are shown, and neither sorts nor filters
        assert column.status_code == 400
    op = {"field": name, "op": "=", "value": "x"}
    for path, body in (
        ("crm.leads.find", {"where": op}), ("crm.leads.board", {"where": op}), ("crm.segments.create", {"name": "x", "condition": op}),
        ("crm.views.create", {"name": "x", "condition": op}), ("crm.leads.bulkUpdate", {"where": op, "status": "won"}),
    ):  # fmt: skip
        answer = await admin.call("POST", f"{V1}/{path}", body)
        free_text = name.startswith("field.") and 6 < len(name) <= 106
        assert answer.status_code == (200 if free_text else 400), (path, answer.text)
        if free_text and path == "crm.leads.find":
            assert answer.json()["items"] == []


@pytest.mark.parametrize("op", ["=", "contains", "starts_with", "has_word", "in", "!="])
async def test_values_are_never_read_as_sql(admin: Caller, fresh: Team, op: str) -> None:
    """Whatever a value says, the leads of the organization are there afterwards, and no others are found."""
    await fresh.capture(email="jane@acme.example")
    await fresh.do(fresh.ana, "crm.fields.create", label="Note", type="shortText")
    for value in ("' OR 1=1 --", "%", "_", "\\", "x'); DELETE FROM leads; --", "$1", "{}", "NULL", "\u202e"):
        for field in ("name", "field.note", "field.unknown"):
            asked = {"field": field, "op": op, "value": [value] if op == "in" else value}
            if op == "has_word" and not any(c.isalnum() for c in value):  # there is no word in it
                assert (await admin.call("POST", f"{V1}/crm.leads.find", {"where": asked})).status_code == 400
                continue
            answer = await admin.ok("POST", f"{V1}/crm.leads.find", {"where": asked})
            assert len(answer["items"]) == (1 if op == "!=" else 0), (field, value)
        found = await admin.ok("POST", f"{V1}/crm.leads.find", {"search": value})
        assert found["items"] == []
        if len(value) > 1:
            assert (await admin.ok("POST", f"{V1}/crm.search", {"query": value}))["leads"] == []
    assert len((await admin.ok("POST", f"{V1}/crm.leads.find", {}))["items"]) == 1


@pytest.mark.parametrize(
    "sort", ["createdAt", "name", "score", "valueCents", "expectedCloseDate", "field.fleet", "field.margin"]
)
async def test_a_forged_cursor_is_refused(admin: Caller, fresh: Team, sort: str) -> None:
    """A cursor is only a place: of the wrong type or out of every range it is no error of ours."""
    await fresh.do(fresh.ana, "crm.fields.create", label="Fleet", type="integer")
    await fresh.do(fresh.ana, "crm.fields.create", label="Margin", type="decimal")
    id = "01900000-0000-7000-8000-000000000000"
    places: tuple[Any, ...] = (
        2**70,
        -(2**63),
        "x\0y",
        None,
        [],
        "2026-01-01T00:00:00",
        "NaN",
        "9" * 5000,
        1e308,
        "0001-01-01T00:00:00Z",
        {"a": 1},
    )
    for place in places:
        answer = await admin.call("POST", f"{V1}/crm.leads.find", {"sort": sort, "cursor": cursor(place, id)})
        assert answer.status_code in (200, 400), (place, answer.text)
    for text in ("", "AAAA", "🙂", "W10", "x" * 5000):
        answer = await admin.call("POST", f"{V1}/crm.leads.find", {"sort": sort, "cursor": text})
        assert answer.status_code == 400, text


async def test_nobody_sets_what_a_body_may_not(admin: Caller, member: Caller, fresh: Team) -> None:
    """Mass assignment of owner, organization, score, role and stage: ignored by the public door, refused by the native ones."""
    more: dict[str, Any] = {
        "ownerId": str(fresh.ben.id), "score": 100, "role": "owner", "status": "won", "stageId": "x", "deletedAt": None, "version": 9,
        "qualifiedAt": "2026-01-01T00:00:00Z", "via": "page", "tags": ["VIP"], "externalId": "mine", "currency": "XXX",
    }  # fmt: skip
    person = {"orgId": str(fresh.org_id), "firstName": "Ann", "lastName": "Lee", "email": "ann@acme.example"}
    answer = await admin.http.post("/api/trpc/crm.leads.capture", json=more | person)
    assert answer.status_code == 200, answer.text
    lead = await fresh.do(fresh.ana, "crm.leads.get", leadId=answer.json()["result"]["data"]["id"])
    assert (lead.owner_id, lead.status, lead.via, lead.tags, lead.external_id, lead.qualified_at) == (
        None,
        "new",
        "form",
        [],
        None,
        None,
    )
    assert lead.score != 100
    for name, body in (
        ("crm.leads.update", {"leadId": str(lead.id)}), ("crm.leads.create", {"name": "Ann"}),
        ("crm.leads.bulkUpdate", {"leadIds": [str(lead.id)]}),
        ("crm.fields.create", {"label": "x", "type": "integer"}), ("crm.views.create", {"name": "x"}),
        ("crm.segments.create", {"name": "x"}),
    ):  # fmt: skip
        for extra in (
            {"orgId": str(fresh.org_id)},
            {"org_id": "x"},
            {"score": 100},
            {"role": "owner"},
            {"id": str(lead.id)},
        ):
            refused = await admin.call("POST", f"{V1}/{name}", body | extra)
            assert refused.status_code == 400, (name, extra)
    assert (await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).version == lead.version


async def test_a_field_key_is_a_name_also_in_the_database(fresh: Team) -> None:
    """The second line: what the operation let through, the database would refuse."""
    async with fresh.db.transaction(fresh.org_id) as conn:
        with pytest.raises(asyncpg.CheckViolationError):
            await conn.execute(
                """INSERT INTO field_definitions (org_id, id, key, label, type, position, created_at)
                   VALUES ($1, uuidv7(), 'x'') OR (true', 'x', 'integer', 1, now())""",
                fresh.org_id,
            )
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.fields.create", label="x", type="integer", key="x') OR (true")
