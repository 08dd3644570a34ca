"""Trying scoring rules on the leads that were won and lost, before they are switched on. Spec C7."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.doors.web.shell.amounts import number, percent
from baton.doors.web.shell.language import Choices, Told, _, marked, told
from baton.doors.web.shell.render import page
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told import periods
from baton.kernel.errors import Conflict, Forbidden, Invalid
from baton.kernel.explain import explained
from baton.reports.back_test import BackTest, BackTested, Ranking
from baton.scoring.rules import Factor, NewFactor

HERE = "/settings/scoring"
FACTS = Choices(
    [
        ("creation", marked("what was known when they came")),
        ("closing", marked("what was known before they were closed")),
    ]
)
PERIODS = Told({"": marked("ever")}) | periods.NAMES


async def show(visit: Visit) -> Response:
    """GET and POST /settings/scoring/test: other weights and most points, against those in force."""
    if not visit.may_manage:
        raise Forbidden("Only an admin tries scoring rules.")
    factors: list[Factor] = await visit.perform("crm.scoring.rules")
    error: Invalid | Conflict | None = None
    tested: BackTested | None = None
    if visit.request.method == "POST":
        try:
            tested = await visit.perform("crm.scoring.backTest", await _asked(visit, factors))
        except (Invalid, Conflict) as refusal:
            error = refusal
    rows = [
        {"key": factor.key, "label": factor.label,
         "weight": visit.fields.get(f"weight-{factor.key}", f"{factor.weight:g}"),
         "most": visit.fields.get(f"most-{factor.key}", str(factor.max_points))}
        for factor in factors
    ]  # fmt: skip
    return await page(
        visit, "back_test.html", here=HERE, status=422 if error else 200, wrong=told(error.message) if error else "", rows=rows,
        facts=FACTS, fact=visit.fields.get("facts", "creation"), periods=list(PERIODS.items()), period=visit.fields.get("period", ""),
        pipelines=[("", _("all")), *((str(p.id), p.name) for p in await visit.pipelines())], pipeline=visit.fields.get("pipeline", ""),
        tested=tested,
        rankings=[(_("Proposed"), ranking_view(tested.proposed)), (_("In force"), ranking_view(tested.current))] if tested else [],
    )  # fmt: skip


async def _asked(visit: Visit, factors: list[Factor]) -> BackTest:
    """The rules in force with the weights and most points of the form. Raises Invalid."""
    proposed = []
    for factor in factors:
        plain = msgspec.to_builtins(factor)
        plain = {name: plain[name] for name in ("key", "label", "combine")} | {
            "rules": [{name: rule[name] for name in ("name", "condition", "points", "enabled")} for rule in plain["rules"]],
            "weight": _number(visit, f"weight-{factor.key}", factor.weight),
            "maxPoints": int(_number(visit, f"most-{factor.key}", factor.max_points)),
        }  # fmt: skip
        proposed.append(plain)
    try:
        new = msgspec.convert(proposed, list[NewFactor])
    except msgspec.ValidationError as error:
        raise explained(error, list[NewFactor]) from None
    name = visit.fields.get("period", "")
    today = visit.now.astimezone(visit.zone).date()
    span = periods.span(name, today) if name in periods.NAMES else None
    return BackTest(
        factors=new, facts="closing" if visit.fields.get("facts") == "closing" else "creation",
        pipeline_id=visit.fields.get("pipeline") or None, closed_from=span.first if span else None, closed_to=span.last if span else None,
    )  # fmt: skip


def _number(visit: Visit, name: str, otherwise: float) -> float:
    text = visit.fields.get(name, "").strip().replace(",", ".")
    try:
        return float(text) if text else otherwise
    except ValueError:
        raise Invalid(f"“{text[:20]}” is no number.") from None


def ranking_view(ranking: Ranking) -> dict[str, Any]:
    """A ranking in the words of people who sell."""
    return {
        "auc": "—" if ranking.auc is None else f"{ranking.auc * 100:.0f} %",
        "lift": "—" if ranking.top_tenth_lift is None else f"{ranking.top_tenth_lift:.1f} ×",
        "won": "—" if ranking.average_won is None else f"{ranking.average_won:.0f}",
        "lost": "—" if ranking.average_lost is None else f"{ranking.average_lost:.0f}",
        "bands": [
            {
                "band": each.band,
                "leads": number(each.leads),
                "won": number(each.won),
                "rate": each.win_rate,
                "told": percent(each.win_rate / 100),
            }
            for each in ranking.bands
        ],
    }
