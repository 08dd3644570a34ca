"""Cases of webhooks and enrichment."""

from baton.activities import kinds
from tests.operations.cases import Case, Input, case, cases
from tests.team import Team

cases["crm.webhooks.list"] = Case(lambda team: _nothing(team), foreign=False)


async def _nothing(team: Team) -> Input:
    return {}


async def _webhook(team: Team) -> Input:
    made = await team.do(team.ana, "crm.webhooks.create", url="https://hooks.example.com/baton")
    await team.do(team.ana, "crm.webhooks.update", webhookId=str(made.id), description="For the shop")
    return {"webhookId": str(made.id)}


async def _delivery(team: Team) -> Input:
    made = await team.do(team.ana, "crm.webhooks.test", await _webhook(team))
    return {"deliveryId": str(made.id)}


cases["crm.webhooks.deliveries"] = Case(_webhook)
cases["crm.webhooks.delivery"] = Case(_delivery)
cases["crm.webhooks.delete"] = Case(_webhook, (kinds.WEBHOOK_REMOVED,))
cases["crm.webhooks.rotateSecret"] = Case(_webhook, (kinds.WEBHOOK_SECRET_ROTATED,))
cases["crm.webhooks.test"] = Case(_webhook, (kinds.WEBHOOK_TESTED,))
cases["crm.webhooks.replay"] = Case(_delivery, (kinds.WEBHOOK_REPLAYED,))


@case("crm.webhooks.create", kinds.WEBHOOK_CREATED, foreign=False)
async def _create(team: Team) -> Input:
    return {"url": "https://hooks.example.com/baton", "events": ["lead.*", "task.completed"]}


@case("crm.webhooks.update", kinds.WEBHOOK_CHANGED)
async def _update(team: Team) -> Input:
    return await _webhook(team) | {"events": ["lead.stage_changed"], "status": "disabled"}


@case("crm.webhooks.disable", kinds.WEBHOOK_DISABLED)
async def _disable(team: Team) -> Input:
    return await _webhook(team) | {"why": "It does not answer."}
