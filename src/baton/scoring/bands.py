"""The bands of a score, where each organization draws them. Spec B6."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Nothing, Output, operation

Band = Literal["high", "medium", "low"]
BANDS: tuple[Band, ...] = ("high", "medium", "low")


class Bands(Output, kw_only=True):
    """The least score of the high and of the medium band; below is low."""

    high: int = 70
    medium: int = 40

    def of(self, score: int) -> Band:
        """The band of a score."""
        return "high" if score >= self.high else "medium" if score >= self.medium else "low"


class SetBands(Input, kw_only=True):
    """Where the bands begin: 0 < medium < high <= 100."""

    high: Annotated[int, Meta(ge=2, le=100)]
    medium: Annotated[int, Meta(ge=1, le=99)]


STORED = "(SELECT o.settings -> 'scoreBands' FROM organizations o WHERE o.org_id = $1)"
"""The SQL of an organization's bands as they are stored, null where they are Spec B6's."""


def from_stored(value: object) -> Bands:
    """The bands of a stored value."""
    return Bands() if value is None else msgspec.convert(value, Bands)


async def read(tx: Tx) -> Bands:
    """The organization's bands."""
    return from_stored(await tx.fetchval(f"SELECT {STORED}", tx.org_id))


@operation("crm.scoring.bands", kind="query", role=Role.VIEWER, summary="Read the bands of scores")
async def get_bands(tx: Tx, actor: Actor, input: Nothing) -> Bands:
    """Where the organization's bands begin."""
    return await read(tx)


@operation("crm.scoring.setBands", role=Role.ADMIN, summary="Change the bands of scores")
async def set_bands(tx: Tx, actor: Actor, input: SetBands) -> Bands:
    """Draw the bands anew; calculations from now on use them, those kept stay. Raises Invalid."""
    if not 0 < input.medium < input.high <= 100:
        raise Invalid("Bands begin at two scores from 1 to 100: “medium” below “high”.", field="medium")
    before, after = await read(tx), Bands(high=input.high, medium=input.medium)
    await tx.execute(
        """UPDATE organizations SET settings = settings || jsonb_build_object('scoreBands', $2::jsonb), version = version + 1
            WHERE org_id = $1""",
        tx.org_id, msgspec.to_builtins(after),
    )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.SCORING_CHANGED, subject_type="organization", subject_id=tx.org_id,
              changes={"scoreBands": [msgspec.to_builtins(before), msgspec.to_builtins(after)]}),
    )  # fmt: skip
    return after
