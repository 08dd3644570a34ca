"""Leads by score: what each band became, and the sources beside it. Document C's analytics. Spec B6, C7."""

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Output, operation
from baton.reports.conversion import SourceReport, by_source
from baton.reports.scope import OverAny, scope
from baton.reports.tally import Tally, added, tally
from baton.scoring import bands
from baton.scoring.bands import BANDS, Band


class BandReport(Tally, kw_only=True):
    """What became of the leads whose score is in a band, of which `least` is the lowest score."""

    band: Band
    least: int


class Analytics(Output, kw_only=True):
    """All leads, those of each band from high to low, how many have no score, and those of each source.

    `histogram` counts the leads that score 0–9, 10–19 … 90–100.
    """

    all: Tally
    bands: list[BandReport]
    unscored: int
    sources: list[SourceReport]
    histogram: list[int]


@operation("crm.leads.analytics", kind="query", role=Role.VIEWER, summary="Read the analytics of leads and scores")
async def analytics(tx: Tx, actor: Actor, input: OverAny) -> Analytics:
    """Whether scores say who buys, in at most nine statements. Without a pipeline it covers the organization. Raises NotFound, Invalid."""
    over, lines = await scope(tx, input), await bands.read(tx)
    case = f"CASE WHEN l.score >= {lines.high} THEN 'high' WHEN l.score >= {lines.medium} THEN 'medium' WHEN l.score >= 0 THEN 'low' END"
    found = await tally(tx, over, case)
    whole = (await tally(tx, over, "1")).get(1, added([], over.rates))
    rows = await tx.fetch(
        f"""SELECT least(l.score / 10, 9) AS tenth, count(*) AS leads FROM {over.rowset} l
             WHERE {over.tests} AND l.score IS NOT NULL GROUP BY 1""",
        *over.args,
    )
    tenths = {row["tenth"]: row["leads"] for row in rows}
    least = {"high": lines.high, "medium": lines.medium, "low": 0}
    return Analytics(
        all=whole, unscored=found[None].leads if None in found else 0, sources=by_source(await tally(tx, over, "l.source")),
        bands=[_band(name, least[name], found.get(name, added([], over.rates))) for name in BANDS],
        histogram=[tenths.get(i, 0) for i in range(10)],
    )  # fmt: skip


def _band(name: Band, least: int, found: Tally) -> BandReport:
    return BandReport(
        band=name, least=least, leads=found.leads, open=found.open, won=found.won, lost=found.lost, conversion_rate=found.conversion_rate,
        win_rate=found.win_rate, average_score=found.average_score, open_value=found.open_value, won_value=found.won_value,
    )  # fmt: skip
