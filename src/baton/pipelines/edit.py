"""Changing a pipeline itself: its name, type, place, and whether captured leads enter it. Spec A2, B9, C1."""

from typing import Literal

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, by_ref
from baton.kernel.errors import Conflict, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Count, ExternalId, Name, Version
from baton.kernel.values import Ref, clean
from baton.pipelines.pipeline import Pipeline, PipelineType, get


class EditPipeline(Input, kw_only=True):
    """What of a pipeline to change; absent fields stay. `isIntake` true makes it the one that captured leads enter."""

    pipeline_id: Ref
    version: Version | None = None
    name: Name | None = None
    type: PipelineType | None = None
    position: Count | None = None
    is_intake: Literal[True] | None = None
    external_id: ExternalId | None = None


@operation("crm.pipelines.update", role=Role.ADMIN, summary="Change a pipeline")
async def edit(tx: Tx, actor: Actor, input: EditPipeline) -> Pipeline:
    """Change a pipeline.

    Raises NotFound, Invalid; Conflict for a stale version, a taken external id, or a type that an intake cannot have.
    """
    before = await lock(tx, input.pipeline_id, version=input.version)
    name = before.name if input.name is None else clean(input.name)
    if not name:
        raise Invalid("A pipeline needs a name.", field="name")
    type, intake = input.type or before.type, before.is_intake or bool(input.is_intake)
    if intake and type != "lead":
        raise Conflict("The pipeline that captured leads enter is of the type “lead”.", field="type")
    position = before.position if input.position is None else input.position
    external_id = clean(input.external_id) or before.external_id
    pairs = {"name": name, "type": type, "position": position, "isIntake": intake, "externalId": external_id}
    changes = difference(
        {"name": before.name, "type": before.type, "position": before.position, "isIntake": before.is_intake,
         "externalId": before.external_id}, pairs,
    )  # fmt: skip
    if not changes:
        return before
    if intake and not before.is_intake:
        await tx.execute(
            "UPDATE pipelines SET is_intake = false, version = version + 1 WHERE org_id = $1 AND is_intake", tx.org_id
        )
    await tx.execute(
        """UPDATE pipelines SET name = $3, type = $4, position = $5, is_intake = $6, external_id = $7, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, name, type, position, intake, external_id,
    )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.PIPELINE_CHANGED, subject_type="pipeline", subject_id=before.id, changes=changes, payload={"name": name}),
    )  # fmt: skip
    return await get(tx, before.id)


async def lock(tx: Tx, ref: Ref, *, version: int | None = None) -> Pipeline:
    """A pipeline, locked against other changes of its stages until the transaction ends.

    Raises NotFound, also for an archived one; Conflict where `version` is stale.
    """
    where, value = by_ref(ref)
    id = await tx.fetchval(
        f"SELECT id FROM pipelines WHERE org_id = $1 AND {where} AND archived_at IS NULL FOR NO KEY UPDATE",
        tx.org_id,
        value,
    )
    if id is None:
        raise NotFound(f"There is no pipeline “{ref}” in your organization.")
    found = await get(tx, id)
    must_be_current(f"“{found.name}”", found.version, version)
    return found


async def touch(tx: Tx, pipeline: Pipeline) -> None:
    """Count a change of a pipeline's stages as a change of the pipeline."""
    await tx.execute("UPDATE pipelines SET version = version + 1 WHERE org_id = $1 AND id = $2", tx.org_id, pipeline.id)
