"""Starting an organization: its owner, pipelines, scoring, routing, form and agents, in one transaction. Spec A2."""

from datetime import datetime
from uuid import UUID

from baton.accounts.found import Found, found
from baton.agents.defaults import create_agents
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Tx
from baton.kernel.operation import Output, operation
from baton.kernel.perform import perform
from baton.kernel.values import new_id
from baton.leads.forms import CreateForm
from baton.leads.forms import create as create_form
from baton.messages import template as templates
from baton.pipelines.templates import create_defaults
from baton.routing.rules import NewRoutingRule, SetRoutingRules
from baton.routing.rules import set_rules as set_routing
from baton.scoring.defaults import DEFAULT_FACTORS
from baton.scoring.rules import SetRules
from baton.scoring.rules import set_rules as set_scoring


class Started(Output, kw_only=True):
    """A new organization: its id, its owner and agents, and the address of its first form."""

    org_id: UUID
    owner_id: UUID
    athena_id: UUID
    marcus_id: UUID
    form_address: str


@operation("crm.organizations.start", role=Role.OWNER, summary="Start an organization", internal=True)
async def start(tx: Tx, actor: Actor, input: Found) -> Started:
    """Make the organization that the transaction is set to. Raises Invalid for a name, e-mail or password."""
    _, owner = await found(tx, input)
    await create_defaults(tx, actor)
    await set_scoring(tx, actor, SetRules(factors=DEFAULT_FACTORS))
    athena, marcus = await create_agents(tx, actor, owner)
    await set_routing(tx, actor, SetRoutingRules(rules=[NewRoutingRule(name="Everyone", pool=[str(owner.id)])]))
    form = await create_form(tx, actor, CreateForm(name="Contact us"))
    await templates.start(tx, actor)
    return Started(
        org_id=tx.org_id, owner_id=owner.id, athena_id=athena.id, marcus_id=marcus.id, form_address=form.address
    )


async def start_organization(db: Database, input: Found, *, now: datetime | None = None) -> Started:
    """Start a new organization under a new id; `now` is when it was, the present where absent."""
    founder = system(new_id(), "Baton", role=Role.OWNER, via="page")
    started: Started = await perform(db, founder, "crm.organizations.start", input, now=now)
    return started
