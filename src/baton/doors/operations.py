"""Every module that names operations, imported once so that the registry is full before a door opens."""

from types import ModuleType

from baton.accounts import (
    accept_invitation,
    credentials,
    invitations,
    members,
    organization,
    profile,
    rates,
    remove_member,
    reset_password,
)
from baton.accounts import sessions as person_sessions
from baton.activities import seal as log_seals
from baton.activities import timeline as audit
from baton.agents import approval as approvals
from baton.agents import asking as asking_agents
from baton.agents import carry_out as carry_out_approved
from baton.agents import decide as decide_approvals
from baton.agents import evidence as agent_evidence
from baton.agents import forget as forget_asked
from baton.agents import limits as agent_limits
from baton.agents import model as agent_model
from baton.agents import playbook, request_approval, run, start_organization, undo, undo_import, undo_since
from baton.agents import policy as agent_policy
from baton.agents import refusals as agent_refusals
from baton.agents import retire as retire_agent
from baton.agents import turns as agent_turns
from baton.automations import escalate, nurture, remind
from baton.automations import forget as forget_automations
from baton.automations.rules import automation, dry_run
from baton.automations.rules import change as change_automation
from baton.automations.rules import outcome as automation_outcome
from baton.automations.rules import run as automation_run
from baton.automations.rules import step as automation_step
from baton.automations.sequences import change as change_sequence
from baton.automations.sequences import enrol, enrolment, sequence
from baton.automations.sequences import exits as sequence_exits
from baton.automations.sequences import step as sequence_step
from baton.automations.webhooks import deliveries as webhook_deliveries
from baton.automations.webhooks import endpoint as webhooks
from baton.contacts import company, contact, duplicates, erase, matching
from baton.contacts import find as find_contacts
from baton.contacts import remove as remove_contacts
from baton.enrichment import auto as auto_enrichment
from baton.enrichment import providers as enrichment_providers
from baton.enrichment import runs as enrichment_runs
from baton.enrichment import search as lead_search
from baton.exports import export
from baton.fields import define as define_fields
from baton.imports import kept as kept_imports
from baton.imports import rows as imported_rows
from baton.imports import start as start_import
from baton.imports import steps as import_steps
from baton.inbox import waiting as inbox
from baton.jobs import health as work_health
from baton.jobs import held as held_jobs
from baton.leads import (
    archive,
    assign,
    board,
    bulk,
    capture,
    change_form,
    convert,
    create,
    detail,
    edit,
    fill,
    find,
    forget,
    forms,
    hand_off,
    history,
    index_field,
    log_activity,
    merge,
    move,
    move_pipeline,
    page,
    qualify,
    quarantine,
    record_timeline,
    remove_pipeline,
    remove_stage,
    score,
    score_batch,
    search,
    segments,
    sla,
    sla_settings,
    tags,
    timeline,
    views,
)
from baton.messages import (
    connect_mailbox,
    mailbox,
    outcome,
    outreach,
    receive,
    settle,
    suppression,
    tell_member,
    try_mailbox,
    unsubscribe,
)
from baton.messages import draft as email_draft
from baton.messages import files as message_files
from baton.messages import forget as forget_messages
from baton.messages import inbound as received_messages
from baton.messages import invite as invitation_mail
from baton.messages import message as messages
from baton.messages import send as send_email
from baton.messages import template as message_templates
from baton.messages.notices import mail as notice_mail
from baton.messages.notices import notice, notify
from baton.messages.notices import react as notice_reactions
from baton.messages.notices import settings as notice_settings
from baton.messages.whatsapp import account as whatsapp_account
from baton.messages.whatsapp import hear as whatsapp_hear
from baton.messages.whatsapp import send as whatsapp_send
from baton.messages.whatsapp import window as whatsapp_window
from baton.pipelines import create as create_pipeline
from baton.pipelines import edit as edit_pipeline
from baton.pipelines import pipeline, stages
from baton.pipelines import restore as restore_pipelines
from baton.reports import analytics, back_test, conversion, forecast, funnel, overview, people, summary, velocity
from baton.routing import pipelines as routed_pipelines
from baton.routing import route
from baton.routing import rules as routing_rules
from baton.scoring import bands as scoring_bands
from baton.scoring import rules as scoring_rules
from baton.tasks import bulk as do_to_tasks
from baton.tasks import cancel, complete, follow_up, task
from baton.tasks import create as create_task
from baton.tasks import due as due_tasks
from baton.tasks import edit as edit_task

MODULES: tuple[ModuleType, ...] = (
    agent_model, agent_turns, approvals, request_approval, asking_agents, connect_mailbox, remove_member, reset_password,
    carry_out_approved, decide_approvals, agent_limits, agent_policy, agent_refusals, agent_evidence,
    retire_agent, undo_since, hand_off, credentials, members, organization, audit, playbook, run, start_organization,
    undo, undo_import, kept_imports, imported_rows, start_import, import_steps, export, contact, archive, assign,
    board, capture, change_form, convert, create, detail, edit, find, forms, history, log_activity, move, move_pipeline, page,
    qualify, quarantine, remove_pipeline, remove_stage, score, score_batch, timeline, create_pipeline, edit_pipeline,
    pipeline, restore_pipelines, stages, summary, analytics, back_test, conversion, forecast, funnel, overview, people, velocity,
    routed_pipelines, route, routing_rules, scoring_bands, scoring_rules, cancel, complete, follow_up, task, webhooks,
    webhook_deliveries, auto_enrichment, enrichment_providers, enrichment_runs, lead_search, fill, company,
    duplicates, matching, find_contacts, log_seals, remove_contacts, erase, forget, forget_asked, merge, rates, define_fields,
    index_field,
    bulk, search, segments, tags, views, notice, notify, notice_mail, notice_reactions, notice_settings,
    record_timeline, profile, email_draft, message_files, mailbox, outcome, outreach, suppression, tell_member, try_mailbox,
    unsubscribe, messages, send_email, message_templates, automation, change_automation, dry_run, automation_outcome,
    accept_invitation, invitations, invitation_mail,
    received_messages, receive, settle, forget_messages, forget_automations, whatsapp_account, whatsapp_hear, whatsapp_send,
    automation_run, automation_step,
    escalate, nurture, remind, sla, sla_settings, create_task, do_to_tasks, due_tasks, edit_task,
    change_sequence, enrol, enrolment, sequence, sequence_exits, sequence_step,
    work_health, held_jobs, inbox, whatsapp_window, person_sessions,
)  # fmt: skip
