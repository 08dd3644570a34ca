"""What a model agent thinks with: the model and where it is, its instructions, the tools that it was given. Spec A6."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.agents.policy import ReadPolicy, agent
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, Output, operation, registry
from baton.kernel.shapes import LargePrice, OperationName, Password, Prose, WebAddress
from baton.kernel.values import Ref

TOOLS = (
    "crm.leads.get", "crm.leads.timeline", "crm.tasks.list", "crm.leads.update", "crm.leads.addTags", "crm.leads.moveStage",
    "crm.leads.setStatus", "crm.leads.qualify", "crm.leads.disqualify", "crm.leads.followUp", "crm.leads.logActivity",
    "crm.leads.handOff", "crm.emails.send",
)  # fmt: skip
MOST_WORDS = 20_000


class AgentModel(Output, kw_only=True):
    """A model agent's settings. Prices are in the organization's currency for a million tokens; the key is never told."""

    agent_id: UUID
    model: str
    base_url: str | None
    has_key: bool
    instructions: str
    tools: list[str]
    most_answers: int
    input_price: float
    output_price: float


class SetModel(Input, kw_only=True):
    """`model` as pydantic-ai names it (openai:…, anthropic:…); with `baseUrl` the name of a model of a server that speaks OpenAI's
    chat completions. `key` stays as it is where it is left out. `tools` are operations; its policy still decides on each."""

    agent_id: Ref
    model: Annotated[str, Meta(max_length=200, pattern=r"\S")]
    base_url: WebAddress | None = None
    key: Password | None = None
    instructions: Prose = ""
    tools: Annotated[list[OperationName], Meta(max_length=200)] = msgspec.field(default_factory=lambda: list(TOOLS))
    most_answers: Annotated[int, Meta(ge=1, le=50)] = 12
    input_price: LargePrice = 0
    output_price: LargePrice = 0


class ThinkWith(Output, kw_only=True):
    """All that it takes to ask a model, its key included: for the product's own work, never told by a door."""

    agent_id: UUID
    name: str
    purpose: str | None
    model: str
    base_url: str | None
    key: str | None
    instructions: str
    tools: list[str]
    most_answers: int
    input_price: float
    output_price: float


_COLUMNS = """model, base_url, key, instructions, tools, most_answers, input_price::float8 AS input_price,
    output_price::float8 AS output_price"""


@operation("crm.agents.model", kind="query", role=Role.ADMIN, summary="Read what an agent thinks with")
async def read_model(tx: Tx, actor: Actor, input: ReadPolicy) -> AgentModel | None:
    """A model agent's settings, none before they are set. Raises NotFound, Invalid for a person."""
    found = await agent(tx, input.agent_id)
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM agent_models WHERE org_id = $1 AND agent_id = $2", tx.org_id, found.id
    )
    if row is None:
        return None
    values = dict(row)
    return AgentModel(agent_id=found.id, has_key=values.pop("key") is not None, **values)


@operation("crm.agents.setModel", role=Role.ADMIN, summary="Change what an agent thinks with")
async def set_model(tx: Tx, actor: Actor, input: SetModel) -> AgentModel | None:
    """Set what an agent thinks with; its next run is with it. One that worked by its playbook alone decides by a model from then on, and
    keeps its rules. Raises Invalid, Conflict for an agent that works from outside, NotFound, Forbidden for agents."""
    must_not_be_agent(actor)
    found = await agent(tx, input.agent_id)
    if found.agent_kind == "external":
        raise Conflict(f"{found.name} works from outside, by its token. Add an agent that decides by a model.")
    _check(input)
    if input.base_url is not None:
        tx.installation.outbound.check(input.base_url, plain_http=True)
    sealed = tx.installation.vault.seal(input.key, f"model/{found.id}") if input.key else None
    await tx.execute(
        """INSERT INTO agent_models AS m (org_id, agent_id, model, base_url, key, instructions, tools, most_answers, input_price,
                  output_price)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (org_id, agent_id) DO UPDATE SET model = excluded.model, base_url = excluded.base_url,
              key = CASE WHEN m.base_url IS DISTINCT FROM excluded.base_url THEN excluded.key ELSE coalesce(excluded.key, m.key) END,
              instructions = excluded.instructions, tools = excluded.tools, most_answers = excluded.most_answers,
              input_price = excluded.input_price, output_price = excluded.output_price, version = m.version + 1""",
        tx.org_id, found.id, input.model.strip(), input.base_url, sealed, input.instructions, input.tools, input.most_answers,
        Decimal(str(input.input_price)), Decimal(str(input.output_price)),
    )  # fmt: skip
    await tx.execute(
        "UPDATE members SET agent_kind = 'model', version = version + 1 WHERE org_id = $1 AND id = $2 AND agent_kind = 'playbook'",
        tx.org_id, found.id,
    )  # fmt: skip
    told = {"name": found.name, "model": input.model, "baseUrl": input.base_url, "tools": input.tools}
    await append(tx, actor, Entry(kind=kinds.MODEL_CHANGED, subject_type="member", subject_id=found.id, payload=told))
    return await read_model(tx, actor, ReadPolicy(agent_id=str(found.id)))


def _check(input: SetModel) -> None:
    if not input.model.strip() or len(input.model) > 200 or not input.model.isprintable():
        raise Invalid("Name a model, such as openai:gpt-5 or, with an address of your own, llama3.2.", field="model")
    if input.base_url is None and ":" not in input.model:
        raise Invalid(
            "Say whose model it is (openai:gpt-5), or give the address of a server of your own.", field="model"
        )
    if len(input.instructions) > MOST_WORDS:
        raise Invalid(f"Instructions have at most {MOST_WORDS:,} characters.", field="instructions")
    if not 1 <= input.most_answers <= 50 or not 0 <= input.input_price <= 1e6 or not 0 <= input.output_price <= 1e6:
        raise Invalid("A run has 1 to 50 answers, and a price is not below zero.", field="mostAnswers")
    for name in input.tools:
        op = registry.get(name)
        if op is None or op.internal or op.role is None or not Role.MEMBER.admits(op.role):
            raise Invalid(f"“{name[:80]}” is no operation that an agent can be given.", field="tools")


@operation(
    "crm.agents.thinkWith", kind="query", role=Role.MEMBER, summary="Read how to ask an agent's model", internal=True
)
async def think_with(tx: Tx, actor: Actor, input: ReadPolicy) -> ThinkWith:
    """What an agent's model is asked with. Raises Conflict where nothing is set."""
    found = await agent(tx, input.agent_id)
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM agent_models WHERE org_id = $1 AND agent_id = $2", tx.org_id, found.id
    )
    if row is None:
        raise Conflict(f"{found.name} has no model yet. An admin sets one (crm.agents.setModel).")
    values = dict(row)
    sealed = values.pop("key")
    key = tx.installation.vault.open(sealed, f"model/{found.id}") if sealed else None
    return ThinkWith(agent_id=found.id, name=found.name, purpose=found.purpose, key=key, **values)
