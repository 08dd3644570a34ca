"""The limits of an agent, set by an admin: acts and messages a day, tokens and money a month, the largest value. Spec A6."""

from typing import Any

from starlette.responses import Response

from baton.agents.limits import Limits, ReadLimits, SetLimits
from baton.doors.web.agents.agents import HERE, found
from baton.doors.web.leads.facts import cents
from baton.doors.web.shell.amounts import major
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import settle
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound

_COUNTS = ("actionsPerDay", "sendsPerDay", "tokensPerMonth")
_AMOUNTS = ("moneyPerMonth", "largestValue", "secondPersonAbove")


async def edit(visit: Visit) -> Response:
    """GET and POST /agents/{agent}/limits."""
    agent = await found(visit)
    currency = (await visit.organization()).currency
    now: Limits = await visit.perform("crm.agents.limits", ReadLimits(agent_id=str(agent.id)))

    def told(value: int | None) -> Any:
        return "" if value is None else major(value, currency)

    spent = now.money_micros_per_month
    values: dict[str, Any] = {
        "actionsPerDay": _blank(now.actions_per_day), "sendsPerDay": _blank(now.sends_per_day), "approvalHours": now.approval_hours,
        "tokensPerMonth": _blank(now.tokens_per_month), "moneyPerMonth": told(spent // 10_000 if spent is not None else None),
        "largestValue": told(now.largest_value_cents), "secondPersonAbove": told(now.second_person_above_cents),
    }  # fmt: skip
    error: Refusal | None = None
    clashes = await settle(visit, agent.id, values, _limit_labels(currency))
    if visit.request.method == "POST" and not clashes:
        try:
            count = {name: _count(visit.fields.get(name, ""), name) for name in _COUNTS}
            amount = {
                name: cents(text, currency) if (text := visit.fields.get(name, "").strip()) else None
                for name in _AMOUNTS
            }
            spend = amount["moneyPerMonth"]
            wish = SetLimits(
                agent_id=str(agent.id), actions_per_day=count["actionsPerDay"], sends_per_day=count["sendsPerDay"],
                tokens_per_month=count["tokensPerMonth"], money_micros_per_month=spend * 10_000 if spend is not None else None,
                largest_value_cents=amount["largestValue"], second_person_above_cents=amount["secondPersonAbove"],
                approval_hours=_count(visit.fields.get("approvalHours", ""), "approvalHours") or 72,
            )  # fmt: skip
            await visit.perform("crm.agents.setLimits", wish)
            return done(
                visit,
                _("%(name)s works within these limits from now on.") % {"name": agent.name},
                f"/agents/{agent.id}",
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal

    return await sheet(
        visit, "agent_limits.html", _("The limits of %(name)s") % {"name": agent.name}, act=_("Save"), back=f"/agents/{agent.id}",
        values=values | visit.fields, error=error, here=HERE, currency=currency, was=values, clashes=clashes,
        lede=_("Empty for no limit. What is beyond a limit is refused, and shown here."),
    )  # fmt: skip


def _limit_labels(currency: str) -> dict[str, str]:
    return {
        "actionsPerDay": _("Acts a day"), "sendsPerDay": _("Messages a day"), "tokensPerMonth": _("Tokens a month"),
        "moneyPerMonth": _("Money a month, %(currency)s") % {"currency": currency},
        "largestValue": _("Largest value it may touch, %(currency)s") % {"currency": currency},
        "secondPersonAbove": _("Two people approve above, %(currency)s") % {"currency": currency},
        "approvalHours": _("An approval waits, hours"),
    }  # fmt: skip


def _blank(value: int | None) -> Any:
    return "" if value is None else value


def _count(text: str, field: str) -> int | None:
    text = text.strip().replace(",", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Invalid("A limit is a whole number, or empty.", field=field)
    return int(text)
