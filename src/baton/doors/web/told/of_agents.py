"""What agents asked and did, what people decided about it, and what works by itself, in words. Spec A8, A9."""

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.shell.language import Told, _, marked, told
from baton.doors.web.told.phrases import Names, Part, Phrase, Said, Sentence, actor, named, say, strong, text


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
    return named(say(_("%(actor)s was refused"), actor=actor(a)), a.payload.get("name"))


def _ran(a: Activity, n: Names) -> Said:
    rule = a.payload.get("rule") or a.payload.get("name")
    words = _("%(actor)s worked on this by the rule %(rule)s") if rule else _("%(actor)s worked on this")
    return say(words, actor=actor(a), rule=strong(f"“{rule}”"))


def _failed(a: Activity, n: Names) -> Phrase:
    return Phrase(say(_("%(actor)s could not finish"), actor=actor(a)), why=a.reason or a.payload.get("error"))


def _switched(a: Activity, n: Names) -> Said:
    paused = a.payload.get("state") == "paused"
    if a.subject_type == "sequence":
        words = _("%(actor)s paused the sequence") if paused else _("%(actor)s switched on the sequence")
    else:
        words = _("%(actor)s paused the automation") if paused else _("%(actor)s switched on the automation")
    return named(say(words, actor=actor(a)), a.payload.get("name"))


SENTENCES: dict[str, Sentence] = {
    kinds.APPROVAL_REQUESTED: _asked,
    kinds.APPROVAL_DECIDED: _decided,
    kinds.APPROVAL_CLOSED: _closed,
    kinds.AGENT_REFUSED: _refused,
    kinds.AGENT_RAN: _ran,
    kinds.AGENT_FAILED: _failed,
    kinds.AUTOMATION_SWITCHED: _switched,
    kinds.SEQUENCE_SWITCHED: _switched,
}
