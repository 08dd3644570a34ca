"""The pages: every address, and who may come."""

from starlette.routing import Route

from baton.doors.web import (
    acts,
    agent_rules,
    agents,
    board,
    dashboard,
    forms,
    history,
    hosted_form,
    lead,
    leads,
    live,
    sheets,
    sign_in,
    tasks,
    undo,
)
from baton.doors.web.assets import serve
from baton.doors.web.guard import public, signed_in

_GET, _POST, _BOTH = ["GET"], ["POST"], ["GET", "POST"]

routes: list[Route] = [
    Route("/", signed_in(sign_in.root), methods=_GET),
    Route("/sign-in", public(sign_in.show), methods=_GET),
    Route("/sign-in", public(sign_in.submit, own_pages_only=True), methods=_POST),
    Route("/sign-out", signed_in(sign_in.sign_out), methods=_POST),
    Route("/theme", signed_in(sign_in.theme), methods=_POST),
    Route("/live", signed_in(live.show), methods=_GET),
    Route("/board", signed_in(board.show), methods=_GET),
    Route("/board/{pipeline}", signed_in(board.show), methods=_GET),
    Route("/board/{pipeline}/totals", signed_in(board.show_totals), methods=_GET),
    Route("/board/{pipeline}/column/{stage}", signed_in(board.show_column), methods=_GET),
    Route("/history/{pipeline}", signed_in(history.show), methods=_GET),
    Route("/leads", signed_in(leads.show), methods=_GET),
    Route("/leads/new", signed_in(sheets.new_lead), methods=_BOTH),
    Route("/leads/{lead}", signed_in(lead.show), methods=_GET),
    Route("/leads/{lead}/move", signed_in(acts.move), methods=_POST),
    Route("/leads/{lead}/status", signed_in(dashboard.set_status), methods=_POST),
    Route("/leads/{lead}/reopen", signed_in(history.reopen), methods=_POST),
    Route("/leads/{lead}/qualify", signed_in(acts.qualify), methods=_POST),
    Route("/leads/{lead}/log", signed_in(acts.log), methods=_POST),
    Route("/leads/{lead}/facts/{key}", signed_in(acts.edit_fact), methods=_POST),
    Route("/leads/{lead}/assign", signed_in(sheets.assign), methods=_BOTH),
    Route("/leads/{lead}/disqualify", signed_in(sheets.disqualify), methods=_BOTH),
    Route("/leads/{lead}/convert", signed_in(sheets.convert), methods=_BOTH),
    Route("/leads/{lead}/follow-up", signed_in(sheets.follow_up), methods=_BOTH),
    Route("/tasks", signed_in(tasks.show), methods=_GET),
    Route("/tasks/{task}/complete", signed_in(acts.complete), methods=_POST),
    Route("/dashboard/crm", signed_in(dashboard.show), methods=_GET),
    Route("/undo/{operation}", signed_in(undo.show), methods=_BOTH),
    Route("/settings/agents", signed_in(agents.show), methods=_GET),
    Route("/settings/agents/new", signed_in(agents.new), methods=_BOTH),
    Route("/agents/{agent}", signed_in(agents.profile), methods=_GET),
    Route("/agents/{agent}/edit", signed_in(agents.edit), methods=_BOTH),
    Route("/agents/{agent}/switch", signed_in(agents.switch), methods=_POST),
    Route("/agents/{agent}/rules/{rule}", signed_in(agent_rules.edit), methods=_BOTH),
    Route("/settings/forms", signed_in(forms.show), methods=_GET),
    Route("/settings/forms/new", signed_in(forms.new), methods=_BOTH),
    Route("/f/{form}", public(hosted_form.show), methods=_GET),
    Route("/f/{form}", public(hosted_form.submit), methods=_POST),
    Route("/ui/{build}/{name:path}", serve, methods=_GET),
]
