"""Scoring: what makes a score, in words, and each rule edited by an admin. Spec B6, C7."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.doors.web.leads.condition_form import form, parsed, part
from baton.doors.web.settings.back_test import ranking_view
from baton.doors.web.shell.amounts import number
from baton.doors.web.shell.language import Told, _, marked, told
from baton.doors.web.shell.render import done, page
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import YES_NO, kept, place_of, placed, settle
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import vocabulary, words
from baton.kernel.conditions import everything
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.reports.back_test import BackTest, BackTested
from baton.scoring.bands import Bands, SetBands
from baton.scoring.rules import Factor, NewFactor, NewRule, Rule, SetRules

HERE = "/settings/scoring"
COMBINE = Told({"best": marked("the best of its rules counts"), "sum": marked("its rules add up")})


async def show(visit: Visit) -> Response:
    """GET /settings/scoring: factors, their rules in words, and where the bands begin."""
    factors: list[Factor] = await visit.perform("crm.scoring.rules")
    bands: Bands = await visit.perform("crm.scoring.bands")
    known = await vocabulary(visit)
    views = [
        {
            "id": factor.id,
            "label": told(factor.label),
            "most": factor.max_points,
            "how": COMBINE[factor.combine],
            "weight": _("counts %(weight)s times") % {"weight": number(factor.weight, digits=2)} if factor.weight != 1 else "",
            "rules": [
                {"id": rule.id, "name": rule.name, "points": f"{rule.points:+d}", "which": words(rule.condition, known),
                 "enabled": rule.enabled}
                for rule in factor.rules
            ],
        }
        for factor in factors
    ]  # fmt: skip
    return await page(visit, "scoring.html", here=HERE, factors=views, bands=bands)


_FACTOR = "*factor"


async def rule(visit: Visit) -> Response:
    """GET and POST /settings/scoring/{factor}/{rule}; `new` makes one. A press on Remove takes the rule away."""
    factors, at, place = await _found(visit)
    known = await vocabulary(visit)
    before = factors[at].rules[place] if place is not None else None
    condition = before.condition if before else everything()
    error: Refusal | None = None
    tested: BackTested | None = None
    first = {"name": before.name, "points": before.points, "enabled": "on" if before.enabled else ""} if before else {}
    parts = [part(condition, known)] if before else []
    labels = {"name": _("Name"), "points": _("Points"), "enabled": _("The rule is on")}
    org_id = visit.actor.org_id
    clashes = await settle(visit, org_id, first, labels, shown={"enabled": YES_NO}, parts=parts) if before else []
    if visit.request.method == "POST" and not clashes:
        try:
            new = [_again(factor) for factor in factors]
            if visit.fields.get("do") == "remove" and place is not None:
                gone = new[at].rules.pop(place)
                return await _set(visit, new, _("The rule “%(name)s” is removed.") % {"name": gone.name})
            condition = parsed(visit.several, known)
            mine = NewRule(
                name=_name(visit), condition=condition, points=_whole(visit, "points"),
                enabled=visit.fields.get("enabled") == "on",
            )  # fmt: skip
            if place is None:
                new[at].rules.append(mine)
            else:
                new[at].rules[place] = mine
            if visit.fields.get("do") == "try":
                tested = await visit.perform("crm.scoring.backTest", BackTest(factors=new))
            else:
                return await _set(visit, new, _("“%(name)s” counts from the next score on.") % {"name": mine.name})
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    values: dict[str, Any] = {"enabled": "on"} | first
    if visit.request.method == "POST":
        values |= {"enabled": ""} | visit.fields
    return await sheet(
        visit,
        "scoring_rule.html",
        _("A rule of %(label)s") % {"label": factors[at].label},
        act=_("Save the rule"),
        back=HERE,
        values=values,
        error=error,
        here=HERE,
        form=form(condition, known, visit.several),
        was=kept(first, parts) | place_of(place, factors[at].rules) | {_FACTOR: factors[at].key},
        action=f"{HERE}/{factors[at].id}/{before.id if before else 'new'}",
        clashes=clashes,
        removable=before is not None,
        tested=tested,
        rankings=[(_("With this rule"), ranking_view(tested.proposed)), (_("As it is"), ranking_view(tested.current))]
        if tested
        else [],
        lede=_("%(label)s gives at most %(max_points)s points; %(what)s.")
        % {"label": factors[at].label, "max_points": factors[at].max_points, "what": COMBINE[factors[at].combine]},
    )


async def factor(visit: Visit) -> Response:
    """GET and POST /settings/scoring/{factor}: what a factor gives at most, and how its rules are combined."""
    factors, at = (await _found(visit))[:2]
    mine = factors[at]
    error: Refusal | None = None
    values: dict[str, Any] = {
        "label": mine.label,
        "maxPoints": mine.max_points,
        "combine": mine.combine,
        "weight": f"{mine.weight:g}",
    }
    now = dict(values)
    labels = {"label": _("Name"), "maxPoints": _("Points at most"), "combine": _("How its rules count"),
              "weight": _("Counts how many times")}  # fmt: skip
    clashes = await settle(visit, visit.actor.org_id, now, labels, shown={"combine": COMBINE})
    values |= visit.fields
    if visit.request.method == "POST" and not clashes:
        try:
            new = [_again(each) for each in factors]
            new[at].label = visit.fields.get("label", "").strip()
            new[at].max_points = _whole(visit, "maxPoints")
            new[at].combine = "sum" if visit.fields.get("combine") == "sum" else "best"
            new[at].weight = _weight(visit)
            return await _set(visit, new, _("“%(label)s” is changed.") % {"label": new[at].label})
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "scoring_factor.html",
        _("Change %(label)s") % {"label": mine.label},
        act=_("Save"),
        back=HERE,
        values=values,
        error=error,
        here=HERE,
        combine=list(COMBINE.items()),
        was=now | {_FACTOR: mine.key},
        action=f"{HERE}/{mine.id}",
        clashes=clashes,
    )


async def bands(visit: Visit) -> Response:
    """GET and POST /settings/scoring/bands."""
    _must_manage(visit)
    now: Bands = await visit.perform("crm.scoring.bands")
    error: Refusal | None = None
    first = {"high": now.high, "medium": now.medium}
    clashes = await settle(
        visit, visit.actor.org_id, first, {"high": _("High begins at"), "medium": _("Medium begins at")}
    )
    if visit.request.method == "POST" and not clashes:
        try:
            await visit.perform(
                "crm.scoring.setBands", SetBands(high=_whole(visit, "high"), medium=_whole(visit, "medium"))
            )
            return done(visit, _("The bands are drawn anew."), HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "scoring_bands.html",
        _("Bands"),
        act=_("Save"),
        back=HERE,
        here=HERE,
        error=error,
        values=first | visit.fields,
        was=first,
        clashes=clashes,
        lede=_("Scores that were calculated keep their band; those to come use these."),
    )


async def _found(visit: Visit) -> tuple[list[Factor], int, int | None]:
    """The factors, the place of the one that the address names, and of its rule (none for a new one). Raises NotFound."""
    _must_manage(visit)
    factors: list[Factor] = await visit.perform("crm.scoring.rules")
    at = placed(visit, factors, visit.path["factor"], lambda each: (each.id, each.key), by=_FACTOR)
    if at is None:
        raise NotFound("The scoring rules were changed meanwhile. Open them again.")
    named = visit.path.get("rule", "new")
    place = placed(visit, factors[at].rules, named, lambda each: (each.id, each.name))
    if place is None and named != "new":
        raise NotFound("This rule was changed meanwhile. Open the scoring rules again.")
    return factors, at, place


def _must_manage(visit: Visit) -> None:
    if not visit.may_manage:
        raise Forbidden("Only an admin changes how leads are scored.")


def _again(factor: Factor) -> NewFactor:
    return NewFactor(
        key=factor.key, label=factor.label, max_points=factor.max_points, combine=factor.combine, weight=factor.weight,
        rules=[_same(rule) for rule in factor.rules],
    )  # fmt: skip


def _same(rule: Rule) -> NewRule:
    return NewRule(name=rule.name, condition=rule.condition, points=rule.points, enabled=rule.enabled)


def _name(visit: Visit) -> str:
    name = visit.fields.get("name", "").strip()
    if not name:
        raise Invalid("A rule needs a name: it is the reason that people read.", field="name")
    return name[:200]


def _whole(visit: Visit, name: str) -> int:
    try:
        return msgspec.convert(visit.fields.get(name, "").strip(), int, strict=False)
    except msgspec.ValidationError:
        raise Invalid("This is a whole number.", field=name) from None


def _weight(visit: Visit) -> float:
    try:
        return msgspec.convert(visit.fields.get("weight", "").strip() or "1", float, strict=False)
    except msgspec.ValidationError:
        raise Invalid("This is a number from 0 to 10.", field="weight") from None


async def _set(visit: Visit, factors: list[NewFactor], told: str) -> Response:
    await visit.perform("crm.scoring.setRules", SetRules(factors=factors))
    return done(visit, told, HERE)
