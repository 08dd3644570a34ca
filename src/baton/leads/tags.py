"""Tags: put on a lead and taken off, listed with their counts, renamed and removed everywhere. Spec A5."""

from collections.abc import Callable
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.perform import within
from baton.kernel.shapes import NewTag, Reason, TagNames, Version
from baton.kernel.values import Ref
from baton.leads import facts as check
from baton.leads import lead as leads
from baton.leads.chunks import Changed, Chunk, each, go_on, matched
from baton.leads.edit import EditLead, edit
from baton.leads.lead import Lead
from baton.leads.matching import matching

MOST = 1000


class TagLead(Input, kw_only=True):
    """A lead and tags."""

    lead_id: Ref
    tags: TagNames
    version: Version | None = None
    reason: Reason | None = None


class Tag(Output, kw_only=True):
    """A tag, and how many leads carry it."""

    tag: str
    leads: int


class RenameTag(Chunk, kw_only=True):
    """A tag and its new name. Leads that carry both keep one."""

    tag: NewTag
    to: NewTag


class RemoveTag(Chunk, kw_only=True):
    """The tag to take off all leads."""

    tag: NewTag


@operation("crm.tags.list", kind="query", role=Role.VIEWER, summary="List the tags")
async def list_tags(tx: Tx, actor: Actor, input: Nothing) -> list[Tag]:
    """The tags that leads carry, the most used first, at most 1,000."""
    rows = await tx.fetch(
        f"""SELECT t.tag, count(*) AS leads FROM leads l CROSS JOIN LATERAL unnest(l.tags) AS t (tag)
             WHERE l.org_id = $1 AND l.deleted_at IS NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST}""",
        tx.org_id,
    )
    return [Tag(**dict(row)) for row in rows]


@operation("crm.leads.addTags", role=Role.MEMBER, summary="Add tags to a lead")
async def add(tx: Tx, actor: Actor, input: TagLead) -> Lead:
    """Put tags on a lead; those that it carries stay as they are. Raises Invalid, NotFound, Conflict for a stale version."""
    before = await leads.lock(tx, input.lead_id, version=input.version)
    return await edit(
        tx, actor, EditLead(lead_id=str(before.id), tags=[*before.tags, *check.tags(input.tags)], reason=input.reason)
    )


@operation("crm.leads.removeTags", role=Role.MEMBER, summary="Take tags off a lead")
async def take(tx: Tx, actor: Actor, input: TagLead) -> Lead:
    """Take tags off a lead; those that it does not carry change nothing. Raises NotFound, Conflict for a stale version."""
    before = await leads.lock(tx, input.lead_id, version=input.version)
    gone = {tag.strip() for tag in input.tags}
    kept = [tag for tag in before.tags if tag not in gone]
    return await edit(tx, actor, EditLead(lead_id=str(before.id), tags=kept, reason=input.reason))


@operation("crm.tags.rename", role=Role.MEMBER, summary="Rename a tag")
async def rename(tx: Tx, actor: Actor, input: RenameTag) -> Changed:
    """Rename a tag on the leads that carry it, a chunk of them. Raises NotFound where none does, Invalid for the new name."""
    new = check.tags([input.to])
    if not new:
        raise Invalid("A tag needs a name.", field="to")

    def renamed(tags: list[str]) -> list[str]:
        return list(dict.fromkeys(new[0] if tag == input.tag else tag for tag in tags))

    return await _everywhere(tx, actor, input, input.tag, renamed)


@operation("crm.tags.remove", role=Role.MEMBER, summary="Remove a tag everywhere")
async def remove(tx: Tx, actor: Actor, input: RemoveTag) -> Changed:
    """Take a tag off the leads that carry it, a chunk of them. Raises NotFound where none does."""
    return await _everywhere(tx, actor, input, input.tag, lambda tags: [tag for tag in tags if tag != input.tag])


async def _everywhere(
    tx: Tx, actor: Actor, chunk: Chunk, tag: str, changed: Callable[[list[str]], list[str]]
) -> Changed:
    await go_on(tx, actor, chunk.operation_id)
    tests, args = await matching(tx, {"field": "tags", "op": "has_any", "value": [tag]}, None)
    ids, after = await matched(tx, tests, args, chunk)
    if not ids and chunk.cursor is None:
        raise NotFound(f"No lead carries the tag “{tag[:60]}”.", field="tag")

    async def act(id: UUID) -> bool:
        before = await leads.lock(tx, id)
        tags = changed(before.tags)
        lead: Lead = await within(tx, actor, "crm.leads.update", EditLead(lead_id=str(id), tags=tags))
        return lead.version != before.version

    return await each(tx, [str(id) for id in ids], {str(id): id for id in ids}, act, after)
