"""How an organization's work stands, in words and colours: what runs by itself, its mail, its webhooks."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.operation import Nothing, Output, operation

State = Literal["green", "amber", "red"]
SLOW, STUCK = timedelta(minutes=1), timedelta(minutes=10)
_WORST: tuple[State, ...] = ("green", "amber", "red")


class Check(Output, kw_only=True):
    """One thing that is looked at: its state, what is the matter in words, and the page where something can be done."""

    key: str
    label: str
    state: State
    words: str
    href: str | None = None


class Health(Output, kw_only=True):
    """The worst of all checks, and each of them."""

    state: State
    checks: list[Check]


@operation("crm.health.get", kind="query", role=Role.ADMIN, summary="Read how the work stands")
async def health(tx: Tx, actor: Actor, input: Nothing) -> Health:
    """Amber where something waits for a person or is slow, red where it is stuck."""
    checks = [await look(tx) for look in (_log, _jobs, _held, _clock, _mail)]
    checks += [*await _mailboxes(tx), await _webhooks(tx)]
    return Health(state=worst(check.state for check in checks), checks=checks)


def worst(states: Iterable[State]) -> State:
    """The worst of several states."""
    return max(states, key=_WORST.index, default="green")


def aged(age: timedelta, *, slow: timedelta = SLOW, stuck: timedelta = STUCK) -> State:
    """The state of something that has waited so long."""
    return "red" if age >= stuck else "amber" if age >= slow else "green"


def long(age: timedelta) -> str:
    """A duration in words: "40 seconds", "12 minutes", "3 hours", "2 days"."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = int(age.total_seconds()) // size
        if count:
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{int(age.total_seconds())} seconds"


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return max(now - moment, timedelta()) if moment else timedelta()


async def _log(tx: Tx) -> Check:
    lag: timedelta = await tx.fetchval("SELECT relay_lag()") or timedelta()
    state = aged(lag)
    words = "What happens is answered at once."
    if state != "green":
        words = f"What happened {long(lag)} ago has not been answered yet. Is a worker running (baton serve, or baton worker)?"
    return Check(key="log", label="Reading the log", state=state, words=words)


async def _jobs(tx: Tx) -> Check:
    rows = await tx.fetch(
        "SELECT status, sum(jobs)::bigint AS jobs, min(oldest) AS oldest FROM jobs_waiting() GROUP BY status"
    )
    by_state: dict[str, Row] = {row["status"]: row for row in rows}
    queued = by_state.get("queued")
    age = _since(queued["oldest"], tx.now) if queued else timedelta()
    state = aged(age, slow=timedelta(minutes=5), stuck=timedelta(minutes=30))
    count = queued["jobs"] if queued else 0
    words = f"{count:,} jobs wait, the oldest for {long(age)}." if count else "No job waits."
    return Check(key="jobs", label="Jobs", state=state, words=words)


async def _held(tx: Tx) -> Check:
    count = await tx.fetchval("SELECT coalesce(sum(jobs), 0)::bigint FROM jobs_waiting() WHERE status = 'failed'")
    if not count:
        return Check(key="held", label="Held jobs", state="green", words="Every job was done.")
    words = "1 job could not be done and waits" if count == 1 else f"{count:,} jobs could not be done and wait"
    return Check(
        key="held", label="Held jobs", state="amber", words=f"{words} for a person.", href="/settings/health#held"
    )


async def _clock(tx: Tx) -> Check:
    """Due tasks and late leads are told within seconds where a worker runs."""
    row = await tx.fetchrow(
        """SELECT (SELECT min(due_at) FROM tasks WHERE org_id = $1 AND status = 'open' AND due_told_at IS NULL AND due_at <= $2) AS task,
                  (SELECT min(sla_next_at) FROM leads WHERE org_id = $1 AND sla_next_at <= $2 AND deleted_at IS NULL) AS stay,
                  (SELECT min(next_at) FROM notice_mail WHERE org_id = $1 AND next_at <= $2) AS mail""",
        tx.org_id, tx.now,
    )  # fmt: skip
    assert row is not None
    age = max(_since(row[name], tx.now) for name in ("task", "stay", "mail"))
    state = aged(age, slow=timedelta(minutes=2))
    words = (
        "What falls due is told at once."
        if state == "green"
        else f"Something fell due {long(age)} ago and was not told yet."
    )
    return Check(key="clock", label="What falls due", state=state, words=words)


async def _mail(tx: Tx) -> Check:
    row = await tx.fetchrow(
        """SELECT count(*) FILTER (WHERE state = 'waiting' AND next_at <= $2) AS waiting,
                  count(*) FILTER (WHERE state = 'in_doubt') AS doubt,
                  count(*) FILTER (WHERE state = 'failed') AS failed,
                  min(next_at) FILTER (WHERE state = 'waiting' AND next_at <= $2) AS oldest
             FROM messages
            WHERE org_id = $1
              AND (state IN ('waiting', 'in_doubt') OR (state = 'failed' AND created_at > $2::timestamptz - interval '1 day'))""",
        tx.org_id, tx.now,
    )  # fmt: skip
    assert row is not None
    age = _since(row["oldest"], tx.now)
    said = [
        f"{row['waiting']:,} should have left already, the oldest {long(age)} ago." if aged(age) != "green" else "",
        f"{row['doubt']:,} may or may not have left: a person decides." if row["doubt"] else "",
        f"{row['failed']:,} could not be sent since yesterday." if row["failed"] else "",
    ]
    words = " ".join(part for part in said if part)
    attention: State = "amber" if row["doubt"] or row["failed"] else "green"
    return Check(
        key="mail",
        label="Messages going out",
        state=worst([aged(age), attention]),
        words=words or "Every message has left.",
    )


async def _mailboxes(tx: Tx) -> list[Check]:
    rows = await tx.fetch(
        """SELECT id, from_address, poll_error, poll_failures, polled_at FROM mailboxes
            WHERE org_id = $1 AND status = 'active' AND poll_failures > 0 ORDER BY from_address LIMIT 20""",
        tx.org_id,
    )  # fmt: skip
    return [_mailbox(row) for row in rows]


def _mailbox(row: Row) -> Check:
    times = "once" if row["poll_failures"] == 1 else f"{row['poll_failures']:,} times in a row"
    state: State = "red" if row["poll_failures"] >= 3 else "amber"
    words = f"It could not be read {times}: {row['poll_error']}"
    return Check(key=f"mailbox:{row['id']}", label=f"Mailbox {row['from_address']}", state=state, words=words)


async def _webhooks(tx: Tx) -> Check:
    row = await tx.fetchrow(
        """SELECT count(*) FILTER (WHERE status = 'disabled') AS disabled,
                  count(*) FILTER (WHERE status = 'active' AND failing_since IS NOT NULL) AS failing
             FROM webhook_endpoints WHERE org_id = $1""",
        tx.org_id,
    )  # fmt: skip
    assert row is not None
    said = [
        f"{_endpoints(row['disabled'])} switched off because nobody answered." if row["disabled"] else "",
        f"{_endpoints(row['failing'])} not answering just now." if row["failing"] else "",
    ]
    words = " ".join(part for part in said if part)
    return Check(
        key="webhooks", label="Webhooks", state="amber" if words else "green", words=words or "Every endpoint answers."
    )


def _endpoints(count: int) -> str:
    return "1 endpoint is" if count == 1 else f"{count:,} endpoints are"
