"""Looking up every new lead that matches a condition, by itself. Spec C8."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.enrichment import providers
from baton.fields import lead as lead_fields
from baton.kernel.actor import Actor, Role, system
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Database, Tx, struct_of
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Label
from baton.kernel.values import new_id, utc_now

MAX_RULES = 20


class AutoRule(Output, kw_only=True):
    """Which new leads are looked up by themselves, and where."""

    id: UUID
    name: str
    where: Condition
    provider_id: UUID | None
    enabled: bool
    version: int
    created_at: datetime


class EnrichAuto(Input, kw_only=True):
    """A condition on new leads, or plainly {field: value}; `ruleId` changes a rule that is there, `enabled` false stops it."""

    where: Condition = msgspec.field(default_factory=everything)
    name: Label = "New leads"
    provider_id: UUID | None = None
    rule_id: UUID | None = None
    enabled: bool = True


_COLUMNS = 'id, name, condition AS "where", provider_id, enabled, version, created_at'


@operation("crm.enrichment.rules", kind="query", role=Role.VIEWER, summary="List which new leads are looked up")
async def list_rules(tx: Tx, actor: Actor, input: Nothing) -> list[AutoRule]:
    """The organization's rules, oldest first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM enrichment_rules WHERE org_id = $1 ORDER BY created_at, id", tx.org_id
    )
    return [struct_of(row, AutoRule) for row in rows]


@operation("crm.leads.enrichAuto", role=Role.ADMIN, summary="Look new leads up by themselves")
async def enrich_auto(tx: Tx, actor: Actor, input: EnrichAuto) -> AutoRule:
    """Make or change a rule. Raises Invalid for a condition that cannot be asked, NotFound for a rule or provider."""
    condition = await lead_fields.check(tx, _as_condition(input.where))
    name = input.name.strip()
    if not name or len(name) > 100:
        raise Invalid("A rule has a name of at most 100 characters.", field="name")
    provider = await providers.asked(tx, actor, input.provider_id)
    id = input.rule_id or new_id()
    known = {row["id"] for row in await tx.fetch("SELECT id FROM enrichment_rules WHERE org_id = $1", tx.org_id)}
    if input.rule_id is not None and input.rule_id not in known:
        raise NotFound("There is no such rule in your organization.")
    if input.rule_id is None and len(known) >= MAX_RULES:
        raise Invalid(f"An organization has at most {MAX_RULES} such rules.")
    row = await tx.fetchrow(
        f"""INSERT INTO enrichment_rules (org_id, id, name, condition, provider_id, enabled, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (org_id, id) DO UPDATE SET name = excluded.name, condition = excluded.condition,
              provider_id = excluded.provider_id, enabled = excluded.enabled, version = enrichment_rules.version + 1
            RETURNING {_COLUMNS}""",
        tx.org_id, id, name, condition, provider.id, input.enabled, tx.now,
    )  # fmt: skip
    assert row is not None
    said = {"name": name, "where": condition, "enabled": input.enabled, "providerId": str(provider.id)}
    await append(
        tx, actor, Entry(kind=kinds.ENRICHMENT_CHANGED, subject_type="enrichment", subject_id=id, payload=said)
    )
    return struct_of(row, AutoRule)


async def queue(db: Database, org_id: UUID, activity_ids: list[UUID], *, now: datetime | None = None) -> int:
    """Begin a run for each new lead that a rule matches, once for rule and activity. Answers how many were begun."""
    begun = 0
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, now or utc_now(), "crm.enrichment.auto", installation=db.installation)
        rows = await tx.fetch(
            f"SELECT {_COLUMNS} FROM enrichment_rules WHERE org_id = $1 AND enabled ORDER BY id", org_id
        )
        actor = msgspec.to_builtins(system(org_id, "Enrichment", role=Role.MEMBER, via="agent"))
        for rule in [struct_of(row, AutoRule) for row in rows]:
            begun += await _begin(tx, rule, activity_ids, actor)
    return begun


async def _begin(tx: Tx, rule: AutoRule, activity_ids: list[UUID], actor: Any) -> int:
    compiled = await lead_fields.compiled(tx, rule.where, first=3)
    met = await tx.fetch(
        f"""SELECT a.id, a.lead_id FROM activities a JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
             WHERE a.org_id = $1 AND a.id = ANY ($2) AND l.deleted_at IS NULL AND {compiled.sql}""",
        tx.org_id, activity_ids, *compiled.args,
    )  # fmt: skip
    made = await tx.fetch(
        """INSERT INTO enrichment_runs
                  (org_id, id, provider_id, lead_id, cause, rule_id, activity_id, next_at, requested_by, operation_id, created_at)
           SELECT $1, r.id, $2, r.lead_id, 'auto', $3, r.activity_id, $4, $5, $6, $4
             FROM unnest($7::uuid[], $8::uuid[], $9::uuid[]) AS r (id, lead_id, activity_id)
               ON CONFLICT (rule_id, activity_id, org_id) DO NOTHING RETURNING id""",
        tx.org_id, rule.provider_id, rule.id, tx.now, actor, tx.operation_id,
        [new_id() for _ in met], [row["lead_id"] for row in met], [row["id"] for row in met],
    )  # fmt: skip
    return len(made)


def _as_condition(where: Condition) -> Condition:
    """A condition; {"source": "website"} means that every field has that value."""
    if where.keys() & {"all", "any", "not", "field"}:
        return where
    return {"all": [{"field": name, "op": "=", "value": value} for name, value in where.items()]}
