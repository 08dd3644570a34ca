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
from baton.doors.web.shell.stale import Clash, Part, kept, settle, ticks
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
    steps = [msgspec.to_builtins(step) for step in before.plan.steps] if before else []
    now, parts = _facts(before), _parts(before, step_tree.part(steps, offered, known)) if before else []
    clashes = await _settled(visit, before, now, parts) if before else []
    if posted and not clashes:
        try:
            wish = {"name": visit.fields.get("name", ""), "plan": _plan(visit, before, offered, known)}
            if before is None:
                made: Sequence = await visit.perform("crm.sequences.create", wish)
                return go(visit, f"{HERE}/{made.id}")
            await visit.perform("crm.sequences.edit", {"sequenceId": str(before.id), "version": before.version} | wish)
            return done(
                visit,
                _("“%(what)s” is changed for those who enter from now on.") % {"what": wish["name"]},
                f"{HERE}/{before.id}",
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "sequence_edit.html", _("Change %(name)s") % {"name": before.name} if before else _("New sequence"),
        act=_("Save") if before else _("Save the draft"), back=f"{HERE}/{before.id}" if before else HERE, here=HERE, error=error,
        values=_values(visit, before), days=DAYS, exits=EXITS, kinds=list(KINDS.items()),
        rows=[*step_tree.posted(visit.several), StepRow()] if posted else step_tree.rows(steps, offered, known),
        acts=step_tree.options(offered, sequence=True), asked=form(everything(), known),
        lede=LEDE[before is not None], was=kept(now, parts) if before else None, clashes=clashes,
    )  # fmt: skip


def _values(visit: Visit, before: Sequence | None) -> dict[str, Any]:
    if visit.request.method == "POST":
        chosen = {name: [value for key, value in visit.several if key == name] for name in ("day", "exit")}
        return visit.fields | {"day": chosen["day"], "exit": chosen["exit"]}
    if before is None:
        return _facts(None) | {"day": ["1", "2", "3", "4", "5"], "exit": ["reply", "bounce", "closed"]}
    return _facts(before) | {"day": [str(day) for day in before.plan.window.days], "exit": _exits(before)}


def _facts(before: Sequence | None) -> dict[str, Any]:
    if before is None:
        return {"kind": "drip", "rounds": "3", "opens": "09:00", "closes": "17:00", "zone": "organization"}
    plan = before.plan
    return {
        "name": before.name, "kind": plan.kind, "rounds": plan.rounds, "opens": plan.window.opens, "closes": plan.window.closes,
        "zone": plan.window.zone,
    }  # fmt: skip


def _exits(before: Sequence) -> list[str]:
    return [name for name, _ in EXITS if getattr(before.plan.exits, name)]


def _parts(before: Sequence, steps: Part) -> list[Part]:
    days = [name for name, _ in DAYS if int(name) in before.plan.window.days]
    return [
        steps, ticks("day", _("Messages leave on"), days, dict(DAYS), key="plan"),
        ticks("exit", _("It ends when"), _exits(before), dict(EXITS), key="plan"),
    ]  # fmt: skip


async def _settled(visit: Visit, before: Sequence, now: dict[str, Any], parts: list[Part]) -> list[Clash]:
    labels = {"name": _("Name"), "kind": _("How it goes"), "rounds": _("Rounds at most"), "opens": _("From"), "closes": _("To"),
              "zone": _("In the time of")}  # fmt: skip
    keys = dict.fromkeys(("kind", "rounds", "opens", "closes", "zone"), "plan")
    return await settle(visit, before.id, now, labels, shown={"kind": KINDS}, keys=keys, parts=parts)


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
