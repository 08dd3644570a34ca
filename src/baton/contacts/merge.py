"""Merging two records of one person or company, field by field, and taking them apart again. Spec A5, A7.

Nothing is thrown away: the merged record stays, pointing to the survivor, so that its e-mail, name or id still leads there.
"""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.activities.append import Entry, append
from baton.contacts import matching, records
from baton.contacts.records import Facts, Sort, camel
from baton.kernel.actor import Actor
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.values import Ref

Chosen = Literal["survivor", "merged"]


class Pair(msgspec.Struct, frozen=True):
    """Two locked records: the one that stays, and the one that goes into it."""

    survivor: Row
    merged: Row


class Merge(msgspec.Struct, kw_only=True):
    """A merge as the log tells it: the survivor's changes, the merged record's facts before, and those merged into it earlier."""

    activity: Row
    survivor_id: UUID
    changes: dict[str, list[Any]]
    facts: Facts
    followers: list[UUID]


async def pair(tx: Tx, sort: Sort, survivor: Ref, merged: Ref) -> Pair:
    """Two different records, locked in the order of their ids. Raises NotFound; Conflict where one is merged already."""
    ids = [(await records.find(tx, sort, ref, followed=False))["id"] for ref in (survivor, merged)]
    if ids[0] == ids[1]:
        raise Invalid(f"Name two different records: a {sort.noun} is not merged into itself.", field="mergedId")
    rows = {id: await records.find(tx, sort, id, alone=True, followed=False) for id in sorted(ids)}
    for row in rows.values():
        if row["merged_into_id"] is not None:
            raise Conflict(f"{row['name']} was merged into another {sort.noun} already.")
    return Pair(rows[ids[0]], rows[ids[1]])


async def combine(
    tx: Tx, actor: Actor, sort: Sort, two: Pair, choose: Mapping[str, Chosen], moved: dict[str, int], reason: str | None
) -> None:
    """Give the survivor the facts that are chosen, and where it has none the merged one's; let the merged one point to it.

    Raises Invalid for a choice of what is no field.
    """
    named = {camel(name): name for name in sort.facts}
    if unknown := set(choose) - set(named):
        raise Invalid(f"A {sort.noun} has no field “{min(unknown)[:80]}” to choose.", field="choose")
    before, other = records.facts(sort, two.survivor), records.facts(sort, two.merged)
    takes = {
        name
        for key, name in named.items()
        if choose.get(key) == "merged" or (key not in choose and before[name] in (None, ""))
    }
    after = {name: other[name] if name in takes else before[name] for name in before}
    followers = await tx.fetch(
        f"UPDATE {sort.table} SET merged_into_id = $3 WHERE org_id = $1 AND merged_into_id = $2 RETURNING id",
        tx.org_id, two.merged["id"], two.survivor["id"],
    )  # fmt: skip
    left = other | ({"external_id": before["external_id"]} if "external_id" in takes else {})
    await _swap(tx, sort, two, after, left)
    await tx.execute(
        f"UPDATE {sort.table} SET merged_into_id = $3, merged_by = $4 WHERE org_id = $1 AND id = $2",
        tx.org_id, two.merged["id"], two.survivor["id"], tx.operation_id,
    )  # fmt: skip
    told = {
        "name": after["name"], "mergedId": str(two.merged["id"]), "mergedName": other["name"],
        "merged": {name: value for name, (_, value) in records.difference(dict.fromkeys(other), other).items()},
        "followers": [str(row["id"]) for row in followers], "moved": moved,
    }  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=sort.merged, subject_type=sort.noun, subject_id=two.survivor["id"], changes=records.difference(before, after),
              payload=told, reason=reason),
    )  # fmt: skip


