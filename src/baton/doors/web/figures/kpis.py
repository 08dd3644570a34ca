"""The six figures above a dashboard: what they are now, and how they stand against the period before. Spec B1."""

from dataclasses import dataclass

from baton.doors.web.shell.amounts import number, percent, sums
from baton.doors.web.shell.language import _
from baton.reports.tally import Money, Tally


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure: `change` against the period before, whether that is good, and the leads behind it."""

    label: str
    value: str
    change: str
    good: bool
    href: str
    was: str = ""


def kpis(now: Tally, then: Tally | None, list_url: str) -> list[Kpi]:
    """Total, active, pipeline value, won, conversion rate and average score; without `then` no changes."""
    return [
        _count(_("Total leads"), now.leads, then.leads if then else None, list_url, relative=True),
        _count(_("Active"), now.open, then.open if then else None, f"{list_url}&state=open"),
        _value(now, then, f"{list_url}&state=open"),
        _count(_("Won deals"), now.won, then.won if then else None, f"{list_url}&status=won"),
        _rate(now, then, f"{list_url}&status=won"),
        _score(now, then, f"{list_url}&score=high"),
    ]


def _count(label: str, now: int, then: int | None, href: str, *, relative: bool = False) -> Kpi:
    if then is None:
        return Kpi(label, number(now), "", True, href)
    if relative:
        return Kpi(
            label, number(now), _percent(now, then), now >= then, href, _("%(then)s before") % {"then": number(then)}
        )
    return Kpi(
        label, number(now), _signed(now - then), now >= then, href, _("%(then)s before") % {"then": number(then)}
    )


def _value(now: Tally, then: Tally | None, href: str) -> Kpi:
    shown = amounts(now.open_value) or "—"
    if then is None:
        return Kpi(_("Pipeline value"), shown, "", True, href)
    one, other = _single(now.open_value), _single(then.open_value)
    compared = one is not None and other is not None and one.currency == other.currency
    change = _percent(one.value_cents, other.value_cents) if compared and one and other else ""
    good = not (compared and one and other) or one.value_cents >= other.value_cents
    return Kpi(
        _("Pipeline value"),
        shown,
        change,
        good,
        href,
        _("%(then)s before") % {"then": amounts(then.open_value) or _("nothing")},
    )


def _rate(now: Tally, then: Tally | None, href: str) -> Kpi:
    shown = percent(now.conversion_rate / 100, digits=1)
    if then is None:
        return Kpi(_("Conversion"), shown, "", True, href)
    moved = round(now.conversion_rate, 1) - round(then.conversion_rate, 1)
    change = _sign(moved) + _("%(points)s pt") % {"points": number(abs(moved), digits=1)} if abs(moved) >= 0.05 else ""
    return Kpi(
        _("Conversion"),
        shown,
        change,
        moved >= 0,
        href,
        _("%(then)s before") % {"then": percent(then.conversion_rate / 100, digits=1)},
    )


def _score(now: Tally, then: Tally | None, href: str) -> Kpi:
    shown = "—" if now.average_score is None else number(now.average_score)
    if then is None or then.average_score is None or now.average_score is None:
        return Kpi(_("Average score"), shown, "", True, href)
    moved = round(now.average_score) - round(then.average_score)
    return Kpi(
        _("Average score"),
        shown,
        _signed(moved),
        moved >= 0,
        href,
        _("%(then)s before") % {"then": number(then.average_score)},
    )


def amounts(found: list[Money]) -> str:
    """Amounts of several currencies in short, side by side; empty for none."""
    return sums({amount.currency: amount.value_cents for amount in found})


def _single(amounts: list[Money]) -> Money | None:
    return amounts[0] if len(amounts) == 1 else None


def _percent(now: int, then: int) -> str:
    if not then or now == then:
        return ""
    moved = 100 * (now - then) / then
    return _sign(moved) + percent(abs(moved) / 100, digits=1 if abs(moved) < 100 else 0)


def _signed(moved: int) -> str:
    return _sign(moved) + number(abs(moved)) if moved else ""


def _sign(moved: float) -> str:
    return "+" if moved > 0 else "−"
