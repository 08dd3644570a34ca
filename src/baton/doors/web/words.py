"""What each activity says, in words: who did what. Every kind has its sentence here, and only here. Spec A7, A9."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.changes import changed
from baton.doors.web.phrases import Names, Part, Phrase, actor, strong, text
from baton.doors.web.show import due_at, several
from baton.doors.web.verbs import VERBS

Words = list[Part | str]
Sentence = Callable[[Activity, Names], Phrase | Words]


def phrase(activity: Activity, names: Names) -> Phrase:
    """The sentence of an activity. A kind that nobody has given words is told plainly, never dropped."""
    said = _SENTENCES.get(activity.kind, _plainly)(activity, names)
    if not isinstance(said, Phrase):
        said = Phrase(_parts(said))
    said.parts = [actor(activity), text(" "), *said.parts]
    if approved := activity.payload.get("approvedBy"):
        said.parts.append(text(f", approved by {approved}"))
    said.why = said.why or activity.reason
    return said


def _parts(said: Words) -> list[Part]:
    return [part if isinstance(part, Part) else text(part) for part in said]


def _with(words: str, thing: object) -> Words:
    """Words, and what they are about where it is known."""
    return [words, " ", strong(str(thing))] if thing else [words]


def _new(activity: Activity, name: str) -> Any:
    return activity.changes.get(name, [None, None])[1]


def _old(activity: Activity, name: str) -> Any:
    return activity.changes.get(name, [None, None])[0]


def _imported(a: Activity, n: Names) -> Phrase:
    via = a.payload.get("via") or a.via
    verb = {"form": "captured", "csv": "imported", "search": "found"}.get(via, "added")
    file, message = a.payload.get("file"), a.payload.get("message")
    said = _with(f"{verb} this lead{' from' if file else ''}", file)
    return Phrase(_parts(said), quote=f"“{message}”" if message else None)


def _stage_changed(a: Activity, n: Names) -> Words:
    stage = n.stage(_new(a, "stageId"), a.payload.get("stageName"))
    if a.payload.get("outcome") == "won":
        return ["won this lead: moved to ", stage]
    if _new(a, "stageId") is None and _new(a, "status"):
        return ["set the status to ", strong(str(_new(a, "status")))]
    return ["moved to ", stage]


def _pipeline_moved(a: Activity, n: Names) -> Words:
    said: Words = ["moved this to the pipeline ", n.pipeline(_new(a, "pipelineId"))]
    stage = _new(a, "stageId")
    return [*said, ", stage ", n.stage(stage)] if stage else said


def _assigned(a: Activity, n: Names) -> Words:
    new, old = _new(a, "ownerId"), _old(a, "ownerId")
    if new is None:
        return ["took this from ", n.member(old), " and left it without an owner"]
    if a.actor_id is not None and str(a.actor_id) == new:
        return ["took this on"]
    return ["assigned this to ", n.member(new, a.payload.get("ownerName"), a.payload.get("ownerKind"))]


def _updated(a: Activity, n: Names) -> Phrase:
    found = changed(a.changes)
    if not found:
        return Phrase([text("looked over the facts")])
    if len(found) > 1 or found[0].long:
        return Phrase([text("changed "), strong(several([change.label for change in found]))], changes=found)
    one = found[0]
    if not one.new:
        return Phrase([text(f"cleared the {one.label} "), strong(one.old)])
    verb = f"changed the {one.label} to " if one.old else f"added the {one.label} "
    return Phrase([text(verb), strong(one.new)])


def _enriched(a: Activity, n: Names) -> Phrase:
    found = changed(a.changes)
    names = several([change.label for change in found]) or "nothing new"
    return Phrase([text("looked this up and filled in "), strong(names)], changes=found)


def _wrote(verb: str, by_hand: str) -> Sentence:
    def sentence(a: Activity, n: Names) -> Phrase:
        parts = _parts(_with(by_hand if a.payload.get("type") else verb, a.payload.get("subject")))
        minutes = a.payload.get("durationMinutes")
        if minutes:
            parts.append(text(f", {minutes} min"))
        happened = a.payload.get("happenedAt")
        if happened:
            parts.append(text(f", {due_at(datetime.fromisoformat(happened), n.now, n.zone)}"))
        return Phrase(parts, quote=a.payload.get("notes") or a.payload.get("body") or a.payload.get("text"))

    return sentence


def _when(a: Activity, n: Names) -> Words:
    due = a.payload.get("dueAt") or _new(a, "dueAt") or _new(a, "nextActionAt")
    return [" for ", strong(due_at(datetime.fromisoformat(due), n.now, n.zone))] if due else []


def _for_whom(a: Activity, n: Names) -> Words:
    name = a.payload.get("assigneeName")
    if not name or name == a.actor_name:
        return []
    return [" with ", n.member(a.payload.get("assigneeId"), name, a.payload.get("assigneeKind"))]


_TASKS = {"call": "a call", "email": "an email", "meeting": "a meeting", "todo": "a task"}


def _task_created(a: Activity, n: Names) -> Phrase:
    thing = _TASKS.get(a.payload.get("taskKind", ""), "a follow-up")
    said = _parts([f"scheduled {thing}", *_when(a, n), *_for_whom(a, n)])
    title = a.payload.get("title") or ""
    return Phrase(
        said, quote=a.payload.get("notes") or (None if title.startswith("Follow up with ") else title or None)
    )


def _task_updated(a: Activity, n: Names) -> Words:
    return ["changed the task ", strong(str(a.payload.get("title") or "")), *_when(a, n), *_for_whom(a, n)]


def _task_done(a: Activity, n: Names) -> Words:
    return ["completed ", strong(str(a.payload.get("title") or "a task"))]


def _scored(a: Activity, n: Names) -> Words:
    score = _new(a, "score")
    return ["scored this ", strong(str(score))] if score is not None else ["scored this again: nothing changed"]


def _converted(a: Activity, n: Names) -> Words:
    if a.payload.get("fromName"):
        return _with("made this deal of the lead", a.payload["fromName"])
    pipeline = a.payload.get("pipelineName")
    return _with(f"converted this into a deal{' in' if pipeline else ''}", pipeline)


def _asked(a: Activity, n: Names) -> Phrase:
    subject, summary = a.payload.get("subject"), a.payload.get("summary") or "something"
    said = _with("asked to send", subject) if subject else _with("asked for approval:", summary)
    return Phrase(_parts(said), quote=a.payload.get("body"))


_DECISIONS = {"approved": "approved ", "edited": "edited and approved ", "first": "approved, as the first of two, "}


def _decided(a: Activity, n: Names) -> Words:
    verb = _DECISIONS.get(a.payload.get("decision", ""), "rejected ")
    subject, agent = a.payload.get("subject") or a.payload.get("summary"), a.payload.get("agentName")
    asked = strong(str(subject)) if subject else text("the request")
    said: Words = [verb, asked]
    return [*said, ", asked for by ", Part("agent", agent)] if agent else said


def _closed(a: Activity, n: Names) -> Words:
    why = {"expired": "let expire ", "stale": "did not carry out "}.get(
        a.payload.get("decision", ""), "could not carry out "
    )
    return [why, strong(str(a.payload.get("summary") or "what was asked for"))]


def _refused(a: Activity, n: Names) -> Words:
    return _with("was refused", a.payload.get("name"))


def _handed(a: Activity, n: Names) -> Phrase:
    to = n.member(_new(a, "ownerId"), a.payload.get("toName"), a.payload.get("toKind"))
    return Phrase([text("handed this to "), to], quote=a.payload.get("packet"))


def _ran(a: Activity, n: Names) -> Words:
    rule = a.payload.get("rule") or a.payload.get("name")
    return _with("worked on this by the rule" if rule else "worked on this", rule and f"“{rule}”")


def _failed(a: Activity, n: Names) -> Phrase:
    return Phrase([text("could not finish")], why=a.reason or a.payload.get("error"))


def _cancelled(a: Activity, n: Names) -> Words:
    return _with("called off", a.payload.get("title") or "a task")


def _switched(a: Activity, n: Names) -> Words:
    thing = "sequence" if a.subject_type == "sequence" else "automation"
    return _with(
        f"paused the {thing}" if a.payload.get("state") == "paused" else f"switched on the {thing}",
        a.payload.get("name"),
    )


def _plainly(a: Activity, n: Names) -> Words:
    """A verb, and the name of what it was done to; a kind that nobody has given words yet is told as it is."""
    verb = VERBS.get(a.kind)
    return _with(verb, a.payload.get("name")) if verb else [f"recorded “{a.kind.replace('_', ' ')}”"]


_SENTENCES: dict[str, Sentence] = {
    kinds.LEAD_IMPORTED: _imported,
    kinds.STAGE_CHANGED: _stage_changed,
    kinds.PIPELINE_MOVED: _pipeline_moved,
    kinds.ASSIGNMENT_CHANGED: _assigned,
    kinds.FIELD_UPDATED: _updated,
    kinds.EMAIL_SENT: _wrote("sent", "logged an email sent"),
    kinds.EMAIL_RECEIVED: _wrote("replied", "logged an email received"),
    kinds.WHATSAPP_SENT: _wrote("sent a WhatsApp message", "logged a WhatsApp message sent"),
    kinds.WHATSAPP_RECEIVED: _wrote("wrote on WhatsApp", "logged a WhatsApp message received"),
    kinds.NOTE_ADDED: _wrote("wrote a note", "wrote a note"),
    kinds.CALL_LOGGED: _wrote("called", "logged a call"),
    kinds.MEETING_LOGGED: _wrote("met", "logged a meeting"),
    kinds.OTHER_LOGGED: _wrote("noted what happened", "noted what happened"),
    "contact_enriched": _enriched,
    kinds.TASK_CREATED: _task_created,
    kinds.TASK_UPDATED: _task_updated,
    kinds.TASK_COMPLETED: _task_done,
    kinds.TASK_CANCELLED: _cancelled,
    kinds.LEAD_SCORED: _scored,
    kinds.LEAD_CONVERTED: _converted,
    kinds.APPROVAL_REQUESTED: _asked,
    kinds.APPROVAL_DECIDED: _decided,
    kinds.APPROVAL_CLOSED: _closed,
    kinds.AGENT_REFUSED: _refused,
    kinds.HANDED_OFF: _handed,
    kinds.AGENT_RAN: _ran,
    kinds.AGENT_FAILED: _failed,
    kinds.AUTOMATION_SWITCHED: _switched,
    kinds.SEQUENCE_SWITCHED: _switched,
}
