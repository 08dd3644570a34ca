"""The leads of the demo organization: who they are, and what was done with each of them, performed at its moment in the past."""

import contextlib
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from baton.activities import kinds
from baton.doors import demo_people
from baton.jobs.relay import Job
from baton.jobs.wake_agents import wake_agents
from baton.kernel.actor import Actor, system
from baton.kernel.db import Database
from baton.kernel.errors import NeedsApproval
from baton.kernel.perform import perform
from baton.leads.lead import Lead
from baton.pipelines.pipeline import Pipeline, Stage

_OUTBOUND = (("New Outbound", 22), ("Deals", 10), ("Renewal", 9), ("Post-sale — Upsell", 6), ("Churned", 3))
_NOTES = (
    "Asked for a comparison with the tool they use today.", "Budget is decided in the first week of the month.",
    "Two more people will join the next call.", "Wants to start with one team and grow from there.",
    "Security questionnaire sent; their IT answers within a week.", "Prefers e-mail over calls.",
    "Has tried two other products and left both after a month.", "Their contract elsewhere ends next quarter.",
)  # fmt: skip
_CALLS = (
    "Introduced ourselves; they have the problem and no owner for it yet.", "Walked through the pilot. They liked the timeline.",
    "Left a message with the assistant.", "Talked about price. They need it to fit this year's budget.",
)  # fmt: skip
_LOST = (
    "No budget this year.",
    "Chose to build it themselves.",
    "Went with their existing supplier.",
    "No answer after five tries.",
)
OFFER = 2_500_000
"""Above so many cents an agent asks before it makes an offer."""
_UNFIT = ("A student's project.", "Looking for a job, not a product.", "Outside the countries we serve.")


@dataclass(frozen=True, slots=True)
class Team:
    """Who works in the demo organization."""

    org_id: UUID
    ana: Actor
    ben: Actor
    marcus: Actor

    def owner(self, id: UUID | None) -> Actor:
        """The one who owns a lead, Ana where nobody does."""
        return next((actor for actor in (self.ben, self.marcus) if actor.id == id), self.ana)


@dataclass(frozen=True, slots=True)
class Story:
    """One lead to be: who, from where, when it arrives, until when its story is told, and its own dice."""

    person: demo_people.Person
    pipeline: str
    arrives: datetime
    ends: datetime
    dice: random.Random


async def place(db: Database, team: Team) -> dict[str, Pipeline]:
    """The organization's pipelines by name."""
    pipelines: list[Pipeline] = await perform(db, team.ana, "crm.pipelines.list")
    return {pipeline.name: pipeline for pipeline in pipelines}


def stories(count: int, start: datetime, end: datetime) -> Iterator[Story]:
    """As many stories as wanted, the same each time but for their dates; more of them lately than long ago."""
    dice = random.Random(20)  # noqa: S311  (invented people, not secrets)
    people = demo_people.people(dice)
    names, weights = zip(("Inbound", 50), *_OUTBOUND, strict=True)
    span = (end - start).total_seconds()
    for index in range(count):
        arrives = start + timedelta(seconds=span * dice.random() ** 0.7)
        hour = dice.choices((9, 11, 13, 15, 17, 20, 23), weights=(5, 6, 5, 6, 4, 2, 2))[0]
        arrives = min(
            arrives.replace(hour=hour, minute=dice.randrange(60), second=dice.randrange(60)), end - timedelta(minutes=3)
        )
        yield Story(next(people), dice.choices(names, weights)[0], arrives, end, random.Random(index))  # noqa: S311


async def tell(db: Database, team: Team, place: dict[str, Pipeline], story: Story) -> None:
    """Perform one lead's story, from its arrival to now."""
    clock = story.arrives
    if story.pipeline == "Inbound":
        lead = await _captured(db, team, story)
        clock += timedelta(seconds=40)
    else:
        lead = await _created(db, team, story, place[story.pipeline])
        clock += timedelta(minutes=5)
    await _worked(db, team, place[story.pipeline], story, lead, clock)


