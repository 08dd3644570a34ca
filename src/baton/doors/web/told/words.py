"""What each activity says, in words: who did what. Every kind has its sentence here, and only here. Spec A7, A9."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.shell.language import Told, _, english, marked, told
from baton.doors.web.shell.show import STATUSES, due_at, several
from baton.doors.web.told.changes import changed
from baton.doors.web.told.phrases import Names, Part, Phrase, actor, say, strong, text
from baton.doors.web.told.verbs import VERBS

Said = list[Part]
Sentence = Callable[[Activity, Names], Phrase | Said]


def phrase(activity: Activity, names: Names) -> Phrase:
    """The sentence of an activity. A kind that nobody has given words is told plainly, never dropped."""
    said = _SENTENCES.get(activity.kind, _plainly)(activity, names)
    if not isinstance(said, Phrase):
        said = Phrase(said)
    if approved := activity.payload.get("approvedBy"):
        said.parts.append(text(_(", approved by %(name)s") % {"name": approved}))
    said.why = said.why or (told(activity.reason) if activity.reason else None)
    return said


def _new(activity: Activity, name: str) -> Any:
    return activity.changes.get(name, [None, None])[1]


def _old(activity: Activity, name: str) -> Any:
    return activity.changes.get(name, [None, None])[0]


def _imported(a: Activity, n: Names) -> Phrase:
    via, file, message = a.payload.get("via") or a.via, a.payload.get("file"), a.payload.get("message")
    words = {
        "form": _("%(actor)s captured this lead"),
        "csv": _("%(actor)s imported this lead from %(file)s") if file else _("%(actor)s imported this lead"),
        "search": _("%(actor)s found this lead"),
    }.get(via, _("%(actor)s added this lead"))
    return Phrase(say(words, actor=actor(a), file=strong(str(file or ""))), quote=f"“{message}”" if message else None)


def _stage_changed(a: Activity, n: Names) -> Said:
    stage = n.stage(_new(a, "stageId"), a.payload.get("stageName"))
    if a.payload.get("outcome") == "won":
        return say(_("%(actor)s won this lead: moved to %(stage)s"), actor=actor(a), stage=stage)
    if _new(a, "stageId") is None and _new(a, "status"):
        status = str(_new(a, "status"))
        told_status = status if english() else STATUSES.get(status, status)
        return say(_("%(actor)s set the status to %(status)s"), actor=actor(a), status=strong(told_status))
    return say(_("%(actor)s moved to %(stage)s"), actor=actor(a), stage=stage)


def _pipeline_moved(a: Activity, n: Names) -> Said:
    pipeline, stage = n.pipeline(_new(a, "pipelineId")), _new(a, "stageId")
    if stage:
        words = _("%(actor)s moved this to the pipeline %(pipeline)s, stage %(stage)s")
        return say(words, actor=actor(a), pipeline=pipeline, stage=n.stage(stage))
    return say(_("%(actor)s moved this to the pipeline %(pipeline)s"), actor=actor(a), pipeline=pipeline)


def _assigned(a: Activity, n: Names) -> Said:
    new, old = _new(a, "ownerId"), _old(a, "ownerId")
    if new is None:
        return say(
            _("%(actor)s took this from %(owner)s and left it without an owner"), actor=actor(a), owner=n.member(old)
        )
    if a.actor_id is not None and str(a.actor_id) == new:
        return say(_("%(actor)s took this on"), actor=actor(a))
    owner = n.member(new, a.payload.get("ownerName"), a.payload.get("ownerKind"))
    return say(_("%(actor)s assigned this to %(owner)s"), actor=actor(a), owner=owner)


def _updated(a: Activity, n: Names) -> Phrase:
    found = changed(a.changes)
    if not found:
        return Phrase(say(_("%(actor)s looked over the facts"), actor=actor(a)))
    if len(found) > 1 or found[0].long:
        labels = strong(several([change.label for change in found]))
        return Phrase(say(_("%(actor)s changed %(facts)s"), actor=actor(a), facts=labels), changes=found)
    one = found[0]
    if not one.new:
        words, value = _("%(actor)s cleared the %(fact)s %(value)s"), one.old
    else:
        words = (
            _("%(actor)s changed the %(fact)s to %(value)s") if one.old else _("%(actor)s added the %(fact)s %(value)s")
        )
        value = one.new
    return Phrase(say(words, actor=actor(a), fact=one.label, value=strong(value)))


def _enriched(a: Activity, n: Names) -> Phrase:
    found = changed(a.changes)
    names = several([change.label for change in found]) or _("nothing new")
    words = _("%(actor)s looked this up and filled in %(facts)s")
    return Phrase(say(words, actor=actor(a), facts=strong(names)), changes=found)


def _wrote(verb: str, by_hand: str) -> Sentence:
    """A message, note, call or meeting: `verb` where it went through the product, `by_hand` where somebody wrote it down."""

    def sentence(a: Activity, n: Names) -> Phrase:
        parts = say(_(by_hand if a.payload.get("type") else verb), actor=actor(a))
        if subject := a.payload.get("subject"):
            parts += [text(" "), strong(str(subject))]
        if outcome := a.payload.get("outcome"):
            parts += [text(": "), strong(str(outcome))]
        minutes = a.payload.get("durationMinutes")
        if minutes:
            parts.append(text(_(", %(count)s min") % {"count": minutes}))
        happened = a.payload.get("happenedAt")
        if happened:
            parts.append(text(f", {due_at(datetime.fromisoformat(happened), n.now, n.zone)}"))
        return Phrase(parts, quote=a.payload.get("notes") or a.payload.get("body") or a.payload.get("text"))

    return sentence


def _when(a: Activity, n: Names) -> Said:
    due = a.payload.get("dueAt") or _new(a, "dueAt") or _new(a, "nextActionAt")
    if not due:
        return []
    return say(_(" for %(when)s"), when=strong(due_at(datetime.fromisoformat(due), n.now, n.zone)))


def _for_whom(a: Activity, n: Names) -> Said:
    name = a.payload.get("assigneeName")
    if not name or name == a.actor_name:
        return []
    return say(_(" with %(name)s"), name=n.member(a.payload.get("assigneeId"), name, a.payload.get("assigneeKind")))


_TASKS = Told(
    {
        "call": marked("%(actor)s scheduled a call"),
        "email": marked("%(actor)s scheduled an email"),
        "meeting": marked("%(actor)s scheduled a meeting"),
        "todo": marked("%(actor)s scheduled a task"),
    }
)


def _task_created(a: Activity, n: Names) -> Phrase:
    words = _TASKS.get(a.payload.get("taskKind", "")) or _("%(actor)s scheduled a follow-up")
    said = [*say(words, actor=actor(a)), *_when(a, n), *_for_whom(a, n)]
    title = a.payload.get("title") or ""
    return Phrase(
        said, quote=a.payload.get("notes") or (None if title.startswith("Follow up with ") else title or None)
    )


def _task_updated(a: Activity, n: Names) -> Said:
    title = strong(str(a.payload.get("title") or ""))
    return [
        *say(_("%(actor)s changed the task %(title)s"), actor=actor(a), title=title),
        *_when(a, n),
        *_for_whom(a, n),
    ]


def _task_done(a: Activity, n: Names) -> Said:
    title = a.payload.get("title")
    return say(_("%(actor)s completed %(title)s"), actor=actor(a), title=strong(str(title or _("a task"))))


def _scored(a: Activity, n: Names) -> Said:
    score = _new(a, "score")
    if score is None:
        return say(_("%(actor)s scored this again: nothing changed"), actor=actor(a))
    return say(_("%(actor)s scored this %(score)s"), actor=actor(a), score=strong(str(score)))


def _converted(a: Activity, n: Names) -> Said:
    if a.payload.get("fromName"):
        lead = strong(str(a.payload["fromName"]))
        return say(_("%(actor)s made this deal of the lead %(lead)s"), actor=actor(a), lead=lead)
    pipeline = a.payload.get("pipelineName")
    words = (
        _("%(actor)s converted this into a deal in %(pipeline)s")
        if pipeline
        else _("%(actor)s converted this into a deal")
    )
    return say(words, actor=actor(a), pipeline=strong(str(pipeline or "")))


def _asked(a: Activity, n: Names) -> Phrase:
    subject, summary = a.payload.get("subject"), a.payload.get("summary")
    if subject:
        said = say(_("%(actor)s asked to send %(subject)s"), actor=actor(a), subject=strong(str(subject)))
    else:
        words = _("%(actor)s asked for approval: %(what)s")
        said = say(words, actor=actor(a), what=strong(told(str(summary)) if summary else _("something")))
    return Phrase(said, quote=a.payload.get("body"))


_DECISIONS = Told(
    {
        "approved": marked("%(actor)s approved %(what)s"),
        "edited": marked("%(actor)s edited and approved %(what)s"),
        "first": marked("%(actor)s approved, as the first of two, %(what)s"),
    }
)


def _decided(a: Activity, n: Names) -> Said:
    words = _DECISIONS.get(a.payload.get("decision", "")) or _("%(actor)s rejected %(what)s")
    subject, agent = a.payload.get("subject") or a.payload.get("summary"), a.payload.get("agentName")
    asked = strong(told(str(subject))) if subject else text(_("the request"))
    said = say(words, actor=actor(a), what=asked)
    return [*said, *say(_(", asked for by %(agent)s"), agent=Part("agent", agent))] if agent else said


def _closed(a: Activity, n: Names) -> Said:
    words = {
        "expired": _("%(actor)s let expire %(what)s"),
        "stale": _("%(actor)s did not carry out %(what)s"),
    }.get(a.payload.get("decision", ""), _("%(actor)s could not carry out %(what)s"))
    summary = a.payload.get("summary")
    return say(words, actor=actor(a), what=strong(told(str(summary)) if summary else _("what was asked for")))


def _refused(a: Activity, n: Names) -> Said:
    return _named(a, say(_("%(actor)s was refused"), actor=actor(a)), a.payload.get("name"))


def _handed(a: Activity, n: Names) -> Phrase:
    to = n.member(_new(a, "ownerId"), a.payload.get("toName"), a.payload.get("toKind"))
    return Phrase(say(_("%(actor)s handed this to %(owner)s"), actor=actor(a), owner=to), quote=a.payload.get("packet"))


def _ran(a: Activity, n: Names) -> Said:
    rule = a.payload.get("rule") or a.payload.get("name")
    words = _("%(actor)s worked on this by the rule %(rule)s") if rule else _("%(actor)s worked on this")
    return say(words, actor=actor(a), rule=strong(f"“{rule}”"))


def _failed(a: Activity, n: Names) -> Phrase:
    return Phrase(say(_("%(actor)s could not finish"), actor=actor(a)), why=a.reason or a.payload.get("error"))


def _cancelled(a: Activity, n: Names) -> Said:
    return say(
        _("%(actor)s called off %(title)s"), actor=actor(a), title=strong(str(a.payload.get("title") or _("a task")))
    )


def _switched(a: Activity, n: Names) -> Said:
    paused = a.payload.get("state") == "paused"
    if a.subject_type == "sequence":
        words = _("%(actor)s paused the sequence") if paused else _("%(actor)s switched on the sequence")
    else:
        words = _("%(actor)s paused the automation") if paused else _("%(actor)s switched on the automation")
    return _named(a, say(words, actor=actor(a)), a.payload.get("name"))


def _named(a: Activity, said: Said, thing: object) -> Said:
    """A sentence, and the name of what it is about where it is known."""
    return [*said, text(" "), strong(str(thing))] if thing else said


def _plainly(a: Activity, n: Names) -> Said:
    """A verb, and the name of what it was done to; a kind that nobody has given words yet is told as it is."""
    verb = VERBS.get(a.kind)
    if verb:
        return _named(a, say(verb, actor=actor(a)), a.payload.get("name"))
    return say(_("%(actor)s recorded “%(kind)s”"), actor=actor(a), kind=a.kind.replace("_", " "))


_SENTENCES: dict[str, Sentence] = {
    kinds.LEAD_IMPORTED: _imported,
    kinds.STAGE_CHANGED: _stage_changed,
    kinds.PIPELINE_MOVED: _pipeline_moved,
    kinds.ASSIGNMENT_CHANGED: _assigned,
    kinds.FIELD_UPDATED: _updated,
    kinds.EMAIL_SENT: _wrote(marked("%(actor)s sent"), marked("%(actor)s logged an email sent")),
    kinds.EMAIL_RECEIVED: _wrote(marked("%(actor)s replied"), marked("%(actor)s logged an email received")),
    kinds.WHATSAPP_SENT: _wrote(
        marked("%(actor)s sent a WhatsApp message"), marked("%(actor)s logged a WhatsApp message sent")
    ),
    kinds.WHATSAPP_RECEIVED: _wrote(
        marked("%(actor)s wrote on WhatsApp"), marked("%(actor)s logged a WhatsApp message received")
    ),
    kinds.NOTE_ADDED: _wrote(marked("%(actor)s wrote a note"), marked("%(actor)s wrote a note")),
    kinds.CALL_LOGGED: _wrote(marked("%(actor)s called"), marked("%(actor)s logged a call")),
    kinds.MEETING_LOGGED: _wrote(marked("%(actor)s met"), marked("%(actor)s logged a meeting")),
    kinds.OTHER_LOGGED: _wrote(marked("%(actor)s noted what happened"), marked("%(actor)s noted what happened")),
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
