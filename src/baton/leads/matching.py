"""Which leads a condition, a search and a segment name, as SQL: lists, boards, segments and bulk edits ask here. Spec A10."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from baton.fields import lead as fields
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound
from baton.kernel.values import Ref, as_uuid


async def matching(
    tx: Tx, where: Condition, search: str | None, segment_id: UUID | None = None, *, first: int = 1
) -> tuple[str, list[Any]]:
    """The SQL test for leads `l` that are not deleted and meet a condition, a search and a segment, with its arguments.

    The parameters begin at `$first`. A search finds words by their beginnings in name, company, e-mail, phone and notes,
    and where it finds none those that differ by a letter. Raises Invalid, NotFound for the segment.
    """
    args: list[Any] = [tx.org_id]
    tests = [f"l.org_id = ${first}", "l.deleted_at IS NULL"]
    if segment_id is not None:
        row = await tx.fetchrow("SELECT condition FROM segments WHERE org_id = $1 AND id = $2", tx.org_id, segment_id)
        if row is None:
            raise NotFound("There is no such segment in your organization.", field="segmentId")
        if row["condition"] is not None:
            where = {"all": [where, row["condition"]]}
        else:
            args.append(segment_id)
            tests.append(in_segment(first, first + len(args) - 1))
    compiled = await fields.compiled(tx, where, first=first + len(args), in_table=True)
    tests.append(compiled.sql)
    args += compiled.args
    if search is not None and search.strip():
        args.append(search)
        tests.append(f"l.id IN ({searched('leads', f'${first + len(args) - 1}')})")
    return " AND ".join(tests), args


def in_segment(org: int, segment: int) -> str:
    """The SQL test for leads `l` that were put into a segment; both are numbers of parameters."""
    return f"l.id IN (SELECT s.lead_id FROM segment_leads s WHERE s.org_id = ${org} AND s.segment_id = ${segment})"


def searched(what: Literal["leads", "contacts", "companies"], arguments: str) -> str:
    """The SQL of the ids that a search finds: it is asked once, and not for every row that it is compared with."""
    return f"WITH found AS MATERIALIZED (SELECT search_{what}({arguments}) AS id) SELECT id FROM found"


async def known(tx: Tx, refs: Sequence[Ref]) -> dict[Ref, UUID]:
    """The ids of those leads that exist, by how they were named: by id or by external id."""
    uuids = {ref: uuid for ref in refs if (uuid := as_uuid(ref))}
    others = [ref for ref in refs if ref not in uuids]
    rows = await tx.fetch(
        """SELECT id, external_id FROM leads WHERE org_id = $1 AND id = ANY ($2) AND deleted_at IS NULL
           UNION SELECT id, external_id FROM leads WHERE org_id = $1 AND external_id = ANY ($3) AND deleted_at IS NULL""",
        tx.org_id, list(uuids.values()), others,
    )  # fmt: skip
    ids = {row["id"] for row in rows}
    by_external_id = {row["external_id"]: row["id"] for row in rows}
    return {ref: uuid for ref, uuid in uuids.items() if uuid in ids} | {
        ref: by_external_id[ref] for ref in others if ref in by_external_id
    }


async def named(tx: Tx, refs: Sequence[Ref]) -> list[UUID]:
    """The ids of leads, each once, in the order given. Raises NotFound if one does not exist."""
    ids = await known(tx, refs)
    if len(ids) < len(set(refs)):
        raise NotFound("One of these leads does not exist in your organization.", field="leadIds")
    return list(dict.fromkeys(ids[ref] for ref in refs))
