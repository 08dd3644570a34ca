"""Templates of e-mails: written, changed, put away, and seen with the newest lead before anybody gets them."""

from typing import Any

from starlette.responses import Response

from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import sheet
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.leads.find import ListLeads
from baton.messages.draft import Preview, PreviewTemplate
from baton.messages.template import CreateTemplate, EditTemplate, GetTemplate, Template

HERE = "/settings/mail"


async def edit_template(visit: Visit) -> Response:
    """GET and POST /settings/mail/templates/{template}: `new` makes one; `preview` shows it with the newest lead."""
    id, error, seen = visit.path["template"], None, None
    values: dict[str, Any] = dict(visit.fields)
    if id != "new" and visit.request.method == "GET":
        found: Template = await visit.perform("crm.templates.get", GetTemplate(template_id=id))
        values = {
            "name": found.name,
            "subject": found.subject,
            "text": found.text,
            "html": found.html or "",
            "version": str(found.version),
        }
    if visit.request.method == "POST":
        try:
            if "preview" in visit.fields:
                seen = await _preview(visit)
            else:
                return done(
                    visit, _("“%(name)s” is kept.") % {"name": (await _saved(visit, id)).name}, f"{HERE}#templates"
                )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "template_edit.html",
        _("New template") if id == "new" else _("Template"),
        act=_("Keep"),
        back=HERE,
        values=values,
        error=error,
        here=HERE,
        seen=seen,
        kept=id != "new",
    )


async def _saved(visit: Visit, id: str) -> Template:
    words = {key: visit.fields.get(key, "").replace("\r\n", "\n") for key in ("name", "subject", "text", "html")}
    if id == "new":
        made: Template = await visit.perform("crm.templates.create", CreateTemplate(**words))
        return made
    version = visit.fields.get("version", "")
    wish = EditTemplate(
        template_id=id,
        version=int(version) if version.isdigit() and len(version) < 18 else None,
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
