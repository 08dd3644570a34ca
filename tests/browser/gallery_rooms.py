"""The rooms of the gallery beside those of selling: agents, rules and settings, each with something in it."""

from typing import Any

from baton.jobs import lanes
from tests.agents.desk import asked, policy
from tests.browser.stages import inbound
from tests.messages.postoffice import PostOffice
from tests.messages.test_receive import letter, receive
from tests.operations import cases_quarantine as cases_quarantine  # its cases
from tests.operations.cases import cases
from tests.operations.cases_people import reset_token
from tests.team import Team

NOTE = "crm.leads.logActivity"
Walls = dict[str, dict[str, str]]


async def agents(team: Team, hannah: Any) -> Walls:
    """The team's agents, what they ask for and what they may do."""
    await policy(
        team,
        {"operation": NOTE, "decision": "ask", "condition": {"field": "valueCents", "op": ">", "value": 5_000_000}},
    )
    await team.do(team.ana, "crm.agents.setLimits", agentId=str(team.marcus.id), sendsPerDay=20)
    waiting = await asked(
        team, "crm.emails.send", leadId=str(hannah.id), subject="A first hello", text="Dear Hannah,\n\nhello."
    )
    (row,) = await team.do(team.ana, "crm.agents.policy", agentId=str(team.marcus.id))
    rules = await team.do(team.ana, "crm.agents.playbook", agentId=str(team.athena.id))
    athena, marcus, approval = f"/agents/{team.athena.id}", f"/agents/{team.marcus.id}", f"/approvals/{waiting.id}"
    return {
        "/settings/agents": {"agents": "/settings/agents"},
        "/settings/agents/new": {"agent-new": "/settings/agents/new"},
        "/agents/{agent}": {"agent": athena, "agent-asking": marcus},
        "/agents/{agent}/edit": {"agent-edit": f"{athena}/edit"},
        "/agents/{agent}/policy/{row}": {"agent-policy": f"{marcus}/policy/{row.id}", "agent-policy-new": f"{marcus}/policy/new"},
        "/agents/{agent}/limits": {"agent-limits": f"{marcus}/limits"},
        "/agents/{agent}/model": {"agent-model": f"{marcus}/model"},
        "/agents/{agent}/retire": {"agent-retire": f"{marcus}/retire"},
        "/agents/{agent}/undo": {"agent-undo": f"{marcus}/undo"},
        "/agents/{agent}/rules/{rule}": {"agent-rule": f"{athena}/rules/{rules[0].id}", "agent-rule-new": f"{athena}/rules/new"},
        "/approvals": {"approvals": "/approvals"},
        "/approvals/{approval}": {"approval": approval},
        "/approvals/{approval}/edit": {"approval-edit": f"{approval}/edit"},
        "/approvals/{approval}/reject": {"approval-reject": f"{approval}/reject"},
    }  # fmt: skip


_WELCOME = {
    "trigger": {"on": "activity", "kind": "call_logged"},
    "steps": [
        {"do": "operation", "operation": NOTE, "input": {"type": "note", "notes": "Hello {{ lead.firstName }}"}},
        {"do": "branch", "condition": {"field": "score", "op": ">=", "value": 70}, "then": [{"do": "wait", "span": "1d"}], "otherwise": []},
        {"do": "wait", "span": "2d"},
    ],
}  # fmt: skip
_WAKE = {
    "trigger": {"on": "quiet", "days": 14},
    "steps": [{"do": "task", "title": "Ask {{ lead.name }} again"}, {"do": "notify", "title": "Silent"}],
}
_PLAN = {
    "steps": [
        {"do": "wait", "span": "1d"},
        {"do": "email", "subject": "Hello {{ lead.firstName }}", "text": "Dear."},
        {"do": "task", "title": "Call"},
    ]
}


