"""The pipelines that a new organization starts with: document A's five and document C's deals. Spec A2."""

from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.pipelines.create import CreatePipeline, NewStage, create
from baton.pipelines.pipeline import Pipeline


def _stages(first: str) -> list[NewStage]:
    return [
        NewStage(name=first, probability=5, status="new"),
        NewStage(name="Qualified", probability=20, status="qualified", sla_days=3),
        NewStage(name="In conversation", probability=40, status="contacted", sla_days=7),
        NewStage(name="Proposal sent", probability=60, status="proposal", sla_days=10),
        NewStage(name="Negotiation", probability=80, status="negotiating", sla_days=14),
        NewStage(name="Closed-Won", probability=100, status="won"),
        NewStage(name="Closed-Lost", probability=0, status="lost"),
    ]


DEALS = [
    NewStage(name="Discovery", probability=10),
    NewStage(name="Demo", probability=30),
    NewStage(name="Proposal", probability=60),
    NewStage(name="Negotiation", probability=80),
    NewStage(name="Closed Won", probability=100, terminal=True),
    NewStage(name="Closed Lost", probability=0, terminal=True),
]


async def create_defaults(tx: Tx, actor: Actor) -> dict[str, Pipeline]:
    """Make the default pipelines, by name. The first, Inbound, is the intake."""
    made: dict[str, Pipeline] = {}
    for name in ("Inbound", "New Outbound", "Post-sale — Upsell", "Renewal", "Churned"):
        made[name] = await create(tx, actor, CreatePipeline(name=name, type="lead", stages=_stages("New lead")))
    made["Deals"] = await create(tx, actor, CreatePipeline(name="Deals", type="opportunity", stages=DEALS))
    return made