async def ask(db: Database, team: Team, place: dict[str, Pipeline], now: datetime) -> None:
    """Marcus wants to make offers that are not his alone to make: what a person finds waiting on the first morning."""
    open_ones = {"all": [
        {"field": "ownerId", "op": "=", "value": str(team.marcus.id)}, {"field": "status", "op": "=", "value": "contacted"},
        {"field": "valueCents", "op": ">", "value": OFFER},
    ]}  # fmt: skip
    found = await perform(db, team.ana, "crm.leads.find", {"where": open_ones, "sort": "valueCents", "limit": 3})
    for lead in found.items:
        stages = next(each for each in place.values() if each.id == lead.pipeline_id).stages
        offer = next(stage for stage in stages if stage.status == "proposal")
        move = {"leadId": str(lead.id), "stageId": str(offer.id), "reason": "They asked for an offer on the phone."}
        with contextlib.suppress(NeedsApproval):
            await perform(db, team.marcus, "crm.leads.moveStage", move, now=now)


async def _captured(db: Database, team: Team, story: Story) -> Lead:
    form = system(team.org_id, "Website form", via="form")
    person = story.person
    body = {
        "orgId": str(team.org_id), "firstName": person.first_name, "lastName": person.last_name, "email": person.email,
        "phone": person.phone, "company": person.company, "title": person.title, "industry": person.industry, "location": person.location,
        "companySize": person.size, "source": person.source, "message": person.message,
    }  # fmt: skip
    made = await perform(
        db, form, "crm.leads.capture", {k: v for k, v in body.items() if v is not None}, now=story.arrives
    )
    log = await perform(db, team.ana, "crm.leads.timeline", {"leadId": str(made.id), "kind": kinds.LEAD_IMPORTED})
    woken = story.arrives + timedelta(seconds=story.dice.randrange(2, 20))
    await wake_agents(db, Job(team.org_id, kinds.LEAD_IMPORTED, [log.items[0].id], 0), now=woken)
    lead: Lead = await perform(db, team.ana, "crm.leads.get", {"leadId": str(made.id)})
    return lead


async def _created(db: Database, team: Team, story: Story, pipeline: Pipeline) -> Lead:
    person, creator = story.person, story.dice.choice((team.ana, team.ben, team.marcus, team.marcus))
    body = {
        "pipelineId": str(pipeline.id), "firstName": person.first_name, "lastName": person.last_name, "email": person.email,
        "phone": person.phone, "companyName": person.company, "title": person.title, "industry": person.industry,
        "location": person.location, "companySize": person.size, "ownerId": str(creator.id), "valueCents": person.value_cents,
        "source": "cold_outreach" if story.pipeline == "New Outbound" else "referral", "tags": person.tags,
    }  # fmt: skip
    lead: Lead = await perform(
        db, creator, "crm.leads.create", {k: v for k, v in body.items() if v is not None}, now=story.arrives
    )
    return lead


async def _worked(db: Database, team: Team, pipeline: Pipeline, story: Story, lead: Lead, clock: datetime) -> None:
    dice, owner = story.dice, team.owner(lead.owner_id)
    reference = {"leadId": str(lead.id)}

    async def act(name: str, **input: Any) -> Any:
        return await perform(db, owner, name, reference | input, now=clock)

    if dice.random() < 0.06:
        clock = _later(clock, dice, 1)
        if clock < story.ends:
            await act("crm.leads.disqualify", reason=dice.choice(_UNFIT))
        return
    valued = lead.value_cents is not None
    for stage, last in _path(pipeline, lead, dice):
        clock = _later(clock, dice, 6)
        if last and not stage.closed and dice.random() < 0.85:
            clock = max(clock, _lately(story, stage))
        if clock >= story.ends:
            break
        if not valued and dice.random() < 0.8:
            valued = True
            await act("crm.leads.update", valueCents=story.person.value_cents, tags=story.person.tags)
        if dice.random() < 0.5:
            await act(
                "crm.leads.logActivity", type="call", notes=dice.choice(_CALLS), durationMinutes=dice.randrange(5, 40)
            )
        if dice.random() < 0.3:
            await act("crm.leads.logActivity", type="note", notes=dice.choice(_NOTES))
        await _finish_tasks(db, owner, reference, clock)
        reason = dice.choice(_LOST) if stage.outcome == "lost" else None
        await act("crm.leads.moveStage", stageId=str(stage.id), **({"reason": reason} if reason else {}))
        if not stage.closed:
            await act("crm.leads.followUp", dueIn=f"{dice.randrange(1, 6)}d", title=_next_step(dice, lead))
    latest: Lead = await perform(db, owner, "crm.leads.get", reference)
    if await _given_up(db, owner, pipeline, latest, story):
        return
    waiting = latest.next_action_at if latest.closed_at is None else None
    if waiting is not None and waiting < story.ends and dice.random() < 0.9:
        await _kept_up(db, owner, latest, story)


