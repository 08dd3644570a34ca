"""`baton export`: leads go out into a file."""

import os
import sys
from pathlib import Path

from baton.doors import words
from baton.doors.import_file import actor_in
from baton.exports.export import Export, ExportLeads
from baton.exports.stream import stream
from baton.kernel.db import Database
from baton.kernel.errors import Invalid
from baton.kernel.perform import perform
from baton.kernel.values import fold
from baton.pipelines.pipeline import Pipeline

FORMATS = ("csv", "xlsx", "jsonl")


def format_of(path: Path, wanted: str | None) -> str:
    """The format of a file: the one that is wanted, else what its name ends with. Raises Invalid."""
    format = (wanted or path.suffix.lstrip(".")).lower()
    if format not in FORMATS:
        raise Invalid(f"Leads are exported as {', '.join(FORMATS)}: name the file so, or choose one with --format.")
    return format


async def export_file(
    database: Database, path: Path, asked: ExportLeads, *, organization: str | None, pipeline: str | None
) -> None:
    """Write the leads of an organization to a file ("-" is the standard output), whole or not at all.

    Raises Invalid, NotFound, TooLarge.
    """
    actor = await actor_in(database, organization, "Export from the command line")
    if pipeline is not None:
        found: list[Pipeline] = await perform(database, actor, "crm.pipelines.list")
        named = [
            each for each in found if fold(pipeline) in (fold(each.name), str(each.id), fold(each.external_id or ""))
        ]
        if not named:
            raise Invalid(f"There is no pipeline “{pipeline}”; there are: {', '.join(each.name for each in found)}.")
        asked.pipeline_id = str(named[0].id)
    export: Export = await perform(database, actor, "crm.exports.leads", asked)
    if str(path) == "-":
        async for part in stream(database, actor, export):
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    size = 0
    try:
        with draft.open("wb") as file:
            async for part in stream(database, actor, export):
                size += file.write(part)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    words.done(f"The leads are in {path} ({size:,} bytes).")