async def of_record(tx: Tx, sort: Sort, ref: Ref) -> tuple[Pair, Merge]:
    """A merged record with its survivor, locked, and the merge. Raises NotFound; Conflict where it must wait for another."""
    row = await records.find(tx, sort, ref, followed=False)
    if row["merged_into_id"] is None:
        raise Conflict(f"{row['name']} is not merged into another {sort.noun}.")
    found = await tx.fetchrow(
        """SELECT id, kind, subject_id, changes, payload FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND kind = $3 AND payload ->> 'mergedId' = $4 ORDER BY id DESC LIMIT 1""",
        tx.org_id, row["merged_by"], sort.merged, str(row["id"]),
    )  # fmt: skip
    if found is None:
        raise NotFound("The log does not tell of this merge any more.")
    if "merged" not in found["payload"]:
        raise Conflict("These were one person, who was erased. They cannot be told apart any more.")
    rows = {
        id: await records.find(tx, sort, id, alone=True, followed=False)
        for id in sorted((found["subject_id"], row["id"]))
    }
    survivor, merged = rows[found["subject_id"]], rows[row["id"]]
    if survivor["merged_into_id"] is not None:
        raise Conflict(f"{survivor['name']} was itself merged since. Take that apart first.")
    facts = {name: _value(name, found["payload"]["merged"].get(camel(name))) for name in sort.facts}
    followers = [UUID(id) for id in found["payload"]["followers"]]
    return Pair(survivor, merged), Merge(
        activity=found, survivor_id=survivor["id"], changes=found["changes"], facts=facts, followers=followers
    )


async def separate(
    tx: Tx, actor: Actor, sort: Sort, two: Pair, merge: Merge, moved: dict[str, int], reason: str | None
) -> list[str]:
    """Give both records the facts that they had; what was changed on the survivor since is kept. Answers the kept fields."""
    before = records.facts(sort, two.survivor)
    after, kept = dict(before), []
    for name in sort.facts:
        old, new = merge.changes.get(camel(name), (None, None))
        if camel(name) not in merge.changes:
            continue
        if before[name] == _value(name, new):
            after[name] = _value(name, old)
        else:
            kept.append(camel(name))
    await _swap(tx, sort, two, after, merge.facts)
    await tx.execute(
        f"UPDATE {sort.table} SET merged_into_id = NULL, merged_by = NULL WHERE org_id = $1 AND id = $2", tx.org_id, two.merged["id"]
    )  # fmt: skip
    await tx.execute(
        f"UPDATE {sort.table} SET merged_into_id = $3 WHERE org_id = $1 AND id = ANY ($2) AND merged_into_id = $4",
        tx.org_id, merge.followers, two.merged["id"], two.survivor["id"],
    )  # fmt: skip
    told = {
        "name": after["name"],
        "mergedId": str(two.merged["id"]),
        "mergedName": merge.facts["name"],
        "moved": moved,
        "kept": kept,
    }
    await append(
        tx, actor,
        Entry(kind=sort.unmerged, subject_type=sort.noun, subject_id=two.survivor["id"], changes=records.difference(before, after),
              payload=told, reason=reason),
    )  # fmt: skip
    return kept


async def _swap(tx: Tx, sort: Sort, two: Pair, survivor: Facts, merged: Facts) -> None:
    """Write both records' facts. What is one record's alone (key, external id) is let go of before the other takes it."""
    how = await matching.read(tx)
    mine, theirs = sort.key_of(survivor, how), sort.key_of(merged, how)
    taken = await tx.fetch(
        f"SELECT {sort.key} AS key FROM {sort.table} WHERE org_id = $1 AND {sort.key} = ANY ($2) AND id <> ALL ($3)",
        tx.org_id, [key for key in (mine, theirs) if key], [two.survivor["id"], two.merged["id"]],
    )  # fmt: skip
    others = {row["key"] for row in taken}  # of several with one e-mail the oldest is found by it
    mine, theirs = (None if mine in others else mine), (None if theirs in others else theirs)
    if (
        mine is not None and mine == theirs
    ):  # taken over: the survivor's own old one leads to it by way of the merged one
        theirs = two.survivor[sort.key] if two.survivor[sort.key] != mine else None
    await tx.execute(
        f"UPDATE {sort.table} SET {sort.key} = id::text, external_id = NULL WHERE org_id = $1 AND id = ANY ($2)",
        tx.org_id, [two.survivor["id"], two.merged["id"]],
    )  # fmt: skip
    await records.write(tx, sort, two.survivor["id"], survivor, mine)
    await records.write(tx, sort, two.merged["id"], merged, theirs)


def _value(name: str, plain: Any) -> Any:
    return UUID(plain) if name == "company_id" and plain else plain
