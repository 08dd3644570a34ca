"""Merging contacts and companies, with all that points to them, and taking them apart again. Spec A5, A7."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.contacts import company as companies
from baton.contacts import contact as contacts
from baton.contacts import merge as merging
from baton.contacts import records
from baton.contacts.company import Company
from baton.contacts.contact import Contact
from baton.contacts.merge import Chosen
from baton.contacts.records import COMPANY, CONTACT, Sort
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Reason
from baton.kernel.values import Ref
from baton.leads.repoint import repoint, repointed


class MergeTwo(Input, kw_only=True):
    """The record that stays, the one merged into it, and by field ("email": "merged") whose value is kept.

    Where nothing is chosen, the survivor keeps its own, and takes what it has not.
    """

    survivor_id: Ref
    merged_id: Ref
    choose: Annotated[dict[str, Chosen], Meta(max_length=100)] = {}
    reason: Reason | None = None


class Unmerge(Input, kw_only=True):
    """The record that was merged into another."""

    merged_id: Ref
    reason: Reason | None = None


class MergedContact(Output, kw_only=True):
    """The survivor, and how many leads, tasks and customers now point to it."""

    contact: Contact
    moved: dict[str, int]


class MergedCompany(Output, kw_only=True):
    """The survivor, and how many leads, contacts, tasks and customers now point to it."""

    company: Company
    moved: dict[str, int]


class UnmergedContact(Output, kw_only=True):
    """Both contacts, what points to the second again, and the fields of the first kept because they were changed since."""

    survivor: Contact
    contact: Contact
    moved: dict[str, int]
    kept: list[str]


class UnmergedCompany(Output, kw_only=True):
    """Both companies, what points to the second again, and the fields of the first kept because they were changed since."""

    survivor: Company
    company: Company
    moved: dict[str, int]
    kept: list[str]


@operation("crm.contacts.merge", role=Role.MEMBER, summary="Merge two contacts")
async def merge_contacts(tx: Tx, actor: Actor, input: MergeTwo) -> MergedContact:
    """Make one contact of two, field by field. Raises NotFound, Invalid, Conflict where one is merged already."""
    id, moved = await _merge(tx, actor, CONTACT, input)
    return MergedContact(contact=await contacts.get(tx, id), moved=moved)


@operation("crm.companies.merge", role=Role.MEMBER, summary="Merge two companies")
async def merge_companies(tx: Tx, actor: Actor, input: MergeTwo) -> MergedCompany:
    """Make one company of two, field by field. Raises NotFound, Invalid, Conflict where one is merged already."""
    id, moved = await _merge(tx, actor, COMPANY, input)
    return MergedCompany(company=companies.from_row(await records.find(tx, COMPANY, id)), moved=moved)


@operation("crm.contacts.unmerge", role=Role.MEMBER, summary="Take merged contacts apart")
async def unmerge_contacts(tx: Tx, actor: Actor, input: Unmerge) -> UnmergedContact:
    """Make two contacts of one again, as they were. Raises NotFound, Conflict for one that is not merged."""
    ids, moved, kept = await unmerge(tx, actor, CONTACT, input)
    survivor, contact = [await contacts.get(tx, id) for id in ids]
    return UnmergedContact(survivor=survivor, contact=contact, moved=moved, kept=kept)


@operation("crm.companies.unmerge", role=Role.MEMBER, summary="Take merged companies apart")
async def unmerge_companies(tx: Tx, actor: Actor, input: Unmerge) -> UnmergedCompany:
    """Make two companies of one again, as they were. Raises NotFound, Conflict for one that is not merged."""
    ids, moved, kept = await unmerge(tx, actor, COMPANY, input)
    survivor, company = [companies.from_row(await records.find(tx, COMPANY, id)) for id in ids]
    return UnmergedCompany(survivor=survivor, company=company, moved=moved, kept=kept)


async def _merge(tx: Tx, actor: Actor, sort: Sort, input: MergeTwo) -> tuple[UUID, dict[str, int]]:
    two = await merging.pair(tx, sort, input.survivor_id, input.merged_id)
    reason = input.reason or f"{two.merged['name']} was merged into {two.survivor['name']}."
    moved = await repoint(tx, actor, sort, two.merged["id"], two.survivor["id"], reason=reason)
    await merging.combine(tx, actor, sort, two, input.choose, moved, input.reason)
    return two.survivor["id"], moved


async def unmerge(
    tx: Tx, actor: Actor, sort: Sort, input: Unmerge
) -> tuple[tuple[UUID, UUID], dict[str, int], list[str]]:
    """Take a merged record out of its survivor: what the merge moved goes back where it still points to the survivor.

    Answers both ids, how many went back by table, and the survivor's fields that were changed since.
    """
    two, merge = await merging.of_record(tx, sort, input.merged_id)
    mine = await repointed(tx, sort, two.merged["merged_by"])
    reason = input.reason or f"{two.survivor['name']} and {merge.facts['name']} were taken apart."
    moved = await repoint(tx, actor, sort, two.survivor["id"], two.merged["id"], reason=reason, only=dict(mine))
    kept = await merging.separate(tx, actor, sort, two, merge, moved, input.reason)
    return (two.survivor["id"], two.merged["id"]), moved, kept
