"""`baton log`: the log goes out into a file, and such a file is verified, with no database at hand."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from baton.activities import evidence, seal
from baton.doors import words
from baton.doors.commands import Data
from baton.doors.import_file import actor_in
from baton.doors.process import with_database
from baton.kernel.db import Database
from baton.kernel.errors import Invalid
from baton.kernel.settings import Settings

app = App(name="log", sort_key=10, help="The log as evidence: write it out, verify it.")


@app.command(name="export")
def export(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)], *, organization: str | None = None, data: Data = None
) -> None:
    """Write an organization's whole log with its seals to a file of JSON lines; what is new is sealed before.

    Args:
        file: Where to write.
        organization: The organization, by name or id, where there are several.
    """

    async def body(settings: Settings, database: Database) -> None:
        actor = await actor_in(database, organization, "Export of the log from the command line")
        while await seal.step(database) == seal.BATCH:
            pass
        draft = file.with_name(f".{file.name}.{os.getpid()}.part")
        lines = 0
        try:
            with draft.open("wb") as out:
                async for line in evidence.export(database, actor.org_id):
                    lines += 1
                    out.write(line)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
        words.done(f"The log is in {file} ({lines:,} lines).")

    with_database(data, body, migrating=False)


@app.command(name="verify")
def verify(file: Path, *, key: str | None = None, head: str | None = None) -> None:
    """Verify a log that was written out: nothing was changed, taken out, put in or put in another order. Needs no database.

    Args:
        file: The file that `baton log export` wrote.
        key: The public key that is trusted, as crm.log.seals told it.
        head: The hash of the newest seal that was seen; without it a cut-off end cannot be noticed.
    """
    with file.open("rb") as lines:
        found = evidence.verify(lines, key=key, head=head)
    for fault in found.faults[:20]:
        words.tell(fault)
    if found.faults:
        raise Invalid(f"This is not the log as it was written: {len(found.faults):,} faults.")
    words.done(
        f"{found.activities:,} activities under {found.seals:,} seals are as they were written"
        f"{f', {found.erased:,} of them erased' if found.erased else ''}"
        f"{f'; {found.unsealed:,} are not sealed yet' if found.unsealed else ''}."
    )
    words.tell(f"Newest seal: {found.head or 'none'}\nKey: {found.key or 'none'}")
