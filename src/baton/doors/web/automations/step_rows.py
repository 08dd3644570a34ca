"""Steps of automations and sequences as rows of a form: what to do, and with what; and the same steps in words."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from baton.doors.web.shell.language import _
from baton.kernel.errors import Invalid
from baton.kernel.operation import registry

Step = dict[str, Any]
SPARE = 3


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a row can say: its words, and how its text becomes a step and a step its text (none: not this row)."""

    words: str
    read: Callable[[str], Step]
    said: Callable[[Step], str | None]


@dataclass(frozen=True, slots=True)
class Known:
    """What may be named in a row: templates, sequences, agents and stages, name by id."""

    templates: Mapping[str, str]
    sequences: Mapping[str, str]
    agents: Mapping[str, str]


def acts(known: Known, *, sequence: bool = False) -> dict[str, Act]:
    """What the rows of an editor offer: those of an automation, or those of a sequence."""
    both = {
        "waitWorking": _wait(_("wait in working time"), True),
        "wait": _wait(_("wait by the clock"), False),
        "email": Act(_("write an e-mail"), lambda t: _letter(t, "email" if sequence else "send"), _email),
        "template": _named(_("send the template"), "email" if sequence else "send", "templateId", known.templates),
        "task": _task("follow_up" if sequence else "todo"),
        "whatsapp": Act(_("write on WhatsApp"), _read_whatsapp, _whatsapp),
    }
    if sequence:
        return both | {"json": _json()}
    return both | {
        "notify": _notify(_("tell the owner"), "owner"),
        "notifyAdmins": _notify(_("tell the admins"), "admins"),
        "tags": _operation(_("add tags"), "crm.leads.addTags", "tags", split=True),
        "note": _operation(_("write a note"), "crm.leads.logActivity", "notes", type="note"),
        "status": _operation(_("set the status"), "crm.leads.setStatus", "status"),
        "route": Act(_("find an owner by the routing rules"), lambda text: _act("crm.leads.route", {}), _route),
        "sequence": _named(_("put it into the sequence"), "enrol", "sequenceId", known.sequences),
        "wake": _named(_("give a task to the agent"), "wake", "agentId", known.agents),
        "webhook": Act(
            _("call the address"), lambda text: {"do": "webhook", "url": text}, lambda s: _only(s, "webhook", "url")
        ),
        "json": _json(),
    }


def read_row(number: int, name: str, text: str, offered: Mapping[str, Act]) -> Step:
    """The step that one row says. Raises Invalid, naming the row."""
    if name not in offered:
        raise Invalid(f"Step {number}: there is nothing of that kind to do.", field="steps")
    if not text and name != "route":
        raise Invalid(f"Step {number}: say what to “{offered[name].words}” with.", field="steps")
    try:
        return offered[name].read(text)
    except Invalid as error:
        raise Invalid(f"Step {number}: {error.message}", field="steps") from error


def in_words(step: Step, offered: Mapping[str, Act]) -> str:
    """A step as one says it."""
    name, text = one_row(step, offered)
    if step["do"] == "wait":
        return (
            _("wait %(text)s of working time") % {"text": text}
            if step["working"]
            else _("wait %(text)s") % {"text": text}
        )
    if name != "json":
        first = text.partition("\n")[0]
        return f"{offered[name].words.partition(' (')[0]} {f'“{first[:120]}”' if first else ''}".strip()
    if step["do"] == "branch":
        yes, no = ([in_words(each, offered) for each in step.get(side, [])] for side in ("then", "otherwise"))
        return _("if a condition holds: %(yes)s; else: %(no)s") % {
            "yes": "; ".join(yes) or _("nothing"),
            "no": "; ".join(no) or _("nothing"),
        }
    if step["do"] == "condition":
        return _("go on only where a condition holds")
    if step["do"] == "operation":
        found = registry.get(step["operation"])
        return f"{found.summary[:1].lower()}{found.summary[1:]}" if found else f"perform {step['operation']}"
    return str(
        {"notify": _("tell members"), "send": _("write an e-mail"), "task": _("make a task")}.get(
            step["do"], step["do"]
        )
    )


def one_row(step: Step, offered: Mapping[str, Act]) -> tuple[str, str]:
    """What one row says of a step: the act, and its text."""
    for name, act in offered.items():
        text = act.said(step)
        if text is not None:
            return name, text
    raise AssertionError("any step can be said as text")


def _json() -> Act:
    return Act(_("any step, as text"), _read_json, lambda step: json.dumps(step, ensure_ascii=False))


