"""Making a pipeline with its stages, and inferring what document C's stages leave open. Spec A2, B2, C1."""

import re
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Colour, Days, ExternalId, Name, Percent
from baton.kernel.values import new_id
from baton.pipelines.pipeline import Outcome, Pipeline, PipelineType, Status, get

COLOURS = ("#5b8fd6", "#21a5c4", "#1eab95", "#62a84f", "#c79a1e", "#c77b3a", "#8d79c9", "#b0679b")
WON_COLOUR, LOST_COLOUR = "#2f9e64", "#c0544f"
_CLUES: tuple[tuple[str, Status], ...] = (
    (r"negoti|contract|closing|verbal", "negotiating"),
    (r"propos|quote|offer", "proposal"),
    (r"qualif|demo|discover|meeting|eval", "qualified"),
    (r"contact|conversation|attempt|engag|working|outreach|nurtur", "contacted"),
)


class NewStage(Input, kw_only=True):
    """A stage to make. `terminal` with probability 100 is won, with 0 lost; `status` is inferred where it is absent."""

    name: Name
    probability: Percent | None = None
    colour: Colour | None = None
    status: Status | None = None
    terminal: bool = False
    auto_nurture: bool = False
    sla_days: Days | None = None
    external_id: ExternalId | None = None


class CreatePipeline(Input, kw_only=True):
    """A pipeline to make, with at least one stage."""

    name: Name
    type: PipelineType = "lead"
    stages: Annotated[list[NewStage], Meta(min_length=1, max_length=50)]
    external_id: ExternalId | None = None


@operation("crm.pipelines.create", role=Role.ADMIN, summary="Create a pipeline")
async def create(tx: Tx, actor: Actor, input: CreatePipeline) -> Pipeline:
    """Make a pipeline with its stages in the order given. Raises Invalid, Conflict for a taken external id."""
    if not input.name.strip():
        raise Invalid("A pipeline needs a name.", field="name")
    if not 1 <= len(input.stages) <= 50:
        raise Invalid("A pipeline has 1 to 50 stages.", field="stages")
    position = await tx.fetchval("SELECT coalesce(max(position), 0) + 1 FROM pipelines WHERE org_id = $1", tx.org_id)
    intake = not await tx.fetchval("SELECT exists (SELECT FROM pipelines WHERE org_id = $1 AND is_intake)", tx.org_id)
    id = new_id()
    await tx.execute(
        """INSERT INTO pipelines (org_id, id, name, type, position, is_intake, external_id, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        tx.org_id, id, input.name.strip(), input.type, position, intake and input.type == "lead", input.external_id, tx.now,
    )  # fmt: skip
    for index, stage in enumerate(input.stages):
        await insert_stage(tx, id, stage, index, len(input.stages))
    made = await get(tx, id)
    await append(
        tx, actor,
        Entry(kind=kinds.PIPELINE_CREATED, subject_type="pipeline", subject_id=id,
              payload={"name": made.name, "type": made.type, "stages": [s.name for s in made.stages]}),
    )  # fmt: skip
    return made


async def insert_stage(tx: Tx, pipeline_id: UUID, stage: NewStage, index: int, count: int) -> UUID:
    """Insert a stage at a position; what it does not say is inferred from its name and place. Raises Invalid."""
    outcome, status = meaning(stage, index)
    probability = stage.probability
    if probability is None:
        probability = {"won": 100, "lost": 0, "open": round(90 * (index + 1) / (count + 1))}[outcome]
    if not stage.name.strip() or not 0 <= probability <= 100:
        raise Invalid("A stage has a name, and a probability from 0 to 100 percent.", field="stages")
    colour = (
        stage.colour or {"won": WON_COLOUR, "lost": LOST_COLOUR, "open": COLOURS[index % len(COLOURS)]}[outcome]
    ).lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", colour):
        raise Invalid("A colour is written like #5b8fd6.", field="colour")
    if stage.sla_days is not None and not 0 < stage.sla_days <= 3650:
        raise Invalid("slaDays is a number of days from 1 to 3650.", field="slaDays")
    id = new_id()
    await tx.execute(
        """INSERT INTO stages (org_id, id, pipeline_id, name, position, probability, colour, status, outcome, auto_nurture, sla_days,
                               external_id, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
        tx.org_id, id, pipeline_id, stage.name.strip(), index, probability, colour, status, outcome, stage.auto_nurture, stage.sla_days,
        stage.external_id, tx.now,
    )  # fmt: skip
    return id


_OUTCOMES: dict[Status, Outcome] = {"won": "won", "lost": "lost", "disqualified": "lost"}


def meaning(stage: NewStage, index: int) -> tuple[Outcome, Status]:
    """What a stage stands for: its outcome and the status that entering it stamps (SPEC, "Status and stage")."""
    if stage.status is not None:
        return _OUTCOMES.get(stage.status, "open"), stage.status
    if stage.terminal and stage.probability in (0, 100):
        return ("won", "won") if stage.probability == 100 else ("lost", "lost")
    if stage.terminal:
        raise Invalid("A terminal stage has the probability 100 (won) or 0 (lost).", field="stages")
    if index == 0:
        return "open", "new"
    name = stage.name.casefold()
    return "open", next((status for clue, status in _CLUES if re.search(clue, name)), "contacted")
