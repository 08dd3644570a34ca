"""Settings → Forms: the organization's hosted forms, and what to paste into a website."""

from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from baton.doors.web.hosted_form import TRAP, is_hidden, kind_of
from baton.doors.web.leads.filters import Options
from baton.doors.web.settings.held import waiting
from baton.doors.web.shell.language import _, marked
from baton.doors.web.shell.render import done, page
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.show import several
from baton.doors.web.shell.stale import kept, settle, ticks
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.leads.change_form import EditForm
from baton.leads.forms import CreateForm, Form, FormField

_ASKABLE = (
    FormField(name="firstName", label=marked("First name"), required=True),
    FormField(name="lastName", label=marked("Last name"), required=True),
    FormField(name="email", label=marked("Email"), required=True),
    FormField(name="phone", label=marked("Phone")),
    FormField(name="companyName", label=marked("Company")),
    FormField(name="title", label=marked("Your role")),
    FormField(name="companySize", label=marked("Number of employees")),
    FormField(name="website", label=marked("Website")),
    FormField(name="industry", label=marked("Industry")),
    FormField(name="location", label=marked("Location")),
    FormField(name="message", label=marked("How can we help?"), lines=4),
)
_CAMPAIGN = tuple(FormField(name=f"field.utm_{part}", label=f"utm_{part}") for part in ("source", "medium", "campaign"))
_FIRST = ["companyName", "title", "companySize", "message"]
_THANKS = marked("Thank you. We will be in touch.")


async def show(visit: Visit) -> Response:
    """GET /settings/forms."""
    found: list[Form] = await visit.perform("crm.forms.list")
    pipelines = {pipeline.id: pipeline.name for pipeline in await visit.pipelines()}
    intake = next(
        (pipeline.name for pipeline in await visit.pipelines() if pipeline.is_intake), _("the intake pipeline")
    )
    base = public_url(visit.request)
    views = [
        {
            "id": form.id,
            "name": form.name,
            "live": form.status == "live",
            "pipeline": _("Leads go to %(pipeline)s")
            % {"pipeline": pipelines.get(form.pipeline_id, intake) if form.pipeline_id else intake},
            "asks": several([field.label.rstrip("?") for field in form.fields if not is_hidden(field)]),
            "path": f"/f/{form.address}",
            "snippets": snippets(form, base),
        }
        for form in found
    ]
    return await page(visit, "forms.html", here="/settings/forms", forms=views, held=await waiting(visit))