async def rules(team: Team, hannah: Any) -> Walls:
    """Automations and sequences that have run, one that is a draft, scoring and routing."""
    written: dict[str, Any] = {"Welcome every caller": _WELCOME, "Wake who sleeps": _WAKE}
    made = [await team.do(team.ana, "crm.automations.create", {"name": name} | rule) for name, rule in written.items()]
    await team.do(team.ana, "crm.automations.setState", automationId=str(made[0].id), state="on")
    await team.do(team.ben, NOTE, leadId=str(hannah.id), type="call", notes="Rang")
    sequence = await team.do(team.ana, "crm.sequences.create", {"name": "First contact", "plan": _PLAN})
    await team.do(team.ana, "crm.sequences.setState", sequenceId=str(sequence.id), state="on")
    await team.do(team.ben, "crm.sequences.enrol", sequenceId=str(sequence.id), leadId=str(hannah.id))
    for _ in range(3):
        await team.run_due()
        await lanes.step(team.db, only=team.org_id)
    welcome, draft, flow = (f"/automations/{made[0].id}", f"/automations/{made[1].id}", f"/sequences/{sequence.id}")
    factors = await team.do(team.ana, "crm.scoring.rules")
    routes = await team.do(team.ana, "crm.routing.rules")
    factor = f"/settings/scoring/{factors[0].id}"
    return {
        "/automations": {"automations": "/automations"},
        "/automations/new": {"automation-new": "/automations/new"},
        "/automations/{automation}": {"automation": f"{welcome}?days=30", "automation-draft": draft},
        "/automations/{automation}/edit": {"automation-edit": f"{welcome}/edit", "automation-edit-quiet": f"{draft}/edit"},
        "/sequences": {"sequences": "/sequences"},
        "/sequences/new": {"sequence-new": "/sequences/new"},
        "/sequences/{sequence}": {"sequence": flow},
        "/sequences/{sequence}/edit": {"sequence-edit": f"{flow}/edit"},
        "/sequences/{sequence}/enrol": {"sequence-enrol": f"{flow}/enrol"},
        "/settings/scoring": {"scoring": "/settings/scoring"},
        "/settings/scoring/bands": {"scoring-bands": "/settings/scoring/bands"},
        "/settings/scoring/test": {"scoring-test": "/settings/scoring/test"},
        "/settings/scoring/{factor}": {"scoring-factor": factor},
        "/settings/scoring/{factor}/{rule}": {"scoring-rule": f"{factor}/{factors[0].rules[0].id}"},
        "/settings/routing": {"routing": "/settings/routing"},
        "/settings/routing/{rule}": {"routing-rule": f"/settings/routing/{routes[0].id}", "routing-rule-new": "/settings/routing/new"},
    }  # fmt: skip


