"""One sequence, written in a form: its steps, when messages leave, and what takes a lead out."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.automations.sequences.sequence import Sequence
from baton.doors.web.automations import step_rows, step_tree
from baton.doors.web.automations.automations import names
from baton.doors.web.automations.sequences import HERE, KINDS, read
from baton.doors.web.automations.step_tree import StepRow
from baton.doors.web.leads.condition_form import form
from baton.doors.web.shell.language import Choices, _, marked
from baton.doors.web.shell.render import done, go
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import Vocabulary, vocabulary
from baton.kernel.conditions import everything
from baton.kernel.errors import Conflict, Invalid, NotFound

DAYS = Choices(
    [
        ("1", marked("Mon")),
        ("2", marked("Tue")),
        ("3", marked("Wed")),
        ("4", marked("Thu")),
        ("5", marked("Fri")),
        ("6", marked("Sat")),
        ("7", marked("Sun")),
    ]
)
LEDE = (
    marked("Nobody is written to before an admin switches it on."),
    marked("Who is in it goes on with the version that they began with."),
)
EXITS = Choices([
    ("reply", marked("they reply")), ("bounce", marked("an e-mail comes back")), ("closed", marked("the lead is won or lost")),
    ("stage", marked("the lead changes its stage")), ("owner", marked("the lead gets another owner")),
])  # fmt: skip


async def new(visit: Visit) -> Response:
    """GET and POST /sequences/new: a draft."""
    return await _edit(visit, None)


async def edit(visit: Visit) -> Response:
    """GET and POST /sequences/{sequence}/edit: a new version of it."""
    return await _edit(visit, await read(visit))


async def _edit(visit: Visit, before: Sequence | None) -> Response:
    offered, known = step_rows.acts(await names(visit), sequence=True), await vocabulary(visit)
    error: Refusal | None = None
    posted = visit.request.method == "POST"
    if posted:
        try:
            wish = {"name": visit.fields.get("name", ""), "plan": _plan(visit, before, offered, known)}
            if before is None:
                made: Sequence = await visit.perform("crm.sequences.create", wish)
                return go(visit, f"{HERE}/{made.id}")
            await visit.perform("crm.sequences.edit", {"sequenceId": str(before.id)} | wish)
            return done(
                visit,
                _("“%(what)s” is changed for those who enter from now on.") % {"what": wish["name"]},
                f"{HERE}/{before.id}",
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    steps = [msgspec.to_builtins(step) for step in before.plan.steps] if before else []
    return await sheet(
        visit, "sequence_edit.html", _("Change %(name)s") % {"name": before.name} if before else _("New sequence"),
        act=_("Save") if before else _("Save the draft"), back=f"{HERE}/{before.id}" if before else HERE, here=HERE, error=error,
        values=_values(visit, before), days=DAYS, exits=EXITS, kinds=list(KINDS.items()),
        rows=[*step_tree.posted(visit.several), StepRow()] if posted else step_tree.rows(steps, offered, known),
        acts=step_tree.options(offered, sequence=True), asked=form(everything(), known),
        lede=LEDE[before is not None],
    )  # fmt: skip


def _values(visit: Visit, before: Sequence | None) -> dict[str, Any]:
    if visit.request.method == "POST":
        chosen = {name: [value for key, value in visit.several if key == name] for name in ("day", "exit")}
        return visit.fields | {"day": chosen["day"], "exit": chosen["exit"]}
    if before is None:
        return {"kind": "drip", "rounds": "3", "opens": "09:00", "closes": "17:00", "zone": "organization",
                "day": ["1", "2", "3", "4", "5"], "exit": ["reply", "bounce", "closed"]}  # fmt: skip
    plan = before.plan
    return {
        "name": before.name, "kind": plan.kind, "rounds": plan.rounds, "opens": plan.window.opens, "closes": plan.window.closes,
        "zone": plan.window.zone, "day": [str(day) for day in plan.window.days],
        "exit": [name for name, _ in EXITS if getattr(plan.exits, name)],
    }  # fmt: skip


def _plan(
    visit: Visit, before: Sequence | None, offered: dict[str, step_rows.Act], known: Vocabulary
) -> dict[str, Any]:
    said = visit.fields
    days = [int(value) for key, value in visit.several if key == "day" and value in dict(DAYS)]
    chosen = {value for key, value in visit.several if key == "exit"}
    window = {
        "days": days,
        "opens": said.get("opens", ""),
        "closes": said.get("closes", ""),
        "zone": said.get("zone", "organization"),
    }
    kind = said.get("kind", "drip")
    try:
        rounds = msgspec.convert(said.get("rounds") or "1", int, strict=False) if kind == "until_reply" else 1
    except msgspec.ValidationError:
        raise Invalid("Rounds are a whole number.", field="rounds") from None
    ends: dict[str, Any] = {name: name in chosen for name, _ in EXITS}
    if before is not None and before.plan.exits.condition is not None:
        ends["condition"] = before.plan.exits.condition
    steps = step_tree.parsed(step_tree.posted(visit.several), offered, known)
    return {"kind": kind, "steps": steps, "window": window, "exits": ends, "rounds": rounds}
