"""Settings → Health: how the work stands, and the jobs that wait for a person."""

from starlette.responses import Response

from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.render import page, redirect, said
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit
from baton.jobs.health import Health
from baton.jobs.held import Decided, HeldJob, OneJob
from baton.kernel.errors import Forbidden, NotFound

HERE = "/settings/health"
WORDS = Told(
    {
        "green": marked("Everything runs"),
        "amber": marked("Something wants attention"),
        "red": marked("Something is stuck"),
    }
)


async def show(visit: Visit) -> Response:
    """GET /settings/health."""
    if not visit.may_manage:
        raise Forbidden("Only an admin sees how the work stands.")
    found: Health = await visit.perform("crm.health.get")
    held: list[HeldJob] = await visit.perform("crm.jobs.held")
    jobs = [
        {"id": job.id, "name": job.name, "attempts": job.attempts, "when": ago(job.failed_at, visit.now, visit.zone),
         "error": job.error or _("Nothing was said.")}
        for job in held
    ]  # fmt: skip
    return await page(visit, "health.html", here=HERE, health=found, words=WORDS[found.state], jobs=jobs)


async def decide(visit: Visit) -> Response:
    """POST /settings/health/jobs/{job}/{decision}: retry or drop."""
    decision, job = visit.path["decision"], visit.path["job"]
    if decision not in ("retry", "drop") or not (job.isascii() and job.isdigit() and len(job) < 19):
        raise NotFound("There is no such held job in your organization.")
    done: Decided = await visit.perform(f"crm.jobs.{decision}", OneJob(job_id=int(job)))
    words = (
        _("%(name)s is tried again.") % {"name": done.name}
        if decision == "retry"
        else _("%(name)s is dropped.") % {"name": done.name}
    )
    return said(visit, words) if visit.from_htmx else redirect(f"{HERE}#held")