async def settings(team: Team, post: PostOffice) -> Walls:
    """Each room of the settings with something in it."""
    mailbox = await team.do(
        team.ana, "crm.mailboxes.create", fromName="Northwind", fromAddress="sales@northwind.example", smtpHost="127.0.0.1",
        smtpPort=post.port, smtpSecurity="none",
    )  # fmt: skip
    await receive(team, mailbox, letter("Nina Novak <nina@new.example>", subject="Your offer"))
    await cases["crm.quarantine.release"].make(team)
    fields = [
        await team.do(
            team.ana, "crm.fields.create", label="Current supplier", type="select", options=["Contoso", "None"]
        ),
        await team.do(team.ana, "crm.fields.create", label="Seats", type="integer"),
    ]
    hook = await team.do(team.ana, "crm.webhooks.create", url="https://hooks.example/baton", events=["lead.*"])
    delivery = await team.do(team.ana, "crm.webhooks.test", webhookId=str(hook.id))
    config = {"url": "https://facts.example/v1?email={email}", "mapping": {"industry": "industry"}}
    provider = await team.do(
        team.ana, "crm.enrichment.setProvider", {"kind": "http", "name": "Facts", "config": config, "secret": "k"}
    )
    auto = await team.do(
        team.ana,
        "crm.leads.enrichAuto",
        where={"field": "source", "op": "=", "value": "event"},
        providerId=str(provider.id),
    )
    await team.do(team.ana, "crm.credentials.create", {"name": "Website", "memberId": str(team.marcus.id)})
    intake, templates = await inbound(team), await team.do(team.ana, "crm.templates.list")
    pipelines, webhook, providers = (
        f"/settings/pipelines/{intake.id}",
        f"/settings/webhooks/{hook.id}",
        "/settings/enrichment",
    )
    stage = f"{pipelines}/stages/{intake.stages[0].id}"
    form = (await team.do(team.ana, "crm.forms.list"))[0]
    asked_in = await team.do(
        team.ana, "crm.members.invite", {"name": "Bea Stone", "email": f"bea@{team.org_id}.example"}
    )
    join = f"/join/{asked_in.link.rpartition('/')[2]}"
    reset = f"/reset/{await reset_token(team, team.emails['vera'])}"
    came = (await team.do(team.ana, "crm.emails.received", state="waiting")).items[0]
    return {
        "/messages/{message}": {"message": f"/messages/{came.id}"},
        "/settings/health": {"health": "/settings/health"},
        "/settings/calendar": {"calendar": "/settings/calendar"},
        "/settings/pipelines": {"pipelines": "/settings/pipelines"},
        "/settings/pipelines/new": {"pipeline-new": "/settings/pipelines/new"},
        "/settings/pipelines/{pipeline}/edit": {"pipeline": f"{pipelines}/edit"},
        "/settings/pipelines/{pipeline}/remove": {"pipeline-remove": f"{pipelines}/remove"},
        "/settings/pipelines/{pipeline}/stages/new": {"stage-new": f"{pipelines}/stages/new"},
        "/settings/pipelines/{pipeline}/stages/{stage}": {"stage": stage},
        "/settings/pipelines/{pipeline}/stages/{stage}/remove": {"stage-remove": f"{stage}/remove"},
        "/settings/organization": {"organization": "/settings/organization"},
        "/settings/fields": {"fields": "/settings/fields"},
        "/settings/fields/new": {"field-new": "/settings/fields/new"},
        "/settings/fields/{field}": {"field": f"/settings/fields/{fields[0].id}"},
        "/settings/tags": {"tags": "/settings/tags"},
        "/settings/tags/edit": {"tag": "/settings/tags/edit?tag=EU"},
        "/settings/log": {"log": "/settings/log"},
        "/settings/webhooks": {"webhooks": "/settings/webhooks"},
        "/settings/webhooks/new": {"webhook-new": "/settings/webhooks/new"},
        "/settings/webhooks/deliveries/{delivery}": {"delivery": f"/settings/webhooks/deliveries/{delivery.id}"},
        "/settings/webhooks/{webhook}": {"webhook": webhook},
        "/settings/webhooks/{webhook}/edit": {"webhook-edit": f"{webhook}/edit"},
        "/settings/webhooks/{webhook}/rotate": {"webhook-rotate": f"{webhook}/rotate"},
        providers: {"enrichment": providers},
        "/settings/enrichment/providers/{provider}": {
            "provider": f"{providers}/providers/{provider.id}",
            "provider-new": f"{providers}/providers/new?kind=http",
        },
        "/settings/enrichment/rules/{rule}": {
            "enrichment-rule": f"{providers}/rules/{auto.id}",
            "enrichment-rule-new": f"{providers}/rules/new",
        },
        "/profile": {"profile": "/profile"},
        "/settings/members": {"members": "/settings/members"},
        "/settings/members/new": {"member-new": "/settings/members/new"},
        "/settings/members/{member}/remove": {"member-remove": f"/settings/members/{team.vera.id}/remove"},
        "/settings/members/invitations/{invitation}/resend": {
            "member-link": f"/settings/members/invitations/{asked_in.id}/resend",
        },
        "/forgot": {"forgot": "/forgot"},
        "/reset/{token}": {"reset": reset},
        "/join/{token}": {"join": join, "join-known": f"{join}?known=1"},
        "/settings/keys": {"keys": "/settings/keys"},
        "/settings/keys/new": {"key-new": "/settings/keys/new"},
        "/settings/mail": {"mail": "/settings/mail"},
        "/settings/mail/mailboxes/new": {"mailbox-new": "/settings/mail/mailboxes/new"},
        "/settings/mail/mailboxes/{mailbox}/edit": {"mailbox": f"/settings/mail/mailboxes/{mailbox.id}/edit"},
        "/settings/mail/numbers/new": {"number-new": "/settings/mail/numbers/new"},
        "/settings/mail/templates/{template}": {
            "template": f"/settings/mail/templates/{templates[0].id}",
            "template-new": "/settings/mail/templates/new",
        },
        "/settings/forms": {"forms": "/settings/forms"},
        "/settings/forms/{form}/edit": {"form-edit": f"/settings/forms/{form.id}/edit"},
        "/settings/forms/new": {"form-new": "/settings/forms/new"},
    }
