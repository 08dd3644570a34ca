"""An agent's page: who it is, what it may do, what waits, what became of its acts, and its runs. Spec A6."""

from starlette.responses import Response

from baton.agents.approval import Approval, ListApprovals
from baton.agents.playbook import PlaybookRule, ReadPlaybook
from baton.agents.run import ListRuns, Run
from baton.doors.web.agents import policy as agent_policy
from baton.doors.web.agents.agents import HERE, agent_view, found
from baton.doors.web.agents.approvals import approval_views
from baton.doors.web.agents.playbooks import rule_view, run_views
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import page
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import vocabulary

SHOWN = 20


async def profile(visit: Visit) -> Response:
    """GET /agents/{agent}: the profile, the playbook in words, and the latest runs with their receipts."""
    agent = await found(visit)
    known = await vocabulary(visit)
    rules: list[PlaybookRule] = await visit.perform("crm.agents.playbook", ReadPlaybook(agent_id=str(agent.id)))
    runs: list[Run] = await visit.perform("crm.agents.runs", ListRuns(agent_id=agent.id))
    counts = [step.outcome for run in runs for step in run.receipt]
    held: list[Approval] = await visit.perform("crm.approvals.list", ListApprovals(status="waiting", agent_id=agent.id))
    return await page(
        visit,
        "agent.html",
        here=HERE,
        agent=agent_view(agent, await visit.members()),
        rules=[rule_view(rule, known) for rule in rules],
        runs=await run_views(visit, runs[:SHOWN], known),
        told=_("the last %(some)s of %(all)s")
        % {"some": min(len(runs), SHOWN), "all": f"{len(runs)}{'+' if len(runs) == 100 else ''}"}
        if runs
        else "",
        counts={name: counts.count(name) for name in ("done", "rejected", "skipped", "failed")},
        waiting=await approval_views(visit, held),
        **await agent_policy.views(visit, agent, known),
    )