async def new(visit: Visit) -> Response:
    """GET and POST /settings/forms/new."""
    error: Refusal | None = None
    asked = [value for key, value in visit.several if key == "ask"]
    values: dict[str, Any] = {"successMessage": _THANKS, "ask": _FIRST} | visit.fields
    if visit.request.method == "POST":
        values["ask"] = asked
        try:
            made: Form = await visit.perform("crm.forms.create", _wish(visit.fields, asked))
            return done(
                visit, _("The form “%(name)s” is live.") % {"name": made.name}, f"/settings/forms#form-{made.id}"
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    options: Options = [("", _("The intake pipeline")), *((str(p.id), p.name) for p in await visit.pipelines())]
    return await sheet(
        visit,
        "form_new.html",
        _("New form"),
        act=_("Make the form"),
        back="/settings/forms",
        values=values,
        error=error,
        here="/settings/forms",
        pipelines=options,
        askable=[(field.name, field.label, field.required) for field in _ASKABLE],
    )


async def edit(visit: Visit) -> Response:
    """GET and POST /settings/forms/{form}/edit: what it asks and says; closed, and opened again."""
    form = await _form(visit)
    error: Refusal | None = None
    now = {
        "name": form.name, "pipelineId": str(form.pipeline_id or ""), "successMessage": form.success_message,
        "redirectUrl": form.redirect_url or "", "proofOfWork": "1" if form.proof_of_work else "",
    }  # fmt: skip
    options: Options = [("", _("The intake pipeline")), *((str(p.id), p.name) for p in await visit.pipelines())]
    has = {each.name for each in form.fields}
    asked = [field.name for field in _ASKABLE if field.name in has and not field.required]
    parts = [ticks("ask", _("Asks for"), asked, {field.name: _(field.label) for field in _ASKABLE}, key="fields")]
    labels = {"name": _("Name"), "pipelineId": _("Leads go to"), "successMessage": _("Thank-you text"),
              "redirectUrl": _("Or send visitors to"), "proofOfWork": _("Let the visitor’s browser do a second of work")}  # fmt: skip
    shown = {"pipelineId": dict(options), "proofOfWork": {"1": _("yes"), "": _("no")}}
    clashes = await settle(visit, form.id, now, labels, shown=shown, parts=parts)
    posted = visit.request.method == "POST"
    if posted:
        asked = [value for key, value in visit.several if key == "ask"]
    if posted and not clashes:
        try:
            changed: Form = await visit.perform("crm.forms.update", _change(visit.fields, form, asked))
            return done(visit, _("“%(what)s” is changed.") % {"what": changed.name}, f"/settings/forms#form-{form.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "form_new.html", _("Change %(name)s") % {"name": form.name}, act=_("Save"), back="/settings/forms", here="/settings/forms",
        values=now | ({"proofOfWork": ""} | visit.fields if posted else {}) | {"ask": asked}, error=error, pipelines=options,
        askable=[(field.name, field.label, field.required and field.name in has) for field in _ASKABLE], form=form,
        was=kept(now, parts), clashes=clashes,
        lede=_("Its address stays, and so does what stands in your website."),
    )  # fmt: skip


def _change(fields: Mapping[str, str], form: Form, asked: list[str]) -> EditForm:
    """What a form's sheet says: its own words for what it asked before, and what the sheet does not offer, stay."""
    if "close" in fields or "open" in fields:
        return EditForm(form_id=form.id, version=form.version, status="closed" if "close" in fields else "live")
    known, offered = {field.name: field for field in form.fields}, {field.name for field in _ASKABLE}
    fixed = {field.name for field in _ASKABLE if field.required and field.name in known}
    chosen = [known.get(field.name, field) for field in _ASKABLE if field.name in fixed or field.name in asked]
    return EditForm(
        form_id=form.id, version=form.version, name=fields.get("name", ""), pipeline_id=fields.get("pipelineId") or None,
        fields=[*chosen, *(field for field in form.fields if field.name not in offered)],
        success_message=fields.get("successMessage", "").strip() or _THANKS, redirect_url=fields.get("redirectUrl", "").strip() or None,
        proof_of_work="proofOfWork" in fields,
    )  # fmt: skip


async def _form(visit: Visit) -> Form:
    if not visit.may_manage:
        raise Forbidden("Only an admin changes forms.")
    found: list[Form] = await visit.perform("crm.forms.list")
    one = next((each for each in found if str(each.id) == visit.path["form"].lower()), None)
    if one is None:
        raise NotFound("There is no such form in your organization.")
    return one


def _wish(fields: Mapping[str, str], asked: list[str]) -> CreateForm:
    return CreateForm(
        name=fields.get("name", "").strip(),
        pipeline_id=fields.get("pipelineId") or None,
        fields=[*(field for field in _ASKABLE if field.required or field.name in asked), *_CAMPAIGN],
        success_message=fields.get("successMessage", "").strip() or _THANKS,
        redirect_url=fields.get("redirectUrl", "").strip() or None,
        proof_of_work="proofOfWork" in fields,
    )


def public_url(request: Request) -> str:
    """Where visitors reach this installation."""
    return str(request.app.state.settings.public_url).rstrip("/")


def snippets(form: Form, base: str) -> list[dict[str, str]]:
    """What one pastes into a website: the hosted form in a frame, or a plain form that posts to it."""
    url = f"{base}/f/{form.address}"
    frame = (
        f'<iframe src="{escape(url)}?embed=1" title="{escape(form.name)}" width="100%" height="{_height(form)}" '
        'loading="lazy" style="border: 0"></iframe>'
    )
    lines = [f'<form method="post" action="{escape(url)}">', *(f"  {_input(field)}" for field in form.fields)]
    lines += [
        f'  <input name="{TRAP}" tabindex="-1" autocomplete="off" aria-hidden="true" style="position: absolute; left: -200vw">',
        "  <button>Send</button>",
        "</form>",
    ]
    return [{"title": _("In a frame"), "code": frame}, {"title": _("As plain HTML"), "code": "\n".join(lines)}]


def _height(form: Form) -> int:
    shown = [field for field in form.fields if not is_hidden(field)]
    return 170 + sum(140 if field.lines > 1 else 76 for field in shown)


def _input(field: FormField) -> str:
    name, label = escape(field.name), escape(field.label)
    required = " required" if field.required else ""
    if is_hidden(field):
        return f'<input type="hidden" name="{name}" value="">'
    if field.lines > 1:
        return f'<label>{label} <textarea name="{name}" rows="{field.lines}"{required}></textarea></label>'
    return f'<label>{label} <input type="{kind_of(field)}" name="{name}"{required}></label>'