def _read_json(text: str) -> Step:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise Invalid(f"this is no JSON (column {error.colno}).") from None
    if not isinstance(found, dict) or not isinstance(found.get("do"), str):
        raise Invalid("a step is an object with “do”.")
    return found


def _only(step: Step, do: str, name: str, **fixed: Any) -> str | None:
    """The one text of a step that says nothing more than that, and what a form does not ask."""
    kept = {key: value for key, value in step.items() if key not in _UNSAID.get(do, {}) or value != _UNSAID[do][key]}
    wanted = {"do": do, **fixed}
    same = kept.keys() == {name, *wanted} and all(kept[key] == value for key, value in wanted.items())
    return str(kept[name]) if same and isinstance(kept[name], str) else None


_UNSAID: dict[str, dict[str, Any]] = {
    "task": {"dueIn": "1d", "assignTo": None, "notes": None},
    "email": {"templateId": None, "subject": None, "text": None, "mailboxId": None},
    "send": {"templateId": None, "subject": None, "text": None},
    "notify": {"body": ""},
    "webhook": {"body": {}},
    "wake": {"title": "Look at {{ lead.name }}", "notes": None},
}


def _task(kind: str) -> Act:
    """A task of the usual kind; one of another kind is no row of its own."""

    def said(step: Step) -> str | None:
        usual = step.get("kind") == kind
        return _only({key: value for key, value in step.items() if key != "kind" or not usual}, "task", "title")

    return Act(_("make a task"), lambda text: {"do": "task", "title": text}, said)


def _wait(words: str, working: bool) -> Act:
    return Act(
        words,
        lambda text: {"do": "wait", "span": text, "working": working},
        lambda step: _only(step, "wait", "span", working=working),
    )


def _notify(words: str, to: str) -> Act:
    return Act(
        words,
        lambda text: {"do": "notify", "to": to, "title": text},
        lambda step: _only(step, "notify", "title", to=to),
    )


def _letter(text: str, do: str) -> Step:
    subject, _, body = text.partition("\n")
    if not body.strip():
        raise Invalid("the first line is the subject, what follows is the text.")
    return {"do": do, "subject": subject.strip(), "text": body.strip()}


def _email(step: Step) -> str | None:
    if step["do"] not in ("email", "send") or step.get("templateId") or step.get("mailboxId") or not step.get("text"):
        return None
    return f"{step['subject']}\n{step['text']}"


def _read_whatsapp(text: str) -> Step:
    first, *variables = text.split("\n")
    name, _sep, language = first.strip().partition(" ")
    step: Step = {"do": "whatsapp", "template": name, "language": language.strip() or "en"}
    return step | {"variables": [line.strip() for line in variables if line.strip()]}


def _whatsapp(step: Step) -> str | None:
    """The template with its language, and its variables each in a line; one that names a number is no row of its own."""
    variables = step.get("variables", [])
    if (
        step["do"] != "whatsapp"
        or step.get("accountId")
        or " " in step["template"]
        or any("\n" in each for each in variables)
    ):
        return None
    return "\n".join([f"{step['template']} {step.get('language', 'en')}", *variables])


def _named(words: str, do: str, field: str, names: Mapping[str, str]) -> Act:
    by_name = {name.casefold(): id for id, name in names.items()}

    def read(text: str) -> Step:
        id = by_name.get(text.casefold())
        if id is None:
            raise Invalid(f"there is no “{text[:60]}” to {words.partition(' (')[0]}.")
        return {"do": do, field: id}

    def said(step: Step) -> str | None:
        id = _only(step, do, field)
        return names.get(id) if id else None

    return Act(words, read, said)


def _act(name: str, input: dict[str, Any]) -> Step:
    return {"do": "operation", "operation": name, "input": input}


def _route(step: Step) -> str | None:
    return "" if step == _act("crm.leads.route", {}) else None


def _operation(words: str, name: str, field: str, *, split: bool = False, **fixed: Any) -> Act:
    def read(text: str) -> Step:
        value: Any = [each.strip() for each in text.split(",") if each.strip()] if split else text
        return _act(name, fixed | {field: value})

    def said(step: Step) -> str | None:
        given = step.get("input", {})
        if step["do"] != "operation" or step["operation"] != name or given.keys() != {field, *fixed}:
            return None
        if any(given[key] != value for key, value in fixed.items()):
            return None
        return ", ".join(given[field]) if split and isinstance(given[field], list) else str(given[field])

    return Act(words, read, said)