async def _given_up(db: Database, owner: Actor, pipeline: Pipeline, lead: Lead, story: Story) -> bool:
    """Most of those that stay too long where they are do not answer, and are lost; answers whether this one was."""
    stage = next(stage for stage in pipeline.stages if stage.id == lead.stage_id)
    over = lead.stage_entered_at + timedelta(days=stage.sla_days or 5)
    if stage.closed or over > story.ends or story.dice.random() > 0.85:
        return False
    ends = min(_later(over, story.dice, 2), story.ends)
    await _finish_tasks(db, owner, {"leadId": str(lead.id)}, ends)
    lost = next(stage for stage in pipeline.stages if stage.outcome == "lost")
    move = {"leadId": str(lead.id), "stageId": str(lost.id), "reason": _LOST[-1]}
    await perform(db, owner, "crm.leads.moveStage", move, now=ends)
    return True


async def _kept_up(db: Database, owner: Actor, lead: Lead, story: Story) -> None:
    """The latest promise was kept, and the next one is for these days."""
    dice = story.dice
    kept = max(story.ends - timedelta(hours=dice.randrange(3, 60)), lead.last_activity_at + timedelta(minutes=1))
    if kept >= story.ends:
        return
    await _finish_tasks(db, owner, {"leadId": str(lead.id)}, kept)
    due = _later(story.ends - timedelta(days=2), dice, 8).replace(minute=dice.choice((0, 15, 30)))
    step = {"leadId": str(lead.id), "dueAt": due.isoformat(), "title": _next_step(dice, lead)}
    await perform(db, owner, "crm.leads.followUp", step, now=kept)


def _next_step(dice: random.Random, lead: Lead) -> str:
    return f"{dice.choice(('Call', 'Write to', 'Meet'))} {lead.name}"


def _path(pipeline: Pipeline, lead: Lead, dice: random.Random) -> Iterator[tuple[Stage, bool]]:
    """The stages that a lead comes through from where it is, and whether each is its last; the end is won or lost."""
    opens = [stage for stage in pipeline.stages if not stage.closed]
    at = next(index for index, stage in enumerate(opens) if stage.id == lead.stage_id)
    chance = 0.55 + (lead.score or 0) / 250
    path = list(itertools.takewhile(lambda stage: dice.random() <= chance, opens[at + 1 :]))
    through = len(path) == len(opens) - at - 1
    if dice.random() < (0.75 if through else 0.45):
        path.append(next(stage for stage in pipeline.stages if stage.outcome == ("won" if through else "lost")))
    return zip(path, [False] * (len(path) - 1) + [True], strict=False)


def _lately(story: Story, stage: Stage) -> datetime:
    """A moment of the last days, so that a lead has not yet been in a stage for too long."""
    return story.ends - timedelta(days=story.dice.uniform(0.1, 0.8 * (stage.sla_days or 5)))


async def _finish_tasks(db: Database, owner: Actor, reference: dict[str, str], clock: datetime) -> None:
    tasks = await perform(db, owner, "crm.tasks.list", reference)
    for task in tasks.items:
        await perform(db, owner, "crm.tasks.complete", {"taskId": str(task.id)}, now=clock)


def _later(clock: datetime, dice: random.Random, days: int) -> datetime:
    """Some working moment within a few days."""
    later = clock + timedelta(days=dice.uniform(0.2, days))
    later = later.replace(hour=dice.randrange(8, 18), minute=dice.randrange(60))
    while later.isoweekday() > 5 or later <= clock:
        later += timedelta(days=1)
    return later
