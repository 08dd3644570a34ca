"""What tells one row from another, so that a second run of the same file creates nothing."""

import hashlib
from collections.abc import Sequence

from baton.contacts.matching import Matching
from baton.imports.table import Cell
from baton.kernel.values import fold
from baton.leads.create import NewLead


def identify(lead: NewLead, cells: Sequence[Cell], *, deal: bool, how: Matching) -> str:
    """The identity of a row, in this order: its external id, its e-mail, who it is about, all that it says.

    "Who it is about" takes two of name, company and phone, and not a deal, since a customer may have several alike.
    An e-mail counts within the pipeline and is looked up, by what the organization says that two spellings of one share; of the
    last two a digest becomes the lead's external id.
    """
    if lead.external_id:
        return f"id:{lead.external_id}"
    if lead.email and not deal:
        return f"email:{how.email_key(lead.email)}"
    name = lead.name or " ".join(part for part in (lead.first_name, lead.last_name) if part)
    about = [fold(name or ""), fold(lead.company_name or ""), "".join(c for c in lead.phone or "" if c.isdigit())]
    told = about if sum(map(bool, about)) > 1 and not deal else [str(cell) for cell in cells if cell not in (None, "")]
    return f"row:{_digest(lead.pipeline_id or '', told)}"


def _digest(pipeline: str, parts: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join([pipeline, *parts]).encode("utf-8", "replace")).hexdigest()[:32]
