"""Settings → Organization: its name, zone and currency, what other currencies are worth, and how people are told apart."""

from collections.abc import Sequence
from typing import Any

from babel.numbers import get_currency_name
from starlette.responses import Response

from baton.accounts.organization import EditOrganization, Organization
from baton.accounts.rates import RateTable, SetRates
from baton.contacts.matching import Matching, SetMatching
from baton.doors.web.settings.profile import zone_options
from baton.doors.web.shell.language import Told, _, marked, told
from baton.doors.web.shell.render import page, redirect
from baton.doors.web.shell.stale import Clash, held, settle
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid

HERE = "/settings/organization"
SPARE = 2
_SAID = Told(
    {
        "saved": marked("The organization is changed."),
        "rates": marked("Sums count by the new rates from now on."),
        "matching": marked("People are told apart the new way."),
    }
)


async def show(visit: Visit) -> Response:
    """GET /settings/organization."""
    return await _page(visit)


async def save(visit: Visit) -> Response:
    """POST /settings/organization/{part}: the organization itself, its rates, or how people are told apart."""
    part, fields = visit.path["part"], visit.fields
    try:
        if part == "rates":
            await visit.perform("crm.organization.setRates", SetRates(rates=_rates(visit)))
        elif part == "matching":
            await visit.perform("crm.contacts.setMatching", SetMatching(
                ignore_case="ignoreCase" in fields, ignore_plus="ignorePlus" in fields,
                default_region=fields.get("defaultRegion", "").strip() or None,
            ))  # fmt: skip
        else:
            clashes = await _settled(visit)
            if clashes:
                return await _page(visit, clashes=clashes)
            part = "saved"
            await visit.perform("crm.organization.update", EditOrganization(
                name=fields.get("name", ""), currency=_currency(fields.get("currency", "")), time_zone=fields.get("timeZone") or None,
            ))  # fmt: skip
    except (Invalid, Conflict) as error:
        return await _page(visit, error)
    return redirect(f"{HERE}?said={part}")


def _facts(one: Organization) -> dict[str, str]:
    return {"name": one.name, "currency": one.currency, "timeZone": one.time_zone}


async def _settled(visit: Visit) -> list[Clash]:
    """What the form says of the organization, settled with what others wrote since it was opened."""
    labels = {"name": _("Name"), "currency": _("Currency"), "timeZone": _("Time zone")}
    return await settle(visit, visit.actor.org_id, _facts(await visit.organization()), labels)


def _currency(text: str) -> str:
    code = text.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha() or get_currency_name(code, locale="en_US") == code:
        raise Invalid(f"“{text[:20]}” is no currency: give an ISO 4217 code such as EUR.", field="currency")
    return code


def _rates(visit: Visit) -> dict[str, float]:
    codes = [value.strip().upper() for name, value in visit.several if name == "code"]
    worth = [value.strip() for name, value in visit.several if name == "rate"]
    rates: dict[str, float] = {}
    for code, text in zip(codes, worth, strict=False):
        if not code and not text:
            continue
        try:
            rates[_currency(code)] = float(text.replace(",", "."))
        except ValueError:
            raise Invalid(f"The rate of {code} is a number such as 1.08, not “{text[:20]}”.", field="rates") from None
    return rates


async def _page(visit: Visit, error: Invalid | Conflict | None = None, *, clashes: Sequence[Clash] = ()) -> Response:
    organization = await visit.organization()
    table: RateTable = await visit.perform("crm.organization.rates")
    matching: Matching = await visit.perform("crm.contacts.matching")
    rates: list[tuple[str, Any]] = [(rate.currency, f"{rate.rate:g}") for rate in table.rates]
    part = visit.path.get("part", "")
    return await page(
        visit, "organization.html", here=HERE, status=422 if error or clashes else 200, one=organization,
        wrong=told(error.message) if error else "", wrong_in=part if error else "",
        rates=[*rates, *[("", "")] * SPARE], matching=matching, zones=zone_options(),
        v=_facts(organization) | visit.fields, was=held(_facts(organization)), clashes=clashes,
        said=_SAID.get(visit.query.get("said", "")),
    )  # fmt: skip
