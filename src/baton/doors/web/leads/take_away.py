"""The list as a file: its leads in its order, with its columns. Spec A10."""

from starlette.responses import Response

from baton.doors.downloads import TYPES, give
from baton.doors.web.leads import listing
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Forbidden, NotFound


async def show(visit: Visit) -> Response:
    """GET /leads/export.{format}: csv, xlsx or jsonl."""
    format = visit.path["format"]
    if format not in TYPES:
        raise NotFound("A list is taken away as CSV, Excel or JSON lines.")
    if not visit.may_write:
        raise Forbidden("Viewers do not export leads. Ask a member of your organization.")
    shown = await listing.of(visit)
    columns = list(dict.fromkeys(column.export for column in shown.columns if column.export))
    if "value" in columns:
        columns.insert(columns.index("value") + 1, "currency")
    asked = {
        "format": format, "where": shown.where, "search": shown.search or None, "segmentId": shown.segment_id and str(shown.segment_id),
        "sort": shown.sort, "descending": shown.descending, "columns": list(dict.fromkeys(["batonLeadId", *columns])),
    }  # fmt: skip
    return await give(visit.request, visit.actor, asked)
