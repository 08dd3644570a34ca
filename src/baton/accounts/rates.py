"""The organization's own exchange rates: by them sums of several currencies become one, and never without them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

from msgspec import Meta

from baton.accounts.organization import organization
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, columns
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.money import minor_digits
from baton.kernel.operation import Input, Nothing, Output, operation

MOST = 200
_DIGITS = 15


class Rate(Output, kw_only=True):
    """One unit of `currency` is worth `rate` units of the organization's own."""

    currency: str
    rate: float
    set_at: datetime


class RateTable(Output, kw_only=True):
    """The organization's own currency, and what others are worth in it."""

    currency: str
    rates: list[Rate]


_CURRENCIES = {"propertyNames": {"pattern": "^[A-Za-z]{3}$"}}  # what is held below, in words
_WORTH = {"exclusiveMinimum": 0, "maximum": 10**9}


class SetRates(Input, kw_only=True):
    """What one unit of each currency is worth in the organization's own, as `{"EUR": 1.08}`. Currencies that are left out have no rate."""

    rates: Annotated[
        dict[str, Annotated[float, Meta(extra_json_schema=_WORTH)]], Meta(max_length=200, extra_json_schema=_CURRENCIES)
    ]


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates into one currency: `worth` of a currency is how many of its own units one unit is."""

    own: str
    worth: Mapping[str, Decimal]

    def convert(self, minor: int, currency: str) -> int | None:
        """An amount in minor units of a currency as minor units of the own one, half to even; None where there is no rate."""
        if currency == self.own:
            return minor
        rate = self.worth.get(currency)
        if rate is None:
            return None
        amount = Decimal(minor).scaleb(-minor_digits(currency)) * rate
        return int(amount.scaleb(minor_digits(self.own)).to_integral_value(ROUND_HALF_EVEN))

    def gathered(self, amounts: Mapping[str, int]) -> dict[str, int]:
        """Amounts by currency with those that have a rate in one, the own currency; those that have none stay as they are."""
        found: dict[str, int] = {}
        for currency, minor in sorted(amounts.items()):
            own = self.convert(minor, currency)
            into, amount = (currency, minor) if own is None else (self.own, own)
            found[into] = found.get(into, 0) + amount
        return found


async def rates(tx: Tx, own: str | None = None) -> Rates:
    """The organization's rates into its currency, `own` where that is known; those that were set for another one do not count.

    One statement. Raises NotFound where there is no organization.
    """
    if own is not None:
        return Rates(own, {rate.currency: Decimal(str(rate.rate)) for rate in await _read(tx, own)})
    rows = await tx.fetch(
        """SELECT o.currency AS own, r.currency, r.rate FROM organizations o
             LEFT JOIN exchange_rates r ON r.org_id = o.org_id AND r.base = o.currency WHERE o.org_id = $1""",
        tx.org_id,
    )
    if not rows:
        raise NotFound("There is no such organization.")
    return Rates(rows[0]["own"], {row["currency"]: Decimal(str(float(row["rate"]))) for row in rows if row["currency"]})


async def _read(tx: Tx, own: str) -> list[Rate]:
    rows = await tx.fetch(
        "SELECT currency, rate, set_at FROM exchange_rates WHERE org_id = $1 AND base = $2 ORDER BY currency",
        tx.org_id,
        own,
    )
    return [Rate(currency=row["currency"], rate=float(row["rate"]), set_at=row["set_at"]) for row in rows]


@operation("crm.organization.rates", kind="query", role=Role.VIEWER, summary="Read the exchange rates")
async def read(tx: Tx, actor: Actor, input: Nothing) -> RateTable:
    """The organization's currency and its exchange rates."""
    own = (await organization(tx)).currency
    return RateTable(currency=own, rates=await _read(tx, own))


@operation("crm.organization.setRates", role=Role.ADMIN, summary="Set the exchange rates")
async def set_rates(tx: Tx, actor: Actor, input: SetRates) -> RateTable:
    """Replace the exchange rates into the organization's currency. Raises Invalid for a currency or a rate."""
    own = (await organization(tx)).currency
    before = {rate.currency: rate.rate for rate in await _read(tx, own)}
    if len(input.rates) > MOST:
        raise Invalid(f"There are at most {MOST} rates.", field="rates")
    given = {code.strip().upper(): _rate(code, rate) for code, rate in input.rates.items()}
    for code in given:
        if len(code) != 3 or not code.isascii() or not code.isalpha() or code == own:
            raise Invalid(f"“{code[:20]}” is no other currency: give ISO 4217 codes such as EUR.", field="rates")
    await tx.execute("DELETE FROM exchange_rates WHERE org_id = $1 AND base = $2", tx.org_id, own)
    await tx.execute(
        """INSERT INTO exchange_rates (org_id, base, currency, rate, set_at)
           SELECT $1, $2, r.*, $3 FROM unnest($4::text[], $5::numeric[]) AS r""",
        tx.org_id, own, tx.now, *columns(list(given.items()), 2),
    )  # fmt: skip
    after = {code: float(rate) for code, rate in sorted(given.items())}
    changes = {"rates": [before, after]} if before != after else {}
    await append(
        tx, actor,
        Entry(kind=kinds.ORGANIZATION_CHANGED, subject_type="organization", subject_id=tx.org_id, changes=changes,
              payload={"currency": own}),
    )  # fmt: skip
    return RateTable(currency=own, rates=await _read(tx, own))


def _rate(code: str, given: float) -> Decimal:
    rate = Decimal(str(given))
    if not rate.is_finite() or not Decimal("1e-9") <= rate <= Decimal("1e9") or len(rate.as_tuple().digits) > _DIGITS:
        raise Invalid(f"The rate of {code[:20]} is a number above zero, of at most {_DIGITS} digits.", field="rates")
    return rate
