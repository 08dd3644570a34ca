"""The form that visitors of a website fill in: without a script, without signing in, and in other sites' frames. Spec B4."""

import secrets
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from baton.doors.limits import limits_of
from baton.doors.proof import challenge, proven
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.render import plain
from baton.doors.web.shell.visit import database, form_of
from baton.kernel.actor import Actor, Role, system
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.perform import perform
from baton.leads.forms import Form, FormField, GetForm, SubmitForm
from baton.leads.quarantine import HoldCapture

TRAP = "nickname"
PROOF = "altcha"
ONCE = "once"
_KINDS = {"email": "email", "phone": "tel", "website": "url", "companySize": "text"}
_COMPLETE = {
    "firstName": "given-name",
    "lastName": "family-name",
    "email": "email",
    "phone": "tel",
    "companyName": "organization",
    "title": "organization-title",
    "website": "url",
}


def kind_of(field: FormField) -> str:
    """The type of a field's input in HTML."""
    return _KINDS.get(field.name, "text")


def is_hidden(field: FormField) -> bool:
    """Whether visitors do not see a field: where they came from, taken from the address."""
    return field.name.startswith("field.utm_")


async def show(request: Request) -> Response:
    """GET /f/{form}; with `sent` its thank-you."""
    _, form = await _form(request)
    if request.query_params.get("sent") == "1":
        return _page(request, form, sent=True)
    return _page(request, form, values=dict(request.query_params), once=secrets.token_urlsafe(12))


async def submit(request: Request) -> Response:
    """POST /f/{form}: capture the lead, then thank, or go where the form says. A repetition of one sending changes nothing."""
    visitor, form = await _form(request)
    values = dict(await form_of(request))
    once = values.pop(ONCE, "")[:100]
    trapped, payload = values.pop(TRAP, "").strip(), values.pop(PROOF, "")
    limits = limits_of(request)
    limits.must_admit_capture(request, str(visitor.org_id))
    reasons = ["A field that people do not see was filled in."] if trapped else []
    if form.proof_of_work:
        found = proven(request.app.state.settings, form.address, payload)
        reasons += [] if found else ["The browser did no proof of work."]
        once = found.challenge if found else once  # a proof is good for one sending
    name, input = "crm.forms.submit", SubmitForm(address=form.address, values=values)
    if reasons:
        name = "crm.forms.hold"
        input = HoldCapture(address=form.address, values=values, reasons=reasons, network=limits.address(request))
    key = f"{form.address}/{once}" if once else None
    try:
        await perform(database(request), visitor, name, input, idempotency_key=key)
    except Invalid as error:
        return _page(request, form, values=values, once=secrets.token_urlsafe(12), error=error)
    return _thanked(request, form)


async def _form(request: Request) -> tuple[Actor, Form]:
    address = request.path_params["form"]
    db = database(request)
    org_id: UUID | None = None
    if "\0" not in address and len(address) <= 100:
        org_id = await db.app.fetchval("SELECT org_id FROM directory_address('form', $1)", address)
    if org_id is None:
        raise NotFound("There is no form here, or it is closed.")
    visitor = system(org_id, "Website form", via="form", role=Role.VIEWER)
    form: Form = await perform(db, visitor, "crm.forms.get", GetForm(address=address))
    return visitor, form


def _thanked(request: Request, form: Form) -> Response:
    embedded = {"embed": "1"} if request.query_params.get("embed") == "1" else {}
    url = form.redirect_url or f"/f/{form.address}?{urlencode({'sent': '1'} | embedded)}"
    return RedirectResponse(url, 303, headers=_policy(form))


def _policy(form: Form) -> dict[str, str]:
    """The form may stand in any site's frame, and lead to the address that it names; nothing else is looser than elsewhere."""
    target = urlsplit(form.redirect_url or "")
    script = "script-src 'self'; " if form.proof_of_work else ""
    onward = f" {target.scheme}://{target.netloc}" if target.netloc else ""
    return {
        "content-security-policy": (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            f"{script}form-action 'self'{onward}; base-uri 'none'; frame-ancestors *"
        )
    }


def _page(
    request: Request,
    form: Form,
    *,
    values: Mapping[str, str] = {},
    once: str = "",
    error: Invalid | None = None,
    sent: bool = False,
) -> Response:
    embedded = request.query_params.get("embed") == "1"
    bad: defaultdict[str, str] = defaultdict(str)
    if error is not None and error.field:
        bad[error.field] = told(error.message)
    hidden = [(field.name, _carried(field, values)) for field in form.fields if is_hidden(field)]
    view: dict[str, Any] = {
        "name": form.name,
        "success_message": form.success_message,
        "action": f"/f/{form.address}{'?embed=1' if embedded else ''}",
        "button": _("Send"),
        "fields": [_field(field) for field in form.fields if not is_hidden(field)],
    }
    return plain(
        request,
        "hosted_form.html",
        status=422 if error else 200,
        headers=_policy(form),
        form=view,
        v=defaultdict(str, values),
        bad=bad,
        wrong=told(error.message) if error else "",
        hidden=[*hidden, (ONCE, once)],
        trap=TRAP,
        task=msgspec.json.encode(task).decode() if (task := _task(request, form, sent)) else "",
        proof=PROOF,
        sent=sent,
        closed=False,
        embedded=embedded,
    )


def _task(request: Request, form: Form, sent: bool) -> dict[str, object] | None:
    """The work that the visitor's browser does while they write, where the form asks for it."""
    return challenge(request.app.state.settings, form.address) if form.proof_of_work and not sent else None


def _carried(field: FormField, values: Mapping[str, str]) -> str:
    return (values.get(field.name) or values.get(field.name.removeprefix("field.")) or "")[:500]


def _field(field: FormField) -> dict[str, Any]:
    return {
        "key": field.name,
        "label": field.label,
        "required": field.required,
        "type": "textarea" if field.lines > 1 or field.name == "message" else kind_of(field),
        "options": [],
        "autocomplete": _COMPLETE.get(field.name, "off"),
        "maxlength": 254 if field.name == "email" else 500,
    }
