"""Whether a lead may be written to freely on WhatsApp now, and the templates that were used lately."""

from datetime import datetime

from baton.contacts import matching
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.messages.whatsapp.send import last_heard, window_of

LOOKED_AT = 500
MOST = 20


class AskWindow(Input, kw_only=True):
    """The lead that is to be written to."""

    lead_id: Ref


class UsedTemplate(Output, kw_only=True):
    """A template of the provider that was sent before: its name, language, and how many variables it took."""

    name: str
    language: str
    variables: int


class WhatsappWindow(Output, kw_only=True):
    """The lead's number as it would be written to (none without its country code); `open` while a text of one's own may be
    sent, until `closesAt`: 24 hours from what they wrote last, at `lastHeardAt`."""

    number: str | None
    open: bool
    last_heard_at: datetime | None
    closes_at: datetime | None
    templates: list[UsedTemplate]


@operation("crm.whatsapp.window", kind="query", role=Role.VIEWER, summary="Ask whether WhatsApp takes a text now")
async def window(tx: Tx, actor: Actor, input: AskWindow) -> WhatsappWindow:
    """Whether a text may be sent to a lead now, or only a template. Raises NotFound."""
    lead = await leads.get(tx, input.lead_id)
    number = (await matching.read(tx)).phone(lead.phone) or ""
    heard = await last_heard(tx, f"p:{number}") if number.startswith("+") else None
    closes = window_of(heard) if heard else None
    rows = await tx.fetch(
        f"""SELECT content ->> 'template' AS name, coalesce(content ->> 'language', 'en') AS language,
                   max(coalesce(jsonb_array_length(content -> 'variables'), 0)) AS variables
              FROM (SELECT whatsapp AS content FROM messages
                     WHERE org_id = $1 AND channel = 'whatsapp' ORDER BY id DESC LIMIT {LOOKED_AT}) m
             WHERE content ->> 'template' IS NOT NULL GROUP BY 1, 2 ORDER BY count(*) DESC, 1 LIMIT {MOST}""",
        tx.org_id,
    )  # fmt: skip
    return WhatsappWindow(
        number=number if number.startswith("+") else None, open=closes is not None and tx.now < closes, last_heard_at=heard,
        closes_at=closes, templates=[UsedTemplate(**dict(row)) for row in rows],
    )  # fmt: skip
