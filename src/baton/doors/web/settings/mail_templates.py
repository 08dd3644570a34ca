"""Templates of e-mails: written, changed, put away, and seen with the newest lead before anybody gets them."""

from typing import Any

from starlette.responses import Response

from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import sheet
from baton.doors.web.shell.stale import settle
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.leads.find import ListLeads
from baton.messages.draft import Preview, PreviewTemplate
from baton.messages.template import CreateTemplate, EditTemplate, GetTemplate, Template

HERE = "/settings/mail"


async def edit_template(visit: Visit) -> Response:
    """GET and POST /settings/mail/templates/{template}: `new` makes one; `preview` shows it with the newest lead."""
    id, error, seen = visit.path["template"], None, None
    found: Template | None = None
    now: dict[str, Any] = {}
    if id != "new":
        found = await visit.perform("crm.templates.get", GetTemplate(template_id=id))
        now = {"name": found.name, "subject": found.subject, "text": found.text, "html": found.html or ""}
    labels = {"name": _("Name"), "subject": _("Subject"), "text": _("Text"), "html": _("HTML, if you like")}
    clashes = await settle(visit, found.id, now, labels) if found else []
    if visit.request.method == "POST" and not clashes:
        try:
            if "preview" in visit.fields:
                seen = await _preview(visit)
            else:
                return done(
                    visit, _("“%(name)s” is kept.") % {"name": (await _saved(visit, found)).name}, f"{HERE}#templates"
                )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "template_edit.html",
        _("New template") if id == "new" else _("Template"),
        act=_("Keep"),
        back=HERE,
        values=now | visit.fields,
        error=error,
        here=HERE,
        seen=seen,
        kept=found is not None,
        was=now if found else None,
        clashes=clashes,
    )


async def _saved(visit: Visit, found: Template | None) -> Template:
    words = {key: visit.fields.get(key, "").replace("\r\n", "\n") for key in ("name", "subject", "text", "html")}
    if found is None:
        made: Template = await visit.perform("crm.templates.create", CreateTemplate(**words))
        return made
    wish = EditTemplate(
        template_id=str(found.id),
        version=found.version,
        archived="archive" in visit.fields,
        **words,
    )
    changed: Template = await visit.perform("crm.templates.update", wish)
    return changed


async def _preview(visit: Visit) -> Preview | None:
    leads = await visit.perform("crm.leads.find", ListLeads(limit=1))
    if not leads.items:
        raise Conflict("There is no lead yet to show it with.")
    words = {key: visit.fields.get(key, "").replace("\r\n", "\n") for key in ("subject", "text", "html")}
    seen: Preview = await visit.perform(
        "crm.templates.preview", PreviewTemplate(lead_id=str(leads.items[0].id), **words)
    )
    return seen
